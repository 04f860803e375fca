#include "../test.h"

#include <string.h>

#include "base/str.h"
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
                  "{'name':'c','userns':{'nsmode':'keep-id','value':'uid=4294967295'}}" },
                { { .user = "77", .keeps_id = true, .uid = 77, .n_subuids = 65536, .n_subgids = 65536 },
                  "{'name':'c','user':'77','userns':{'nsmode':'private'},'idmappings':{'UIDMap':["
                  "{'container_id':0,'host_id':1,'size':77},{'container_id':77,'host_id':0,'size':1},"
                  "{'container_id':78,'host_id':78,'size':65459}],'GIDMap':[{'container_id':0,'host_id':0,'size':1},"
                  "{'container_id':1,'host_id':1,'size':65536}]}}" },
                { { .user = "9:0", .keeps_id = true, .uid = 9, .n_subuids = 9, .n_subgids = 1 },
                  "{'name':'c','user':'9:0','userns':{'nsmode':'private'},'idmappings':{'UIDMap':["
                  "{'container_id':0,'host_id':1,'size':9},{'container_id':9,'host_id':0,'size':1}],'GIDMap':["
                  "{'container_id':0,'host_id':0,'size':1},{'container_id':1,'host_id':1,'size':1}]}}" },
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
                { { .devices = LIST((char *) "/dev/a", (char *) "/dev/b:/dev/c:rw"),
                    .security = { .privileged = true } },
                  "{'name':'c','privileged':true,'devices':[{'path':'/dev/a'},{'path':'/dev/b:/dev/c:rw'}]}" },
                { { .log_path = "/l", .monitor_pid_path = "/p" },
                  "{'name':'c','log_configuration':{'driver':'k8s-file','path':'/l'},'conmon_pid_file':'/p'}" },
        };

        FOREACH_ROW(row, rows) {
                ContainerSpec spec = row->spec;

                spec.name = "c";
                check(&spec, row->want);
        }
}

