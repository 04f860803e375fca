#include "base/program.h"

#include <limits.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

char *program_find(const char *name, const char *folder) {
        _cleanup_free_ char *in_tree = str_printf("../%s/%s", folder, name),
                            *installed = str_printf("../libexec/podstep/%s", name);
        const char *const places[] = { name, in_tree, installed };
        char self[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        _cleanup_free_ char *directory = NULL;

        if (n <= 0)
                return NULL;
        self[n] = '\0';
        directory = path_parent(self);
        FOREACH_ROW(place, places) {
                _cleanup_free_ char *path = directory && *place ? path_join(directory, *place) : NULL;
                _cleanup_free_ char *clean = path ? path_clean(path) : NULL;

                if (clean && access(clean, X_OK) == 0)
                        return TAKE_PTR(clean);
        }
        return NULL;
}
