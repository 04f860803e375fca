#include "../test.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "pipeline/option-text.h"

/* The message names the text, whatever is wrong with it. */
static void assert_fault(int r, const Error *error, const char *text) {
        assert_int_equal(r, -EINVAL);
        assert_non_null(error);
        if (!strstr(error_message(error, r), text))
                fail_msg("'%s' is not in '%s'", text, error_message(error, r));
}

static void test_ulimit(void **state) {
        static const struct {
                const char *in, *name;
                int64_t soft, hard;
        } rows[] = {
                { "nofile=1024", "nofile", 1024, 1024 },
                { "nofile=1024:2048", "nofile", 1024, 2048 },
                { "core=-1", "core", -1, -1 },
                { "core=0:unlimited", "core", 0, -1 },
                { "stack=unlimited", "stack", -1, -1 },
                { "nofile" },
                { "nofile=" },
                { "=3" },
                { "nofile=a" },
                { "nofile=1:2:3" },
                { "nofile=1=2" },
                { "files=3" },
                { "nofile=-2" },
                { "nofile=5:4" },
                { "nofile=-1:4" },
                { "RLIMIT_NOFILE=3" },
                { "nofile=1:" },
                { "" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_free_ char *name = NULL;
                int64_t soft = 77, hard = 78;
                int r = option_parse_ulimit(row->in, &name, &soft, &hard, &error);

                print_message("case '%s'\n", row->in);
                if (!row->name) {
                        assert_fault(r, error, row->in);
                        assert_null(name);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_string_equal(name, row->name);
                assert_int_equal(soft, row->soft);
                assert_int_equal(hard, row->hard);
        }
}

static void test_device_rule(void **state) {
        static const struct {
                const char *in;
                char type;
                int64_t major, minor;
                const char *access;
        } rows[] = {
                { "c 10:229 rwm", 'c', 10, 229, "rwm" },
                { "b 8:* r", 'b', 8, -1, "r" },
                { "a *:* rw", 'a', -1, -1, "rw" },
                { "c 10:229" },
                { "d 1:1 r" },
                { "c 1 r" },
                { "c 1:1 x" },
                { "c 1:1 rwmr" },
                { "c -1:1 r" },
                { "c 1:1:1 r" },
                { "c 1:1 " },
                { "" },
                { "cc 1:1 r" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_free_ char *access = NULL;
                int64_t major = 0, minor = 0;
                char type = '?';
                int r = option_parse_device_rule(row->in, &type, &major, &minor, &access, &error);

                print_message("case '%s'\n", row->in);
                if (!row->access) {
                        assert_fault(r, error, row->in);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_int_equal(type, row->type);
                assert_int_equal(major, row->major);
                assert_int_equal(minor, row->minor);
                assert_string_equal(access, row->access);
        }
}

static void test_device(void **state) {
        static const struct {
                const char *in, *source, *target, *access;
        } rows[] = {
                { "/dev/kvm", "/dev/kvm", "/dev/kvm", "rwm" },
                { "/dev/kvm:/dev/x", "/dev/kvm", "/dev/x", "rwm" },
                { "/dev/kvm:/dev/x:r", "/dev/kvm", "/dev/x", "r" },
                { "/dev/kvm:rw", "/dev/kvm", "/dev/kvm", "rw" },
                { "/dev/../dev//fuse", "/dev/fuse", "/dev/fuse", "rwm" },
                { "nvidia.com/gpu=all", "nvidia.com/gpu=all" },
                { "dev/kvm" },
                { "/dev/a:/dev/b:x" },
                { "/dev/a:/dev/b:rw:x" },
                { "/dev/a:b" },
                { "" },
                { "/gpu=all:" },
                { "nvidia.com/gpu=" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                PlanDevice device = { 0 };
                int r = option_parse_device(row->in, &device, &error);

                print_message("case '%s'\n", row->in);
                if (!row->source) {
                        assert_fault(r, error, row->in);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_true(str_equal(device.source, row->source));
                assert_true(str_equal(device.target, row->target));
                assert_true(str_equal(device.access, row->access));
                free(device.source);
                free(device.target);
                free(device.access);
        }
}

static void test_gpus(void **state) {
        static const struct {
                const char *in, *want;
        } rows[] = {
                { "all", "nvidia.com/gpu=all" },
                { "2", "nvidia.com/gpu=0 nvidia.com/gpu=1" },
                { "device=0,3", "nvidia.com/gpu=0 nvidia.com/gpu=3" },
                { "device=GPU-3a23c669-1f69-c64e-cf85-44e9b07e7a2a",
                  "nvidia.com/gpu=GPU-3a23c669-1f69-c64e-cf85-44e9b07e7a2a" },
                { "device=0:1", "nvidia.com/gpu=0:1" },
                { "" },
                { "0" },
                { "65" },
                { "device=" },
                { "device=0,,1" },
                { "device=a b" },
                { "some" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_strv_ char **list = NULL;
                _cleanup_free_ char *got = NULL;
                int r = option_parse_gpus(row->in, &list, &error);

                print_message("case '%s'\n", row->in);
                if (!row->want) {
                        assert_fault(r, error, row->in);
                        continue;
                }
                assert_int_equal(r, 0);
                got = strv_join(list, " ");
                assert_string_equal(got, row->want);
        }
}

/* GitLab's vectors (its parser's test), less what Podman does not know. */
static void test_volume(void **state) {
        static const struct {
                const char *in, *source, *target, *options;
        } rows[] = {
                { "/d", NULL, "/d", "" },
                { "/s:/d", "/s", "/d", "" },
                { "/d:rw" }, /* a target alone has no options with us */
                { "/s:/d:ro", "/s", "/d", "ro" },
                { "/s:/d:ro,z", "/s", "/d", "ro,z" },
                { "/s:/d:Z", "/s", "/d", "Z" },
                { "/s:/d:O", "/s", "/d", "O" },
                { "/s:/d:ro,rslave", "/s", "/d", "ro,rslave" },
                { "name:/d", "name", "/d", "" },
                { "/a b:/c d", "/a b", "/c d", "" },
                { "/s/../x:/d//e/", "/x", "/d/e", "" },
                { "" },
                { "/s:/d:T" },
                { "/s:/d:rw:something" },
                { ":/d" },
                { "/s:blipp" },
                { "/s:/d:unknown" },
                { "/s:/d:,rslave" },
                { "/s:/" },
                { "d" },
                { "../s:/d" },
                { "a/b:/d" },
                { "-v:/d" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_free_ char *options = NULL;
                PlanVolume volume = { 0 };
                int r = option_parse_volume(row->in, &volume, &error);

                print_message("case '%s'\n", row->in);
                if (!row->target) {
                        assert_fault(r, error, row->in);
                        continue;
                }
                assert_int_equal(r, 0);
                options = strv_join(volume.options, ",");
                assert_true(str_equal(volume.source, row->source));
                assert_string_equal(volume.target, row->target);
                assert_string_equal(options ? options : "", row->options);
                free(volume.source);
                free(volume.target);
                strv_free(volume.options);
        }
}

static void test_host(void **state) {
        static const struct {
                const char *in, *name, *address;
        } rows[] = {
                { "db:10.0.0.1", "db", "10.0.0.1" },
                { "db:fd00::1", "db", "fd00::1" },
                { "gw:host-gateway", "gw", "host-gateway" },
                { "db" },
                { "db:" },
                { ":10.0.0.1" },
                { "db:host" },
                { "a b:10.0.0.1" },
                { "a\nb:10.0.0.1" },
                { "a\rb:10.0.0.1" },
                { "a#:10.0.0.1" },
                { "" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                PlanHost host = { 0 };
                int r = option_parse_host(row->in, &host, &error);

                print_message("case '%s'\n", row->in);
                if (!row->name) {
                        assert_fault(r, error, row->in);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_string_equal(host.name, row->name);
                assert_string_equal(host.address, row->address);
                free(host.name);
                free(host.address);
        }
}

static void test_security(void **state) {
        static const struct {
                const char *in;
                SecurityKind kind;
                const char *value;
        } rows[] = {
                { "apparmor=ours", SECURITY_APPARMOR, "ours" },
                { "apparmor:unconfined", SECURITY_APPARMOR, "unconfined" },
                { "seccomp=unconfined", SECURITY_SECCOMP, "unconfined" },
                { "seccomp=/etc/s.json", SECURITY_SECCOMP, "/etc/s.json" },
                { "label=disable", SECURITY_LABEL, "disable" },
                { "label=level:s0:c1,c2", SECURITY_LABEL, "level:s0:c1,c2" },
                { "mask=/a:/b", SECURITY_MASK, "/a:/b" },
                { "unmask=ALL", SECURITY_UNMASK, "ALL" },
                { "systempaths=unconfined", SECURITY_UNMASK, "ALL" },
                { "no-new-privileges", SECURITY_NO_NEW_PRIVILEGES, "true" },
                { "no-new-privileges:true", SECURITY_NO_NEW_PRIVILEGES, "true" },
                { "no-new-privileges=false", SECURITY_NO_NEW_PRIVILEGES, "false" },
                { "", 0, NULL },
                { "apparmor", 0, NULL },
                { "seccomp=profile.json", 0, NULL },
                { "seccomp=", 0, NULL },
                { "systempaths=x", 0, NULL },
                { "no-new-privileges=maybe", 0, NULL },
                { "privileged=true", 0, NULL },
                { "labels=disable", 0, NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_free_ char *value = NULL;
                SecurityKind kind = 99;
                int r = option_parse_security(row->in, &kind, &value, &error);

                print_message("case '%s'\n", row->in);
                if (!row->value) {
                        assert_fault(r, error, row->in);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_int_equal(kind, row->kind);
                assert_string_equal(value, row->value);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ulimit),   cmocka_unit_test(test_device_rule), cmocka_unit_test(test_device),
                cmocka_unit_test(test_gpus),     cmocka_unit_test(test_volume),      cmocka_unit_test(test_host),
                cmocka_unit_test(test_security),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
