#pragma once

/*
 * The replies of an HTTP/1.1 server, read piece by piece as they come (RFC 9112). Pure: no I/O. What is not clear is
 * refused, never guessed: two lengths, folded lines, other encodings than chunked.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define PARSER_HEAD_MAX (64U * 1024) /* bytes of status line, headers, interim replies and trailers together */

/* Both may end the parsing by a negative answer. The status line is a header too, the first one. */
typedef int (*ParserHeader)(const char *line, size_t n, void *userdata);
typedef int (*ParserBody)(const char *bytes, size_t n, void *userdata);

typedef enum ParserState {
        PARSER_STATUS_LINE,
        PARSER_HEADERS,
        PARSER_BODY,      /* so and so many bytes */
        PARSER_UNTIL_END, /* as many as come */
        PARSER_CHUNK_SIZE,
        PARSER_CHUNK,
        PARSER_CHUNK_END,
        PARSER_TRAILERS,
        PARSER_DONE,
} ParserState;

typedef struct Parser {
        ParserState state;
        bool is_head;    /* the request was HEAD: no body follows */
        /* the connection may become another one: what follows the head of 101 is no answer any more */
        bool takes_upgrade;
        bool saw_any;    /* a byte came */
        bool keeps_open; /* the connection can be used again */
        bool is_chunked, has_length;
        int status;
        uint64_t n_left; /* of the body or chunk */
        size_t n_head;
        Str line;
        ParserHeader on_header;
        ParserBody on_body;
        void *userdata;
} Parser;

/** parser_init() - for the reply to one request; also to use it again */
void parser_init(Parser *parser, bool is_head, ParserHeader on_header, ParserBody on_body, void *userdata);

/**
 * parser_feed() - the next bytes
 * @ret_used: how many belong to this reply; fewer than @n only when it is done
 *
 * Return: 1 when the reply is done, 0 if more is needed, -EPROTO, -EMSGSIZE (PARSER_HEAD_MAX), or what a callback said.
 */
int parser_feed(Parser *parser, const char *bytes, size_t n, size_t *ret_used, Error **reterr);

/** parser_end() - no more bytes will come: 1 if the reply is whole, else -ECONNRESET */
int parser_end(Parser *parser, Error **reterr);
void parser_done(Parser *parser);
