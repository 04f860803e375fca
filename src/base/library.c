#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

int library_load(const char *soname, const char *what_for, const char *const *names, size_t n_names,
                 LibraryFunction *ret_functions, Error **reterr) {
        void *library = dlopen(soname, RTLD_LAZY | RTLD_LOCAL);

        if (!library)
                return error_set(reterr, ENOPKG, "%s, needed for %s: %s", soname, what_for, dlerror());
        for (size_t i = 0; i < n_names; i++) {
                void *function = dlsym(library, names[i]);

                if (!function)
                        return error_set(reterr, ENOPKG, "%s has no %s(): it is too old", soname, names[i]);
                memcpy(&ret_functions[i], &function, sizeof(function)); /* POSIX: they are of one size */
        }
        return 0;
}
