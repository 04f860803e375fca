/* Images fetched, or made of files of ours. Docker answers 200 and then lines of JSON; its last word names no id, so the image is asked for it. */

#include "engine/docker-internal.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "engine/pull-fault.h"

#define PULL_LINE_MAX (1024U * 1024) /* of the stream */

typedef struct Pull {
        Call call;
        EngineProgress progress;
        void *userdata;
        Str line;
        char *reference, *policy;
        char *words; /* of the error */
        PullResult *ret;
} Pull;

static Call *pull_free(Call *call) {
        Pull *pull = container_of(call, Pull, call);

        str_done(&pull->line);
        free(pull->reference);
        free(pull->policy);
        free(pull->words);
        free(pull);
        return NULL;
}

static void pull_forget(Call *call) {
        Pull *pull = container_of(call, Pull, call);

        str_clear(&pull->line);
        free(TAKE_PTR(pull->words));
}

/* Bars move many times a second; only what is final is a line of a log. */
static bool is_worth_telling(const char *status) {
        static const char *const bars[] = { "Downloading", "Extracting", "Waiting", "Verifying Checksum", "Pulling fs layer", "Download complete" };

        FOREACH_ROW(bar, bars)
                if (str_equal(status, *bar))
                        return false;
        return true;
}

static void pull_tell(Pull *pull, const char *status, const char *id) {
        _cleanup_free_ char *text = NULL, *line = NULL;

        if (!pull->progress || str_is_empty(status) || !is_worth_telling(status))
                return;
        text = id ? str_printf("%s: %s", id, status) : strdup(status);
        line = text ? str_escape(text, strlen(text), PULL_LINE_MAX) : NULL;
        if (line)
                pull->progress(line, pull->userdata);
}

