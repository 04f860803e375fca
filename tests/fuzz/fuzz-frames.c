/*
 * Two streams in one: the same is handed on however the reading was cut; skipping takes exactly what was told before.
 * 
 */

#include "fuzz.h"

#include "engine/frames.h"

typedef struct Heard {
        uint64_t n[3];
        uint64_t sum;
} Heard;

static void hear(int stream, const char *bytes, size_t n, void *userdata) {
        Heard *heard = userdata;

        require(stream == 1 || stream == 2);
        require(n > 0);
        heard->n[stream] += n;
        for (size_t i = 0; i < n; i++)
                heard->sum = heard->sum * 1099511628211U + (unsigned char) bytes[i] + (uint64_t) stream;
}

static int read_in_pieces(const uint8_t *data, size_t size, size_t n_piece, FrameParser *parser, Heard *heard) {
        int r = 0;

        for (size_t i = 0, n; i < size && r == 0; i += n) {
                _cleanup_free_ char *piece = NULL;

                n = MIN(n_piece, size - i);
                piece = fuzz_text(data + i, n);
                r = frame_parser_feed(parser, piece, n, hear, heard);
        }
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        FrameParser whole = { 0 }, cut = { 0 }, rest = { 0 };
        Heard heard = { 0 }, heard_cut = { 0 }, heard_rest = { 0 };
        int r;

        if (size == 0)
                return 0;
        r = read_in_pieces(data, size, size, &whole, &heard);
        require(read_in_pieces(data, size, 1 + data[size - 1] % 61U, &cut, &heard_cut) == r);
        require(heard.sum == heard_cut.sum);
        require(heard.n[1] + heard.n[2] <= size);
        for (int stream = 1; stream <= 2; stream++) {
                require(heard.n[stream] == heard_cut.n[stream]);
                require(whole.taken[stream] == heard.n[stream]);
                rest.skip[stream] = whole.taken[stream];
        }
        (void) read_in_pieces(data, size, size, &rest, &heard_rest);
        require(heard_rest.n[1] == 0 && heard_rest.n[2] == 0);
        return 0;
}
