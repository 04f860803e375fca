#pragma once

/*
 * Compares text with a file below tests/golden. PODSTEP_GOLDEN=update writes the file anew: review the difference.
 * GOLDEN_DIRECTORY comes from the meson.build of the test.
 */

#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

static inline void golden_check(const char *name, const char *text) {
        _cleanup_free_ char *path = path_join(GOLDEN_DIRECTORY, name), *want = NULL;
        const char *mode = getenv("PODSTEP_GOLDEN");
        size_t n;

        print_message("golden '%s'\n", name);
        if (mode && strcmp(mode, "update") == 0) {
                _cleanup_free_ char *parent = path_parent(path);

                assert_int_equal(file_mkdir_p(parent, 0755), 0);
                assert_int_equal(file_write(path, text, strlen(text), 0644), 0);
                return;
        }
        assert_int_equal(file_read(path, 1U << 20, &want, &n), 0);
        assert_string_equal(text, want);
}
