#include "agent/request.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/id.h"
#include "base/strv.h"

#define GIT_WORD_BYTES_MAX 4096

static const char *const source_names[_SOURCE_KIND_MAX] = {
        [SOURCE_NONE] = "none", [SOURCE_DIRECTORY] = "directory", [SOURCE_GIT] = "git", [SOURCE_UPLOAD] = "upload",
};
static const char *const workspace_names[] = {
        [WORKSPACE_OVERLAY] = "overlay",
        [WORKSPACE_WRITE] = "write",
        [WORKSPACE_CLEAN] = "clean",
        [WORKSPACE_CLONE] = "clone",
};
static const char *const sandbox_names[] = {
        [SANDBOX_CHOICE_AUTO] = "auto", [SANDBOX_CHOICE_POD] = "pod", [SANDBOX_CHOICE_NETWORK] = "bridge",
};

/* ---- getters: missing is fine, wrong is not ---- */

/* Or null; what is there and is something else is told by the getters. */
static bool is_missing(Json *json, const char *path) {
        const char *text;

        return json_get_string(json, path, &text, NULL) == -ENOENT;
}

static int get_string(Json *json, const char *path, const char **ret, Error **reterr) {
        *ret = NULL;
        if (is_missing(json, path))
                return 0;
        return json_get_string(json, path, ret, reterr) < 0 ? -EINVAL : 0;
}

static int get_name(Json *json, const char *path, const char *const *names, size_t n_names, int *ret, Error **reterr) {
        _cleanup_free_ char *shown = NULL;
        const char *text;
        int r = get_string(json, path, &text, reterr);

        if (r < 0 || !text)
                return r;
        for (size_t i = 0; i < n_names; i++)
                if (str_equal(names[i], text)) {
                        *ret = (int) i;
                        return 0;
                }
        shown = str_escape(text, strlen(text), 60);
        return error_set(reterr, EINVAL, ".%s: '%s' is not known", path, shown ? shown : "");
}

static int get_usec(Json *json, const char *path, uint64_t *ret, Error **reterr) {
        int64_t msec = 0;

        if (is_missing(json, path))
                return 0;
        if (json_get_int(json, path, &msec, reterr) < 0)
                return -EINVAL;
        if (msec <= 0 || (uint64_t) msec > UINT64_MAX / USEC_PER_MSEC)
                return error_set(reterr, EINVAL, ".%s: expected a number of milliseconds above 0", path);
        *ret = (uint64_t) msec * USEC_PER_MSEC;
        return 0;
}

static int get_bool(Json *json, const char *path, bool *ret, Error **reterr) {
        if (is_missing(json, path))
                return 0;
        return json_get_bool(json, path, ret, reterr) < 0 ? -EINVAL : 0;
}

