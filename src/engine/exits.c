#include "engine/exits.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"

#define EXIT_FILE_MAX 16 /* a number */

char *exits_directory_find(void) {
        const char *runtime = geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
        _cleanup_free_ char *path = NULL;

        if (str_is_empty(runtime))
                return NULL;
        path = str_printf("%s/libpod/tmp/exits", runtime);
        return path && file_is_directory(path) ? TAKE_PTR(path) : NULL;
}

int exits_code(long long code) {
        if (code < 0)
                return 128 + SIGKILL;
        return code > 255 ? 255 : (int) code;
}

int exits_read(const char *path, int *ret_code) {
        _cleanup_free_ char *text = NULL;
        int64_t code;
        size_t n;
        int r;

        r = file_read(path, EXIT_FILE_MAX, &text, &n);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
                text[--n] = '\0';
        if (parse_i64(text, &code) < 0)
                return -EBADMSG;
        *ret_code = exits_code(code);
        return 1;
}
