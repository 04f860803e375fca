/* The forms that git-fetch(1) knows under "GIT URLS". */

#include "cli/git-url.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"

typedef enum Transport {
        TRANSPORT_HTTP,
        TRANSPORT_SSH,
        TRANSPORT_GIT,
        TRANSPORT_PATH,
} Transport;

static const struct {
        const char *scheme;
        Transport transport;
} schemes[] = {
        { "https", TRANSPORT_HTTP },  { "http", TRANSPORT_HTTP },   { "ssh", TRANSPORT_SSH },
        { "git+ssh", TRANSPORT_SSH }, { "ssh+git", TRANSPORT_SSH }, { "git", TRANSPORT_GIT },
        { "file", TRANSPORT_PATH },
};

/* The parts of an address, cut out of its text. */
typedef struct Parts {
        Transport transport;
        char *scheme, *user, *host, *port, *path; /* host: with the brackets of IPv6 */
} Parts;

static void parts_done(Parts *parts) {
        free(parts->scheme);
        free(parts->user);
        free(parts->host);
        free(parts->port);
        free(parts->path);
}

static bool has_control_characters(const char *text) {
        for (; *text; text++)
                if (iscntrl((unsigned char) *text))
                        return true;
        return false;
}

static int cut(char **ret, const char *start, const char *end) {
        *ret = strndup(start, (size_t) (end - start));
        return *ret ? 0 : -ENOMEM;
}

/* A name, a number, or an IPv6 address in brackets. */
static bool is_host(const char *text) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        size_t n = strlen(text), k = 0;

        if (*text == '[') {
                for (k = 1; text[k] && strchr("abcdefABCDEF0123456789:.", text[k]);)
                        k++;
                return k > 1 && k == n - 1 && text[k] == ']';
        }
        while (text[k] && (strchr(letters, text[k]) || strchr(".-_", text[k])))
                k++;
        return n > 0 && k == n;
}

/* [USER[:PASSWORD]@]HOST[:PORT] */
static int cut_authority(const char *start, const char *end, Parts *parts) {
        const char *at = memrchr(start, '@', (size_t) (end - start)), *port;
        int r = 0;

        if (at) {
                const char *colon = memchr(start, ':', (size_t) (at - start));

                r = cut(&parts->user, start, colon ? colon : at);
                start = at + 1;
        }
        port = memrchr(start, ':', (size_t) (end - start));
        if (port && memchr(port, ']', (size_t) (end - port)))
                port = NULL; /* a colon of an IPv6 address */
        if (r >= 0)
                r = cut(&parts->host, start, port ? port : end);
        if (r >= 0 && !is_host(parts->host))
                return -EINVAL;
        if (r >= 0 && port && port + 1 < end)
                r = cut(&parts->port, port + 1, end);
        if (r >= 0 && parts->port && strspn(parts->port, "0123456789") != strlen(parts->port))
                return -EINVAL;
        return r;
}

static int cut_url(const char *text, const char *separator, Parts *parts) {
        const char *authority = separator + strlen("://"), *path = strchrnul(authority, '/');
        int r;

        r = cut(&parts->scheme, text, separator);
        if (r < 0)
                return r;
        FOREACH_ROW(row, schemes)
                if (str_equal(row->scheme, parts->scheme)) {
                        parts->transport = row->transport;
                        if (row->transport != TRANSPORT_PATH)
                                r = cut_authority(authority, path, parts);
                        if (r >= 0)
                                r = cut(&parts->path, path, path + strlen(path));
                        return r;
                }
        return -EINVAL;
}

/* [USER@]HOST:PATH, where the host may be an IPv6 address in brackets */
static int cut_scp(const char *text, const char *colon, Parts *parts) {
        const char *path = colon + 1;
        int r;

        parts->transport = TRANSPORT_SSH;
        /* "user:password@host:path" is no such address, and would tell the password as a path */
        if (memchr(path, '@', strcspn(path, "/")))
                return -EINVAL;
        r = cut_authority(text, colon, parts);
        return r < 0 ? r : cut(&parts->path, path, path + strlen(path));
}

/* The colon of "user@host:path", the first one but for those of an IPv6 address; NULL: it is no such thing. */
static const char *find_scp_colon(const char *text) {
        const char *at = memchr(text, '@', strcspn(text, "/:[")), *host = at ? at + 1 : text, *colon;

        if (*host == '[') {
                const char *bracket = strchr(host, ']');

                return bracket && bracket[1] == ':' ? bracket + 1 : NULL;
        }
        colon = strchr(text, ':');
        return colon && !memchr(text, '/', (size_t) (colon - text)) ? colon : NULL;
}

