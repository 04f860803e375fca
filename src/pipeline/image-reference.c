#include "pipeline/image-reference.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"

#define TAG_BYTES_MAX 128
#define DIGEST_HEX_MIN 32
#define DEFAULT_DOMAIN "docker.io"

static bool is_lower_alnum(char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* [a-z0-9]+ joined by ".", "_", "__" or any number of "-" */
static bool component_is_valid(const char *text, size_t n) {
        size_t i = 0;

        for (;;) {
                size_t start = i;

                while (i < n && is_lower_alnum(text[i]))
                        i++;
                if (i == start)
                        return false;
                if (i == n)
                        return true;
                start = i;
                while (i < n && !is_lower_alnum(text[i]))
                        i++;
                if (strspn(text + start, "-") >= i - start)
                        continue;
                if ((i - start == 1 && strchr("._", text[start])) ||
                    (i - start == 2 && strncmp(text + start, "__", 2) == 0))
                        continue;
                return false;
        }
}

static bool path_is_valid(const char *path) {
        for (;;) {
                const char *end = strchrnul(path, '/');

                if (!component_is_valid(path, (size_t) (end - path)))
                        return false;
                if (!*end)
                        return true;
                path = end + 1;
        }
}

/* A host name or an address, and perhaps a port; "[::1]:5000" too. */
static bool domain_is_valid(const char *text, size_t n) {
        size_t host, k;

        if (n > 2 && text[0] == '[') {
                k = strspn(text + 1, "0123456789abcdefABCDEF:.");
                if (k == 0 || text[1 + k] != ']')
                        return false;
                host = k + 2;
        } else {
                host = 0;
                while (host < n && (isalnum((unsigned char) text[host]) || (host > 0 && strchr(".-", text[host]))))
                        host++;
                if (host == 0 || !isalnum((unsigned char) text[host - 1]))
                        return false;
        }
        if (host == n)
                return true;
        if (text[host] != ':' || host + 1 == n)
                return false;
        for (k = host + 1; k < n; k++)
                if (!isdigit((unsigned char) text[k]))
                        return false;
        return true;
}

static bool tag_is_valid(const char *tag) {
        size_t n = strlen(tag);

        if (n == 0 || n > TAG_BYTES_MAX || !(isalnum((unsigned char) tag[0]) || tag[0] == '_'))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char) tag[i]) && !strchr("_.-", tag[i]))
                        return false;
        return true;
}

/* algorithm:hex; of the algorithms in use the length is known */
static bool digest_is_valid(const char *digest) {
        const char *colon = strchr(digest, ':');
        size_t n;

        if (!colon || colon == digest)
                return false;
        for (const char *c = digest; c < colon; c++)
                if (!isalnum((unsigned char) *c) && !strchr("+._-", *c))
                        return false;
        n = strspn(colon + 1, "0123456789abcdefABCDEF");
        if (colon[1 + n] || n < DIGEST_HEX_MIN)
                return false;
        if (str_starts_with(digest, "sha256:"))
                return n == 64;
        if (str_starts_with(digest, "sha512:"))
                return n == 128;
        return true;
}

/* The first component is a registry's if it looks like a host: a dot, a port, "localhost", or capitals (never a
 * path's). */
static bool has_domain(const char *name) {
        size_t n = (size_t) (strchrnul(name, '/') - name);

        if (name[n] != '/')
                return false;
        if (n == strlen("localhost") && strncmp(name, "localhost", n) == 0)
                return true;
        for (size_t i = 0; i < n; i++)
                if (strchr(".:[", name[i]) || isupper((unsigned char) name[i]))
                        return true;
        return false;
}

static char *lower_copy(const char *text) {
        char *copy = strdup(text);

        for (char *c = copy; c && *c; c++)
                *c = (char) tolower((unsigned char) *c);
        return copy;
}

/* What people write who mean something else. */
static int refuse_path(const char *image, const char *path, char **ret_hint, Error **reterr) {
        const char *space = strpbrk(image, " \t\r\n");
        bool has_capital = false;

        for (const char *c = path; *c; c++)
                has_capital |= isupper((unsigned char) *c);
        if (space) {
                *ret_hint = space[1] ? NULL : strndup(image, (size_t) (space - image));
                return error_set(reterr, EINVAL, "it holds a space");
        }
        if (strstr(image, "://")) {
                *ret_hint = str_printf("write it without '%.*s'", (int) (strstr(image, "://") + 3 - image), image);
                return error_set(reterr, EINVAL, "an image is named by registry and path, not by a URL");
        }
        if (strchr(image, '$')) {
                *ret_hint = strdup("only ${NAME} is substituted, $NAME is not");
                return error_set(reterr, EINVAL, "it holds a '$'");
        }
        if (has_capital) {
                _cleanup_free_ char *lower = lower_copy(image);

                *ret_hint = lower ? str_printf("did you mean '%s'?", lower) : NULL;
                return error_set(reterr, EINVAL, "the name of an image is written in lower case");
        }
        *ret_hint = strdup(
                "it looks like [registry/]path[:tag][@digest], for instance 'golang:1.25' or 'quay.io/fedora/fedora'");
        return error_set(reterr, EINVAL, "it is not a name of an image");
}

