#include "test.h"

#include <linux/magic.h>
#include <string.h>

#include "base/str.h"
#include "doctor/check.h"

#define GIB (UINT64_C(1024) * 1024 * 1024)

static char *words[] = { (char *) "memory", (char *) "pids", (char *) "cpu", NULL };
static char *one_word[] = { (char *) "hugetlb", NULL };
static char *docker[] = { (char *) "docker.io", NULL };
static char *registries[] = { (char *) "registry.example.org", (char *) "docker.io", NULL };
static IdMapping full_map[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };
static IdMapping small_map[] = { { 0, 1000, 1 }, { 1, 100000, 1000 } };
static ImageUser image_users[] = { { (char *) "a:1", 1001, 0 }, { (char *) "big:1", 70000, 0 } };
static IdRange ranges[] = { { (char *) "ci", 100000, 65536 }, { (char *) "other", 165536, 65536 } };
static IdRange by_number[] = { { (char *) "1000", 100000, 65536 } };
static IdRange others[] = { { (char *) "other", 100000, 65536 } };
static IdRange few[] = { { (char *) "ci", 100000, 1000 } };
static IdRange shared[] = { { (char *) "ci", 100000, 65536 }, { (char *) "other", 165535, 10 } };
static IdRange at_end[] = { { (char *) "other", 4294900000, 65536 } };

/* A machine where all is well. */
static Facts fine(void) {
        return (Facts) {
                .root = (char *) "/nonexistent",
                .now_usec = 2000, .build_usec = 1000,
                .uid = 1000, .user = (char *) "ci", .home = (char *) "/home/ci",
                .state_directory = (char *) "/home/ci/.local/state/podstep",
                .runtime_directory = (char *) "/run/user/1000", .runtime_exists = true, .runtime_uid = 1000,
                .runtime_mode = 0700,
                .has_systemd = true, .has_logind = true, .has_manager = true, .lingers = ANSWER_YES,
                .podman_socket = { (char *) "loaded", (char *) "active", (char *) "enabled" },
                .subuid = { ranges, 2, 0 }, .subgid = { ranges, 2, 0 },
                .newuidmap = PROGRAM_ABLE, .newgidmap = PROGRAM_ABLE,
                .kernel = (char *) "6.1.0", .has_cgroup2 = true, .controllers = words, .knows_controllers = true,
                .user_namespaces_max = 10000, .userns_clone = 1, .apparmor_restricts = NUMBER_UNKNOWN,
                .inotify_instances_max = 128, .inotify_watches_max = 100000, .keys_max = 200,
                .clock_is_synchronized = ANSWER_YES,
                .engine_address = (char *) "unix:///s", .engine_version = (char *) "5.4.2", .engine_is_local = true,
                .knows_details = true,
                .details = {
                        .version = (char *) "5.4.2", .kernel = (char *) "6.1.0", .runtime = (char *) "crun",
                        .runtime_version = (char *) "1.22",
                        .monitor_version = (char *) "2.1.12", .network_backend = (char *) "netavark",
                        .network_version = (char *) "1.14.0",
                        .dns_version = (char *) "1.14.0", .network_command = (char *) "pasta",
                        .pasta = (char *) "/usr/bin/pasta",
                        .cgroup_manager = (char *) "systemd", .cgroup_version = (char *) "v2",
                        .cgroup_controllers = words, .tells_controllers = true,
                        .storage_driver = (char *) "overlay", .graph_root = (char *) "/s",
                        .backing_filesystem = (char *) "extfs",
                        .search_registries = docker, .is_rootless = true, .has_seccomp = true,
                        .uid_map = full_map, .n_uid_map = 2, .gid_map = full_map, .n_gid_map = 2,
                },
                .exits_directory = (char *) "/run/user/1000/libpod/tmp/exits", .has_podman = true,
                .storage = { (char *) "/s", (char *) "/s", EXT4_SUPER_MAGIC, 50 * GIB, 100 * GIB, 1000000, 2000000, 0 },
                .state = { (char *) "/t", (char *) "/t", EXT4_SUPER_MAGIC, 50 * GIB, 100 * GIB, 1000000, 2000000, 0 },
        };
}

