#include "http/parser.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"

#define LENGTH_DIGITS_MAX 18 /* so that it fits */
#define CHUNK_DIGITS_MAX 15

void parser_init(Parser *parser, bool is_head, ParserHeader on_header, ParserBody on_body, void *userdata) {
        str_done(&parser->line);
        *parser = (Parser) { .is_head = is_head,
                            .line = STR_INIT(PARSER_HEAD_MAX),
                            .on_header = on_header,
                            .on_body = on_body,
                            .userdata = userdata };
}

void parser_done(Parser *parser) {
        str_done(&parser->line);
}

static int refuse(Error **reterr, const char *what, const Str *line) {
        _cleanup_free_ char *shown = str_escape(str_get(line), line->n, 60);

        return error_set(reterr, EPROTO, "the answer is not HTTP: %s: '%s'", what, shown ? shown : "");
}

static bool is_token(const char *text, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char) text[i]) && (!text[i] || !strchr("!#$%&'*+-.^_`|~", text[i])))
                        return false;
        return n > 0;
}

/* One word of a list like "close, upgrade". */
static bool list_has(const char *list, const char *word) {
        size_t n = strlen(word);

        while (*list) {
                size_t k;

                list += strspn(list, ", \t");
                k = strcspn(list, ", \t");
                if (k == n && strncasecmp(list, word, n) == 0)
                        return true;
                list += k;
        }
        return false;
}

static int take_status_line(Parser *parser, Error **reterr) {
        const char *line = str_get(&parser->line);

        /* "HTTP/1.1 200 OK"; the reason may be missing, and its blank too */
        if (strncmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') || line[8] != ' ' ||
            !isdigit((unsigned char) line[9]) || !isdigit((unsigned char) line[10]) ||
            !isdigit((unsigned char) line[11]) || (line[12] && line[12] != ' ') || line[9] == '0')
                return refuse(reterr, "its first line", &parser->line);
        parser->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
        if (parser->status == 101 && !parser->takes_upgrade)
                return refuse(reterr, "an upgrade that nobody asked for", &parser->line);
        parser->keeps_open = line[7] == '1';
        parser->is_chunked = parser->has_length = false;
        parser->n_left = 0;
        parser->state = PARSER_HEADERS;
        return 0;
}

static int take_length(Parser *parser, const char *value, Error **reterr) {
        uint64_t length;

        if (strspn(value, "0123456789") != strlen(value) || strlen(value) > LENGTH_DIGITS_MAX ||
            parse_u64(value, &length) < 0 || (parser->has_length && length != parser->n_left))
                return refuse(reterr, "its length", &parser->line);
        parser->has_length = true;
        parser->n_left = length;
        return 0;
}

