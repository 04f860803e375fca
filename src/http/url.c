#include "http/url.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"

typedef struct SchemeRow {
        const char *name;
        bool has_host, has_user;
        bool has_file; /* the path names a file: it is decoded */
} SchemeRow;

static const SchemeRow schemes[_URL_SCHEME_MAX] = {
        [URL_UNIX] = { "unix", .has_file = true },
        [URL_TCP] = { "tcp", .has_host = true },
        [URL_SSH] = { "ssh", .has_host = true, .has_user = true, .has_file = true },
        [URL_HTTP] = { "http", .has_host = true },
        [URL_HTTPS] = { "https", .has_host = true },
};

void url_done(Url *url) {
        free(url->user);
        free(url->host);
        free(url->path);
        *url = (Url) { 0 };
}

/* RFC 3986, section 2.3. */
#define UNRESERVED "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"

static int append_encoded(Str *out, const char *text, const char *plain) {
        while (*text) {
                size_t n = strspn(text, plain);

                (void) str_append_n(out, text, n);
                text += n;
                if (*text)
                        (void) str_appendf(out, "%%%02X", (unsigned char) *text++);
        }
        return out->error;
}

/* No control character may come out; behind a NUL the rest would silently be lost. */
static int decode(const char *text, size_t n, char **ret, Error **reterr) {
        _cleanup_str_ Str out = STR_INIT(URL_MAX);

        for (size_t i = 0; i < n; i++) {
                char hex[3] = { 0 }, c;

                if (text[i] != '%') {
                        (void) str_append_char(&out, text[i]);
                        continue;
                }
                if (i + 2 >= n || !isxdigit((unsigned char) text[i + 1]) || !isxdigit((unsigned char) text[i + 2]))
                        return error_set(reterr, EINVAL, "a '%%' is not followed by two hexadecimal digits");
                memcpy(hex, text + i + 1, 2);
                c = (char) strtoul(hex, NULL, 16);
                if ((unsigned char) c < ' ' || c == 0x7f)
                        return error_set(reterr, EINVAL, "'%%%s' cannot be part of a name", hex);
                (void) str_append_char(&out, c);
                i += 2;
        }
        *ret = str_take(&out);
        return *ret ? 0 : error_oom(reterr);
}

static int parse_scheme(const char *text, UrlScheme *ret, const char **ret_rest, Error **reterr) {
        for (unsigned i = 0; i < _URL_SCHEME_MAX; i++) {
                size_t n = strlen(schemes[i].name);

                if (strncasecmp(text, schemes[i].name, n) != 0 || text[n] != ':')
                        continue;
                text += n + 1;
                if (str_starts_with(text, "//"))
                        text += 2;
                else if (schemes[i].has_host || *text != '/') /* "unix:/path" is common and clear */
                        return error_set(reterr, EINVAL, "'%s:' is not followed by '//'", schemes[i].name);
                *ret = i;
                *ret_rest = text;
                return 0;
        }
        return error_set(reterr, EINVAL, "it does not begin with unix://, tcp://, ssh://, http:// or https://");
}

static int parse_user(const char *text, size_t n, Url *url, Error **reterr) {
        int r;

        if (!schemes[url->scheme].has_user)
                return error_set(reterr, EINVAL, "%s:// takes no user name", schemes[url->scheme].name);
        if (memchr(text, ':', n))
                return error_set(reterr, EINVAL, "a password in it is not supported; use a key or an ssh agent");
        r = decode(text, n, &url->user, reterr);
        if (r < 0)
                return r;
        if (!*url->user || *url->user == '-' || strpbrk(url->user, "@/:"))
                return error_set(reterr, EINVAL, "its user name is not valid");
        for (const char *p = url->user; *p; p++)
                if ((unsigned char) *p <= ' ' || *p == 0x7f)
                        return error_set(reterr, EINVAL, "its user name is not valid");
        return 0;
}

static int parse_port(const char *text, size_t n, uint16_t *ret, Error **reterr) {
        char digits[6] = { 0 };

        if (n < sizeof(digits))
                memcpy(digits, text, n);
        if (parse_u16(digits, ret) < 0 || *ret == 0)
                return error_set(reterr, EINVAL, "its port is not a number from 1 to 65535");
        return 0;
}