static void test_fine(void **state) {
        Facts facts = fine();
        Findings findings;

        assert_int_equal(checks_run(&facts, &findings), 0);
        assert_int_equal(findings_worst(&findings), LEVEL_OK);
        assert_true(findings.n_findings >= n_checks - 1); /* SELinux is not in this kernel */
        for (size_t i = 0; i < findings.n_findings; i++) {
                assert_null(findings.findings[i].why);
                assert_int_equal(findings.findings[i].n_remedies, 0);
        }
        findings_done(&findings);
}

/* Where Docker answers, what only rootless Podman needs may be missing. */
static void test_docker(void **state) {
        Findings findings = { 0 };
        Facts facts = fine();

        facts.is_docker = true;
        facts.engine_is_local = false;
        facts.subuid = facts.subgid = (IdRanges) { 0 };
        facts.newuidmap = facts.newgidmap = PROGRAM_MISSING;
        facts.user_namespaces_max = 0;
        facts.podman_socket = (UnitFacts) { 0 };
        facts.details.dns_version = NULL;
        facts.details.pasta = (char *) "";
        assert_int_equal(checks_run(&facts, &findings), 0);
        assert_int_equal(findings_worst(&findings), LEVEL_NOTE);
        for (size_t i = 0; i < findings.n_findings; i++) {
                assert_false(findings.findings[i].check->of_podman);
                if (str_equal(findings.findings[i].check->id, "versions"))
                        assert_true(str_starts_with(findings.findings[i].what, "docker 5.4.2"));
        }
        findings_done(&findings);
}

#define MAKE(name, code) static void name(Facts *f) { code; }
MAKE(config_files, f->config_files = words)
MAKE(config_broken, f->config_faults = (char *) "/etc/podstep/podstep.yaml:3:1: error: unknown key 'x'\n    3 | x\n";
     f->config_is_broken = true)
MAKE(config_warning, f->config_faults = (char *) "a.yaml:3:1: warning: what\n")
MAKE(as_root, f->uid = 0)
MAKE(no_runtime, f->runtime_directory = NULL)
MAKE(runtime_gone, f->runtime_exists = false)
MAKE(runtime_of_other, f->runtime_uid = 0)
MAKE(runtime_open, f->runtime_mode = 0755)
MAKE(no_linger, f->lingers = ANSWER_NO)
MAKE(no_linger_no_logind, f->lingers = ANSWER_NO; f->has_logind = false)
MAKE(linger_unknown, f->lingers = ANSWER_UNKNOWN)
MAKE(no_clone, f->userns_clone = 0)
MAKE(no_namespaces, f->user_namespaces_max = 0)
MAKE(few_namespaces, f->user_namespaces_max = 10)
MAKE(apparmor, f->apparmor_restricts = 1; f->engine_r = -ECONNREFUSED; f->knows_details = false)
MAKE(apparmor_answers, f->apparmor_restricts = 1)
MAKE(apparmor_profile, f->apparmor_restricts = 1; f->has_podman_profile = true; f->engine_r = -ECONNREFUSED;
     f->knows_details = false)
MAKE(no_subuid, f->subuid = (IdRanges) { 0 })
MAKE(subuid_of_others, f->subuid = ((IdRanges) { others, 1, 0 }))
MAKE(subuid_by_number, f->subuid = ((IdRanges) { by_number, 1, 0 }))
MAKE(few_subuids, f->subuid = ((IdRanges) { few, 1, 0 }))
MAKE(shared_subuids, f->subuid = ((IdRanges) { shared, 2, 0 }))
MAKE(bad_subuids, f->subuid = ((IdRanges) { ranges, 2, 1 }))
MAKE(full_subuids, f->subuid = ((IdRanges) { at_end, 1, 0 }))
MAKE(no_subgid, f->subgid = (IdRanges) { 0 })
MAKE(ids_by_sss, f->subuid = (IdRanges) { 0 }; f->ids_elsewhere = true)
MAKE(no_newuidmap, f->newuidmap = PROGRAM_MISSING)
MAKE(plain_newgidmap, f->newgidmap = PROGRAM_PLAIN)
MAKE(nosuid, f->newuidmap = PROGRAM_NOSUID)
MAKE(no_engine, f->details = (EngineDetails) { 0 }; f->engine_r = -ECONNREFUSED;
     f->engine_error = (char *) "no Podman engine found"; f->knows_details = false)
