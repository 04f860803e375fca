/* Facts of the places that jobs fill: the engine's storage, podstep's own state, and what earlier jobs left there. */

#include "doctor/facts-internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/exits.h"
#include "job/directory.h"

#define DROP_IN_FILES_MAX 200 /* of registries.conf.d */

/* What it says of a file system that has no limit for files (btrfs) or that tells none (some network ones). */
static void read_space(const char *path, PlaceFacts *place) {
        struct statfs fs;

        if (statfs(path, &fs) < 0)
                return;
        place->kind = (uint64_t) (unsigned long) fs.f_type;
        place->free_bytes = (uint64_t) fs.f_bavail * (uint64_t) fs.f_bsize;
        place->total_bytes = (uint64_t) fs.f_blocks * (uint64_t) fs.f_bsize;
        place->free_inodes = fs.f_ffree;
        place->total_inodes = fs.f_files;
}

/*
 * Overlays of a user namespace keep their own attributes as user.overlay.*; a file without a name leaves nothing
 * behind.
 */
static int try_xattr(const char *directory) {
        _cleanup_close_ int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

        if (fd < 0)
                return -1;
        return fsetxattr(fd, "user.overlay.podstep", "y", 1, 0) < 0 ? errno : 0;
}

/* A directory that is not there yet will be made in the nearest one above. */
static int read_place(const char *path, bool tries_xattr, PlaceFacts *place) {
        _cleanup_free_ char *seen = strdup(path);

        place->xattr_errno = -1;
        while (seen && !file_is_directory(seen) && !str_equal(seen, "/")) {
                char *parent = path_parent(seen);

                free(seen);
                seen = parent;
        }
        place->path = strdup(path);
        if (!seen || !place->path)
                return -ENOMEM;
        read_space(seen, place);
        if (tries_xattr)
                place->xattr_errno = try_xattr(seen);
        place->seen = TAKE_PTR(seen);
        return 0;
}

static int read_jobs(Facts *facts) {
        _cleanup_strv_ char **ids = NULL;

        if (job_directory_list(facts->state_directory, &ids) < 0)
                return 0;
        STRV_FOREACH(id, ids) {
                JobLiveness liveness = job_directory_liveness(facts->state_directory, *id);

                facts->n_jobs++;
                facts->n_dead_jobs += liveness == JOB_DEAD;
                facts->n_kept_jobs += liveness == JOB_KEPT;
        }
        return 0;
}

static int read_exits(Facts *facts) {
        DIR *directory;

        facts->exits_directory = exits_directory_find();
        if (!facts->exits_directory)
                return 0;
        directory = opendir(facts->exits_directory);
        facts->exits_errno = directory ? 0 : errno;
        if (directory)
                closedir(directory);
        return 0;
}

/* short-name-mode = "..." on a line of its own; the last one counts. Source: containers-registries.conf(5). */
static int find_short_name_mode(Facts *facts, const char *path) {
        _cleanup_free_ char *text = facts_read(facts, path);
        _cleanup_strv_ char **lines = NULL;

        if (!text)
                return 0;
        if (strv_split(text, '\n', &lines) < 0)
                return -ENOMEM;
        STRV_FOREACH(line, lines) {
                const char *p = *line + strspn(*line, " \t");

                if (!str_starts_with(p, "short-name-mode"))
                        continue;
                p += strlen("short-name-mode");
                p += strspn(p, " \t=\"'");
                free(facts->short_name_mode);
                facts->short_name_mode = strndup(p, strcspn(p, "\"' \t"));
                if (!facts->short_name_mode)
                        return -ENOMEM;
        }
        return 0;
}

static int only_conf(const struct dirent *entry) {
        return str_ends_with(entry->d_name, ".conf");
}

static int find_in_drop_ins(Facts *facts, const char *directory) {
        _cleanup_free_ char *path = facts_path(facts, directory);
        struct dirent **entries = NULL;
        int n = path ? scandir(path, &entries, only_conf, alphasort) : -1, r = path ? 0 : -ENOMEM;

        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *file = path_join(directory, entries[i]->d_name);

                if (r >= 0 && i < DROP_IN_FILES_MAX)
                        r = file ? find_short_name_mode(facts, file) : -ENOMEM;
                free(entries[i]);
        }
        free(entries);
        return r;
}

/* The user's file stands in place of the system's; drop-ins of both are read. */
static int read_short_names(Facts *facts) {
        _cleanup_free_ char *mine = str_printf("%s/.config/containers/registries.conf", facts->home),
                            *drop_ins = str_printf("%s/.config/containers/registries.conf.d", facts->home),
                            *there = mine ? facts_path(facts, mine) : NULL;

        if (!there || !drop_ins)
                return -ENOMEM;
        if (find_short_name_mode(facts, file_exists(there) ? mine : "/etc/containers/registries.conf") < 0 ||
            find_in_drop_ins(facts, "/etc/containers/registries.conf.d") < 0)
                return -ENOMEM;
        return find_in_drop_ins(facts, drop_ins);
}

int facts_read_places(Facts *facts) {
        if (facts->engine_is_local && facts->details.graph_root &&
            read_place(facts->details.graph_root, true, &facts->storage) < 0)
                return -ENOMEM;
        if (read_place(facts->state_directory, false, &facts->state) < 0 || read_jobs(facts) < 0 ||
            read_exits(facts) < 0)
                return -ENOMEM;
        return read_short_names(facts);
}
