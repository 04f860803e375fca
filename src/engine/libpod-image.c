/* Images of Podman: fetched, or made of files of ours. */

#include "engine/libpod-internal.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "engine/pull.h"

/* {"stream"}, {"error"}, and at the end of a good pull {"images","id"} */
static int read_line(Pull *pull, Json *json) {
        int r;

        pull_tell(pull, json_find_string(json, "stream"));
        r = pull_keep(&pull->words, json_find_string(json, "error"));
        return r < 0 ? r : pull_keep(&pull->id, json_find_string(json, "id"));
}

static int answer_pull(Call *call, Reply *reply, Error **reterr) {
        Pull *pull = pull_of(call);
        int r;

        r = call_check(reply, reterr);
        if (r < 0) {
                _cleanup_free_ char *words = call_words(reply);

                pull_failed(pull, reply->status, words);
                return r;
        }
        r = pull_take_line(pull);
        if (r < 0)
                return call_bad(r, reterr);
        if (pull->words) {
                pull_failed(pull, reply->status, pull->words);
                return error_set(reterr, EREMOTEIO, "%s", pull->words);
        }
        if (!pull->id)
                return error_set(reterr, EPROTO, "odd answer: the stream ended with neither an image nor an error");
        pull->ret->id = TAKE_PTR(pull->id);
        return 0;
}

/*
 * The map of registries to logins, not a single login, which has no place for a token beside a name. Where it holds
 * none Podman still looks into the files of who runs its service (containers/image, getAuthFilePaths()): nothing
 * forbids it.
 */
static int set_login(Call *call, const RegistryLogin *login, const char *reference) {
        _cleanup_free_ char *key = strndup(reference, strcspn(reference, "/"));
        JsonWriter w = { 0 };

        if (!key)
                return -ENOMEM;
        json_open_object(&w, NULL);
        if (login && registry_login_is_set(login)) {
                json_open_object(&w, key);
                pull_put_login(&w, login);
                json_close(&w);
        }
        json_close(&w);
        return pull_set_login(call, &w);
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

int libpod_image_pull(Engine *engine, const PullSpec *pull_spec, EngineProgress progress, PullResult *ret,
                      TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = {
                .doing = "pulling image", .method = "POST", .path = { "images", "pull" }, .answer = answer_pull
        };
        _cleanup_(call_freep) Call *call = NULL;
        int r;

        r = pull_new(engine, pull_spec, &spec, read_line, progress, ret, done, userdata, &call);
        if (r >= 0)
                r = set_login(call, pull_spec->login, pull_spec->reference);
        if (r < 0)
                return r;
        call_add_query(call, "reference", pull_spec->reference);
        call_add_query(call, "policy", pull_spec->policy);
        r = add_platform(call, pull_spec->platform);
        return r < 0 ? r : call_start_take(TAKE_PTR(call), ret_task);
}

int libpod_image_import(Engine *engine, const char *reference, const char *tar, size_t n, TaskDone done, void *userdata,
                        Task **ret_task) {
        CallSpec spec = {
                .doing = "making an image", .method = "POST", .path = { "images", "import" }, .is_slow = true
        };
        _cleanup_(call_freep) Call *call = NULL;
        int r;

        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        call_add_query(call, "reference", reference);
        call->content_type = "application/x-tar";
        r = call_copy_body(call, tar, n);
        return r < 0 ? r : call_start_take(TAKE_PTR(call), ret_task);
}
