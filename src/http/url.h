#pragma once

/* URLs of engines: unix:///path, tcp://host:port, ssh://user@host:port/path. */

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define URL_MAX 4096 /* bytes */

typedef enum UrlScheme { URL_UNIX, URL_TCP, URL_SSH, URL_HTTP, URL_HTTPS, _URL_SCHEME_MAX } UrlScheme;

typedef struct Url {
        UrlScheme scheme;
        char *user, *host; /* NULL: not given; an IPv6 host without its brackets */
        char *path; /* of unix and ssh a file name, decoded; of the others as it was written; NULL: none, or only "/" */
        uint16_t port;     /* 0: not given */
} Url;

/**
 * url_parse() - what is wrong is told as a sentence (-EINVAL)
 *
 * Neither user nor host begin with '-', as they end up in the arguments of ssh(1). A password, a query and a fragment
 * are refused. On failure *ret is untouched. Source: RFC 3986, podman-system-connection(1).
 */
int url_parse(const char *text, Url *ret, Error **reterr);
void url_done(Url *url);

/** url_format() - the text that gives the same Url; NULL if memory is out */
char *url_format(const Url *url);

/** url_show() - for messages, of whatever was given: without what may be a password; NULL if memory is out */
char *url_show(const char *text);

/** url_append_query() - "?name=value" or "&name=value", percent-encoded; NULL value: nothing */
int url_append_query(Str *url, const char *name, const char *value);
/** url_append_segment() - one path segment, percent-encoded, without a slash before it */
int url_append_segment(Str *url, const char *segment);
