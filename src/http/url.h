#pragma once

/* URLs of engines: unix:///path, tcp://host:port, ssh://user@host:port/path. */

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

typedef enum UrlScheme { URL_UNIX, URL_TCP, URL_SSH, URL_HTTP, URL_HTTPS, _URL_SCHEME_MAX } UrlScheme;

typedef struct Url {
        UrlScheme scheme;
        char *user, *host, *path; /* NULL: not given */
        uint16_t port;            /* 0: not given */
} Url;

int url_parse(const char *text, Url *ret, Error **reterr);
void url_done(Url *url);

/** url_append_query() - "?name=value" or "&name=value", percent-encoded; NULL value: nothing */
int url_append_query(Str *url, const char *name, const char *value);
/** url_append_segment() - one path segment, percent-encoded, without a slash before it */
int url_append_segment(Str *url, const char *segment);
