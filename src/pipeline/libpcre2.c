#include "pipeline/libpcre2.h"

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/library.h"

#define NAME(name) "pcre2_" #name "_8",

static const char *const names[] = { LIBPCRE2_FUNCTIONS(NAME) };

int libpcre2_get(const Libpcre2 **ret, Error **reterr) {
        static union {
                Libpcre2 typed;
                LibraryFunction any[ELEMENTSOF(names)];
        } functions;
        static bool is_loaded;
        int r;

        if (!is_loaded) {
                r = library_load("libpcre2-8.so.0", "regular expressions", names, ELEMENTSOF(names), functions.any,
                                 reterr);
                if (r < 0)
                        return r;
                is_loaded = true;
        }
        *ret = &functions.typed;
        return 0;
}
