#include "job/collect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/copy.h"
#include "base/file.h"
#include "base/strv.h"

typedef struct Collect {
        const CollectSpec *spec;
        int changed_fd, checkout_fd, target_fd;
        void (*change)(const char *text, void *userdata);
        void *userdata;
        size_t n_changes, n_exported;
        bool *matched; /* one for each pattern */
        Error **reterr;
} Collect;

/* An overlay marks what was deleted with a character device 0:0. */
static bool is_whiteout(const struct stat *st) {
        return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static bool pattern_matches(const char *pattern, const char *path) {
        _cleanup_free_ char *clean = path_clean(pattern);

        if (!clean)
                return false;
        if (str_equal(clean, ".") || path_is_below(path, clean))
                return true;
        if (!strchr(clean, '/') && fnmatch(clean, path_base(path), FNM_PERIOD) == 0)
                return true;
        return fnmatch(clean, path, FNM_PATHNAME | FNM_PERIOD | FNM_LEADING_DIR) == 0;
}

static bool is_wanted(Collect *collect, const char *path) {
        bool wanted = false;
        size_t i = 0;

        STRV_FOREACH(pattern, collect->spec->patterns) {
                if (pattern_matches(*pattern, path))
                        collect->matched[i] = wanted = true;
                i++;
        }
        return wanted;
}

static void tell(Collect *collect, char what, const char *path) {
        _cleanup_free_ char *text = NULL;

        if (collect->n_changes++ >= COLLECT_CHANGES_MAX)
                return;
        text = str_printf("%c %s", what, path);
        if (text)
                collect->change(text, collect->userdata);
}

/* @old: as it is in the checkout; NULL: it is not there. */
static bool has_changed(const CollectSpec *spec, const struct stat *st, const struct stat *old) {
        if (spec->is_fresh)
                return st->st_ctim.tv_sec > spec->since.tv_sec ||
                       (st->st_ctim.tv_sec == spec->since.tv_sec && st->st_ctim.tv_nsec > spec->since.tv_nsec);
        return spec->is_overlay || !old || old->st_size != st->st_size || old->st_mtim.tv_sec != st->st_mtim.tv_sec ||
               old->st_mtim.tv_nsec != st->st_mtim.tv_nsec || ((old->st_mode ^ st->st_mode) & (S_IFMT | 0777));
}

static int collect_file(Collect *collect, const char *path, const struct stat *st) {
        struct stat old;
        bool was_there = fstatat(collect->checkout_fd, path, &old, AT_SYMLINK_NOFOLLOW) == 0;
        int r;

        if (is_whiteout(st)) {
                if (was_there)
                        tell(collect, 'D', path);
                return 0;
        }
        if (!has_changed(collect->spec, st, was_there ? &old : NULL))
                return 0;
        tell(collect, was_there ? 'M' : 'A', path);
        if (!is_wanted(collect, path) || !(S_ISREG(st->st_mode) || S_ISLNK(st->st_mode)))
                return 0;
        r = copy_path(collect->changed_fd, collect->target_fd, path, NULL, collect->reterr);
        if (r < 0)
                return error_wrap(collect->reterr, r, "exporting '%s'", path);
        collect->n_exported++;
        return 0;
}

static int collect_directory(Collect *collect, int fd, const char *path, unsigned depth);

static int collect_entry(Collect *collect, int fd, const char *path, const char *name, unsigned depth) {
        _cleanup_free_ char *below = path_join(path, name);
        struct stat st;
        int sub;

        if (!below)
                return error_oom(collect->reterr);
        if (str_equal(below, ".git")) /* git's own business: its index changes with every 'git status' */
                return 0;
        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        if (!S_ISDIR(st.st_mode))
                return collect_file(collect, below, &st);
        sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (sub < 0)
                return 0; /* of another user of the job: nothing that could be exported either */
        return collect_directory(collect, sub, below, depth + 1);
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

/* Overlay's mark of a directory that hides the one below it altogether. */
static bool is_opaque(int fd) {
        char value[2];

        return fgetxattr(fd, "user.overlay.opaque", value, sizeof(value)) == 1 && value[0] == 'y';
}

static void tell_missing(Collect *collect, int fd, const char *path) {
        struct dirent **entries = NULL;
        int n = scandirat(collect->checkout_fd, *path ? path : ".", &entries, file_is_entry, compare_names);

        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *below = path_join(path, entries[i]->d_name);
                struct stat st;

                if (below && fstatat(fd, entries[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
                        tell(collect, 'D', below);
                free(entries[i]);
        }
        free(entries);
}

/* Takes the descriptor. */
static int collect_directory(Collect *collect, int fd_take, const char *path, unsigned depth) {
        _cleanup_close_ int fd = fd_take;
        struct dirent **entries = NULL;
        int n = depth > COPY_DEPTH_MAX ? 0 : scandirat(fd, ".", &entries, file_is_entry, compare_names), r = 0;

        for (int i = 0; i < n; i++) {
                if (r >= 0)
                        r = collect_entry(collect, fd, path, entries[i]->d_name, depth);
                free(entries[i]);
        }
        free(entries);
        if (r >= 0 && (collect->spec->is_complete || is_opaque(fd)))
                tell_missing(collect, fd, path);
        return r;
}

static int check_patterns(const Collect *collect) {
        size_t i = 0;

        STRV_FOREACH(pattern, collect->spec->patterns)
                if (!collect->matched[i++])
                        return error_set(collect->reterr, ENOENT,
                                         "nothing to export matches '%s': the job neither made nor changed such a file",
                                         *pattern);
        return 0;
}

/*
 * Most jobs leave their workspace as it was: nothing can have changed below an upper directory that has no entry, for
 * what is changed is copied up into it first.
 */
static bool is_empty(const char *directory) {
        DIR *dir = opendir(directory);
        const struct dirent *entry = NULL;

        if (!dir)
                return false; /* it is opened once more, and the fault told */
        while ((entry = readdir(dir)) && !file_is_entry(entry))
                ;
        closedir(dir);
        return !entry;
}

/* Looks at all that 'changed' holds. */
static int collect_tree(Collect *collect) {
        const CollectSpec *spec = collect->spec;
        _cleanup_close_ int changed = open(spec->changed, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                            checkout = open(spec->checkout, O_PATH | O_DIRECTORY | O_CLOEXEC),
                            target = open(spec->patterns && spec->patterns[0] ? spec->target : spec->checkout,
                                          O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int fd;

        if (changed < 0 || checkout < 0 || target < 0)
                return error_set(collect->reterr, errno, "cannot open the workspace '%s' of the job: %s", spec->changed,
                                 strerror(errno));
        collect->changed_fd = changed;
        collect->checkout_fd = checkout;
        collect->target_fd = target;
        fd = fcntl(changed, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? -errno : collect_directory(collect, fd, "", 0);
}

int collect_run(const CollectSpec *spec, void (*change)(const char *text, void *userdata), void *userdata,
                size_t *ret_changes, size_t *ret_exported, Error **reterr) {
        size_t n_patterns = strv_length(spec->patterns);
        _cleanup_free_ bool *matched = calloc(n_patterns + 1, sizeof(bool));
        Collect collect = { spec, -1, -1, -1, change, userdata, .matched = matched, .reterr = reterr };
        int r = 0;

        if (!matched)
                return error_oom(reterr);
        if (n_patterns > 0 && (r = file_mkdir_p(spec->target, 0777)) < 0)
                return error_set(reterr, -r, "cannot make '%s' to export to: %s", spec->target, strerror(-r));
        if (!spec->is_overlay || !is_empty(spec->changed))
                r = collect_tree(&collect);
        STRV_FOREACH(path, spec->deleted)
                if (!path_is_below(*path, ".git"))
                        tell(&collect, 'D', *path);
        if (r >= 0)
                r = check_patterns(&collect);
        *ret_changes = collect.n_changes;
        *ret_exported = collect.n_exported;
        return r;
}
