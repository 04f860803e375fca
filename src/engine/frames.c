#include "engine/frames.h"

#include <errno.h>
#include <string.h>

static int take_header(FrameParser *parser) {
        const unsigned char *h = parser->header;

        parser->n_header = 0;
        if (h[0] > 2 || h[1] != 0 || h[2] != 0 || h[3] != 0)
                return -EPROTO;
        parser->stream = h[0] == 2 ? 2 : 1; /* 0 is standard input, echoed; nobody has one */
        parser->n_left = (uint32_t) h[4] << 24 | (uint32_t) h[5] << 16 | (uint32_t) h[6] << 8 | h[7];
        return 0;
}

static void take_payload(FrameParser *parser, const char *bytes, size_t n, EngineOutput output, void *userdata) {
        uint64_t *skip = &parser->skip[parser->stream];
        size_t n_skip = (size_t) MIN(*skip, (uint64_t) n);

        *skip -= n_skip;
        parser->taken[parser->stream] += n;
        if (n > n_skip && output)
                output(parser->stream, bytes + n_skip, n - n_skip, userdata);
}

int frame_parser_feed(FrameParser *parser, const char *bytes, size_t n, EngineOutput output, void *userdata) {
        size_t k;
        int r;

        for (; n > 0; bytes += k, n -= k)
                if (parser->n_left > 0) {
                        k = MIN(n, parser->n_left);
                        parser->n_left -= (uint32_t) k;
                        take_payload(parser, bytes, k, output, userdata);
                } else {
                        k = MIN(n, FRAME_HEADER - parser->n_header);
                        memcpy(parser->header + parser->n_header, bytes, k);
                        parser->n_header += k;
                        r = parser->n_header == FRAME_HEADER ? take_header(parser) : 0;
                        if (r < 0)
                                return r;
                }
        return 0;
}
