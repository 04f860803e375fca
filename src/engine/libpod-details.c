/* What Podman tells of itself: GET /info. Fields came and went with its versions, so each may be missing. */

#include "engine/libpod-internal.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/parse.h"
#include "base/strv.h"
#include "engine/details.h"

#define MAPPINGS_MAX 1000   /* entries of an id map; the kernel takes 340 */
#define LIST_MAX 1000       /* controllers, registries */
#define TEXT_MAX 4096       /* of one string */
#define IMAGES_MAX 50       /* whose user is asked for: a few milliseconds each */

typedef struct Describe {
        Call call;
        EngineDetails details;
        char **images; /* to be asked for */
        size_t n_asked;
} Describe;

static Call *describe_free(Call *call) {
        Describe *describe = container_of(call, Describe, call);

        engine_details_done(&describe->details);
        strv_free(describe->images);
        free(describe);
        return NULL;
}

void engine_details_done(EngineDetails *details) {
        char *const texts[] = {
                details->version,        details->kernel,          details->distribution,   details->runtime,
                details->runtime_version, details->monitor_version, details->network_backend, details->network_version,
                details->dns_version,    details->network_command, details->pasta,          details->slirp4netns,
                details->cgroup_manager, details->cgroup_version,  details->storage_driver, details->graph_root,
                details->backing_filesystem, details->mount_program,
        };

        FOREACH_ROW(text, texts)
                free(*text);
        strv_free(details->cgroup_controllers);
        strv_free(details->search_registries);
        free(details->uid_map);
        free(details->gid_map);
        for (size_t i = 0; i < details->n_image_users; i++)
                free(details->image_users[i].image);
        free(details->image_users);
        *details = (EngineDetails) { 0 };
}

/* Made fit for people: it comes from another process, and is shown on a terminal. */
static int copy_text(const char *text, size_t n, char **ret) {
        if (!text)
                return 0;
        free(*ret);
        *ret = str_escape(text, n, TEXT_MAX);
        return *ret ? 0 : -ENOMEM;
}

/*
 * "crun version 1.8.1\ncommit: ...", "conmon version 2.1.6, commit: unknown", "netavark 1.14.0", "pasta 0.0~git2025":
 * the first word that begins with a digit.
 */
static int copy_version(const char *text, char **ret) {
        const char *p = text;

        while (p && *p && !(*p >= '0' && *p <= '9'))
                for (p += strcspn(p, " \n"); *p == ' ' || *p == '\n';)
                        p++;
        return p && *p ? copy_text(p, strcspn(p, " ,\n"), ret) : 0;
}

