/*
 * A URL that is taken can be written, and what is written means the same. Nothing in it can be an option or another
 * line.
 */

#include <errno.h>

#include "fuzz.h"
#include "http/url.h"

static void check_text(const char *text) {
        for (; text && *text; text++)
                require((unsigned char) *text >= 0x20 && *text != 0x7f);
}

static void check_same(const Url *a, const Url *b) {
        require(a->scheme == b->scheme && a->port == b->port);
        require(str_equal(a->user, b->user) && str_equal(a->host, b->host) && str_equal(a->path, b->path));
}

/* What is encoded holds only characters that mean nothing in a URL. */
static void check_encoding(const char *text) {
        _cleanup_str_ Str url = STR_INIT(STR_MAX_DEFAULT);

        require(url_append_segment(&url, text) == 0);
        require(url_append_query(&url, "a", text) == 0);
        require(strspn(str_get(&url), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%?=") ==
                url.n);
        require(strchr(str_get(&url), '?') == strrchr(str_get(&url), '?'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(url_done) Url url = { 0 }, again = { 0 };
        _cleanup_free_ char *text = fuzz_text(data, size), *written = NULL;
        int r;

        check_encoding(text);
        r = url_parse(text, &url, &error);
        require((r < 0) == (error != NULL));
        if (r < 0) {
                require(r == -EINVAL && !url.host && !url.path && !url.user);
                check_text(error_message(error, r));
                return 0;
        }
        require((url.scheme == URL_UNIX) == !url.host);
        require(!url.host || (*url.host && *url.host != '-'));
        require(!url.user || (*url.user && *url.user != '-'));
        check_text(url.user);
        check_text(url.host);
        check_text(url.path);
        written = url_format(&url);
        require(written);
        require(url_parse(written, &again, NULL) == 0);
        check_same(&url, &again);
        return 0;
}