static int take_header(Parser *parser, Error **reterr) {
        const char *line = str_get(&parser->line), *colon = strchr(line, ':');
        _cleanup_free_ char *value = NULL;
        size_t n_name;

        if (!colon || !is_token(line, (size_t) (colon - line)))
                return refuse(reterr, "a header", &parser->line);
        n_name = (size_t) (colon - line);
        value = strdup(colon + 1 + strspn(colon + 1, " \t"));
        if (!value)
                return error_oom(reterr);
        for (size_t n = strlen(value); n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'); n--)
                value[n - 1] = '\0';

        if (n_name == strlen("Content-Length") && strncasecmp(line, "Content-Length", n_name) == 0)
                return take_length(parser, value, reterr);
        if (n_name == strlen("Transfer-Encoding") && strncasecmp(line, "Transfer-Encoding", n_name) == 0) {
                if (strcasecmp(value, "chunked") != 0 || parser->is_chunked)
                        return refuse(reterr, "its encoding", &parser->line);
                parser->is_chunked = true;
        }
        if (n_name == strlen("Connection") && strncasecmp(line, "Connection", n_name) == 0 && list_has(value, "close"))
                parser->keeps_open = false;
        return 0;
}

/* The empty line: what follows? */
static int take_head_end(Parser *parser, Error **reterr) {
        if (parser->is_chunked && parser->has_length)
                return error_set(reterr, EPROTO, "the answer is not HTTP: it has both a length and chunks");
        if (parser->status < 200 && parser->status != 101)
                parser->state = PARSER_STATUS_LINE;
        else if (parser->status == 101 || parser->is_head || parser->status == 204 || parser->status == 304)
                parser->state = PARSER_DONE;
        else if (parser->is_chunked)
                parser->state = PARSER_CHUNK_SIZE;
        else if (parser->has_length)
                parser->state = parser->n_left > 0 ? PARSER_BODY : PARSER_DONE;
        else {
                parser->state = PARSER_UNTIL_END;
                parser->keeps_open = false;
        }
        return 0;
}

static int take_chunk_size(Parser *parser, Error **reterr) {
        const char *line = str_get(&parser->line);
        size_t n = strspn(line, "0123456789abcdefABCDEF");

        /* What may follow are extensions, which mean nothing to us. */
        if (n == 0 || n > CHUNK_DIGITS_MAX || (line[n] && !strchr("; \t", line[n])))
                return refuse(reterr, "the size of a chunk", &parser->line);
        parser->n_left = strtoull(line, NULL, 16);
        parser->state = parser->n_left > 0 ? PARSER_CHUNK : PARSER_TRAILERS;
        return 0;
}

static int take_line(Parser *parser, Error **reterr) {
        size_t n = parser->line.n;
        bool is_empty = n == 0;

        switch (parser->state) {
        case PARSER_STATUS_LINE:
                return take_status_line(parser, reterr);
        case PARSER_HEADERS:
                return is_empty ? take_head_end(parser, reterr) : take_header(parser, reterr);
        case PARSER_CHUNK_SIZE:
                return take_chunk_size(parser, reterr);
        case PARSER_CHUNK_END:
                if (!is_empty)
                        return refuse(reterr, "the end of a chunk", &parser->line);
                parser->state = PARSER_CHUNK_SIZE;
                return 0;
        default: /* PARSER_TRAILERS */
                if (is_empty)
                        parser->state = PARSER_DONE;
                return 0;
        }
}

/* Whether what the line belongs to is limited as a whole; chunk sizes are not: there may be any number of them. */
static bool is_head_state(ParserState state) {
        return state == PARSER_STATUS_LINE || state == PARSER_HEADERS || state == PARSER_TRAILERS;
}

static int feed_line(Parser *parser, const char *bytes, size_t n, size_t *ret_used, Error **reterr) {
        const char *end = memchr(bytes, '\n', n);
        bool is_header = parser->state == PARSER_STATUS_LINE || parser->state == PARSER_HEADERS;
        size_t n_line = end ? (size_t) (end - bytes) : n;
        int r;

        *ret_used = end ? n_line + 1 : n;
        parser->n_head += is_head_state(parser->state) ? *ret_used : 0;
        if (parser->n_head > PARSER_HEAD_MAX || str_append_n(&parser->line, bytes, n_line) == -E2BIG)
                return error_set(reterr, EMSGSIZE, "the head of the answer is larger than %u bytes", PARSER_HEAD_MAX);
        if (parser->line.error < 0)
                return error_oom(reterr);
        if (!end)
                return 0;

        if (parser->line.n > 0 && parser->line.bytes[parser->line.n - 1] == '\r')
                parser->line.bytes[--parser->line.n] = '\0';
        if (memchr(str_get(&parser->line), '\0', parser->line.n) ||
            memchr(str_get(&parser->line), '\r', parser->line.n))
                return refuse(reterr, "a control character in a line", &parser->line);
        r = take_line(parser, reterr);
        if (r >= 0 && is_header && parser->line.n > 0)
                r = parser->on_header(str_get(&parser->line), parser->line.n, parser->userdata);
        if (r < 0)
                return r;
        str_clear(&parser->line);
        return 0;
}

static int feed_body(Parser *parser, const char *bytes, size_t n, size_t *ret_used, Error **reterr) {
        int r;

        if (parser->state != PARSER_UNTIL_END)
                n = (size_t) MIN(n, parser->n_left);
        *ret_used = n;
        r = parser->on_body(bytes, n, parser->userdata);
        if (r < 0)
                return r;
        if (parser->state == PARSER_UNTIL_END)
                return 0;
        parser->n_left -= n;
        if (parser->n_left == 0)
                parser->state = parser->state == PARSER_CHUNK ? PARSER_CHUNK_END : PARSER_DONE;
        return 0;
}

int parser_feed(Parser *parser, const char *bytes, size_t n, size_t *ret_used, Error **reterr) {
        size_t at = 0;

        *ret_used = 0;
        parser->saw_any = parser->saw_any || n > 0;
        while (at < n && parser->state != PARSER_DONE) {
                bool is_body = parser->state == PARSER_BODY || parser->state == PARSER_CHUNK ||
                               parser->state == PARSER_UNTIL_END;
                size_t used = 0;
                int r;

                r = (is_body ? feed_body : feed_line)(parser, bytes + at, n - at, &used, reterr);
                if (r < 0)
                        return r;
                at += used;
        }
        *ret_used = at;
        return parser->state == PARSER_DONE;
}

int parser_end(Parser *parser, Error **reterr) {
        if (parser->state == PARSER_DONE || parser->state == PARSER_UNTIL_END)
                return 1;
        return error_set(reterr, ECONNRESET,
                         parser->saw_any ? "the connection was cut in the middle of the answer"
                                         : "the connection was cut before an answer came");
}
