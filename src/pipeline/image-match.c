#include "pipeline/image-match.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "pipeline/image-reference.h"

/* The whole name; what is no name stands for itself. */
static int expand(const char *image, char **ret) {
        _cleanup_free_ char *hint = NULL;
        int r = image_reference_qualify(image, ret, &hint, NULL);

        if (r != -EINVAL)
                return r;
        *ret = strdup(image);
        return *ret ? 0 : -ENOMEM;
}

/* Bytes in front of the tag or the digest. */
static size_t without_tag(const char *image) {
        size_t n = strcspn(image, "@");
        const char *colon = memrchr(image, ':', n);

        return colon && !memchr(colon, '/', n - (size_t) (colon - image)) ? (size_t) (colon - image) : n;
}

int image_matches(const char *image, char *const *list) {
        _cleanup_free_ char *whole = NULL;
        size_t n;
        int r;

        r = expand(image, &whole);
        if (r < 0)
                return r;
        n = without_tag(whole);
        STRV_FOREACH(entry, list) {
                _cleanup_free_ char *other = NULL;

                r = expand(*entry, &other);
                if (r < 0)
                        return r;
                if (strchr(*entry, ':') ? strcmp(whole, other) == 0
                                        : n == without_tag(other) && memcmp(whole, other, n) == 0)
                        return 1;
        }
        return 0;
}