static int parse_host(const char *text, size_t n, Url *url, Error **reterr) {
        bool is_ipv6 = n > 0 && text[0] == '[';
        const char *host = text + is_ipv6, *plain = is_ipv6 ? ":.%_-" : "-._";
        const char *end = memchr(host, is_ipv6 ? ']' : ':', n - is_ipv6), *rest;
        size_t n_host;

        if (is_ipv6 && !end)
                return error_set(reterr, EINVAL, "a '[' is not closed");
        rest = end ? end + is_ipv6 : text + n;
        n_host = (size_t) ((end ? end : rest) - host);
        if (n_host == 0)
                return error_set(reterr, EINVAL, "it has no host");
        if (is_ipv6 && !memchr(host, ':', n_host))
                return error_set(reterr, EINVAL, "only an IPv6 address stands in brackets");
        for (size_t i = 0; i < n_host; i++)
                if (!isalnum((unsigned char) host[i]) && (!strchr(plain, host[i]) || (i == 0 && host[i] == '-')))
                        return error_set(reterr, EINVAL, "its host name is not valid");
        url->host = strndup(host, n_host);
        if (!url->host)
                return error_oom(reterr);
        if (rest == text + n)
                return 0;
        if (*rest != ':')
                return error_set(reterr, EINVAL, "its host name is not valid");
        return parse_port(rest + 1, (size_t) (text + n - rest - 1), &url->port, reterr);
}

static int parse_path(const char *text, Url *url, Error **reterr) {
        size_t n = strlen(text);

        if (strpbrk(text, "?#"))
                return error_set(reterr, EINVAL, "'?' and '#' have no meaning in it");
        if (schemes[url->scheme].has_file) {
                if (n <= 1)
                        return url->scheme == URL_UNIX ? error_set(reterr, EINVAL, "it names no socket") : 0;
                if (text[0] != '/')
                        return error_set(reterr, EINVAL, "its path is not absolute");
                return decode(text, n, &url->path, reterr);
        }
        while (n > 0 && text[n - 1] == '/')
                n--;
        if (n == 0)
                return 0;
        url->path = strndup(text, n);
        return url->path ? 0 : error_oom(reterr);
}

static int parse(const char *text, Url *url, Error **reterr) {
        const char *rest = text, *at;
        size_t n;
        int r;

        for (const char *p = text; *p; p++)
                if ((unsigned char) *p <= ' ' || *p == 0x7f)
                        return error_set(reterr, EINVAL, "a space or control character stands in it");
        if (strlen(text) > URL_MAX)
                return error_set(reterr, EINVAL, "it is longer than %d bytes", URL_MAX);
        r = parse_scheme(text, &url->scheme, &rest, reterr);
        if (r < 0)
                return r;
        if (schemes[url->scheme].has_host) {
                n = strcspn(rest, "/?#");
                at = memrchr(rest, '@', n);
                if (at) {
                        r = parse_user(rest, (size_t) (at - rest), url, reterr);
                        if (r < 0)
                                return r;
                        n -= (size_t) (at - rest) + 1;
                        rest = at + 1;
                }
                r = parse_host(rest, n, url, reterr);
                if (r < 0)
                        return r;
                rest += n;
        }
        return parse_path(rest, url, reterr);
}

int url_parse(const char *text, Url *ret, Error **reterr) {
        _cleanup_(url_done) Url url = { 0 };
        int r;

        r = parse(text, &url, reterr);
        if (r < 0) {
                /* Up to the scheme only: there may be a password in the rest. */
                _cleanup_free_ char *shown = strchr(text, '@') ? NULL : str_escape(text, strlen(text), 100);

                return error_wrap(reterr, r, "URL '%s'", shown ? shown : "...@...");
        }
        *ret = url;
        url = (Url) { 0 };
        return 0;
}

char *url_format(const Url *url) {
        _cleanup_str_ Str out = STR_INIT(4 * URL_MAX);
        const SchemeRow *scheme = &schemes[url->scheme];

        (void) str_appendf(&out, "%s://", scheme->name);
        if (url->user) {
                (void) append_encoded(&out, url->user, UNRESERVED);
                (void) str_append_char(&out, '@');
        }
        if (url->host)
                (void) str_appendf(&out, strchr(url->host, ':') ? "[%s]" : "%s", url->host);
        if (url->port)
                (void) str_appendf(&out, ":%u", url->port);
        if (url->path && scheme->has_file)
                (void) append_encoded(&out, url->path, UNRESERVED "/");
        else
                (void) str_append(&out, url->path);
        return str_take(&out);
}

char *url_show(const char *text) {
        const char *host = strrchr(text, '@'), *slashes = strstr(text, "://");
        const char *user = slashes && host && slashes < host ? slashes + strlen("://") : text;
        const char *colon = host ? memchr(user, ':', (size_t) (host - user)) : NULL;
        _cleanup_free_ char *shown = colon ? str_printf("%.*s:...%s", (int) (colon - text), text, host) : strdup(text);

        return shown ? str_escape(shown, strlen(shown), URL_MAX) : NULL;
}

int url_append_query(Str *url, const char *name, const char *value) {
        if (!value)
                return url->error;
        (void) str_append_char(url, strchr(str_get(url), '?') ? '&' : '?');
        (void) append_encoded(url, name, UNRESERVED);
        (void) str_append_char(url, '=');
        return append_encoded(url, value, UNRESERVED);
}

int url_append_segment(Str *url, const char *segment) {
        return append_encoded(url, segment, UNRESERVED);
}
