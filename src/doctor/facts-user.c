/* Facts of the user: run-time directory, lingering, subordinate ids and the programs that map them. */

#include "doctor/facts-internal.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "base/array.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"

#define RANGES_MAX 100000 /* lines of /etc/subuid */

/* "name:start:count" */
static bool range_parse(const char *line, IdRange *ret) {
        _cleanup_strv_ char **parts = NULL;
        IdRange range = { 0 };

        if (strv_split(line, ':', &parts) < 0 || strv_length(parts) != 3 || !*parts[0])
                return false;
        if (parse_u64(parts[1], &range.start) < 0 || parse_u64(parts[2], &range.count) < 0)
                return false;
        if (range.start > UINT32_MAX || range.count > (uint64_t) UINT32_MAX + 1 - range.start)
                return false;
        range.owner = strdup(parts[0]);
        *ret = range;
        return range.owner != NULL;
}

int id_ranges_parse(const char *text, IdRanges *ret) {
        _cleanup_strv_ char **lines = NULL;

        if (strv_split(text, '\n', &lines) < 0)
                return -ENOMEM;
        STRV_FOREACH(line, lines) {
                IdRange range;

                if (!**line || **line == '#' || ret->n_ranges >= RANGES_MAX)
                        continue;
                if (!range_parse(*line, &range))
                        ret->n_bad_lines++;
                else if (ARRAY_APPEND(ret->ranges, ret->n_ranges, range) < 0) {
                        free(range.owner);
                        return -ENOMEM;
                }
        }
        return 0;
}

static int read_ranges(const Facts *facts, const char *path, IdRanges *ret) {
        _cleanup_free_ char *text = facts_read(facts, path);

        return text ? id_ranges_parse(text, ret) : 0;
}

/* "subid: sss" in nsswitch.conf(5): shadow's tools then ask there, and do not look at the files at all. */
static bool ids_are_elsewhere(const Facts *facts) {
        _cleanup_free_ char *text = facts_read(facts, "/etc/nsswitch.conf");
        _cleanup_strv_ char **lines = NULL;

        if (!text || strv_split(text, '\n', &lines) < 0)
                return false;
        STRV_FOREACH(line, lines)
                if (str_starts_with(*line, "subid:"))
                        return !strstr(*line, "files");
        return false;
}

static ProgramPower program_power(const Facts *facts, const char *name) {
        static const char *const directories[] = { "/usr/bin", "/bin", "/usr/sbin", "/usr/local/bin" };

        FOREACH_ROW(directory, directories) {
                _cleanup_free_ char *inside = path_join(*directory, name),
                                    *path = inside ? facts_path(facts, inside) : NULL;
                struct statvfs fs;
                struct stat st;

                if (!path || stat(path, &st) < 0)
                        continue;
                if (!((st.st_mode & S_ISUID) && (st.st_mode & 0111)) &&
                    getxattr(path, "security.capability", NULL, 0) <= 0)
                        return PROGRAM_PLAIN;
                return statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID) ? PROGRAM_NOSUID : PROGRAM_ABLE;
        }
        return PROGRAM_MISSING;
}

static void read_runtime_directory(Facts *facts) {
        _cleanup_free_ char *path =
                str_is_empty(facts->runtime_directory) ? NULL : facts_path(facts, facts->runtime_directory);
        struct stat st;

        if (!path || stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
                return;
        facts->runtime_exists = true;
        facts->runtime_uid = st.st_uid;
        facts->runtime_mode = st.st_mode & 07777;
}

int facts_read_user(Facts *facts) {
        _cleanup_free_ char *linger = str_printf("%s/var/lib/systemd/linger/%s", facts->root, facts->user),
                            *systemd = facts_path(facts, "/run/systemd/system"),
                            *podman = facts_path(facts, "/usr/bin/podman");

        if (!linger || !systemd || !podman)
                return -ENOMEM;
        read_runtime_directory(facts);
        facts->has_systemd = file_is_directory(systemd);
        facts->has_podman = file_exists(podman);
        /* logind knows it better, and says so where it answers */
        if (file_exists(linger))
                facts->lingers = ANSWER_YES;
        else if (facts->has_systemd)
                facts->lingers = ANSWER_NO;
        facts->newuidmap = program_power(facts, "newuidmap");
        facts->newgidmap = program_power(facts, "newgidmap");
        facts->ids_elsewhere = ids_are_elsewhere(facts);
        if (read_ranges(facts, "/etc/subuid", &facts->subuid) < 0)
                return -ENOMEM;
        return read_ranges(facts, "/etc/subgid", &facts->subgid);
}
