#include "http/libcurl.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>

#define LIBCURL_SONAME "libcurl.so.4"

static int load_function(void *library, const char *name, void *ret, Error **reterr) {
        void *function = dlsym(library, name);

        if (!function)
                return error_set(reterr, ENOPKG, "%s has no %s(): it is too old", LIBCURL_SONAME, name);
        *(void **) ret = function;
        return 0;
}

int libcurl_get(const Libcurl **ret, Error **reterr) {
        static Libcurl functions;
        static bool is_loaded;
        void *library;
        int r = 0;

        if (is_loaded) {
                *ret = &functions;
                return 0;
        }
        library = dlopen(LIBCURL_SONAME, RTLD_LAZY | RTLD_LOCAL);
        if (!library)
                return error_set(reterr, ENOPKG, "%s, needed for anything but a unix socket: %s", LIBCURL_SONAME,
                                 dlerror());
#define LIBCURL_LOAD(name) \
        if (r == 0) \
                r = load_function(library, "curl_" #name, &functions.name, reterr);
        LIBCURL_FUNCTIONS(LIBCURL_LOAD)
#undef LIBCURL_LOAD
        if (r < 0)
                return r;
        if (functions.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return error_set(reterr, ENOMEM, "%s could not be initialised", LIBCURL_SONAME);
        is_loaded = true;
        *ret = &functions;
        return 0;
}
