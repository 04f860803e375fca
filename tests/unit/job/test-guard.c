/* What is mounted where the operator allows only some directories: links are followed before the engine does. */

#include "../test.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "job/job-internal.h"

static char *make(const char *top, const char *name) {
        char *path = path_join(top, name);

        assert_non_null(path);
        assert_int_equal(file_mkdir_p(path, 0755), 0);
        return path;
}

static void test_links(void **state) {
        static const struct {
                const char *address;
                bool is_local;
                const char *source; /* below the top */
                int want_r;
                const char *want; /* what the engine is told */
        } rows[] = {
                { "unix:///run/podman.sock", true, "allowed/data", 0, "allowed/data" },
                { "unix:///run/podman.sock", true, "allowed/inside", 0, "allowed/data" },
                { "unix:///run/podman.sock", true, "allowed/outside", -EPERM, NULL },
                { "unix:///run/docker.sock", false, "allowed/data", 0, "allowed/data" },
                { "unix:///run/docker.sock", false, "allowed/inside", 0, "allowed/data" },
                { "unix:///run/docker.sock", false, "allowed/outside", -EPERM, NULL },
                { "unix:///run/docker.sock", false, "allowed/nothing", -ENOENT, NULL },
                /* another machine's files: nothing can be told */
                { "tcp://docker.example.com:2376", false, "allowed/outside", 0, "allowed/outside" },
                { NULL, false, "allowed/nothing", 0, "allowed/nothing" },
        };
        char top[] = "/tmp/podstep-test-XXXXXX";
        _cleanup_free_ char *allowed = NULL, *data = NULL, *secret = NULL, *inside = NULL, *outside = NULL;
        char *allowed_volumes[2] = { 0 };

        assert_non_null(mkdtemp(top));
        allowed = make(top, "allowed");
        data = make(top, "allowed/data");
        secret = make(top, "secret");
        inside = path_join(allowed, "inside");
        outside = path_join(allowed, "outside");
        assert_int_equal(symlink("data", inside), 0);
        assert_int_equal(symlink(secret, outside), 0);
        allowed_volumes[0] = allowed;
        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *source = path_join(top, row->source),
                                    *want = row->want ? path_join(top, row->want) : NULL;
                PlanVolume volume = { .source = source, .target = (char *) "/target" };
                PlanStep plan = { .volumes = &volume, .n_volumes = 1 };
                Policy policy = { .allowed_volumes = allowed_volumes };
                Engine engine = { .info = { .address = row->address, .is_local = row->is_local } };
                Job job = { .spec = { .policy = &policy, .engine = &engine } };
                Step step = { .job = &job, .plan = &plan };
                _cleanup_(error_freep) Error *error = NULL;

                print_message("%s: %s\n", row->address ? row->address : "?", row->source);
                assert_int_equal(guard_open_mounts(&step, &error), row->want_r);
                if (want)
                        assert_string_equal(guard_source(&step, &volume), want);
                guard_close_mounts(&step);
        }
        assert_int_equal(file_remove_tree(top), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_links),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
