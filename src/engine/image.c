/* Images: looked at and removed. How they are fetched: pull.c. */

#include "engine/service-internal.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"

#define IMAGE_LIST_MAX 1000 /* words of a command, exposed ports, names */

static int copy_strings(Json *json, const char *path, char ***ret) {
        Json *array = NULL;
        size_t n;

        if (json_get_array(json, path, &array, NULL) < 0)
                return 0;
        n = MIN(json_object_array_length(array), IMAGE_LIST_MAX);
        for (size_t i = 0; i < n; i++) {
                Json *item = json_object_array_get_idx(array, i);

                if (json_object_is_type(item, json_type_string) && strv_append(ret, json_object_get_string(item)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int copy_keys(Json *json, const char *path, char ***ret) {
        Json *object = NULL;

        if (json_get_object(json, path, &object, NULL) < 0)
                return 0;
        json_object_object_foreach(object, key, value) {
                (void) value;
                if (strv_length(*ret) < IMAGE_LIST_MAX && strv_append(ret, key) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static uint64_t get_nsec(Json *json, const char *path) {
        int64_t nsec = 0;

        return json_get_int(json, path, &nsec, NULL) >= 0 && nsec > 0 ? (uint64_t) nsec / NSEC_PER_USEC : 0;
}

/* Podman has it at the top, Docker with the rest of the image's configuration. */
static void read_health_check(Json *image, ImageInfo *info) {
        Json *test = NULL, *json = image;
        const char *kind;
        int64_t retries = 0;

        if (json_get_object(image, "Healthcheck", &test, NULL) < 0 && json_get_object(image, "Config", &json, NULL) < 0)
                return;
        if (json_get_array(json, "Healthcheck.Test", &test, NULL) < 0 || json_object_array_length(test) == 0)
                return;
        kind = json_object_get_string(json_object_array_get_idx(test, 0));
        if (str_is_empty(kind) || str_equal(kind, "NONE"))
                return;
        info->has_health_check = true;
        info->health_interval_usec = get_nsec(json, "Healthcheck.Interval");
        info->health_start_period_usec = get_nsec(json, "Healthcheck.StartPeriod");
        if (json_get_int(json, "Healthcheck.Retries", &retries, NULL) >= 0)
                info->health_retries = (uint32_t) MAX(0, MIN(retries, INT32_MAX));
}

static char *make_platform(Json *json) {
        const char *os = json_find_string(json, "Os"), *architecture = json_find_string(json, "Architecture"),
                   *variant = json_find_string(json, "Variant");

        return str_printf("%s/%s%s%s", str_is_empty(os) ? "linux" : os, architecture ? architecture : "",
                          str_is_empty(variant) ? "" : "/", variant ? variant : "");
}

static int read_image(Json *json, ImageInfo *info) {
        Json *labels = NULL;
        int64_t size = 0;

        read_health_check(json, info);
        if (json_get_int(json, "Size", &size, NULL) >= 0)
                info->size_bytes = (uint64_t) MAX(0, size);
        info->platform = make_platform(json);
        if (!info->platform)
                return -ENOMEM;
        (void) json_get_object(json, "Config.Labels", &labels, NULL);
        if (call_copy_string(json, "Id", &info->id) < 0 || call_copy_string(json, "Digest", &info->digest) < 0 ||
            copy_strings(json, "RepoTags", &info->tags) < 0 || copy_strings(json, "RepoDigests", &info->digests) < 0 ||
            call_copy_string(json, "Config.User", &info->user) < 0 ||
            copy_strings(json, "Config.Entrypoint", &info->entrypoint) < 0 ||
            copy_strings(json, "Config.Cmd", &info->command) < 0 ||
            copy_strings(json, "Config.Env", &info->environment) < 0 ||
            copy_keys(json, "Config.ExposedPorts", &info->exposed) < 0 || call_copy_labels(labels, &info->labels) < 0)
                return -ENOMEM;
        return 0;
}

static int answer_image(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(image_info_done) ImageInfo info = { .labels = STRMAP_INIT };
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *id;
        int r;

        if (reply->status == 404)
                return 1;
        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        r = json_get_string(json, "Id", &id, reterr);
        if (r < 0)
                return call_bad(r, reterr);
        if (read_image(json, &info) < 0)
                return error_oom(reterr);
        *call->ret.image = info;
        info = (ImageInfo) { 0 };
        return 0;
}

int service_image_inspect(Engine *engine, const char *image, ImageInfo *ret, TaskDone done, void *userdata,
                          Task **ret_task) {
        CallSpec spec = { .doing = "inspecting image",
                          .method = "GET",
                          .path = { "images", image, "json" },
                          .answer = answer_image,
                          .ret.image = ret,
                          .is_slow = true };

        return call_start(engine, &spec, done, userdata, ret_task);
}

/* 409: a container uses it, or several names point to the id. */
static int answer_remove(Call *call, Reply *reply, Error **reterr) {
        return reply->status == 404 ? 0 : reply->status == 409 ? 1 : call_check(reply, reterr);
}

int service_image_remove(Engine *engine, const char *image, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "removing image",
                          .method = "DELETE",
                          .path = { "images", image },
                          .answer = answer_remove,
                          .is_slow = true };

        return call_start(engine, &spec, done, userdata, ret_task);
}
