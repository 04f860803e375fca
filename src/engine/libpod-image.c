/* Images: looked at and fetched. */

#include "engine/libpod-internal.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"

#define IMAGE_LIST_MAX 1000 /* words of a command, exposed ports */
#define PULL_LINE_MAX (1024U * 1024) /* of the stream; the longest are lists of errors */

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

static void read_health_check(Json *json, ImageInfo *info) {
        Json *test = NULL;
        const char *kind;
        int64_t retries = 0;

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

static int read_image(Json *json, ImageInfo *info) {
        Json *labels = NULL;

        read_health_check(json, info);
        (void) json_get_object(json, "Config.Labels", &labels, NULL);
        if (libpod_copy_string(json, "Id", &info->id) < 0 || libpod_copy_string(json, "Digest", &info->digest) < 0 ||
            libpod_copy_string(json, "Config.User", &info->user) < 0 ||
            copy_strings(json, "Config.Entrypoint", &info->entrypoint) < 0 ||
            copy_strings(json, "Config.Cmd", &info->command) < 0 ||
            copy_keys(json, "Config.ExposedPorts", &info->exposed) < 0 || libpod_copy_labels(labels, &info->labels) < 0)
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

int libpod_image_inspect(Engine *engine, const char *image, ImageInfo *ret, TaskDone done, void *userdata,
                         Task **ret_task) {
        CallSpec spec = { .doing = "inspecting image",
                          .method = "GET",
                          .path = { "images", image, "json" },
                          .answer = answer_image };
        Call *call = NULL;
        int r;

        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        call->ret.image = ret;
        return call_start_take(call, ret_task);
}

/*
 * A pull answers 200 at once and then lines of JSON: {"stream"}, {"error"}, and at the end of a good one
 * {"images","id"}.
 */
typedef struct Pull {
        Call call;
        EngineProgress progress;
        void *userdata;
        Str line;
        char *id, *words; /* words: of the error */
} Pull;

static Call *pull_free(Call *call) {
        Pull *pull = container_of(call, Pull, call);

        str_done(&pull->line);
        free(pull->id);
        free(pull->words);
        free(pull);
        return NULL;
}

static void pull_forget(Call *call) {
        Pull *pull = container_of(call, Pull, call);

        str_clear(&pull->line);
        free(TAKE_PTR(pull->id));
        free(TAKE_PTR(pull->words));
}

static int keep(char **place, const char *text, size_t max) {
        if (!text)
                return 0;
        free(*place);
        *place = str_escape(text, strlen(text), max);
        return *place ? 0 : -ENOMEM;
}

static void pull_tell(Pull *pull, const char *text) {
        _cleanup_free_ char *line = NULL;
        size_t n;

        if (!pull->progress || !text)
                return;
        n = strcspn(text, "\r\n");
        line = n > 0 ? str_escape(text, n, PULL_LINE_MAX) : NULL;
        if (line)
                pull->progress(line, pull->userdata);
}

static int pull_take_line(Pull *pull) {
        _cleanup_(json_unrefp) Json *json = NULL;
        int r;

        if (pull->line.n == 0)
                return 0;
        r = json_parse(str_get(&pull->line), pull->line.n, &json, NULL);
        str_clear(&pull->line);
        if (r < 0)
                return -EPROTO;
        pull_tell(pull, json_find_string(json, "stream"));
        r = keep(&pull->words, json_find_string(json, "error"), PULL_LINE_MAX);
        return r < 0 ? r : keep(&pull->id, json_find_string(json, "id"), PULL_LINE_MAX);
}

static int pull_on_chunk(const char *bytes, size_t n, void *userdata) {
        Call *call = userdata;
        Pull *pull = container_of(call, Pull, call);
        int r;

        while (n > 0) {
                const char *newline = memchr(bytes, '\n', n);
                size_t n_line = newline ? (size_t) (newline - bytes) : n;

                r = str_append_n(&pull->line, bytes, n_line);
                if (r >= 0 && newline)
                        r = pull_take_line(pull);
                if (r < 0)
                        return r == -ENOMEM ? r : -EPROTO;
                n_line += newline != NULL;
                bytes += n_line;
                n -= n_line;
        }
        return 0;
}

static int answer_pull(Call *call, Reply *reply, Error **reterr) {
        Pull *pull = container_of(call, Pull, call);
        int r;

        r = call_check(reply, reterr);
        if (r < 0)
                return r;
        r = pull_take_line(pull);
        if (r < 0)
                return call_bad(r, reterr);
        if (pull->words)
                return error_set(reterr, EREMOTEIO, "%s", pull->words);
        if (!pull->id)
                return error_set(reterr, EPROTO, "odd answer: the stream ended with neither an image nor an error");
        *call->ret.text = TAKE_PTR(pull->id);
        return 0;
}

int libpod_image_pull(Engine *engine, const PullSpec *pull_spec, EngineProgress progress, char **ret_id, TaskDone done,
                      void *userdata, Task **ret_task) {
        CallSpec spec = {
                .doing = "pulling image", .method = "POST", .path = { "images", "pull" }, .answer = answer_pull
        };
        _cleanup_(call_freep) Call *call = NULL;
        Pull *pull;
        int r;

        pull = calloc(1, sizeof(*pull));
        if (!pull)
                return -ENOMEM;
        call = &pull->call;
        pull->progress = progress;
        pull->userdata = userdata;
        pull->line = STR_INIT(PULL_LINE_MAX);
        call->free_derived = pull_free;
        call->before_send = pull_forget;
        r = call_init(call, engine, &spec, done, userdata);
        if (r < 0)
                return r;
        call_add_query(call, "reference", pull_spec->reference);
        call_add_query(call, "policy", pull_spec->policy);
        call->ret.text = ret_id;
        call->chunk = pull_on_chunk;
        call->timeout_usec = 0;
        call->idle_usec = call->libpod->times.pull_idle_usec;
        return call_start_take(TAKE_PTR(call), ret_task);
}
