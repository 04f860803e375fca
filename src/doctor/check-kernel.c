/* Judgements of the kernel and the system: namespaces, cgroups, what guards containers, limits, the clock. */

#include "doctor/check-internal.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/strv.h"

#define USERNS_FEW 100 /* each step may have one of its own */
#define INOTIFY_INSTANCES_FEW 64
#define INOTIFY_WATCHES_FEW 4096
#define KEYS_FEW 100 /* one for each container that runs */

void check_userns(const Check *check, const Facts *facts, Findings *findings) {
        bool answers = facts->engine_r >= 0;
        Finding *finding;

        if (facts->uid == 0)
                return;
        if (facts->userns_clone == 0) {
                finding = finding_add(findings, check, LEVEL_FAULT,
                                      "only root may make user namespaces (kernel.unprivileged_userns_clone is 0)");
                finding_mend(
                        finding, findings, true,
                        "echo kernel.unprivileged_userns_clone=1 >/etc/sysctl.d/60-podman.conf && sysctl --system");
        } else if (facts->user_namespaces_max >= 0 && facts->user_namespaces_max < USERNS_FEW) {
                finding = finding_add(findings, check, facts->user_namespaces_max == 0 ? LEVEL_FAULT : LEVEL_WARNING,
                                      "at most %lld user namespaces may be made (user.max_user_namespaces)",
                                      (long long) facts->user_namespaces_max);
                finding_mend(finding, findings, true,
                             "echo user.max_user_namespaces=15000 >/etc/sysctl.d/60-podman.conf && sysctl --system");
        } else if (facts->apparmor_restricts == 1 && !facts->has_podman_profile && !answers) {
                finding = finding_add(
                        findings, check, LEVEL_WARNING,
                        "AppArmor lets only programs with a profile make user namespaces, and Podman has none");
                finding_advise(
                        finding, findings,
                        "install the package apparmor of your release, which brings Podman's, or let root allow all:");
                finding_mend(finding, findings, true,
                             "echo kernel.apparmor_restrict_unprivileged_userns=0 >/etc/sysctl.d/60-podman.conf && "
                             "sysctl --system");
        } else
                (void) finding_add(findings, check, LEVEL_OK, "may be made%s",
                                   facts->apparmor_restricts == 1 ? ", by programs with an AppArmor profile" : "");
}

/* Of memory, processes and CPU; joined for people. NULL if memory is out, "" if none is missing. */
static char *missing_controllers(char *const *have) {
        static const char *const wanted[] = { "memory", "pids", "cpu" };
        _cleanup_strv_ char **missing = NULL;

        FOREACH_ROW(name, wanted)
                if (!strv_contains(have, *name) && strv_append(&missing, *name) < 0)
                        return NULL;
        return strv_join(missing, ", ");
}

static void judge_controllers(const Check *check, const Facts *facts, Findings *findings) {
        const EngineDetails *details = &facts->details;
        bool is_told = facts->knows_details && details->tells_controllers;
        char *const *have = is_told ? details->cgroup_controllers : facts->controllers;
        _cleanup_free_ char *missing = missing_controllers(have);
        bool is_systemd = str_equal(details->cgroup_manager, "systemd");
        Finding *finding;

        if (!missing) {
                findings->error = -ENOMEM;
                return;
        }
        if (!is_told && !facts->knows_controllers)
                return;
        if (!*missing) {
                (void) finding_add(findings, check, LEVEL_OK, "v2, with memory, pids and cpu%s",
                                   is_systemd ? ", by systemd" : "");
                return;
        }
        finding = finding_add(findings, check, LEVEL_WARNING, "not given to your containers: %s%s", missing,
                              is_systemd ? "; a container with such a limit does not start"
                                         : "; such limits are passed over");
        if (facts->has_systemd) {
                finding_mend(finding, findings, true,
                             "mkdir -p /etc/systemd/system/user@.service.d && printf '[Service]\\nDelegate=cpu cpuset "
                             "io memory pids\\n' >/etc/systemd/system/user@.service.d/delegate.conf && systemctl "
                             "daemon-reload");
                finding_advise(
                        finding, findings, "%s",
                        strstr(missing, "pids") && is_systemd
                                ? "as below, then log in anew; where the kernel has no pids controller to give, set "
                                  "pids_limit = 0 in ~/.config/containers/containers.conf, or no container starts at "
                                  "all"
                                : "as below, then log in anew");
        } else
                finding_advise(finding, findings, "whoever starts Podman here must give its cgroup these controllers");
}

