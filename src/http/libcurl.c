#include "http/libcurl.h"

#include <errno.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/library.h"

#define NAME(name) "curl_" #name,

static const char *const names[] = { LIBCURL_FUNCTIONS(NAME) };

int libcurl_get(const Libcurl **ret, Error **reterr) {
        static union {
                Libcurl typed;
                LibraryFunction any[ELEMENTSOF(names)];
        } functions;
        static bool is_loaded;
        int r;

        if (!is_loaded) {
                r = library_load("libcurl.so.4", "anything but a unix socket", names, ELEMENTSOF(names), functions.any,
                                 reterr);
                if (r < 0)
                        return r;
                if (functions.typed.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                        return error_set(reterr, ENOMEM, "libcurl.so.4 could not be initialised");
                is_loaded = true;
        }
        *ret = &functions.typed;
        return 0;
}