static int refuse(Error **reterr, char **ret_hint, const char *hint, const char *message) {
        *ret_hint = hint ? strdup(hint) : NULL;
        return error_set(reterr, EINVAL, "%s", message);
}

/* Cuts "@digest" and ":tag" off a name; the parts point into it. */
static void split(char *name, const char **ret_tag, const char **ret_digest) {
        char *at = strchr(name, '@'), *slash, *colon;

        if (at)
                *at = '\0';
        slash = strrchr(name, '/');
        colon = strrchr(slash ? slash : name, ':');
        if (colon)
                *colon = '\0';
        *ret_digest = at ? at + 1 : NULL;
        *ret_tag = colon ? colon + 1 : NULL;
}

int image_reference_qualify(const char *image, char **ret, char **ret_hint, Error **reterr) {
        _cleanup_free_ char *name = strdup(image), *hint = NULL;
        const char *tag, *digest, *path, *library = "";
        size_t n_domain = 0;
        char *reference;
        int r;

        if (!name)
                return error_oom(reterr);
        split(name, &tag, &digest);
        path = name;
        if (has_domain(name)) {
                n_domain = (size_t) (strchr(name, '/') - name);
                path = name + n_domain + 1;
        }

        if (strlen(image) > IMAGE_REFERENCE_BYTES_MAX)
                r = refuse(reterr, &hint, NULL, "it is longer than 255 characters");
        else if (strstr(image, "://") || !path_is_valid(path) || (n_domain > 0 && !domain_is_valid(name, n_domain)))
                r = refuse_path(image, path, &hint, reterr);
        else if (tag && !tag_is_valid(tag))
                r = refuse(reterr, &hint,
                           "a tag is made of letters, digits, '_', '.' and '-', and has at most 128 characters",
                           "the part behind ':' is not a tag");
        else if (digest && !digest_is_valid(digest))
                r = refuse(reterr, &hint, "a digest looks like 'sha256:' and 64 hexadecimal digits",
                           "the part behind '@' is not a digest");
        else if (n_domain == 0 && strlen(path) == 64 && strspn(path, "0123456789abcdef") == 64)
                r = refuse(reterr, &hint, NULL, "it is the id of an image; a name is needed");
        else
                r = 0;
        if (r < 0) {
                *ret_hint = TAKE_PTR(hint);
                return r;
        }

        if (n_domain == 0 || strncmp(name, "index.docker.io/", n_domain + 1) == 0 ||
            strncmp(name, DEFAULT_DOMAIN "/", n_domain + 1) == 0) {
                n_domain = 0;
                library = strchr(path, '/') ? "" : "library/";
        }
        reference = str_printf("%.*s/%s%s%s%s", n_domain ? (int) n_domain : (int) strlen(DEFAULT_DOMAIN),
                               n_domain ? name : DEFAULT_DOMAIN, library, path, digest ? "@" : ":",
                               digest ? digest : tag ? tag : "latest");
        if (!reference)
                return error_oom(reterr);
        *ret = reference;
        return 0;
}

bool image_reference_is_short(const char *image) {
        return !has_domain(image);
}

int image_reference_qualify_in(const char *registry, const char *image, char **ret, char **ret_hint, Error **reterr) {
        _cleanup_free_ char *whole = NULL;

        if (str_is_empty(registry) || !image_reference_is_short(image))
                return image_reference_qualify(image, ret, ret_hint, reterr);
        whole = str_printf("%s%s%s", registry, str_ends_with(registry, "/") ? "" : "/", image);
        if (!whole)
                return error_oom(reterr);
        if (!has_domain(whole)) {
                *ret_hint = NULL;
                return error_set(reterr, EINVAL, "the registry for short names '%s' is no host", registry);
        }
        return image_reference_qualify(whole, ret, ret_hint, reterr);
}

char *image_reference_repository(const char *reference) {
        char *copy = strdup(reference);
        const char *tag, *digest;

        if (copy)
                split(copy, &tag, &digest);
        return copy;
}
