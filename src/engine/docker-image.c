/* Images of Docker: fetched, or made of files of ours. A pull ends without an id, so the image is asked for it. */

#include "engine/docker-internal.h"

#include <errno.h>
#include <string.h>

#include "engine/pull.h"

/* Bars move many times a second; only what is final is a line of a log. */
static bool is_worth_telling(const char *status) {
        static const char *const bars[] = { "Downloading",        "Extracting",       "Waiting",
                                            "Verifying Checksum", "Pulling fs layer", "Download complete" };

        FOREACH_ROW(bar, bars)
                if (str_equal(status, *bar))
                        return false;
        return true;
}

static void tell_status(Pull *pull, const char *status, const char *id) {
        _cleanup_free_ char *text = NULL;

        if (str_is_empty(status) || !is_worth_telling(status))
                return;
        text = id ? str_printf("%s: %s", id, status) : NULL;
        pull_tell(pull, text ? text : status);
}

/* {"status","id"} of a layer, {"error"}: the first counts, the next ones are its echo */
static int read_line(Pull *pull, Json *json) {
        tell_status(pull, json_find_string(json, "status"), json_find_string(json, "id"));
        return pull->words ? 0 : pull_keep(&pull->words, json_find_string(json, "error"));
}

static int answer_pulled(Call *call, Reply *reply, Error **reterr) {
        return reply->status == 404 && call->refusal ? call_refuse(call, reterr) : answer_id(call, reply, reterr);
}

/* One login, for the registry of the reference; an empty one says "nobody". */
static int set_login(Call *call, const RegistryLogin *login) {
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        if (login)
                pull_put_login(&w, login);
        json_close(&w);
        return pull_set_login(call, &w);
}

/* The image as it is here now. */
static int ask_id(Call *call) {
        Pull *pull = pull_of(call);

        call->chunk = NULL;
        call->idle_usec = 0;
        call->timeout_usec = call->service->times.call_usec;
        call_set_path(call, (const char *const[3]) { "images", pull->reference, "json" });
        return call_go_on(call, answer_pulled);
}

/* The registry said no, or could not be asked: with "newer" what is here serves, if anything is. */
static int pull_refused(Call *call, int r, Error **error, Error **reterr) {
        if (!str_equal(pull_of(call)->policy, "newer")) {
                *reterr = TAKE_PTR(*error);
                return r;
        }
        call->refusal = TAKE_PTR(*error);
        return ask_id(call);
}

static int answer_asked(Call *call, Reply *reply, Error **reterr) {
        Pull *pull = pull_of(call);
        _cleanup_(error_freep) Error *error = NULL;
        int r = call_check(reply, &error);

        if (r >= 0)
                return ask_id(call);
        pull->words = call_words(reply);
        pull_failed(pull, reply->status, pull->words);
        return pull_refused(call, r, &error, reterr);
}

/*
 * What Docker has under a digest it takes without a word to the registry, whatever the login: whether this one may have
 * it, the registry must be asked by another call, which does not look here.
 */
static int ask_registry(Call *call) {
        call->chunk = NULL;
        call_set_path(call, (const char *const[3]) { "distribution", pull_of(call)->reference, "json" });
        return call_go_on(call, answer_asked);
}

static int answer_pull(Call *call, Reply *reply, Error **reterr) {
        Pull *pull = pull_of(call);
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        r = call_check(reply, &error);
        if (r < 0)
                pull->words = call_words(reply);
        else
                r = pull_take_line(pull);
        if (pull->words)
                pull_failed(pull, reply->status, pull->words);
        if (r >= 0 && pull->words)
                r = error_set(&error, EREMOTEIO, "%s", pull->words);
        if (r == -EPROTO)
                return call_bad(r, reterr);
        if (r < 0)
                return pull_refused(call, r, &error, reterr);
        return strchr(pull->reference, '@') ? ask_registry(call) : ask_id(call);
}

/* Without a tag Docker fetches all there are. */
static bool has_tag(const char *reference) {
        const char *slash = strrchr(reference, '/');

        return strpbrk(slash ? slash : reference, ":@") != NULL;
}

int docker_image_pull(Engine *engine, const PullSpec *pull_spec, EngineProgress progress, PullResult *ret,
                      TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "pulling image",
                          .method = "POST",
                          .path = { "images", "create" },
                          .answer = answer_pull,
                          .ret.text = &ret->id };
        _cleanup_(call_freep) Call *call = NULL;
        int r;

        r = pull_new(engine, pull_spec, &spec, read_line, progress, ret, done, userdata, &call);
        if (r >= 0)
                r = set_login(call, pull_spec->login);
        if (r < 0)
                return r;
        call_add_query(call, "fromImage", pull_spec->reference);
        if (!has_tag(pull_spec->reference))
                call_add_query(call, "tag", "latest");
        call_add_query(call, "platform", pull_spec->platform);
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
