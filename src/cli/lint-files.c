#include "cli/lint-files.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/strv.h"
#include "cli/checkout.h"
#include "pipeline/woodpecker.h"

#define FILES_MAX 10000

/* @path without @directory in front; NULL: it does not lie below it */
static const char *strip(const char *path, const char *directory) {
        size_t n = strlen(directory);

        if (!path_is_below(path, directory) || strlen(path) <= n)
                return NULL;
        return path + n + (path[n] == '/');
}

/* The checkout that a file lies in tells its path there. */
static int path_below_checkout(const char *path, const char *shown, char **ret) {
        _cleanup_free_ char *parent = path_parent(path), *checkout = NULL, *whole = realpath(path, NULL);
        const char *below = NULL;

        if (!parent)
                return -ENOMEM;
        if (whole && checkout_find(parent, &checkout, NULL) >= 0)
                below = strip(whole, checkout);
        *ret = strdup(below ? below : shown);
        return *ret ? 0 : -ENOMEM;
}

static int add_file(LintFiles *files, const char *path, const char *shown) {
        LintFile file = { .path = strdup(path), .shown = strdup(shown) };
        int r = file.path && file.shown ? path_below_checkout(path, shown, &file.below) : -ENOMEM;

        if (r == 0)
                r = ARRAY_APPEND(files->files, files->n_files, file);
        if (r < 0) {
                free(file.path);
                free(file.shown);
                free(file.below);
        }
        return r;
}

/* @is_given: under the name that the user gave */
static int add_files(LintFiles *files, char *const *paths, bool is_given, Error **reterr) {
        _cleanup_free_ char *here = realpath(".", NULL);

        STRV_FOREACH(path, paths) {
                const char *shown = str_equal(*path, SOURCE_STDIN) ? SOURCE_STDIN_NAME
                                    : !is_given && here            ? strip(*path, here)
                                                                   : NULL;

                if (files->n_files == FILES_MAX)
                        return error_set(reterr, E2BIG, "more than %d files", FILES_MAX);
                if (add_file(files, *path, shown ? shown : *path) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static int name_workflows(LintFiles *files, Error **reterr) {
        for (size_t i = 0; i < files->n_files; i++)
                if (strv_append_take(&files->workflows, woodpecker_workflow_name(files->files[i].path)) < 0)
                        return error_oom(reterr);
        return 0;
}

static int find(const LintValues *values, char *const *args, LintFiles *files, Error **reterr) {
        _cleanup_free_ char *checkout = NULL;
        _cleanup_strv_ char **found = NULL;
        int r;

        if (args) {
                r = checkout_expand(args, &found, reterr);
                return r < 0 ? r : add_files(files, found, true, reterr);
        }
        r = checkout_find(values->run.directory ? values->run.directory : ".", &checkout, reterr);
        if (r >= 0)
                r = checkout_workflows(checkout, &found, reterr);
        if (r >= 0)
                r = add_files(files, found, false, reterr);
        return r < 0 ? r : name_workflows(files, reterr);
}

int lint_files_find(const LintValues *values, char *const *args, LintFiles *ret, Error **reterr) {
        LintFiles files = { 0 };
        int r = find(values, args, &files, reterr);

        if (r < 0) {
                lint_files_done(&files);
                return r;
        }
        *ret = files;
        return 0;
}

void lint_files_done(LintFiles *files) {
        for (size_t i = 0; i < files->n_files; i++) {
                free(files->files[i].path);
                free(files->files[i].shown);
                free(files->files[i].below);
        }
        free(files->files);
        strv_free(files->workflows);
        *files = (LintFiles){ 0 };
}
