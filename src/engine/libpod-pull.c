/* Images, fetched. */

#include "engine/libpod-internal.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "engine/pull-fault.h"

#define PULL_LINE_MAX (1024U * 1024) /* of the stream; the longest are lists of errors */

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
        PullResult *ret;
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
        if (r < 0) {
                _cleanup_free_ char *words = call_words(reply);

                pull->ret->fault = pull_fault_find(reply->status, words);
                return r;
        }
        r = pull_take_line(pull);
        if (r < 0)
                return call_bad(r, reterr);
        if (pull->words) {
                pull->ret->fault = pull_fault_find(reply->status, pull->words);
                return error_set(reterr, EREMOTEIO, "%s", pull->words);
        }
        if (!pull->id)
                return error_set(reterr, EPROTO, "odd answer: the stream ended with neither an image nor an error");
        pull->ret->id = TAKE_PTR(pull->id);
        return 0;
}

/*
 * The map of registries to logins, not a single login, which has no place for a token beside a name. Where it holds none
 * Podman still looks into the files of who runs its service (containers/image, getAuthFilePaths()): nothing forbids it.
 */
static int set_login(Call *call, const RegistryLogin *login, const char *reference) {
        _cleanup_free_ char *key = strndup(reference, strcspn(reference, "/"));
        char *json = NULL;
        JsonWriter w = { 0 };
        int r;

        if (!key)
                return -ENOMEM;
        json_open_object(&w, NULL);
        if (login && registry_login_is_set(login)) {
                json_open_object(&w, key);
                if (login->identity_token)
                        json_put_string(&w, "identitytoken", login->identity_token);
                else {
                        json_put_string(&w, "username", login->username);
                        json_put_string(&w, "password", login->password);
                }
                json_close(&w);
        }
        json_close(&w);
        r = json_finish(&w, false, &json);
        if (r < 0)
                return r;
        return call_set_login_take(call, json);
}

/* "linux/arm64/v8" */
static int add_platform(Call *call, const char *platform) {
        static const char *const names[] = { "OS", "Arch", "Variant" };
        _cleanup_strv_ char **parts = NULL;

        if (platform && strv_split(platform, '/', &parts) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(names) && parts && parts[i]; i++)
                call_add_query(call, names[i], parts[i]);
        return 0;
}

int libpod_image_pull(Engine *engine, const PullSpec *pull_spec, EngineProgress progress, PullResult *ret, TaskDone done,
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
        *ret = (PullResult) { 0 };
        pull->ret = ret;
        pull->progress = progress;
        pull->userdata = userdata;
        pull->line = STR_INIT(PULL_LINE_MAX);
        call->free_derived = pull_free;
        call->before_send = pull_forget;
        r = call_init(call, engine, &spec, done, userdata);
        if (r >= 0)
                r = set_login(call, pull_spec->login, pull_spec->reference);
        if (r < 0)
                return r;
        call_add_query(call, "reference", pull_spec->reference);
        call_add_query(call, "policy", pull_spec->policy);
        r = add_platform(call, pull_spec->platform);
        if (r < 0)
                return r;
        call->chunk = pull_on_chunk;
        call->timeout_usec = 0;
        call->idle_usec = call->service->times.pull_idle_usec;
        return call_start_take(TAKE_PTR(call), ret_task);
}