static int pull_take_line(Pull *pull) {
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *words;
        int r;

        if (pull->line.n == 0)
                return 0;
        r = json_parse(str_get(&pull->line), pull->line.n, &json, NULL);
        str_clear(&pull->line);
        if (r < 0)
                return -EPROTO;
        pull_tell(pull, json_find_string(json, "status"), json_find_string(json, "id"));
        words = json_find_string(json, "error");
        if (!words || pull->words)
                return 0;
        pull->words = str_escape(words, strlen(words), PULL_LINE_MAX);
        return pull->words ? 0 : -ENOMEM;
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

static int answer_id(Call *call, Reply *reply, Error **reterr) {
        if (reply->status == 404 && call->refusal) {
                *reterr = TAKE_PTR(call->refusal);
                return error_number(*reterr);
        }
        return answer_container_id(call, reply, reterr);
}

/* One login, for the registry of the reference; an empty one says "nobody". */
static int set_login(Call *call, const RegistryLogin *login) {
        JsonWriter w = { 0 };
        char *json = NULL;
        int r;

        json_open_object(&w, NULL);
        if (login && login->identity_token)
                json_put_string(&w, "identitytoken", login->identity_token);
        else if (login) {
                json_put_string(&w, "username", login->username);
                json_put_string(&w, "password", login->password);
        }
        json_close(&w);
        r = json_finish(&w, false, &json);
        return r < 0 ? r : call_set_login_take(call, json);
}

/* The image as it is here now. */
static int ask_id(Call *call) {
        Pull *pull = container_of(call, Pull, call);

        call->chunk = NULL;
        call->idle_usec = 0;
        call->timeout_usec = call->service->times.call_usec;
        call_set_path(call, (const char *const[3]) { "images", pull->reference, "json" });
        return call_go_on(call, answer_id);
}

static int answer_pull(Call *call, Reply *reply, Error **reterr) {
        Pull *pull = container_of(call, Pull, call);
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        r = call_check(reply, &error);
        if (r < 0)
                pull->words = call_words(reply);
        else
                r = pull_take_line(pull);
        if (pull->words)
                pull->ret->fault = pull_fault_find(reply->status, pull->words);
        if (r >= 0 && pull->words)
                r = error_set(&error, EREMOTEIO, "%s", pull->words);
        if (r == -EPROTO)
                return call_bad(r, reterr);
        if (r < 0 && !str_equal(pull->policy, "newer")) {
                *reterr = TAKE_PTR(error);
                return r;
        }
        call->refusal = TAKE_PTR(error); /* what is here serves, if anything is */
        return ask_id(call);
}

/* Without a tag Docker fetches all there are. */
static bool has_tag(const char *reference) {
        const char *slash = strrchr(reference, '/');

        return strpbrk(slash ? slash : reference, ":@") != NULL;
}

static int pull_new(Engine *engine, const PullSpec *pull_spec, const CallSpec *spec, TaskDone done, void *userdata,
                    Call **ret) {
        _cleanup_(call_freep) Call *call = NULL;
        Pull *pull;
        int r;

        pull = calloc(1, sizeof(*pull));
        if (!pull)
                return -ENOMEM;
        call = &pull->call;
        pull->line = STR_INIT(PULL_LINE_MAX);
        call->free_derived = pull_free;
        pull->reference = strdup(pull_spec->reference);
        pull->policy = strdup(pull_spec->policy ? pull_spec->policy : "always");
        r = call_init(call, engine, spec, done, userdata);
        if (r < 0 || !pull->reference || !pull->policy)
                return -ENOMEM;
        *ret = TAKE_PTR(call);
        return 0;
}

int docker_image_pull(Engine *engine, const PullSpec *pull_spec, EngineProgress progress, PullResult *ret, TaskDone done,
                      void *userdata, Task **ret_task) {
        CallSpec spec = {
                .doing = "pulling image", .method = "POST", .path = { "images", "create" }, .answer = answer_pull
        };
        _cleanup_(call_freep) Call *call = NULL;
        Pull *pull;
        int r;

        r = pull_new(engine, pull_spec, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        pull = container_of(call, Pull, call);
        pull->progress = progress;
        pull->userdata = userdata;
        *ret = (PullResult) { 0 };
        pull->ret = ret;
        r = set_login(call, pull_spec->login);
        if (r < 0)
                return r;
        call_add_query(call, "fromImage", pull->reference);
        if (!has_tag(pull->reference))
                call_add_query(call, "tag", "latest");
        call_add_query(call, "platform", pull_spec->platform);
        call->ret.text = &ret->id;
        call->before_send = pull_forget;
        call->chunk = pull_on_chunk;
        call->timeout_usec = 0;
        call->idle_usec = call->service->times.pull_idle_usec;
        return call_start_take(TAKE_PTR(call), ret_task);
}

/* It answers 200 before it has read the archive; what went wrong then is a line of the stream, as of a pull. */
static int answer_import(Call *call, Reply *reply, Error **reterr) {
        const char *words;
        _cleanup_free_ char *shown = NULL;
        int r;

        r = call_check(reply, reterr);
        words = r < 0 ? NULL : strstr(reply->body, "\"errorDetail\"");
        if (!words)
                return r;
        shown = str_escape(words, strlen(words), 1000);
        return error_set(reterr, EREMOTEIO, "%s", shown ? shown : "it failed");
}

int docker_image_import(Engine *engine, const char *reference, const char *tar, size_t n, TaskDone done, void *userdata,
                        Task **ret_task) {
        CallSpec spec = { .doing = "making an image",
                          .method = "POST",
                          .path = { "images", "create" },
                          .answer = answer_import,
                          .is_slow = true };
        const char *colon = strrchr(reference, ':');
        _cleanup_free_ char *repository = colon ? strndup(reference, (size_t) (colon - reference)) : strdup(reference);
        _cleanup_(call_freep) Call *call = NULL;
        int r;

        if (!repository)
                return -ENOMEM;
        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        call_add_query(call, "fromSrc", "-");
        call_add_query(call, "repo", repository);
        call_add_query(call, "tag", colon ? colon + 1 : "latest");
        call->content_type = "application/x-tar";
        r = call_copy_body(call, tar, n);
        return r < 0 ? r : call_start_take(TAKE_PTR(call), ret_task);
}
