/* Facts of the kernel and of what the system lets a user have of it. */

#include "doctor/facts-internal.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"

static int64_t read_number(const Facts *facts, const char *path) {
        _cleanup_free_ char *text = facts_read(facts, path);
        int64_t number;

        return text && parse_i64(text, &number) >= 0 ? number : NUMBER_UNKNOWN;
}

/* Our own cgroup in the unified tree: the line "0::/user.slice/..." of /proc/self/cgroup. */
static char *own_cgroup(const Facts *facts) {
        _cleanup_free_ char *text = facts_read(facts, "/proc/self/cgroup");
        _cleanup_strv_ char **lines = NULL;

        if (!text || strv_split(text, '\n', &lines) < 0)
                return NULL;
        STRV_FOREACH(line, lines)
                if (str_starts_with(*line, "0::/"))
                        return strdup(*line + strlen("0::"));
        return NULL;
}

/* What the user's manager may hand on to containers; without a manager, what our own cgroup has. */
static int read_controllers(Facts *facts) {
        _cleanup_free_ char *own = own_cgroup(facts), *manager = NULL, *here = NULL, *text = NULL;

        manager = str_printf("/sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service/cgroup.controllers",
                             (unsigned) facts->uid, (unsigned) facts->uid);
        here = str_printf("/sys/fs/cgroup%s/cgroup.controllers", own ? own : "");
        if (!manager || !here)
                return -ENOMEM;
        text = facts_read(facts, manager);
        if (!text)
                text = facts_read(facts, here);
        if (!text)
                return 0;
        facts->knows_controllers = true;
        return *text ? strv_split(text, ' ', &facts->controllers) : 0;
}

static Answer read_selinux(const Facts *facts) {
        int64_t enforces = read_number(facts, "/sys/fs/selinux/enforce");

        return enforces == NUMBER_UNKNOWN ? ANSWER_UNKNOWN : enforces > 0 ? ANSWER_YES : ANSWER_NO;
}

static Answer read_clock(void) {
        struct timex clock = { 0 };
        int state = adjtimex(&clock);

        if (state < 0)
                return ANSWER_UNKNOWN;
        return state == TIME_ERROR || (clock.status & STA_UNSYNC) ? ANSWER_NO : ANSWER_YES;
}

/* When this program was written to disk: no clock of today is before that. */
static uint64_t own_age(void) {
        struct stat st;

        return stat("/proc/self/exe", &st) < 0 ? 0 : (uint64_t) st.st_mtim.tv_sec * USEC_PER_SEC;
}

/* Any of the profiles that distributions ship for it. */
static bool has_profile(const Facts *facts) {
        static const char *const names[] = { "/etc/apparmor.d/podman", "/etc/apparmor.d/usr.bin.podman" };

        FOREACH_ROW(name, names) {
                _cleanup_free_ char *path = facts_path(facts, *name);

                if (path && file_exists(path))
                        return true;
        }
        return false;
}

int facts_read_kernel(Facts *facts) {
        const struct {
                const char *path;
                int64_t *ret;
        } rows[] = {
                { "/proc/sys/user/max_user_namespaces", &facts->user_namespaces_max },
                { "/proc/sys/kernel/unprivileged_userns_clone", &facts->userns_clone },
                { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", &facts->apparmor_restricts },
                { "/proc/sys/fs/inotify/max_user_instances", &facts->inotify_instances_max },
                { "/proc/sys/fs/inotify/max_user_watches", &facts->inotify_watches_max },
                { "/proc/sys/kernel/keys/maxkeys", &facts->keys_max },
        };
        _cleanup_free_ char *cgroups = facts_path(facts, "/sys/fs/cgroup/cgroup.controllers");
        struct utsname name;

        FOREACH_ROW(row, rows)
                *row->ret = read_number(facts, row->path);
        if (!cgroups || (uname(&name) >= 0 && facts_replace(&facts->kernel, name.release) < 0))
                return -ENOMEM;
        facts->has_cgroup2 = file_exists(cgroups);
        facts->has_podman_profile = has_profile(facts);
        facts->selinux_enforces = read_selinux(facts);
        facts->clock_is_synchronized = read_clock();
        facts->build_usec = own_age();
        return read_controllers(facts);
}
