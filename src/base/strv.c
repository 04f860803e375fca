#include "base/strv.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

size_t strv_length(char *const *list) {
        size_t n = 0;

        while (list && list[n])
                n++;
        return n;
}

char **strv_free(char **list) {
        for (char **item = list; item && *item; item++)
                free(*item);
        free(list);
        return NULL;
}

int strv_append_take(char ***list, char *item) {
        size_t n = strv_length(*list);
        char **grown;

        if (!item)
                return -ENOMEM;
        /* With its NULL the list has n + 1 elements; it is full whenever that is a power of two. */
        grown = *list;
        if (!grown || ((n + 1) & n) == 0)
                grown = realloc(*list, (n + 1) * 2 * sizeof(char *));
        if (!grown) {
                free(item);
                return -ENOMEM;
        }
        grown[n] = item;
        grown[n + 1] = NULL;
        *list = grown;
        return 0;
}

int strv_append(char ***list, const char *item) {
        return strv_append_take(list, strdup(item));
}

int strv_copy(char *const *list, char ***ret) {
        _cleanup_strv_ char **copy = NULL;
        size_t n = strv_length(list);
        size_t room = 2;

        while (room < n + 1)
                room *= 2;
        copy = n ? calloc(room, sizeof(char *)) : NULL;
        if (n && !copy)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                copy[i] = strdup(list[i]);
                if (!copy[i])
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(copy);
        return 0;
}

bool strv_contains(char *const *list, const char *item) {
        STRV_FOREACH(i, list)
                if (strcmp(*i, item) == 0)
                        return true;
        return false;
}

char *strv_join(char *const *list, const char *separator) {
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);

        STRV_FOREACH(i, list) {
                if (i != list)
                        (void) str_append(&out, separator);
                (void) str_append(&out, *i);
        }
        return str_take(&out);
}

int strv_split(const char *text, char separator, char ***ret) {
        _cleanup_strv_ char **list = NULL;
        int r;

        for (;;) {
                const char *end = strchrnul(text, separator);

                r = strv_append_take(&list, strndup(text, (size_t) (end - text)));
                if (r < 0)
                        return r;
                if (!*end)
                        break;
                text = end + 1;
        }
        *ret = TAKE_PTR(list);
        return 0;
}