MAKE(no_podman, no_engine(f); f->has_podman = false)
MAKE(too_old, no_engine(f); f->engine_r = -EPROTONOSUPPORT)
MAKE(docker_answers, f->details = (EngineDetails) { 0 }; f->knows_details = false; f->is_docker = true)
MAKE(rootful, f->details.is_rootless = false)
MAKE(socket_disabled, f->podman_socket.file = (char *) "disabled")
MAKE(socket_dead, f->podman_socket.active = (char *) "inactive")
MAKE(socket_masked, f->podman_socket.load = (char *) "masked")
MAKE(socket_missing, f->podman_socket = ((UnitFacts) { (char *) "not-found", (char *) "inactive", (char *) "" }))
MAKE(no_manager, f->has_manager = false)
MAKE(no_systemd, f->has_manager = f->has_systemd = false)
MAKE(agent_ready, f->podstep_socket = ((UnitFacts) { (char *) "loaded", (char *) "active", (char *) "enabled" }))
MAKE(agent_disabled, agent_ready(f); f->podstep_socket.file = (char *) "disabled")
MAKE(agent_dead, agent_disabled(f); f->podstep_socket.active = (char *) "inactive")
MAKE(agent_masked, agent_ready(f); f->podstep_socket.load = (char *) "masked")
MAKE(agent_failed, agent_ready(f); f->podstep_service.active = (char *) "failed")
MAKE(agent_socket_failed, agent_ready(f); f->podstep_socket.active = (char *) "failed")
MAKE(agent_alone, agent_ready(f); f->guard_socket.load = (char *) "not-found")
MAKE(guard_masked, agent_ready(f); f->guard_socket.load = (char *) "masked")
MAKE(guard_failed, agent_ready(f); f->guard_socket.active = (char *) "failed")
MAKE(agent_missing, f->podstep_socket = ((UnitFacts) { (char *) "not-found", (char *) "inactive", (char *) "" }))
MAKE(maps_less, f->details.uid_map = small_map)
MAKE(big_image, f->details.image_users = image_users; f->details.n_image_users = 2)
MAKE(small_image, f->details.image_users = image_users; f->details.n_image_users = 1)
MAKE(bad_conmon, f->details.monitor_version = (char *) "2.1.9")
MAKE(old_podman, f->details.version = (char *) "4.3.1")
MAKE(cni, f->details.network_backend = (char *) "cni")
MAKE(no_pasta, f->details.pasta = (char *) "")
MAKE(no_slirp, f->details.network_command = NULL; f->details.slirp4netns = (char *) "")
MAKE(no_dns, f->details.dns_version = NULL)
MAKE(cgroup1, f->details.cgroup_version = (char *) "v1")
MAKE(cgroupfs, f->details.cgroup_manager = (char *) "cgroupfs")
MAKE(no_controllers, f->details.cgroup_controllers = one_word)
MAKE(no_controllers_seen, no_engine(f); f->controllers = NULL)
MAKE(no_controllers_told, f->details.tells_controllers = false)
MAKE(vfs, f->details.storage_driver = (char *) "vfs")
MAKE(fuse_overlayfs, f->details.mount_program = (char *) "/usr/bin/fuse-overlayfs")
MAKE(fuse_needed, fuse_overlayfs(f); f->details.kernel = (char *) "5.4")
MAKE(on_nfs, f->storage.kind = NFS_SUPER_MAGIC)
MAKE(on_cifs, f->storage.kind = 0xffffffffff534d42) /* sign-extended, as statfs(2) gives it on 64 bits */
MAKE(on_overlay, f->storage.kind = OVERLAYFS_SUPER_MAGIC)
MAKE(on_tmpfs, f->storage.kind = TMPFS_MAGIC)
MAKE(old_kernel, f->kernel = (char *) "5.10.0")
MAKE(no_xattr, f->storage.xattr_errno = EOPNOTSUPP)
MAKE(xattr_untried, f->storage.xattr_errno = -1)
MAKE(disk_low, f->storage.free_bytes = GIB)
MAKE(disk_full, f->storage.free_bytes = 1000)
MAKE(state_full, f->state.free_bytes = 1000)
MAKE(inodes_low, f->storage.free_inodes = 5000)
MAKE(inodes_full, f->storage.free_inodes = 5)
MAKE(inodes_untold, f->storage.free_inodes = f->storage.total_inodes = 0)
MAKE(no_exits, f->exits_directory = NULL; f->details.n_containers = 1)
MAKE(no_exits_yet, f->exits_directory = NULL)
MAKE(exits_closed, f->exits_errno = EACCES)
MAKE(selinux, f->selinux_enforces = ANSWER_YES; f->details.has_selinux = true)
MAKE(selinux_unused, f->selinux_enforces = ANSWER_YES)
MAKE(selinux_permissive, f->selinux_enforces = ANSWER_NO; f->details.has_selinux = true)
MAKE(no_seccomp, f->details.has_seccomp = false)
MAKE(many_registries, f->details.search_registries = registries)
MAKE(no_registries, f->details.search_registries = NULL)
MAKE(few_inotify, f->inotify_instances_max = 10)
MAKE(no_keys, f->keys_max = 0)
MAKE(clock_behind, f->now_usec = 1)
MAKE(clock_drifts, f->clock_is_synchronized = ANSWER_NO)
MAKE(clock_drifts_alone, f->clock_is_synchronized = ANSWER_NO; f->has_systemd = false; f->has_manager = false)
MAKE(dead_jobs, f->n_jobs = f->n_dead_jobs = 2)
MAKE(kept_jobs, f->n_jobs = f->n_kept_jobs = 1)

