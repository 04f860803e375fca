/* The container's log: the same is handed on however the reading was cut, and never more than was written. */

#include "fuzz.h"

#include "base/str.h"
#include "engine/logtail.h"

#define OUT_MAX (1024U * 1024)

typedef struct Heard {
        Str text; /* each byte behind its stream */
        size_t n;
} Heard;

static void hear(int stream, const char *bytes, size_t n, void *userdata) {
        Heard *heard = userdata;

        require(stream == 1 || stream == 2);
        require(n > 0);
        heard->n += n;
        for (size_t i = 0; i < n; i++) {
                (void) str_append_char(&heard->text, (char) stream);
                (void) str_append_char(&heard->text, bytes[i]);
        }
}

static void read_in_pieces(const uint8_t *data, size_t size, size_t n_piece, Heard *heard) {
        LogParser parser = { 0 };

        for (size_t i = 0, n; i < size; i += n) {
                _cleanup_free_ char *piece = NULL;

                n = MIN(n_piece, size - i);
                piece = fuzz_text(data + i, n);
                log_parser_feed(&parser, piece, n, hear, heard);
                require(parser.n_header <= LOG_HEADER_MAX);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Heard whole = { .text = STR_INIT(OUT_MAX) }, cut = { .text = STR_INIT(OUT_MAX) };

        if (size == 0 || size > OUT_MAX / 4)
                return 0;
        read_in_pieces(data, size, size, &whole);
        read_in_pieces(data, size, 1 + data[size - 1] % 61U, &cut);
        require(whole.n <= size);
        require(whole.text.n == cut.text.n);
        require(memcmp(str_get(&whole.text), str_get(&cut.text), whole.text.n) == 0);
        str_done(&whole.text);
        str_done(&cut.text);
        return 0;
}