static int read_texts(Json *json, EngineDetails *details) {
        const struct {
                const char *path;
                char **ret;
                bool is_version;
        } rows[] = {
                { "version.Version", &details->version, false },
                { "host.kernel", &details->kernel, false },
                { "host.ociRuntime.name", &details->runtime, false },
                { "host.ociRuntime.version", &details->runtime_version, true },
                { "host.conmon.version", &details->monitor_version, true },
                { "host.networkBackend", &details->network_backend, false },
                { "host.networkBackendInfo.version", &details->network_version, true },
                { "host.networkBackendInfo.dns.version", &details->dns_version, true },
                { "host.rootlessNetworkCmd", &details->network_command, false },
                { "host.pasta.executable", &details->pasta, false },
                { "host.slirp4netns.executable", &details->slirp4netns, false },
                { "host.cgroupManager", &details->cgroup_manager, false },
                { "host.cgroupVersion", &details->cgroup_version, false },
                { "store.graphDriverName", &details->storage_driver, false },
                { "store.graphRoot", &details->graph_root, false },
        };
        const char *name = json_find_string(json, "host.distribution.distribution"),
                   *version = json_find_string(json, "host.distribution.version");

        FOREACH_ROW(row, rows) {
                const char *text = json_find_string(json, row->path);

                if (text &&
                    (row->is_version ? copy_version(text, row->ret) : copy_text(text, strlen(text), row->ret)) < 0)
                        return -ENOMEM;
        }
        if (name) {
                _cleanup_free_ char *both = str_printf("%s%s%s", name, version ? " " : "", version ? version : "");

                if (!both || copy_text(both, strlen(both), &details->distribution) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int read_list(Json *json, const char *path, char ***ret, bool *ret_told) {
        Json *list = NULL;

        if (json_get_array(json, path, &list, NULL) < 0)
                return 0;
        if (ret_told)
                *ret_told = true;
        for (size_t i = 0; i < MIN(json_object_array_length(list), (size_t) LIST_MAX); i++) {
                const char *text = json_find_string(json_object_array_get_idx(list, i), "");

                if (text && strv_append_take(ret, str_escape(text, strlen(text), TEXT_MAX)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int read_map(Json *json, const char *path, IdMapping **ret, size_t *ret_n) {
        Json *list = NULL;

        if (json_get_array(json, path, &list, NULL) < 0)
                return 0;
        for (size_t i = 0; i < MIN(json_object_array_length(list), (size_t) MAPPINGS_MAX); i++) {
                Json *entry = json_object_array_get_idx(list, i);
                int64_t inside = -1, outside = -1, size = -1;

                (void) json_get_int(entry, "container_id", &inside, NULL);
                (void) json_get_int(entry, "host_id", &outside, NULL);
                (void) json_get_int(entry, "size", &size, NULL);
                if (inside >= 0 && outside >= 0 && size >= 0 &&
                    ARRAY_APPEND(*ret, *ret_n,
                                 ((IdMapping) { (uint64_t) inside, (uint64_t) outside, (uint64_t) size })) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/*
 * Names of options hold dots, so that they are no paths; the program is a string, or an object that tells its version
 * too.
 */
static int read_storage(Json *json, EngineDetails *details) {
        Json *options = NULL, *status = NULL, *program = NULL, *backing = NULL;
        _cleanup_free_ char *key =
                str_printf("%s.mount_program", details->storage_driver ? details->storage_driver : "");
        const char *text;

        if (!key)
                return -ENOMEM;
        if (json_get_object(json, "store.graphOptions", &options, NULL) >= 0 &&
            json_object_object_get_ex(options, key, &program)) {
                text = json_find_string(program, "");
                if (!text)
                        text = json_find_string(program, "Executable");
                if (text && copy_text(text, strlen(text), &details->mount_program) < 0)
                        return -ENOMEM;
        }
        if (json_get_object(json, "store.graphStatus", &status, NULL) >= 0 &&
            json_object_object_get_ex(status, "Backing Filesystem", &backing)) {
                text = json_find_string(backing, "");
                if (text && copy_text(text, strlen(text), &details->backing_filesystem) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static uint64_t read_number(Json *json, const char *path) {
        int64_t number = 0;

        return json_get_int(json, path, &number, NULL) < 0 || number < 0 ? 0 : (uint64_t) number;
}

static int read_details(Json *json, EngineDetails *details) {
        (void) json_get_bool(json, "host.security.rootless", &details->is_rootless, NULL);
        (void) json_get_bool(json, "host.security.selinuxEnabled", &details->has_selinux, NULL);
        (void) json_get_bool(json, "host.security.apparmorEnabled", &details->has_apparmor, NULL);
        (void) json_get_bool(json, "host.security.seccompEnabled", &details->has_seccomp, NULL);
        details->n_containers = read_number(json, "store.containerStore.number");
        details->n_images = read_number(json, "store.imageStore.number");
        if (read_texts(json, details) < 0 || read_storage(json, details) < 0 ||
            read_list(json, "host.cgroupControllers", &details->cgroup_controllers, &details->tells_controllers) < 0 ||
            read_list(json, "registries.search", &details->search_registries, NULL) < 0 ||
            read_map(json, "host.idMappings.uidmap", &details->uid_map, &details->n_uid_map) < 0 ||
            read_map(json, "host.idMappings.gidmap", &details->gid_map, &details->n_gid_map) < 0)
                return -ENOMEM;
        return 0;
}

/* Names of users are known to the image alone: it brought the ids that it needs. */
static int add_image_user(EngineDetails *details, const char *image, Json *json) {
        const char *user = json_find_string(json, "Config.User");
        ImageUser found = { 0 };
        _cleanup_strv_ char **parts = NULL;

        if (str_is_empty(user))
                return 0;
        if (strv_split(user, ':', &parts) < 0)
                return -ENOMEM;
        if (parse_u64(parts[0], &found.uid) < 0)
                return 0;
        if (parts[1] && parse_u64(parts[1], &found.gid) < 0)
                found.gid = 0;
        if (copy_text(image, strlen(image), &found.image) < 0 ||
            ARRAY_APPEND(details->image_users, details->n_image_users, found) < 0) {
                free(found.image);
                return -ENOMEM;
        }
        return 0;
}

static int ask_image(Describe *describe);

/* What one image does not tell, because it was removed meanwhile or is broken, is no reason to tell nothing. */
static int answer_image(Call *call, Reply *reply, Error **reterr) {
        Describe *describe = container_of(call, Describe, call);
        _cleanup_(json_unrefp) Json *json = NULL;

        if (call_json(reply, &json, NULL) >= 0 &&
            add_image_user(&describe->details, describe->images[describe->n_asked - 1], json) < 0)
                return error_oom(reterr);
        return ask_image(describe);
}

static int ask_image(Describe *describe) {
        if (!describe->images || !describe->images[describe->n_asked]) {
                *describe->call.ret.details = describe->details;
                describe->details = (EngineDetails) { 0 };
                return 0;
        }
        call_set_path(&describe->call,
                      (const char *const[3]) { "images", describe->images[describe->n_asked++], "json" });
        return call_go_on(&describe->call, answer_image);
}

static int answer_images(Call *call, Reply *reply, Error **reterr) {
        Describe *describe = container_of(call, Describe, call);
        _cleanup_(json_unrefp) Json *json = NULL;
        size_t n = 0;

        if (call_json(reply, &json, NULL) >= 0 && json_object_is_type(json, json_type_array))
                n = json_object_array_length(json);
        for (size_t i = 0; i < n && strv_length(describe->images) < IMAGES_MAX; i++) {
                Json *image = json_object_array_get_idx(json, i), *names = NULL;
                const char *name =
                        json_get_array(image, "RepoTags", &names, NULL) >= 0 && json_object_array_length(names) > 0
                                ? json_find_string(json_object_array_get_idx(names, 0), "")
                                : json_find_string(image, "Id");

                if (name && strv_append(&describe->images, name) < 0)
                        return error_oom(reterr);
        }
        return ask_image(describe);
}

static int answer_info(Call *call, Reply *reply, Error **reterr) {
        Describe *describe = container_of(call, Describe, call);
        _cleanup_(json_unrefp) Json *json = NULL;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        if (!json_object_is_type(json, json_type_object))
                return error_set(reterr, EPROTO, "odd answer: expected an object");
        if (read_details(json, &describe->details) < 0)
                return error_oom(reterr);
        call_set_path(call, (const char *const[3]) { "images", "json" });
        return call_go_on(call, answer_images);
}

int libpod_describe(Engine *engine, EngineDetails *ret, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "asking what it is", .method = "GET", .path = { "info" }, .answer = answer_info };
        _cleanup_(call_freep) Call *call = NULL;
        Describe *describe;
        int r;

        describe = calloc(1, sizeof(*describe));
        if (!describe)
                return -ENOMEM;
        call = &describe->call;
        call->free_derived = describe_free;
        r = call_init(call, engine, &spec, done, userdata);
        if (r < 0)
                return r;
        call->ret.details = ret;
        return call_start_take(TAKE_PTR(call), ret_task);
}
