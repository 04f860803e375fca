/*
 * A reply is the same whether it comes at once or byte by byte; what is told of it are clean lines. The first byte:
 * HEAD or not.
 */

#include <errno.h>

#include "base/str.h"
#include "fuzz.h"
#include "http/parser.h"

#define STORY_MAX (8U * 1024 * 1024)

typedef struct Story {
        Str headers, body;
        int r;
        size_t n_used;
        Parser parser;
} Story;

static int on_header(const char *line, size_t n, void *userdata) {
        Story *story = userdata;

        require(n > 0 && strlen(line) == n && !strpbrk(line, "\r\n"));
        return str_append_n(&story->headers, line, n + 1);
}

static int on_body(const char *bytes, size_t n, void *userdata) {
        Story *story = userdata;

        require(n > 0);
        return str_append_n(&story->body, bytes, n);
}

static void read_reply(Story *story, bool is_head, const char *bytes, size_t n, size_t step) {
        _cleanup_(error_freep) Error *error = NULL;

        *story = (Story) { .headers = STR_INIT(STORY_MAX), .body = STR_INIT(STORY_MAX) };
        parser_init(&story->parser, is_head, on_header, on_body, story);
        while (story->n_used < n && story->r == 0) {
                /* On the heap and no larger than told, so that the sanitizer sees a byte that is read beyond. */
                size_t k = MIN(step, n - story->n_used), used = 0;
                _cleanup_free_ char *piece = malloc(k);

                require(piece);
                memcpy(piece, bytes + story->n_used, k);
                story->r = parser_feed(&story->parser, piece, k, &used, &error);
                require(used <= k);
                require(story->r != 0 || used == k);
                story->n_used += used;
        }
        require(story->r < 0 || !error);
        require(story->r != -EPROTO || error);
        require(story->r <= 1 && (story->r >= 0 || story->r == -EPROTO || story->r == -EMSGSIZE));
        if (story->r >= 0)
                story->r = parser_end(&story->parser, NULL);
}

static void story_done(Story *story) {
        parser_done(&story->parser);
        str_done(&story->headers);
        str_done(&story->body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *bytes = (const char *) data + 1;
        Story whole, pieces;
        bool is_head;

        if (size < 1 || size > STORY_MAX / 4)
                return 0;
        is_head = data[0] == 'H';
        read_reply(&whole, is_head, bytes, size - 1, size);
        read_reply(&pieces, is_head, bytes, size - 1, 1);
        require(whole.r == pieces.r && whole.parser.status == pieces.parser.status);
        require(whole.r < 0 || whole.n_used == pieces.n_used);
        require(whole.headers.n == pieces.headers.n && whole.body.n == pieces.body.n);
        require(memcmp(str_get(&whole.headers), str_get(&pieces.headers), whole.headers.n) == 0);
        require(memcmp(str_get(&whole.body), str_get(&pieces.body), whole.body.n) == 0);
        story_done(&whole);
        story_done(&pieces);
        return 0;
}
