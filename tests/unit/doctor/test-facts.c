#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "doctor/facts.h"

static void test_id_ranges(void **state) {
        static const struct {
                const char *text;
                size_t want;
                unsigned want_bad;
                uint64_t start, count; /* of the last */
        } rows[] = {
                { "", 0, 0, 0, 0 },
                { "ci:100000:65536\n", 1, 0, 100000, 65536 },
                { "ci:100000:65536\n1000:165536:65536", 2, 0, 165536, 65536 },
                { "# remark\n\nci:1:2\n", 1, 0, 1, 2 },
                { "ci:1\n", 0, 1, 0, 0 },
                { "ci:1:2:3\n", 0, 1, 0, 0 },
                { ":1:2\n", 0, 1, 0, 0 },
                { "ci:-1:2\nci:x:2\nci:1:\n", 0, 3, 0, 0 },
                { "ci:4294967295:1\n", 1, 0, 4294967295, 1 },
                { "ci:4294967295:2\nci:4294967296:1\n", 0, 2, 0, 0 },
        };

        FOREACH_ROW(row, rows) {
                IdRanges ranges = { 0 };

                print_message("case '%s'\n", row->text);
                assert_int_equal(id_ranges_parse(row->text, &ranges), 0);
                assert_int_equal(ranges.n_ranges, row->want);
                assert_int_equal(ranges.n_bad_lines, row->want_bad);
                if (row->want > 0) {
                        assert_int_equal(ranges.ranges[row->want - 1].start, row->start);
                        assert_int_equal(ranges.ranges[row->want - 1].count, row->count);
                }
                id_ranges_done(&ranges);
        }
}

static void put(const char *root, const char *path, const char *text, mode_t mode) {
        _cleanup_free_ char *whole = str_printf("%s%s", root, path), *parent = path_parent(whole);

        assert_int_equal(file_mkdir_p(parent, 0755), 0);
        assert_int_equal(file_write(whole, text, strlen(text), mode), 0);
        assert_int_equal(chmod(whole, mode), 0);
}

static Facts facts_at(const char *root) {
        return (Facts) { .root = strdup(root),
                        .user = strdup("ci"),
                        .uid = geteuid(),
                        .home = strdup("/home/ci"),
                        .runtime_directory = strdup("/run/user/1000"),
                        .state_directory = str_printf("%s/state", root) };
}

static void test_machine(void **state) {
        char root[] = "/tmp/podstep-doctor-XXXXXX";
        _cleanup_free_ char *runtime = NULL, *user_manager = NULL;
        Facts facts;

        assert_non_null(mkdtemp(root));
        runtime = str_printf("%s/run/user/1000", root);
        user_manager = str_printf("/sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service/cgroup.controllers",
                                  (unsigned) geteuid(), (unsigned) geteuid());
        assert_int_equal(file_mkdir_p(runtime, 0700), 0);
        put(root, "/run/systemd/system/x", "", 0644);
        put(root, "/var/lib/systemd/linger/ci", "", 0644);
        put(root, "/etc/subuid", "ci:100000:65536\n", 0644);
        put(root, "/etc/nsswitch.conf", "passwd: files\nsubid: sss\n", 0644);
        put(root, "/usr/bin/newuidmap", "", 04755);
        put(root, "/usr/bin/newgidmap", "", 0755);
        put(root, "/usr/bin/podman", "", 0755);
        put(root, "/proc/sys/user/max_user_namespaces", "1234\n", 0644);
        put(root, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", 0644);
        put(root, "/etc/apparmor.d/podman", "", 0644);
        put(root, "/sys/fs/selinux/enforce", "1", 0644);
        put(root, "/sys/fs/cgroup/cgroup.controllers", "cpu\n", 0644);
        put(root, user_manager, "memory pids\n", 0644);
        put(root, "/etc/containers/registries.conf",
            "# short-name-mode = \"disabled\"\nshort-name-mode=\"enforcing\"\n", 0644);
        put(root, "/etc/containers/registries.conf.d/10-site.conf", "  short-name-mode = 'permissive'\n", 0644);
        put(root, "/etc/containers/registries.conf.d/99-not.txt", "short-name-mode = \"disabled\"\n", 0644);

        facts = facts_at(root);
        assert_int_equal(facts_read_user(&facts), 0);
        assert_int_equal(facts_read_kernel(&facts), 0);
        assert_int_equal(facts_read_places(&facts), 0);
        assert_true(facts.has_systemd && facts.has_podman && facts.runtime_exists && facts.ids_elsewhere &&
                    facts.has_podman_profile);
        assert_int_equal(facts.runtime_uid, geteuid());
        assert_int_equal(facts.runtime_mode, 0700);
        assert_int_equal(facts.lingers, ANSWER_YES);
        assert_int_equal(facts.subuid.n_ranges, 1);
        assert_int_equal(facts.subgid.n_ranges, 0);
        assert_true(facts.newuidmap == PROGRAM_ABLE || facts.newuidmap == PROGRAM_NOSUID); /* as /tmp is mounted */
        assert_int_equal(facts.newgidmap, PROGRAM_PLAIN);
        assert_int_equal(facts.user_namespaces_max, 1234);
        assert_int_equal(facts.userns_clone, NUMBER_UNKNOWN);
        assert_int_equal(facts.selinux_enforces, ANSWER_YES);
        assert_true(facts.has_cgroup2 && facts.knows_controllers);
        assert_true(strv_contains(facts.controllers, "pids") && !strv_contains(facts.controllers, "cpu"));
        assert_string_equal(facts.short_name_mode, "permissive");
        assert_string_equal(facts.state.seen, root); /* nothing was made there */
        assert_true(facts.state.total_bytes > 0);
        assert_null(facts.storage.path);
        facts_done(&facts);
        assert_int_equal(file_remove_tree(root), 0);
}

static void test_bare_machine(void **state) {
        char root[] = "/tmp/podstep-doctor-XXXXXX";
        Facts facts;

        assert_non_null(mkdtemp(root));
        facts = facts_at(root);
        put(root, "/proc/self/cgroup", "1:name=systemd:/x\n0::/job\n", 0644);
        put(root, "/sys/fs/cgroup/job/cgroup.controllers", "\n", 0644);
        assert_int_equal(facts_read_user(&facts), 0);
        assert_int_equal(facts_read_kernel(&facts), 0);
        assert_int_equal(facts_read_places(&facts), 0);
        assert_false(facts.has_systemd || facts.has_podman || facts.runtime_exists || facts.ids_elsewhere ||
                     facts.has_cgroup2);
        assert_int_equal(facts.lingers, ANSWER_UNKNOWN);
        assert_int_equal(facts.newuidmap, PROGRAM_MISSING);
        assert_int_equal(facts.selinux_enforces, ANSWER_UNKNOWN);
        assert_true(facts.knows_controllers);
        assert_int_equal(strv_length(facts.controllers), 0);
        assert_null(facts.short_name_mode);
        facts_done(&facts);
        assert_int_equal(file_remove_tree(root), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_id_ranges),
                cmocka_unit_test(test_machine),
                cmocka_unit_test(test_bare_machine),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