void check_cgroups(const Check *check, const Facts *facts, Findings *findings) {
        const EngineDetails *details = &facts->details;
        bool is_v2 = facts->knows_details && details->cgroup_version ? str_equal(details->cgroup_version, "v2")
                                                                     : facts->has_cgroup2;
        Finding *finding;

        if (facts->engine_r >= 0 && (!facts->knows_details || facts->is_docker))
                return; /* Docker's are root's */
        if (!is_v2) {
                finding = finding_add(findings, check, LEVEL_WARNING,
                                      "version 1, or both mixed: rootless containers have no limits at all");
                finding_advise(finding, findings,
                               "boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line");
                return;
        }
        if (details->is_rootless && facts->engine_is_local && facts->has_manager &&
            str_equal(details->cgroup_manager, "cgroupfs")) {
                finding = finding_add(findings, check, LEVEL_WARNING,
                                      "Podman makes cgroups itself instead of asking your systemd");
                finding_advise(finding, findings,
                               "install the package dbus-user-session and log in anew; remove cgroup_manager from "
                               "containers.conf");
        }
        judge_controllers(check, facts, findings);
}

void check_selinux(const Check *check, const Facts *facts, Findings *findings) {
        Finding *finding;

        if (!facts->knows_details || facts->selinux_enforces == ANSWER_UNKNOWN)
                return; /* there is none in this kernel */
        if (facts->selinux_enforces == ANSWER_NO)
                (void) finding_add(findings, check, LEVEL_OK, "there, and only warns (permissive)");
        else if (!facts->details.has_selinux) {
                finding =
                        finding_add(findings, check, LEVEL_NOTE, "enforcing, but Podman starts containers without it");
                finding_advise(finding, findings,
                               "install the package container-selinux, and remove label = false from containers.conf");
        } else {
                finding = finding_add(findings, check, LEVEL_NOTE,
                                      "enforcing: podstep labels what steps read, but never the checkout itself");
                finding_advise(finding, findings,
                               "for 'run --write', where steps write into the checkout, give it the label yourself:");
                finding_mend(finding, findings, false, "chcon -R -t container_file_t DIRECTORY");
        }
}

void check_seccomp(const Check *check, const Facts *facts, Findings *findings) {
        Finding *finding;

        if (!facts->knows_details)
                return;
        if (facts->details.has_seccomp) {
                (void) finding_add(findings, check, LEVEL_OK, "system calls are filtered");
                return;
        }
        finding = finding_add(findings, check, LEVEL_WARNING, "off: steps may make any system call");
        finding_advise(finding, findings, "install a Podman and an OCI runtime that are built with seccomp");
}

void check_limits(const Check *check, const Facts *facts, Findings *findings) {
        const struct {
                const char *what, *name;
                int64_t value, few;
                int enough;
        } rows[] = {
                { "inotify instances", "fs.inotify.max_user_instances", facts->inotify_instances_max,
                  INOTIFY_INSTANCES_FEW, 512 },
                { "inotify watches", "fs.inotify.max_user_watches", facts->inotify_watches_max, INOTIFY_WATCHES_FEW,
                  65536 },
                { "keys", "kernel.keys.maxkeys", facts->keys_max, KEYS_FEW, 1000 },
        };
        bool is_fine = true;

        FOREACH_ROW(row, rows) {
                Finding *finding;

                if (row->value < 0 || row->value >= row->few)
                        continue;
                is_fine = false;
                finding = finding_add(findings, check, row->value == 0 ? LEVEL_FAULT : LEVEL_WARNING,
                                      "only %lld %s for each user (%s)", (long long) row->value, row->what, row->name);
                finding_mend(finding, findings, true, "echo %s=%d >>/etc/sysctl.d/60-podman.conf && sysctl --system",
                             row->name, row->enough);
        }
        if (is_fine)
                (void) finding_add(findings, check, LEVEL_OK, "enough");
}

static void mend_clock(Finding *finding, const Facts *facts, Findings *findings) {
        if (facts->has_systemd)
                finding_mend(finding, findings, true, "timedatectl set-ntp true");
        else
                finding_advise(
                        finding, findings,
                        "whoever set up this machine must let its clock be set, by an NTP client such as chrony");
}

void check_clock(const Check *check, const Facts *facts, Findings *findings) {
        char stamp[CLOCK_STAMP_MAX];
        Finding *finding;

        if (facts->build_usec > 0 && facts->now_usec < facts->build_usec) {
                finding = finding_add(findings, check, LEVEL_FAULT, "it is %s here: before podstep was built",
                                      clock_format_stamp(facts->now_usec, stamp));
                mend_clock(finding, facts, findings);
        } else if (facts->clock_is_synchronized == ANSWER_NO) {
                finding = finding_add(findings, check, LEVEL_NOTE, "not synchronized, as far as the kernel knows");
                mend_clock(finding, facts, findings);
        } else
                (void) finding_add(findings, check, LEVEL_OK, "%s",
                                   facts->clock_is_synchronized == ANSWER_YES ? "synchronized" : "plausible");
}