static int get_strv(Json *json, const char *path, char ***ret, Error **reterr) {
        Json *list = NULL;

        if (is_missing(json, path))
                return 0;
        if (json_get_array(json, path, &list, reterr) < 0)
                return -EINVAL;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                const char *text = json_find_string(json_object_array_get_idx(list, i), "");

                if (!text)
                        return error_set(reterr, EINVAL, ".%s: expected a list of strings", path);
                if (strv_append(ret, text) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static int get_map(Json *json, const char *path, bool folds, Map *ret, Error **reterr) {
        Json *object = NULL;

        if (is_missing(json, path))
                return 0;
        if (json_get_object(json, path, &object, reterr) < 0)
                return -EINVAL;
        json_object_object_foreach(object, key, value) {
                _cleanup_free_ char *name = strdup(key);

                if (!json_object_is_type(value, json_type_string))
                        return error_set(reterr, EINVAL, ".%s: expected an object of strings", path);
                for (char *c = name; folds && c && *c; c++)
                        *c = (char) tolower((unsigned char) *c);
                if (!name || strmap_put(ret, name, json_object_get_string(value)) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

/* ---- the parts ---- */

static bool is_commit(const char *text) {
        size_t n = strlen(text);

        return (n == 40 || n == 64) && strspn(text, "0123456789abcdef") == n;
}

/* It becomes the name of a directory. */
static bool is_upload(const char *text) {
        return text && strlen(text) == ID_LENGTH && strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz") == ID_LENGTH;
}

/* It becomes a word of git's command line, where no option may be taken for it. */
static bool is_word(const char *text) {
        if (!text || !*text || *text == '-' || strlen(text) > GIT_WORD_BYTES_MAX)
                return false;
        for (; *text; text++)
                if ((unsigned char) *text <= ' ' || *text == 0x7f)
                        return false;
        return true;
}

static int read_source(Request *request, Error **reterr) {
        Json *json = request->json;
        int kind = SOURCE_NONE, r;

        r = get_name(json, "source.kind", source_names, _SOURCE_KIND_MAX, &kind, reterr);
        if (r >= 0)
                r = get_string(json, "source.path", &request->path, reterr);
        if (r >= 0)
                r = get_string(json, "source.url", &request->url, reterr);
        if (r >= 0)
                r = get_string(json, "source.commit", &request->commit, reterr);
        if (r >= 0)
                r = get_string(json, "source.ref", &request->ref, reterr);
        if (r >= 0)
                r = get_string(json, "source.id", &request->upload, reterr);
        if (r < 0)
                return r;
        request->source = (SourceKind) kind;
        if (kind == SOURCE_DIRECTORY && (!request->path || request->path[0] != '/'))
                return error_set(reterr, EINVAL, ".source.path: expected an absolute path");
        if (kind == SOURCE_GIT && (!request->url || !request->commit || !is_commit(request->commit)))
                return error_set(reterr, EINVAL,
                                 ".source: a git source needs 'url' and 'commit', the full name of a commit");
        if (kind == SOURCE_GIT && (!is_word(request->url) || (request->ref && !is_word(request->ref))))
                return error_set(reterr, EINVAL, ".source: 'url' and 'ref' hold no blanks and do not begin with '-'");
        if (kind == SOURCE_UPLOAD && !is_upload(request->upload))
                return error_set(reterr, EINVAL, ".source.id: expected the id that an upload answered with");
        return 0;
}

/* Where the files are decides how they can be used. */
static int read_workspace(Request *request, Error **reterr) {
        int mode = request->source == SOURCE_DIRECTORY || request->source == SOURCE_UPLOAD ? WORKSPACE_OVERLAY
                                                                                           : WORKSPACE_CLONE,
            r;

        r = get_name(request->json, "options.workspace", workspace_names, ELEMENTSOF(workspace_names), &mode, reterr);
        if (r < 0)
                return r;
        request->workspace = (WorkspaceMode) mode;
        if (request->source == SOURCE_GIT && mode != WORKSPACE_CLONE)
                return error_set(reterr, EINVAL, ".options.workspace: a git source is always cloned");
        /* an upload may be that of other jobs too, and the empty directory of those without files is */
        if (request->source != SOURCE_DIRECTORY && mode == WORKSPACE_WRITE)
                return error_set(reterr, EINVAL, ".options.workspace: 'write' is for a directory of this machine");
        return 0;
}

static int read_options(Request *request, Error **reterr) {
        Json *json = request->json;
        const char *trusted = NULL, *pull = NULL;
        int sandbox = SANDBOX_CHOICE_AUTO, r;
        int64_t depth = 0;

        r = get_name(json, "options.network", sandbox_names, ELEMENTSOF(sandbox_names), &sandbox, reterr);
        request->sandbox = (SandboxChoice) sandbox;
        if (r >= 0)
                r = get_string(json, "options.pull", &pull, reterr);
        if (r >= 0 && pull && pull_list_parse(pull, &request->pull, reterr) < 0)
                r = error_wrap(reterr, -EINVAL, ".options.pull");
        if (r >= 0)
                r = get_string(json, "options.trusted", &trusted, reterr);
        if (r >= 0 && trusted && trust_parse(trusted, &request->trusted, reterr) < 0)
                r = error_wrap(reterr, -EINVAL, ".options.trusted");
        if (r >= 0)
                r = get_usec(json, "options.timeout_ms", &request->timeout_usec, reterr);
        if (r >= 0)
                r = get_usec(json, "options.service_timeout_ms", &request->service_timeout_usec, reterr);
        if (r >= 0)
                r = get_usec(json, "options.grace_ms", &request->grace_usec, reterr);
        if (r >= 0)
                r = get_bool(json, "options.keep", &request->keep, reterr);
        if (r >= 0)
                r = get_strv(json, "options.steps", &request->steps, reterr);
        if (r >= 0)
                r = get_string(json, "options.from", &request->from, reterr);
        if (r >= 0)
                r = get_string(json, "options.cron", &request->cron, reterr);
        if (r >= 0)
                r = get_strv(json, "options.changed_files", &request->changed_files, reterr);
        if (r >= 0 && json_get_int(json, "options.clone_depth", &depth, NULL) >= 0 && depth > 0)
                request->clone_depth = (unsigned) MIN(depth, (int64_t) INT32_MAX);
        return r;
}

static int check_workflows(Json *list, Error **reterr) {
        if (json_object_array_length(list) == 0 || json_object_array_length(list) > REQUEST_WORKFLOWS_MAX)
                return error_set(reterr, EINVAL, ".workflows: expected 1 to %u workflows", REQUEST_WORKFLOWS_MAX);
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                Json *item = json_object_array_get_idx(list, i);

                if (!json_find_string(item, "file") || !json_find_string(item, "text"))
                        return error_set(reterr, EINVAL,
                                         ".workflows: each needs 'file', the name of the file, and 'text'");
        }
        return 0;
}

/* What is in them is read when they are made plans of; what would have made them other plans comes too late. */
static int check_plans(Json *json, Json *list, Error **reterr) {
        static const char *const too_late[] = { "variables", "options.cron", "options.changed_files" };

        if (json_object_array_length(list) == 0 || json_object_array_length(list) > REQUEST_PLANS_MAX)
                return error_set(reterr, EINVAL, ".plans: expected 1 to %u plans", REQUEST_PLANS_MAX);
        FOREACH_ROW(path, too_late)
                if (!is_missing(json, *path))
                        return error_set(reterr, EINVAL, ".%s: it counts when a plan is made, and '.plans' are made",
                                         *path);
        return 0;
}

static int read_work(Request *request, Error **reterr) {
        Json *json = request->json, *list = NULL;

        request->has_plans = json_object_object_get_ex(json, "plans", NULL);
        if (!request->has_plans) {
                if (json_get_array(json, "workflows", &list, reterr) < 0)
                        return -EINVAL;
                return check_workflows(list, reterr);
        }
        if (json_object_object_get_ex(json, "workflows", NULL))
                return error_set(reterr, EINVAL, ".plans: either they or '.workflows' are submitted, not both");
        if (json_get_array(json, "plans", &list, reterr) < 0)
                return -EINVAL;
        return check_plans(json, list, reterr);
}

static int add_git_variables(Request *request) {
        int r = 0;

        if (request->source != SOURCE_GIT)
                return 0;
        r = strmap_put(&request->environment, "CI_REPO_CLONE_URL", request->url);
        if (r >= 0)
                r = strmap_put(&request->environment, "CI_COMMIT_SHA", request->commit);
        if (r >= 0 && request->ref && !map_has(&request->environment, "CI_COMMIT_BRANCH"))
                r = strmap_put(&request->environment, "CI_COMMIT_BRANCH", request->ref);
        return r;
}

int request_parse(const char *text, size_t n, const char *secrets, Request *ret, Error **reterr) {
        Request request = { .environment = STRMAP_INIT, .secrets = STRMAP_INIT, .variables = STRMAP_INIT };
        _cleanup_(json_unrefp) Json *apart = NULL;
        int64_t plan = 0;
        int r;

        r = json_parse(text, n, &request.json, reterr);
        if (r >= 0 && secrets)
                r = json_parse(secrets, strlen(secrets), &apart, reterr);
        if (r >= 0)
                r = read_work(&request, reterr);
        if (r >= 0)
                r = get_map(request.json, "environment", false, &request.environment, reterr);
        if (r >= 0)
                r = get_map(request.json, "variables", false, &request.variables, reterr);
        if (r >= 0)
                r = get_map(apart ? apart : request.json, apart ? "" : "secrets", true, &request.secrets, reterr);
        if (r >= 0)
                r = get_string(request.json, "label", &request.label, reterr);
        if (r >= 0)
                r = read_source(&request, reterr);
        if (r >= 0)
                r = read_workspace(&request, reterr);
        if (r >= 0)
                r = read_options(&request, reterr);
        if (r >= 0 && add_git_variables(&request) < 0)
                r = error_oom(reterr);
        if (r >= 0 && json_get_int(request.json, "plan", &plan, NULL) >= 0 && plan >= 0)
                request.plan = (size_t) plan;
        if (r < 0) {
                request_done(&request);
                return r == -ENOMEM ? r : -EINVAL;
        }
        *ret = request;
        return 0;
}

static void wipe(Map *map) {
        MAP_FOREACH(entry, map)
                explicit_bzero(entry->value, strlen(entry->value));
        map_done(map);
}

void request_done(Request *request) {
        request->json = json_unref(request->json);
        map_done(&request->environment);
        map_done(&request->variables);
        wipe(&request->secrets);
        request->steps = strv_free(request->steps);
        request->changed_files = strv_free(request->changed_files);
}

int request_to_json(const Request *request, size_t plan, const char *from, char **ret) {
        Json *copy = NULL, *options = NULL;
        const char *text;

        if (json_object_deep_copy(request->json, &copy, NULL) < 0)
                return -ENOMEM;
        json_object_object_del(copy, "secrets");
        (void) json_object_object_add(copy, "plan", json_object_new_int64((int64_t) plan));
        if (from && !json_object_object_get_ex(copy, "options", &options)) {
                options = json_object_new_object();
                (void) json_object_object_add(copy, "options", options);
        }
        if (from)
                (void) json_object_object_add(options, "from", json_object_new_string(from));
        text = json_object_to_json_string_ext(copy, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        *ret = text ? strdup(text) : NULL;
        json_unref(copy);
        return *ret ? 0 : -ENOMEM;
}

int request_secrets_to_json(const Request *request, char **ret) {
        JsonWriter w = { 0 };

        *ret = NULL;
        if (map_size(&request->secrets) == 0)
                return 0;
        json_open_object(&w, NULL);
        MAP_FOREACH(entry, &request->secrets)
                json_put_string(&w, entry->key, entry->value);
        json_close(&w);
        return json_finish(&w, false, ret);
}

void request_fill_spec(const Request *request, const char *directory, JobSpec *spec) {
        spec->checkout = request->source == SOURCE_DIRECTORY ? request->path : directory;
        spec->workspace_mode = request->workspace;
        spec->clones_from_origin = request->source == SOURCE_GIT;
        spec->clone_depth = request->clone_depth;
        spec->timeout_usec = request->timeout_usec ? request->timeout_usec : JOB_TIMEOUT_DEFAULT_USEC;
        spec->service_timeout_usec = request->service_timeout_usec;
        spec->grace_usec = request->grace_usec ? request->grace_usec : JOB_GRACE_DEFAULT_USEC;
        spec->pull = request->pull;
        spec->sandbox = request->sandbox;
        spec->keep = request->keep;
}