static int cut_parts(const char *text, Parts *parts) {
        const char *separator = strstr(text, "://"), *colon = find_scp_colon(text);

        if (separator)
                return cut_url(text, separator, parts);
        if (colon && colon[1] == ':')
                return -EINVAL; /* "helper::address" */
        if (colon)
                return cut_scp(text, colon, parts);
        parts->transport = TRANSPORT_PATH;
        return cut(&parts->path, text, text + strlen(text));
}

/* "/group/sub/name.git/" gives "group/sub" and "name". */
static int read_path(const char *path, bool has_owner, GitUrl *url) {
        const char *start = path + strspn(path, "/"), *end = start + strlen(start), *name;

        while (end > start && end[-1] == '/')
                end--;
        if (end - start > (ptrdiff_t) strlen(".git") && memcmp(end - strlen(".git"), ".git", strlen(".git")) == 0)
                end -= strlen(".git");
        while (end > start && end[-1] == '/') /* "name/.git" */
                end--;
        name = memrchr(start, '/', (size_t) (end - start));
        if (cut(&url->name, name ? name + 1 : start, end) < 0)
                return -ENOMEM;
        if (has_owner && name && name > start && cut(&url->owner, start, name) < 0)
                return -ENOMEM;
        return !*url->name || str_equal(url->name, ".") || str_equal(url->name, "..") ? -EINVAL : 0;
}

/* NULL out of a printf is a want of memory; here that is the only way to fail. */
static int put(char **field, char *take) {
        *field = take;
        return take ? 0 : -ENOMEM;
}

static int make_web(const Parts *parts, GitUrl *url) {
        bool is_http = parts->transport == TRANSPORT_HTTP;
        const char *port = is_http && parts->port ? parts->port : "", *colon = *port ? ":" : "";
        int r = put(&url->host, str_printf("%s%s%s", parts->host, colon, port));

        if (r >= 0 && url->owner)
                r = put(&url->page, str_printf("%s://%s/%s/%s", is_http ? parts->scheme : "https", url->host,
                                               url->owner, url->name));
        if (r >= 0 && is_http)
                r = put(&url->clone, str_printf("%s://%s%s", parts->scheme, url->host, parts->path));
        else if (r >= 0 && parts->transport == TRANSPORT_GIT)
                r = put(&url->clone, str_printf("git://%s%s%s%s", parts->host, parts->port ? ":" : "",
                                                parts->port ? parts->port : "", parts->path));
        else if (r >= 0 && url->page)
                r = put(&url->clone, str_printf("%s.git", url->page));
        return r;
}

static int make_ssh(const Parts *parts, GitUrl *url) {
        const char *user = str_is_empty(parts->user) ? "" : parts->user, *at = *user ? "@" : "";

        if (parts->transport == TRANSPORT_SSH && (parts->scheme || parts->port))
                return put(&url->clone_ssh,
                           str_printf("ssh://%s%s%s%s%s%s", user, at, parts->host, parts->port ? ":" : "",
                                      parts->port ? parts->port : "", parts->path));
        if (parts->transport == TRANSPORT_SSH)
                return put(&url->clone_ssh, str_printf("%s%s%s:%s", user, at, parts->host, parts->path));
        return url->owner ? put(&url->clone_ssh, str_printf("git@%s:%s/%s.git", parts->host, url->owner, url->name))
                          : 0;
}

static int make(const Parts *parts, const char *text, GitUrl *url) {
        int r = read_path(parts->path, parts->transport != TRANSPORT_PATH, url);

        if (r < 0)
                return r;
        if (parts->transport == TRANSPORT_PATH)
                return put(&url->clone, strdup(text));
        r = make_web(parts, url);
        return r < 0 ? r : make_ssh(parts, url);
}

int git_url_parse(const char *text, GitUrl *ret) {
        _cleanup_(git_url_done) GitUrl url = { 0 };
        _cleanup_(parts_done) Parts parts = { 0 };
        int r;

        if (!*text || strlen(text) > GIT_URL_BYTES_MAX || has_control_characters(text))
                return -EINVAL;
        r = cut_parts(text, &parts);
        if (r >= 0)
                r = make(&parts, text, &url);
        if (r < 0)
                return r;
        *ret = url;
        url = (GitUrl){ 0 };
        return 0;
}

void git_url_done(GitUrl *url) {
        free(url->host);
        free(url->owner);
        free(url->name);
        free(url->page);
        free(url->clone);
        free(url->clone_ssh);
        *url = (GitUrl){ 0 };
}