static void test_options(void **state) {
        const UlimitSpec ulimits[] = { { "nofile", 1024, 2048 }, { "core", 0, -1 } };
        const DeviceRuleSpec rules[] = { { 'c', 10, 229, "rwm" }, { 'b', 8, -1, "r" }, { 'a', -1, -1, "rwm" } };
        const HealthSpec health = { LIST((char *) "CMD", (char *) "test", (char *) "-e", (char *) "/up"), 2000000,
                                    30000000, 0, 3 };
        const HealthSpec no_health = { LIST((char *) "NONE"), 0, 0, 0, 0 };
        MountSpec run[] = { { MOUNT_TMPFS, NULL, "/run", NULL } };
        const struct {
                ContainerSpec spec;
                const char *want;
        } rows[] = {
                { { .dns_options = LIST((char *) "ndots:1") }, "'dns_option':['ndots:1']" },
                { { .groups = LIST((char *) "video", (char *) "44") }, "'groups':['video','44']" },
                { { .groups = LIST((char *) "keep-groups") }, "'annotations':{'run.oci.keep_original_groups':'1'}" },
                { { .security = { .no_new_privileges = true } }, "'no_new_privileges':true" },
                { { .security = { .cap_add = LIST((char *) "sys_ptrace", (char *) "CAP_CHOWN") } },
                  "'cap_add':['CAP_SYS_PTRACE','CAP_CHOWN']" },
                { { .security = { .cap_add = LIST((char *) "cap_", (char *) "") } }, "'cap_add':['CAP_','CAP_']" },
                { { .security = { .cap_add = LIST(
                                          (char *) "a23456789-123456789-123456789-123456789-123456789-123456789",
                                          (char *) "a23456789-123456789-123456789-123456789-123456789-1234567890",
                                          (char *) "All") } },
                  "'cap_add':['CAP_A23456789-123456789-123456789-123456789-123456789-123456789',"
                  "'CAP_A23456789-123456789-123456789-123456789-123456789-123456789','ALL']" }, /* cut at 63 bytes */
                { { .security = { .cap_drop = LIST((char *) "all"), .cap_add = LIST((char *) "chown") } },
                  "'cap_add':['CAP_CHOWN'],'cap_drop':['ALL']" },
                { { .security = { .cap_drop = LIST((char *) "KILL", (char *) "cap_chown"),
                                  .cap_add = LIST((char *) "Chown") } },
                  "'cap_add':['CAP_CHOWN'],'cap_drop':['CAP_KILL']" },
                { { .security = { .labels = LIST((char *) "level:s0:c1,c2") } }, "'selinux_opts':['level:s0:c1,c2']" },
                { { .security = { .apparmor = "ours" } }, "'apparmor_profile':'ours'" },
                { { .security = { .seccomp = "/etc/s.json" } }, "'seccomp_profile_path':'/etc/s.json'" },
                { { .security = { .mask = LIST((char *) "/a"), .unmask = LIST((char *) "ALL") } },
                  "'mask':['/a'],'unmask':['ALL']" },
                { { .devices = LIST((char *) "nvidia.com/gpu=all") }, "'devices':[{'path':'nvidia.com/gpu=all'}]" },
                { { .device_rules = rules, .n_device_rules = 3 },
                  "'device_cgroup_rule':[{'allow':true,'type':'c','major':10,'minor':229,'access':'rwm'},"
                  "{'allow':true,'type':'b','major':8,'access':'r'},{'allow':true,'type':'a','access':'rwm'}]" },
                { { .limits = { .memory_bytes = 64, .memory_reservation_bytes = 32, .memory_swap_bytes = -1 } },
                  "'resource_limits':{'memory':{'limit':64,'reservation':32,'swap':-1}}" },
                { { .limits = { .oom_kill_disable = true } },
                  "'resource_limits':{'memory':{'disableOOMKiller':true}}" },
                { { .limits = { .cpu_shares = 512 } }, "'resource_limits':{'cpu':{'shares':512}}" },
                { { .limits = { .cpu_quota_usec = 50000 } },
                  "'resource_limits':{'cpu':{'quota':50000,'period':100000}}" },
                { { .limits = { .cpu_quota_usec = 7, .cpu_period_usec = 10 } },
                  "'resource_limits':{'cpu':{'quota':7,'period':10}}" },
                { { .limits = { .cpuset_cpus = "0-1", .cpuset_mems = "0" } },
                  "'resource_limits':{'cpu':{'cpus':'0-1','mems':'0'}}" },
                { { .limits = { .pids_max = 20 } }, "'resource_limits':{'pids':{'limit':20}}" },
                { { .limits = { .pids_max = -1 } }, "'resource_limits':{'pids':{'limit':-1}}" },
                { { .limits = { .cgroup_parent = "ci" } }, "'cgroup_parent':'ci'" },
                { { .ulimits = ulimits, .n_ulimits = 2 },
                  "'r_limits':[{'type':'nofile','hard':2048,'soft':1024},{'type':'core','hard':18446744073709551615,'"
                  "soft':0}]" },
                { { .oom_score_adjust = -5 }, "'oom_score_adj':-5" },
                { { .shm_size_bytes = 1048576 }, "'shm_size':1048576" },
                { { .ipc_mode = "host", .pid_mode = "container:x" },
                  "'ipcns':{'nsmode':'host'},'pidns':{'nsmode':'container','value':'x'}" },
                { { .userns = "auto:size=9", .keeps_id = true, .uid = 7 },
                  "'userns':{'nsmode':'auto','value':'size=9'}" },
                { { .userns = "ns:/run/x" }, "'userns':{'nsmode':'path','value':'/run/x'}" },
                { { .runtime = "crun" }, "'oci_runtime':'crun'" },
                { { .read_only = true, .mounts = run, .n_mounts = 1 },
                  "'mounts':[{'type':'tmpfs','source':'tmpfs','destination':'/tmp','options':['rw']},"
                  "{'type':'tmpfs','source':'tmpfs','destination':'/var/tmp','options':['rw']},"
                  "{'type':'tmpfs','source':'tmpfs','destination':'/run','options':[]}],'volumes':[],"
                  "'read_only_filesystem':true,'read_write_tmpfs':true" },
                { { .init = true, .stop_signal = 15 }, "'init':true,'stop_signal':15" },
                { { .health = &health },
                  "'healthconfig':{'Test':['CMD','test','-e','/"
                  "up'],'Interval':2000000000,'Timeout':30000000000,'StartPeriod':0,'Retries':3}" },
                { { .health = &no_health },
                  "'healthconfig':{'Test':['NONE'],'Interval':0,'Timeout':0,'StartPeriod':0,'Retries':0}" },
                { { .network = { NETWORK_NAMED, "n", NULL, LIST((char *) "m") } },
                  "'netns':{'nsmode':'bridge'},'Networks':{'n':{},'m':{}}" },
        };

        FOREACH_ROW(row, rows) {
                ContainerSpec spec = row->spec;
                _cleanup_free_ char *want = str_printf("{'name':'c',%s}", row->want);

                spec.name = "c";
                check(&spec, want);
        }
}

static void test_controllers(void **state) {
        static const struct {
                LimitSpec limits;
                unsigned want;
        } rows[] = {
                { { 0 }, 0 },
                { { .memory_bytes = 1 }, CONTROLLER_MEMORY },
                { { .memory_swap_bytes = -1, .pids_max = 3 }, CONTROLLER_MEMORY | CONTROLLER_PIDS },
                { { .cpu_quota_usec = 1 }, CONTROLLER_CPU },
                { { .cpu_shares = 1, .cpuset_mems = "0" }, CONTROLLER_CPU | CONTROLLER_CPUSET },
                { { .pids_max = -1, .cgroup_parent = "x" }, 0 },
        };

        FOREACH_ROW(row, rows)
                assert_int_equal(limit_spec_controllers(&row->limits), row->want);
        assert_int_equal(controllers_from_names(LIST((char *) "cpu", (char *) "io", (char *) "pids")),
                         CONTROLLER_CPU | CONTROLLER_PIDS);
        assert_int_equal(controllers_from_names(NULL), 0);
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
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_options),
                                           cmocka_unit_test(test_controllers), cmocka_unit_test(test_maps) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
