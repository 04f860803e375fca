#pragma once

/*
 * Compares text with a file below tests/golden. PODSTEP_GOLDEN=update writes the file anew: review the difference.
 * GOLDEN_DIRECTORY comes from the meson.build of the test.
 */

#include "test.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* DIRECTORY/NAME with @extension in place of its own; an empty text has no file. */
static inline void golden_check_beside(const char *directory, const char *name, const char *extension,
                                       const char *text) {
        _cleanup_free_ char *file = str_printf("%.*s%s", (int) (strrchr(name, '.') - name), name, extension);
        _cleanup_free_ char *below = path_join(directory, file), *path = path_join(GOLDEN_DIRECTORY, below);

        if (*text)
                golden_check(below, text);
        else if (file_exists(path)) {
                print_message("golden '%s' should be empty\n", below);
                assert_int_equal(getenv("PODSTEP_GOLDEN") ? unlink(path) : -1, 0);
        }
}

/* Calls @check with each name of @directory that ends so, in their order. */
static inline void golden_each(const char *directory, const char *extension, void (*check)(const char *name)) {
        _cleanup_free_ char *path = path_join(GOLDEN_DIRECTORY, directory);
        struct dirent **entries;
        size_t n_checked = 0;
        int n;

        n = scandir(path, &entries, NULL, alphasort);
        for (int i = 0; i < n; i++) {
                if (str_ends_with(entries[i]->d_name, extension)) {
                        print_message("file '%s'\n", entries[i]->d_name);
                        check(entries[i]->d_name);
                        n_checked++;
                }
                free(entries[i]);
        }
        free(entries);
        assert_true(n_checked > 0);
}
