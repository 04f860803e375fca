#include "../test.h"

#include <string.h>

#include "engine/libpod-internal.h"

#define LIST(...) ((char *[]) { __VA_ARGS__, NULL })

/* Without white space, one quote instead of two: easier to read here. */
static char *written(const ContainerSpec *spec) {
        char *json = NULL, *out;

        assert_int_equal(libpod_spec_to_json(spec, &json), 0);
        out = json;
        for (const char *p = json; *p; p++)
                if (*p == '"')
                        *out++ = '\'';
                else if (*p == '\\' && p[1] == '/')
                        continue;
                else
                        *out++ = *p;
        *out = '\0';
        return json;
}

static void check(const ContainerSpec *spec, const char *want) {
        _cleanup_free_ char *json = written(spec);

        assert_string_equal(json, want);
}

static void test_rows(void **state) {
        MountSpec binds[] = { { MOUNT_BIND, "/src", "/a", NULL },
                              { MOUNT_BIND, "/src", "/b", LIST((char *) "ro") },
                              { MOUNT_BIND, "/src", "/c", LIST((char *) "bind", (char *) "z") } };
        MountSpec volumes[] = { { MOUNT_VOLUME, "v", "/w", NULL }, { MOUNT_VOLUME, NULL, "/x", LIST((char *) "U") } };
        MountSpec tmpfs[] = { { MOUNT_TMPFS, NULL, "/t", LIST((char *) "size=64m") },
                              { MOUNT_TMPFS, "ignored", "/u", NULL } };
        const struct {
                ContainerSpec spec;
                const char *want;
        } rows[] = {
                { { .image = "i" }, "{'name':'c','image':'i'}" },
                { { .rootfs = "/r" }, "{'name':'c','rootfs':'/r'}" },
                { { .pod = "p", .hostname = "h" }, "{'name':'c','pod':'p','hostname':'h'}" },
                /* the image's command goes when there is an entrypoint */
                { { .entrypoint = LIST((char *) "/e", (char *) "-x") },
                  "{'name':'c','entrypoint':['/e','-x'],'command':[]}" },
                { { .entrypoint = LIST((char *) "/e"), .command = LIST((char *) "a") },
                  "{'name':'c','entrypoint':['/e'],'command':['a']}" },
                { { .command = LIST((char *) "a", (char *) "") }, "{'name':'c','command':['a','']}" },
                { { .directory = "/d", .makes_directory = true },
                  "{'name':'c','work_dir':'/d','create_working_dir':true}" },
                { { .user = "build" }, "{'name':'c','user':'build'}" },
                { { .user = "7:8", .keeps_id = true, .uid = 7, .gid = 8 },
                  "{'name':'c','user':'7:8','userns':{'nsmode':'keep-id','value':'uid=7,gid=8'}}" },
                { { .keeps_id = true, .uid = 4294967295U },
                  "{'name':'c','userns':{'nsmode':'keep-id','value':'uid=4294967295,gid=0'}}" },
                { { .network = { NETWORK_NONE } }, "{'name':'c','netns':{'nsmode':'none'}}" },
                { { .network = { NETWORK_HOST } }, "{'name':'c','netns':{'nsmode':'host'}}" },
                { { .network = { NETWORK_BRIDGE } }, "{'name':'c','netns':{'nsmode':'bridge'}}" },
                { { .network = { NETWORK_CONTAINER, "holder" } },
                  "{'name':'c','netns':{'nsmode':'container','value':'holder'}}" },
                { { .network = { NETWORK_NAMED, "n", LIST((char *) "db", (char *) "sql") } },
                  "{'name':'c','netns':{'nsmode':'bridge'},'Networks':{'n':{'aliases':['db','sql']}}}" },
                { { .network = { NETWORK_NAMED, "n" } },
                  "{'name':'c','netns':{'nsmode':'bridge'},'Networks':{'n':{}}}" },
                { { .mounts = binds, .n_mounts = 3 },
                  "{'name':'c','mounts':[{'type':'bind','source':'/src','destination':'/a','options':['rbind']},"
                  "{'type':'bind','source':'/src','destination':'/b','options':['rbind','ro']},"
                  "{'type':'bind','source':'/src','destination':'/c','options':['bind','z']}],'volumes':[]}" },
                { { .mounts = volumes, .n_mounts = 2 },
                  "{'name':'c','mounts':[],'volumes':[{'Name':'v','Dest':'/w','Options':[]},"
                  "{'Dest':'/x','Options':['U'],'IsAnonymous':true}]}" },
                { { .mounts = tmpfs, .n_mounts = 2 },
                  "{'name':'c','mounts':[{'type':'tmpfs','source':'tmpfs','destination':'/t','options':['size=64m']},"
                  "{'type':'tmpfs','source':'tmpfs','destination':'/u','options':[]}],'volumes':[]}" },
                { { .dns = LIST((char *) "1.1.1.1"),
                    .dns_search = LIST((char *) "a.b"),
                    .extra_hosts = LIST((char *) "h:1.2.3.4") },
                  "{'name':'c','dns_server':['1.1.1.1'],'dns_search':['a.b'],'hostadd':['h:1.2.3.4']}" },
                { { .devices = LIST((char *) "/dev/a", (char *) "/dev/b:/dev/c:rw"), .privileged = true },
                  "{'name':'c','devices':[{'path':'/dev/a'},{'path':'/dev/b:/dev/c:rw'}],'privileged':true}" },
                { { .log_path = "/l", .monitor_pid_path = "/p" },
                  "{'name':'c','log_configuration':{'driver':'k8s-file','path':'/l'},'conmon_pid_file':'/p'}" },
        };

        FOREACH_ROW(row, rows) {
                ContainerSpec spec = row->spec;

                spec.name = "c";
                check(&spec, row->want);
        }
}

static void test_maps(void **state) {
        _cleanup_map_ Map environment = STRMAP_INIT, secrets = STRMAP_INIT, labels = STRMAP_INIT, none = STRMAP_INIT;
        ContainerSpec spec = {
                .name = "c", .environment = &environment, .secret_environment = &secrets, .labels = &labels
        };

        assert_int_equal(strmap_put(&environment, "EMPTY", ""), 0);
        assert_int_equal(strmap_put(&environment, "LINES", "a\nb"), 0);
        assert_int_equal(strmap_put(&secrets, "TOKEN", "podstep-1"), 0);
        assert_int_equal(strmap_put(&labels, "io.podstep.job", "1"), 0);
        check(&spec, "{'name':'c','labels':{'io.podstep.job':'1'},'env':{'EMPTY':'','LINES':'a\\nb'},'secret_env':{'"
                     "TOKEN':'podstep-1'}}");
        check(&(ContainerSpec) { .name = "c", .environment = &none, .labels = &none }, "{'name':'c'}");
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_maps) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
