#include "doctor/libsystemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>

#include "base/log.h"

#define LIBSYSTEMD_SONAME "libsystemd.so.0"

static int load_function(void *library, const char *name, void *ret) {
        void *function = dlsym(library, name);

        if (!function) {
                log_debug("%s has no %s(): it is too old", LIBSYSTEMD_SONAME, name);
                return -ENOPKG;
        }
        *(void **) ret = function;
        return 0;
}

int libsystemd_get(const Libsystemd **ret) {
        static Libsystemd functions;
        static bool is_loaded;
        void *library;
        int r = 0;

        if (is_loaded) {
                *ret = &functions;
                return 0;
        }
        library = dlopen(LIBSYSTEMD_SONAME, RTLD_LAZY | RTLD_LOCAL);
        if (!library) {
                log_debug("D-Bus: %s", dlerror());
                return -ENOPKG;
        }
#define LIBSYSTEMD_LOAD(name) \
        if (r == 0) \
                r = load_function(library, "sd_bus_" #name, &functions.name);
        LIBSYSTEMD_FUNCTIONS(LIBSYSTEMD_LOAD)
#undef LIBSYSTEMD_LOAD
        if (r < 0)
                return r;
        is_loaded = true;
        *ret = &functions;
        return 0;
}
