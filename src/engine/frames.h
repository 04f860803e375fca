#pragma once

/*
 * Two streams in one, as attach and logs send them: frames of 8 bytes [stream, 0, 0, 0, length as u32 big-endian] and
 * the payload. Lines are not kept together; a frame is what was read at once.
 */

#include <stdint.h>

#include "engine/engine.h"

#define FRAME_HEADER 8U

typedef struct FrameParser {
        unsigned char header[FRAME_HEADER];
        size_t n_header;
        uint32_t n_left; /* of the payload being read */
        int stream;
        uint64_t skip[3];  /* bytes of each stream that are not handed on: they were, before */
        uint64_t taken[3]; /* bytes of each stream so far, skipped ones included */
} FrameParser;

/** frame_parser_feed() - hands on what a piece holds; -EPROTO if it is no frame */
int frame_parser_feed(FrameParser *parser, const char *bytes, size_t n, EngineOutput output, void *userdata);
