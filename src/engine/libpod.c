/* Podman's service: the table of its functions, and what it says of itself. */

#include "engine/libpod-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/strv.h"
#include "engine/exec.h"
#include "engine/exits.h"

static const EngineClass libpod_class = {
        .free = service_free,
        .probe = service_probe,
        .describe = libpod_describe,
        .image_inspect = service_image_inspect,
        .image_pull = libpod_image_pull,
        .image_import = libpod_image_import,
        .image_remove = service_image_remove,
        .disk_usage = service_disk_usage,
        .pod_create = libpod_pod_create,
        .volume_create = libpod_volume_create,
        .network_create = libpod_network_create,
        .secret_create = libpod_secret_create,
        .container_create = libpod_container_create,
        .container_init = libpod_container_init,
        .container_start = service_container_start,
        .container_follow = libpod_container_follow,
        .container_stop = service_container_stop,
        .container_inspect = service_container_inspect,
        .container_check_health = libpod_container_check_health,
        .container_read_file = archive_read_file,
        .container_has_path = archive_has_path,
        .exec_start = exec_start,
        .exec_resize = exec_resize,

        .archive_put = archive_put,
        .archive_get = archive_get,
        .object_list = service_object_list,
        .object_remove = service_object_remove,
};

/*
 * Local is an engine whose socket belongs to our user and whose run-time directory is there: it sees our files under
 * the same paths, and we see its exit files. Another user's socket (root looking at someone's), a socket mounted into a
 * container or a forwarded one without that directory, ssh and tcp are not.
 */
static bool is_local(const char *socket) {
        const char *runtime = geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
        _cleanup_free_ char *libpod = str_is_empty(runtime) ? NULL : path_join(runtime, "libpod");
        struct stat st;

        return libpod && file_is_directory(libpod) && stat(socket, &st) >= 0 && S_ISSOCK(st.st_mode) &&
               st.st_uid == geteuid();
}

/* An engine behind tcp or ssh may still be ours on this machine: its storage is here, and belongs to our user. */
static bool is_this_machine(Json *json) {
        const char *host = json_find_string(json, "host.hostname"), *root = json_find_string(json, "store.graphRoot");
        struct utsname name;
        struct stat st;

        return host && root && uname(&name) >= 0 && str_equal(host, name.nodename) && stat(root, &st) >= 0 &&
               S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/* Rootful Podman on cgroup v1 names none, and enforces all. */
static int read_abilities(Json *json, EngineInfo *info) {
        _cleanup_strv_ char **names = NULL;
        Json *list = NULL;

        if (json_get_array(json, "host.cgroupControllers", &list, NULL) >= 0)
                for (size_t i = 0; i < json_object_array_length(list); i++) {
                        Json *name = json_object_array_get_idx(list, i);

                        if (json_object_is_type(name, json_type_string) &&
                            strv_append(&names, json_object_get_string(name)) < 0)
                                return -ENOMEM;
                }
        info->controllers = controllers_from_names(names);
        if (!info->is_rootless && str_equal(json_find_string(json, "host.cgroupVersion"), "v1"))
                info->controllers = CONTROLLER_MEMORY | CONTROLLER_CPU | CONTROLLER_CPUSET | CONTROLLER_PIDS;
        (void) json_get_bool(json, "host.security.selinuxEnabled", &info->has_selinux, NULL);
        (void) json_get_bool(json, "host.security.apparmorEnabled", &info->has_apparmor, NULL);
        info->is_probed = true;
        return 0;
}

/* "4.3.1", "5.0.0-dev"; false if it is no version at all. */
static bool version_parse(const char *text, unsigned long *ret_major, unsigned long *ret_minor) {
        _cleanup_strv_ char **parts = NULL;
        uint64_t major, minor;

        if (strv_split(text, '.', &parts) < 0 || strv_length(parts) < 2)
                return false;
        if (parse_u64(parts[0], &major) < 0 || parse_u64(parts[1], &minor) < 0)
                return false;
        *ret_major = (unsigned long) major;
        *ret_minor = (unsigned long) minor;
        return true;
}

static bool version_is_enough(const char *text) {
        unsigned long major, minor;

        if (!version_parse(text, &major, &minor))
                return false;
        return major > LIBPOD_VERSION_MAJOR_MIN ||
               (major == LIBPOD_VERSION_MAJOR_MIN && minor >= LIBPOD_VERSION_MINOR_MIN);
}

/* There only while SELinux is switched on. A Podman that was told not to use it passes labels over. */
#define SELINUX_FILE "/sys/fs/selinux/enforce"

static int libpod_take_ping(Service *service, const Map *headers, Error **reterr) {
        const char *version = strmap_get(headers, "libpod-api-version");
        EngineInfo *info = &service->engine.info;

        service->version = str_escape(version, strlen(version), 32);
        if (!service->version)
                return error_oom(reterr);
        if (!version_is_enough(version))
                return error_set(reterr, EPROTONOSUPPORT, "Podman %s is too old; podstep needs %d.%d or later",
                                 service->version, LIBPOD_VERSION_MAJOR_MIN, LIBPOD_VERSION_MINOR_MIN);
        (void) snprintf(service->prefix, sizeof(service->prefix), LIBPOD_PREFIX);
        info->version = service->version;
        info->has_pods = info->has_secrets = true;
        info->is_local = service->socket && is_local(service->socket);
        if (!info->is_local)
                return 0;
        info->is_rootless = info->maps_users = geteuid() != 0;
        info->has_selinux = file_exists(SELINUX_FILE);
        service->exits_directory = exits_directory_find();
        return 1;
}

static int libpod_take_info(Service *service, Json *json, Error **reterr) {
        EngineInfo *info = &service->engine.info;

        if (info->is_local) /* only its abilities were left to ask */
                return read_abilities(json, info) < 0 ? error_oom(reterr) : 0;
        (void) json_get_bool(json, "host.security.rootless", &info->is_rootless, NULL);
        if (read_abilities(json, info) < 0)
                return error_oom(reterr);
        info->maps_users = info->is_rootless;
        info->is_foreign = service_is_foreign(json_find_string(json, "host.arch"));
        info->is_local = is_this_machine(json);
        if (info->is_local)
                service->exits_directory = exits_directory_find();
        return 0;
}

const ServiceKind libpod_kind = {
        .class = &libpod_class,
        .name = "podman",
        .take_ping = libpod_take_ping,
        .take_info = libpod_take_info,
        .objects = libpod_object_rows,
        .disk = libpod_disk_rows,
        .stop_query = "timeout",
};
