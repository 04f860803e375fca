#include "cli/checkout.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "document/source.h"

#define WORKFLOWS_DIRECTORY ".woodpecker"

int checkout_find(const char *start, char **ret, Error **reterr) {
        _cleanup_free_ char *top = realpath(start, NULL), *candidate = NULL;

        if (!top)
                return error_set(reterr, errno, "cannot find directory '%s': %s", start, strerror(errno));
        if (!file_is_directory(top))
                return error_set(reterr, ENOTDIR, "'%s' is not a directory", start);
        candidate = strdup(top);
        while (candidate) {
                _cleanup_free_ char *git = path_join(candidate, ".git"), *parent = NULL;

                if (git && file_exists(git)) {
                        *ret = TAKE_PTR(candidate);
                        return 0;
                }
                if (str_equal(candidate, "/"))
                        break;
                parent = path_parent(candidate);
                free(candidate);
                candidate = TAKE_PTR(parent);
        }
        *ret = TAKE_PTR(top);
        return 0;
}

/* A server takes ".build.yaml", too; ".#build.yaml" is where Emacs notes who edits a file. */
static int is_workflow(const struct dirent *entry) {
        const char *name = entry->d_name;

        return !str_starts_with(name, ".#") && (str_ends_with(name, ".yaml") || str_ends_with(name, ".yml"));
}

/* Where no one but us looks for workflows, ".travis.yml" is none. */
static int is_visible_workflow(const struct dirent *entry) {
        return entry->d_name[0] != '.' && is_workflow(entry);
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

int checkout_list_directory(const char *directory, char ***files) {
        _cleanup_free_ char *cleaned = path_clean(directory);
        struct dirent **entries = NULL;
        bool is_theirs;
        int n, r = 0;

        if (!cleaned)
                return -ENOMEM;
        is_theirs = str_equal(path_base(cleaned), WORKFLOWS_DIRECTORY);
        n = scandir(directory, &entries, is_theirs ? is_workflow : is_visible_workflow, compare_names);
        for (int i = 0; i < n; i++) {
                if (r >= 0)
                        r = strv_append_take(files, path_join(directory, entries[i]->d_name));
                free(entries[i]);
        }
        free(entries);
        return r;
}

int checkout_workflows(const char *checkout, char ***ret, Error **reterr) {
        static const char *const single[] = { ".woodpecker.yaml", ".woodpecker.yml", ".gitlab-ci.yml" };
        _cleanup_free_ char *directory = path_join(checkout, WORKFLOWS_DIRECTORY);
        _cleanup_strv_ char **files = NULL;

        if (!directory || checkout_list_directory(directory, &files) < 0)
                return error_oom(reterr);
        FOREACH_ROW(name, single) {
                _cleanup_free_ char *path = path_join(checkout, *name);

                if (strv_length(files) == 0 && path && file_exists(path) && strv_append(&files, path) < 0)
                        return error_oom(reterr);
        }
        if (strv_length(files) == 0)
                return error_set(reterr, ENOENT,
                                 "'%s' has no workflow: neither .woodpecker/*.yaml nor .woodpecker.yaml nor "
                                 ".gitlab-ci.yml; give the file's name if it has another",
                                 checkout);
        *ret = TAKE_PTR(files);
        return 0;
}

/* "podstep lint .woodpecker" */
static int append_directory(const char *directory, char ***files, Error **reterr) {
        _cleanup_strv_ char **found = NULL;
        int r = checkout_workflows(directory, &found, NULL);

        if (r == -ENOENT)
                r = checkout_list_directory(directory, &found);
        if (r < 0)
                return error_oom(reterr);
        if (!found)
                return error_set(reterr, ENOENT, "directory '%s' holds no workflow", directory);
        STRV_FOREACH(path, found)
                if (strv_append(files, *path) < 0)
                        return error_oom(reterr);
        return 0;
}

int checkout_expand(char *const *args, char ***ret, Error **reterr) {
        _cleanup_strv_ char **files = NULL;
        int r = 0;

        STRV_FOREACH(path, args) {
                if (!str_equal(*path, SOURCE_STDIN) && file_is_directory(*path))
                        r = append_directory(*path, &files, reterr);
                else if (strv_append(&files, *path) < 0)
                        r = error_oom(reterr);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(files);
        return 0;
}

char *checkout_start(const char *path) {
        _cleanup_free_ char *directory = file_is_directory(path) ? path_clean(path)
                                         : file_is_stream(path)  ? strdup(".") /* "podstep run <(make-workflow)" */
                                                                 : path_parent(path);

        if (!directory || !str_equal(path_base(directory), WORKFLOWS_DIRECTORY))
                return TAKE_PTR(directory);
        return path_parent(directory);
}
