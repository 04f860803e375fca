#include "pipeline/gitlab-service.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"

/* The name without port, tag and digest. */
static char *service_name(const char *image) {
        size_t n = strcspn(image, "@"), slash;
        _cleanup_free_ char *name = strndup(image, n);
        char *colon, *port;

        if (!name)
                return NULL;
        colon = strrchr(name, ':');
        if (colon && !strchr(colon, '/'))
                *colon = '\0';
        slash = strcspn(name, "/");
        port = memchr(name, ':', slash);
        if (port)
                memmove(port, name + slash, strlen(name + slash) + 1);
        return TAKE_PTR(name);
}

static bool is_name(const char *name) {
        for (const char *c = name; *c; c++)
                if (!isalnum((unsigned char) *c) && !strchr("._-/", *c))
                        return false;
        return isalnum((unsigned char) name[0]);
}

static char *replace_slashes(const char *name, const char *by) {
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);

        for (const char *c = name; *c; c++)
                (void) (*c == '/' ? str_append(&text, by) : str_append_char(&text, *c));
        return str_take(&text);
}

int gitlab_service_aliases(const char *image, char ***ret) {
        _cleanup_strv_ char **aliases = NULL;
        _cleanup_free_ char *name = service_name(image);
        int r;

        if (!name)
                return -ENOMEM;
        if (!is_name(name))
                return -EINVAL;
        r = strv_append_take(&aliases, replace_slashes(name, "__"));
        if (r == 0 && strchr(name, '/'))
                r = strv_append_take(&aliases, replace_slashes(name, "-"));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(aliases);
        return 0;
}
