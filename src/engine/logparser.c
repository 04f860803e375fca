#include <ctype.h>
#include <string.h>

#include "engine/logtail.h"

/* What stands behind the time. */
static const struct LogKind {
        char text[10]; /* and no NUL */
        int stream;
        bool is_full;
} log_kinds[] = {
        { " stdout F ", 1, true },
        { " stdout P ", 1, false },
        { " stderr F ", 2, true },
        { " stderr P ", 2, false },
};

enum { HEADER_BAD = -1, HEADER_SHORT = 0 };

/* The length of the header at @p, HEADER_SHORT if it goes on behind the n bytes, HEADER_BAD if there is none. */
static int log_header_parse(const char *p, size_t n, const struct LogKind **ret) {
        const char *space = memchr(p, ' ', MIN(n, LOG_HEADER_MAX));
        size_t n_time = space ? (size_t) (space - p) : n, n_rest = n - n_time;

        if (n > 0 && !isdigit((unsigned char) p[0]))
                return HEADER_BAD;
        if (n_time + sizeof(log_kinds[0].text) > LOG_HEADER_MAX || memchr(p, '\n', n_time))
                return HEADER_BAD;
        FOREACH_ROW(kind, log_kinds)
                if (memcmp(p + n_time, kind->text, MIN(n_rest, sizeof(kind->text))) == 0) {
                        if (n_rest < sizeof(kind->text))
                                return HEADER_SHORT;
                        *ret = kind;
                        return (int) (n_time + sizeof(kind->text));
                }
        return HEADER_BAD;
}

/*
 * What waits to be handed on: the front of the piece being read, into which the texts of its records are moved
 * together.
 */
typedef struct LogBatch {
        char *bytes;
        size_t n;
        int stream;
        EngineOutput output;
        void *userdata;
} LogBatch;

static void batch_flush(LogBatch *batch) {
        if (batch->n > 0)
                batch->output(batch->stream, batch->bytes, batch->n, batch->userdata);
        batch->bytes += batch->n;
        batch->n = 0;
}

static void batch_add(LogBatch *batch, int stream, const char *text, size_t n) {
        if (stream != batch->stream)
                batch_flush(batch);
        batch->stream = stream;
        memmove(batch->bytes + batch->n, text, n);
        batch->n += n;
}

/* Takes the header at the front of the piece, the kept beginning included. Returns how much of the piece it was. */
static size_t take_header(LogParser *parser, const char *in, size_t n, LogBatch *batch) {
        size_t n_kept = parser->n_header, n_more = MIN(n, sizeof(parser->header) - n_kept);
        const struct LogKind *kind = NULL;
        int length;

        if (n_kept > 0) {
                memcpy(parser->header + n_kept, in, n_more);
                length = log_header_parse(parser->header, n_kept + n_more, &kind);
        } else
                length = log_header_parse(in, n, &kind);

        if (length == HEADER_SHORT) {
                if (n_kept == 0)
                        memcpy(parser->header, in, n_more);
                parser->n_header = n_kept + n_more;
                return n_more;
        }
        parser->n_header = 0;
        if (length == HEADER_BAD) {
                /* No record: the whole line is text. What was kept of it is in front of what the piece holds. */
                batch_flush(batch);
                if (n_kept > 0)
                        batch->output(1, parser->header, n_kept, batch->userdata);
                parser->stream = 1;
                parser->is_full = true;
                return 0;
        }
        parser->stream = kind->stream;
        parser->is_full = kind->is_full;
        return (size_t) length - n_kept;
}

void log_parser_feed(LogParser *parser, char *bytes, size_t n, EngineOutput output, void *userdata) {
        LogBatch batch = { .bytes = bytes, .output = output, .userdata = userdata };
        char *in = bytes, *const end = bytes + n;

        while (in < end) {
                char *newline;

                if (parser->stream == 0) {
                        in += take_header(parser, in, (size_t) (end - in), &batch);
                        if (parser->stream == 0 || in == end)
                                continue;
                }
                newline = memchr(in, '\n', (size_t) (end - in));
                batch_add(&batch, parser->stream, in, (size_t) ((newline ? newline + parser->is_full : end) - in));
                in = newline ? newline + 1 : end;
                if (newline)
                        parser->stream = 0;
        }
        batch_flush(&batch);
}