/* Of each: the finding of that check, with what it says and the command that mends it. */
static void test_verdicts(void **state) {
        static const struct {
                const char *name;
                void (*make)(Facts *facts);
                const char *check;
                Level want;
                const char *what, *command; /* parts; a command begins with "$ " or "# "; NULL: there is none */
        } rows[] = {
#define ROW(make) #make, make
                { ROW(config_files), "configuration", LEVEL_OK, "memory, pids, cpu", NULL },
                { ROW(config_broken), "configuration", LEVEL_FAULT, "podstep.yaml:3:1: error: unknown key 'x'",
                  "$ podstep config" },
                { ROW(config_warning), "configuration", LEVEL_WARNING, "a.yaml:3:1: warning: what",
                  "$ podstep config" },
                { ROW(as_root), "session", LEVEL_NOTE, "you are root", NULL },
                { ROW(as_root), "subuid", LEVEL_OK, "not needed", NULL },
                { ROW(as_root), "idmap", LEVEL_OK, "not needed", NULL },
                { ROW(no_runtime), "session", LEVEL_FAULT, "is not set", "# machinectl shell ci@" },
                { ROW(runtime_gone), "session", LEVEL_FAULT, "no directory",
                  "# install -d -m 700 -o ci /run/user/1000" },
                { ROW(runtime_of_other), "session", LEVEL_FAULT, "of user 0",
                  "$ export XDG_RUNTIME_DIR=/run/user/1000" },
                { ROW(runtime_open), "session", LEVEL_WARNING, "mode 0755", "$ chmod 700 /run/user/1000" },
                { ROW(no_linger), "linger", LEVEL_WARNING, "off", "$ podstep setup" },
                { ROW(no_linger_no_logind), "linger", LEVEL_WARNING, "off", "# loginctl enable-linger ci" },
                { ROW(linger_unknown), "linger", LEVEL_OK, "no systemd", NULL },
                { ROW(no_clone), "userns", LEVEL_FAULT, "unprivileged_userns_clone",
                  "# echo kernel.unprivileged_userns_clone=1" },
                { ROW(no_namespaces), "userns", LEVEL_FAULT, "at most 0", "# echo user.max_user_namespaces" },
                { ROW(few_namespaces), "userns", LEVEL_WARNING, "at most 10", "# echo user.max_user_namespaces" },
                { ROW(apparmor), "userns", LEVEL_WARNING, "AppArmor", "# echo kernel.apparmor" },
                { ROW(apparmor_answers), "userns", LEVEL_OK, "AppArmor profile", NULL },
                { ROW(apparmor_profile), "userns", LEVEL_OK, "AppArmor profile", NULL },
                { ROW(no_subuid), "subuid", LEVEL_FAULT, "/etc/subuid has no line for ci",
                  "# usermod --add-subuids 231072-296607 ci" },
                { ROW(subuid_of_others), "subuid", LEVEL_FAULT, "no line", "# usermod --add-subuids 231072-296607 ci" },
                { ROW(subuid_by_number), "subuid", LEVEL_OK, "65536 ids", NULL },
                { ROW(few_subuids), "subuid", LEVEL_WARNING, "only 1000 ids", "# usermod --add-subuids" },
                { ROW(shared_subuids), "subuid", LEVEL_WARNING, "from 165535 on are also other's", NULL },
                { ROW(bad_subuids), "subuid", LEVEL_NOTE, "1 line of /etc/subuid", NULL },
                { ROW(full_subuids), "subuid", LEVEL_FAULT, "no line", "$ podman system migrate" },
                { ROW(no_subgid), "subgid", LEVEL_FAULT, "/etc/subgid has no line",
                  "# usermod --add-subgids 231072-296607 ci" },
                { ROW(ids_by_sss), "subuid", LEVEL_OK, "nsswitch.conf", NULL },
                { ROW(no_newuidmap), "idmap", LEVEL_FAULT, "newuidmap is not installed", NULL },
                { ROW(plain_newgidmap), "idmap", LEVEL_FAULT, "newgidmap is neither",
                  "# setcap cap_setgid+ep /usr/bin/newgidmap" },
                { ROW(nosuid), "idmap", LEVEL_FAULT, "mounted nosuid", NULL },
                { ROW(no_engine), "engine", LEVEL_FAULT, "no Podman engine found", "$ podstep setup" },
                { ROW(no_podman), "engine", LEVEL_FAULT, "no Podman engine found", NULL },
                { ROW(too_old), "engine", LEVEL_FAULT, "no Podman engine found", NULL },
                { ROW(docker_answers), "engine", LEVEL_NOTE, "Docker 5.4.2 at unix:///s", NULL },
                { ROW(rootful), "engine", LEVEL_NOTE, "as root", NULL },
                { ROW(socket_disabled), "socket", LEVEL_WARNING, "disabled and active: gone", "$ podstep setup" },
                { ROW(socket_dead), "socket", LEVEL_WARNING, "enabled and inactive", "$ podstep setup" },
                { ROW(socket_masked), "socket", LEVEL_WARNING, "masked", "$ systemctl --user unmask podman.socket" },
                { ROW(socket_missing), "socket", LEVEL_WARNING, "there is no podman.socket", NULL },
                { ROW(no_manager), "socket", LEVEL_WARNING, "does not answer", NULL },
                { ROW(no_systemd), "socket", LEVEL_NOTE, "no systemd", "$ podman system service" },
                { ROW(agent_ready), "agent", LEVEL_OK, "enabled and active", NULL },
                { ROW(agent_disabled), "agent", LEVEL_NOTE,
                  "disabled and active: 'podstep submit' finds no agent after the next boot", "$ podstep setup" },
                { ROW(agent_dead), "agent", LEVEL_NOTE, "disabled and inactive: 'podstep submit' finds no agent",
                  "$ podstep setup" },
                { ROW(agent_masked), "agent", LEVEL_NOTE, "masked", "$ systemctl --user unmask podstep.socket" },
                { ROW(agent_failed), "agent", LEVEL_WARNING, "has failed", "$ journalctl --user -u podstep.service" },
                { ROW(agent_socket_failed), "agent", LEVEL_WARNING, "has failed",
                  "$ journalctl --user -u podstep.service" },
                { ROW(agent_alone), "agent", LEVEL_WARNING, "there is no podstep-guard.socket", NULL },
                { ROW(guard_masked), "agent", LEVEL_WARNING, "podstep-guard.socket is masked",
                  "$ systemctl --user unmask podstep-guard.socket" },
                { ROW(guard_failed), "agent", LEVEL_WARNING, "podstep-guard.socket has failed",
                  "$ systemctl --user restart podstep-guard.socket" },
                { ROW(agent_missing), "agent", LEVEL_OK, "start yourself", NULL },
                { ROW(maps_less), "mapping", LEVEL_WARNING, "maps only 1001 ids, though you have 65536",
                  "$ podman system migrate" },
                { ROW(big_image), "mapping", LEVEL_WARNING, "'big:1' runs as user 70000:0, and ids end at 65536",
                  "# usermod --add-subuids" },
                { ROW(small_image), "mapping", LEVEL_OK, "up to 65536", NULL },
                { ROW(bad_conmon), "versions", LEVEL_FAULT, "conmon 2.1.9: no container starts", NULL },
                { ROW(old_podman), "versions", LEVEL_NOTE, "secrets in the clear", NULL },
                { ROW(cni), "network", LEVEL_WARNING, "CNI", "$ podman system reset" },
                { ROW(no_pasta), "network", LEVEL_FAULT, "pasta is not installed", NULL },
                { ROW(no_slirp), "network", LEVEL_FAULT, "slirp4netns is not installed", NULL },
                { ROW(no_dns), "dns", LEVEL_NOTE, "aardvark-dns is not installed", NULL },
                { ROW(cgroup1), "cgroups", LEVEL_WARNING, "version 1", NULL },
                { ROW(cgroupfs), "cgroups", LEVEL_WARNING, "itself", NULL },
                { ROW(no_controllers), "cgroups", LEVEL_WARNING, "memory, pids, cpu; a container",
                  "# mkdir -p /etc/systemd/system/user@.service.d" },
                { ROW(no_controllers_seen), "cgroups", LEVEL_WARNING, "passed over",
                  "# mkdir -p /etc/systemd/system/user@.service.d" },
                { ROW(no_controllers_told), "cgroups", LEVEL_OK, "memory, pids and cpu", NULL },
                { ROW(vfs), "storage", LEVEL_WARNING, "vfs", "$ podman system reset" },
                { ROW(fuse_overlayfs), "storage", LEVEL_NOTE, "/usr/bin/fuse-overlayfs", "$ podman system reset" },
                { ROW(fuse_needed), "storage", LEVEL_NOTE, "/usr/bin/fuse-overlayfs", NULL },
                { ROW(on_nfs), "place", LEVEL_FAULT, "NFS", NULL },
                { ROW(on_nfs), "workspace", LEVEL_WARNING, "copied", NULL },
                { ROW(on_cifs), "place", LEVEL_FAULT, "CIFS", NULL },
                { ROW(on_overlay), "place", LEVEL_WARNING, "overlay", NULL },
                { ROW(on_tmpfs), "place", LEVEL_NOTE, "memory", NULL },
                { ROW(on_tmpfs), "workspace", LEVEL_OK, "overlay", NULL },
                { ROW(old_kernel), "workspace", LEVEL_WARNING, "5.10.0", NULL },
                { ROW(no_xattr), "workspace", LEVEL_WARNING, "user attributes", NULL },
                { ROW(xattr_untried), "workspace", LEVEL_OK, "overlay", NULL },
                { ROW(disk_low), "space", LEVEL_WARNING, "/s (images and containers): 1024 MiB", "$ podstep prune" },
                { ROW(disk_full), "space", LEVEL_FAULT, "0 MiB", "$ podstep prune" },
                { ROW(state_full), "space", LEVEL_FAULT, "/t (podstep's own files)", "$ podstep prune" },
                { ROW(inodes_low), "space", LEVEL_WARNING, "5000 more files", "$ podstep prune" },
                { ROW(inodes_full), "space", LEVEL_FAULT, "5 more files", "$ podstep prune" },
                { ROW(inodes_untold), "space", LEVEL_OK, "free", NULL },
                { ROW(no_exits), "exits", LEVEL_NOTE, "usual place", NULL },
                { ROW(no_exits_yet), "exits", LEVEL_OK, "not there yet", NULL },
                { ROW(exits_closed), "exits", LEVEL_WARNING, "Permission denied", NULL },
                { ROW(selinux), "selinux", LEVEL_NOTE, "enforcing", "$ chcon -R -t container_file_t DIRECTORY" },
                { ROW(selinux_unused), "selinux", LEVEL_NOTE, "without it", NULL },
                { ROW(selinux_permissive), "selinux", LEVEL_OK, "permissive", NULL },
                { ROW(no_seccomp), "seccomp", LEVEL_WARNING, "off", NULL },
                { ROW(many_registries), "short-names", LEVEL_NOTE, "registry.example.org, docker.io", NULL },
                { ROW(no_registries), "short-names", LEVEL_OK, "its own list", NULL },
                { ROW(few_inotify), "limits", LEVEL_WARNING, "10 inotify instances",
                  "# echo fs.inotify.max_user_instances=512" },
                { ROW(no_keys), "limits", LEVEL_FAULT, "0 keys", "# echo kernel.keys.maxkeys=1000" },
                { ROW(clock_behind), "clock", LEVEL_FAULT, "1970-01-01", "# timedatectl set-ntp true" },
                { ROW(clock_drifts), "clock", LEVEL_NOTE, "not synchronized", "# timedatectl set-ntp true" },
                { ROW(clock_drifts_alone), "clock", LEVEL_NOTE, "not synchronized", NULL },
                { ROW(dead_jobs), "leftovers", LEVEL_NOTE, "2 jobs", "$ podstep prune" },
                { ROW(kept_jobs), "leftovers", LEVEL_OK, "1 job", NULL },
        };

        FOREACH_ROW(row, rows) {
                const Finding *found = NULL;
                Facts facts = fine();
                Findings findings;

                print_message("case %s: %s\n", row->name, row->check);
                row->make(&facts);
                assert_int_equal(checks_run(&facts, &findings), 0);
                for (size_t i = 0; i < findings.n_findings && !found; i++)
                        if (str_equal(findings.findings[i].check->id, row->check))
                                found = &findings.findings[i];
                assert_non_null(found);
                if (found->level != row->want || !strstr(found->what, row->what))
                        fail_msg("%s: %s", level_to_string(found->level), found->what);
                assert_int_equal(found->why != NULL, found->level > LEVEL_OK);
                /* there is always a way out */
                assert_true(found->level == LEVEL_OK || found->advice || found->n_remedies > 0);
                assert_int_equal(found->n_remedies > 0, row->command != NULL);
                if (row->command) {
                        assert_int_equal(found->remedies[0].as_root, row->command[0] == '#');
                        if (!str_starts_with(found->remedies[0].command, row->command + 2))
                                fail_msg("%s", found->remedies[0].command);
                }
                findings_done(&findings);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fine),
                cmocka_unit_test(test_docker),
                cmocka_unit_test(test_verdicts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
