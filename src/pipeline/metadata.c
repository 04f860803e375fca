/* The variables are rows: name, form, and where in the metadata; or a function where it takes more than one field. */

#include "pipeline/metadata.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "document/json.h"
#include "pipeline/metadata-internal.h"

const char *const metadata_events[] = {
        "push",   "pull_request", "pull_request_closed", "pull_request_metadata",
        "tag",    "release",      "deployment",          "cron",
        "manual", NULL,
};

bool metadata_event_is_pull(const char *event) {
        return event && str_starts_with(event, "pull_request");
}

int metadata_set(char **field, const char *value) {
        char *copy;

        if (str_is_empty(value))
                return 0;
        copy = strdup(value);
        if (!copy)
                return -ENOMEM;
        free(*field);
        *field = copy;
        return 0;
}

int metadata_split_refspec(const char *refspec, char **ret_source, char **ret_target) {
        const char *colon = refspec ? strchr(refspec, ':') : NULL;
        _cleanup_free_ char *source = NULL, *target = NULL;

        if (!colon || strchr(colon + 1, ':'))
                return 0;
        source = strndup(refspec, (size_t) (colon - refspec));
        target = strdup(colon + 1);
        if (!source || !target)
                return -ENOMEM;
        *ret_source = TAKE_PTR(source);
        *ret_target = TAKE_PTR(target);
        return 0;
}

/* What one variable is made from. */
typedef enum VariableForm {
        FORM_TEXT,
        FORM_NUMBER,
        FORM_COUNT, /* a number that is left out when it is 0 */
        FORM_FLAG,
        FORM_COMMAS, /* a list, joined */
        FORM_JSON,   /* a list, as an array; never too long for a variable */
        FORM_MADE,   /* by a function; NULL: out of memory, "": nothing */
} VariableForm;

typedef enum VariableWhen {
        WHEN_ANY,
        WHEN_PULL,
        WHEN_PREV_PULL,
        WHEN_RELEASE,
} VariableWhen;

typedef struct Variable {
        const char *name;
        VariableForm form;
        size_t offset;
        VariableWhen when;
        char *(*make)(const Metadata *metadata);
} Variable;

/* Made, so that a user's CI=true does not name the system. */
static char *make_ci(const Metadata *metadata) {
        return strdup(metadata->sys.name ? metadata->sys.name : "");
}

static char *make_repo(const Metadata *metadata) {
        const char *owner = metadata->repo.owner, *name = metadata->repo.name;

        return str_printf("%s%s%s", owner ? owner : "", owner && name ? "/" : "", name ? name : "");
}

static char *make_trusted(const Metadata *metadata) {
        return strdup(metadata->repo.trusted_network && metadata->repo.trusted_volumes &&
                                      metadata->repo.trusted_security
                              ? "true"
                              : "false");
}

static char *make_page(const Metadata *metadata, const MetadataPipeline *pipeline) {
        return str_printf("%s/repos/%lld/pipeline/%lld", metadata->sys.url ? metadata->sys.url : "",
                          (long long) metadata->repo.id, (long long) pipeline->number);
}

static char *make_pipeline_url(const Metadata *metadata) {
        return make_page(metadata, &metadata->curr);
}

static char *make_prev_pipeline_url(const Metadata *metadata) {
        return make_page(metadata, &metadata->prev);
}

static char *make_tag(const Metadata *metadata) {
        static const char prefix[] = "refs/tags/";
        const char *ref = metadata->curr.commit.ref;

        return strdup(ref && str_starts_with(ref, prefix) ? ref + strlen(prefix) : "");
}

static char *make_side(const MetadataPipeline *pipeline, bool is_source) {
        _cleanup_free_ char *source = NULL, *target = NULL;

        if (metadata_split_refspec(pipeline->commit.refspec, &source, &target) < 0)
                return NULL;
        if (!source)
                return strdup("");
        return is_source ? TAKE_PTR(source) : TAKE_PTR(target);
}

static char *make_source_branch(const Metadata *metadata) {
        return make_side(&metadata->curr, true);
}

static char *make_target_branch(const Metadata *metadata) {
        return make_side(&metadata->curr, false);
}

static char *make_prev_source_branch(const Metadata *metadata) {
        return make_side(&metadata->prev, true);
}

static char *make_prev_target_branch(const Metadata *metadata) {
        return make_side(&metadata->prev, false);
}

/* The first digits of the ref: "refs/pull/7/head", "refs/merge-requests/7/head". */
static char *make_pull_request(const Metadata *metadata) {
        const char *digits = metadata->curr.commit.ref;

        if (!digits)
                return strdup("");
        digits += strcspn(digits, "0123456789");
        return strndup(digits, strspn(digits, "0123456789"));
}

#define AT(field) .offset = offsetof(Metadata, field)
#define MADE(function) .form = FORM_MADE, .make = function

// clang-format off
static const Variable variables[] = {
        { "CI", MADE(make_ci) },
        { "CI_SYSTEM_NAME", FORM_TEXT, AT(sys.name) },
        { "CI_SYSTEM_URL", FORM_TEXT, AT(sys.url) },
        { "CI_SYSTEM_HOST", FORM_TEXT, AT(sys.host) },
        { "CI_SYSTEM_PLATFORM", FORM_TEXT, AT(sys.platform) },
        { "CI_SYSTEM_VERSION", FORM_TEXT, AT(sys.version) },
        { "CI_FORGE_TYPE", FORM_TEXT, AT(forge.type) },
        { "CI_FORGE_URL", FORM_TEXT, AT(forge.url) },

        { "CI_REPO", MADE(make_repo) },
        { "CI_REPO_OWNER", FORM_TEXT, AT(repo.owner) },
        { "CI_REPO_NAME", FORM_TEXT, AT(repo.name) },
        { "CI_REPO_REMOTE_ID", FORM_TEXT, AT(repo.remote_id) },
        { "CI_REPO_URL", FORM_TEXT, AT(repo.forge_url) },
        { "CI_REPO_CLONE_URL", FORM_TEXT, AT(repo.clone_url) },
        { "CI_REPO_CLONE_SSH_URL", FORM_TEXT, AT(repo.clone_url_ssh) },
        { "CI_REPO_DEFAULT_BRANCH", FORM_TEXT, AT(repo.default_branch) },
        { "CI_REPO_PRIVATE", FORM_FLAG, AT(repo.is_private) },
        { "CI_REPO_TRUSTED_NETWORK", FORM_FLAG, AT(repo.trusted_network) },
        { "CI_REPO_TRUSTED_VOLUMES", FORM_FLAG, AT(repo.trusted_volumes) },
        { "CI_REPO_TRUSTED_SECURITY", FORM_FLAG, AT(repo.trusted_security) },
        { "CI_REPO_TRUSTED", MADE(make_trusted) },

        { "CI_PIPELINE_NUMBER", FORM_NUMBER, AT(curr.number) },
        { "CI_PIPELINE_PARENT", FORM_NUMBER, AT(curr.parent) },
        { "CI_PIPELINE_EVENT", FORM_TEXT, AT(curr.event) },
        { "CI_PIPELINE_EVENT_REASON", FORM_COMMAS, AT(curr.event_reason) },
        { "CI_PIPELINE_URL", MADE(make_pipeline_url) },
        { "CI_PIPELINE_FORGE_URL", FORM_TEXT, AT(curr.forge_url) },
        { "CI_PIPELINE_DEPLOY_TARGET", FORM_TEXT, AT(curr.target) },
        { "CI_PIPELINE_DEPLOY_TASK", FORM_TEXT, AT(curr.task) },
        { "CI_PIPELINE_CREATED", FORM_NUMBER, AT(curr.created) },
        { "CI_PIPELINE_STARTED", FORM_NUMBER, AT(curr.started) },
        { "CI_PIPELINE_AUTHOR", FORM_TEXT, AT(curr.author) },
        { "CI_PIPELINE_AVATAR", FORM_TEXT, AT(curr.avatar) },
        { "CI_PIPELINE_RERUNS", FORM_COUNT, AT(curr.rerun_count) },
        { "CI_PIPELINE_FILES", FORM_JSON, AT(curr.commit.changed_files) },
        { "CI_PIPELINE_RELEASE_TITLE", FORM_TEXT, AT(curr.release_title), WHEN_RELEASE },
        { "CI_PIPELINE_RELEASE_PRE", FORM_FLAG, AT(curr.is_prerelease), WHEN_RELEASE },
        { "CI_COMMIT_PRERELEASE", FORM_FLAG, AT(curr.is_prerelease), WHEN_RELEASE },

        { "CI_WORKFLOW_NAME", FORM_TEXT, AT(workflow.name) },
        { "CI_WORKFLOW_NUMBER", FORM_NUMBER, AT(workflow.number) },
        { "CI_STEP_NAME", FORM_TEXT, AT(step.name) },
        { "CI_STEP_NUMBER", FORM_NUMBER, AT(step.number) },
        { "CI_STEP_URL", MADE(make_pipeline_url) },

        { "CI_COMMIT_SHA", FORM_TEXT, AT(curr.commit.sha) },
        { "CI_COMMIT_REF", FORM_TEXT, AT(curr.commit.ref) },
        { "CI_COMMIT_REFSPEC", FORM_TEXT, AT(curr.commit.refspec) },
        { "CI_COMMIT_BRANCH", FORM_TEXT, AT(curr.commit.branch) },
        { "CI_COMMIT_MESSAGE", FORM_TEXT, AT(curr.commit.message) },
        { "CI_COMMIT_TIMESTAMP", FORM_NUMBER, AT(curr.commit.timestamp) },
        { "CI_COMMIT_AUTHOR", FORM_TEXT, AT(curr.commit.author_name) },
        { "CI_COMMIT_AUTHOR_EMAIL", FORM_TEXT, AT(curr.commit.author_email) },
        { "CI_COMMIT_AUTHOR_AVATAR", FORM_TEXT, AT(curr.avatar) },
        { "CI_COMMIT_TAG", MADE(make_tag) },
        { "CI_COMMIT_SOURCE_BRANCH", MADE(make_source_branch), .when = WHEN_PULL },
        { "CI_COMMIT_TARGET_BRANCH", MADE(make_target_branch), .when = WHEN_PULL },
        { "CI_COMMIT_PULL_REQUEST", MADE(make_pull_request), .when = WHEN_PULL },
        { "CI_COMMIT_PULL_REQUEST_LABELS", FORM_COMMAS, AT(curr.commit.labels), WHEN_PULL },
        { "CI_COMMIT_PULL_REQUEST_MILESTONE", FORM_TEXT, AT(curr.commit.milestone), WHEN_PULL },
        { "CI_COMMIT_PULL_REQUEST_DRAFT", FORM_FLAG, AT(curr.commit.draft), WHEN_PULL },

        { "CI_PREV_PIPELINE_NUMBER", FORM_NUMBER, AT(prev.number) },
        { "CI_PREV_PIPELINE_PARENT", FORM_NUMBER, AT(prev.parent) },
        { "CI_PREV_PIPELINE_EVENT", FORM_TEXT, AT(prev.event) },
        { "CI_PREV_PIPELINE_EVENT_REASON", FORM_COMMAS, AT(prev.event_reason) },
        { "CI_PREV_PIPELINE_URL", MADE(make_prev_pipeline_url) },
        { "CI_PREV_PIPELINE_FORGE_URL", FORM_TEXT, AT(prev.forge_url) },
        { "CI_PREV_PIPELINE_DEPLOY_TARGET", FORM_TEXT, AT(prev.target) },
        { "CI_PREV_PIPELINE_DEPLOY_TASK", FORM_TEXT, AT(prev.task) },
        { "CI_PREV_PIPELINE_STATUS", FORM_TEXT, AT(prev.status) },
        { "CI_PREV_PIPELINE_CREATED", FORM_NUMBER, AT(prev.created) },
        { "CI_PREV_PIPELINE_STARTED", FORM_NUMBER, AT(prev.started) },
        { "CI_PREV_PIPELINE_FINISHED", FORM_NUMBER, AT(prev.finished) },
        { "CI_PREV_PIPELINE_AUTHOR", FORM_TEXT, AT(prev.author) },
        { "CI_PREV_PIPELINE_AVATAR", FORM_TEXT, AT(prev.avatar) },

        { "CI_PREV_COMMIT_SHA", FORM_TEXT, AT(prev.commit.sha) },
        { "CI_PREV_COMMIT_REF", FORM_TEXT, AT(prev.commit.ref) },
        { "CI_PREV_COMMIT_REFSPEC", FORM_TEXT, AT(prev.commit.refspec) },
        { "CI_PREV_COMMIT_BRANCH", FORM_TEXT, AT(prev.commit.branch) },
        { "CI_PREV_COMMIT_URL", FORM_TEXT, AT(prev.forge_url) },
        { "CI_PREV_COMMIT_MESSAGE", FORM_TEXT, AT(prev.commit.message) },
        { "CI_PREV_COMMIT_TIMESTAMP", FORM_NUMBER, AT(prev.commit.timestamp) },
        { "CI_PREV_COMMIT_AUTHOR", FORM_TEXT, AT(prev.commit.author_name) },
        { "CI_PREV_COMMIT_AUTHOR_EMAIL", FORM_TEXT, AT(prev.commit.author_email) },
        { "CI_PREV_COMMIT_AUTHOR_AVATAR", FORM_TEXT, AT(prev.avatar) },
        { "CI_PREV_COMMIT_SOURCE_BRANCH", MADE(make_prev_source_branch), .when = WHEN_PREV_PULL },
        { "CI_PREV_COMMIT_TARGET_BRANCH", MADE(make_prev_target_branch), .when = WHEN_PREV_PULL },
};
// clang-format on

static bool exists(const Variable *variable, const Metadata *metadata) {
        switch (variable->when) {
        case WHEN_PULL:
                return metadata_event_is_pull(metadata->curr.event);
        case WHEN_PREV_PULL:
                return metadata_event_is_pull(metadata->prev.event);
        case WHEN_RELEASE:
                return str_equal(metadata->curr.event, "release");
        default:
                return true;
        }
}

static char *list_to_json(char *const *list) {
        _cleanup_(json_writer_done) JsonWriter w = { 0 };
        char *text;

        if (strv_length(list) > METADATA_FILES_MAX)
                return strdup("");
        json_open_array(&w, NULL);
        STRV_FOREACH(item, list)
                json_put_string(&w, NULL, *item);
        json_close(&w);
        return json_finish(&w, false, &text) < 0 ? NULL : text;
}

/* "": the variable is not set. */
static char *value_of(const Variable *variable, const Metadata *metadata) {
        const void *field = (const char *) metadata + variable->offset;

        switch (variable->form) {
        case FORM_TEXT: {
                const char *text = *(char *const *) field;

                return strdup(text ? text : "");
        }
        case FORM_NUMBER:
        case FORM_COUNT: {
                int64_t number = *(const int64_t *) field;

                return variable->form == FORM_COUNT && number <= 0 ? strdup("")
                                                                   : str_printf("%lld", (long long) number);
        }
        case FORM_FLAG:
                return strdup(*(const bool *) field ? "true" : "false");
        case FORM_COMMAS:
                return strv_join(*(char **const *) field, ",");
        case FORM_JSON:
                return list_to_json(*(char **const *) field);
        default:
                return variable->make(metadata);
        }
}

int metadata_to_environment(const Metadata *metadata, Map *environment) {
        FOREACH_ROW(variable, variables) {
                _cleanup_free_ char *value = NULL;

                if (!exists(variable, metadata))
                        continue;
                value = value_of(variable, metadata);
                if (!value)
                        return -ENOMEM;
                if (*value && strlen(value) <= METADATA_VARIABLE_BYTES_MAX &&
                    strmap_put(environment, variable->name, value) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int list_from_json(const char *text, char ***ret) {
        _cleanup_(json_unrefp) Json *json = NULL;
        size_t bad;

        if (json_parse(text, strlen(text), &json, NULL) < 0 || !json_object_is_type(json, json_type_array))
                return 0;
        return metadata_list(json, ret, &bad) == -ENOMEM ? -ENOMEM : 0;
}

static int list_from_commas(const char *text, char ***ret) {
        _cleanup_strv_ char **list = NULL;

        if (strv_split(text, ',', &list) < 0)
                return -ENOMEM;
        strv_free(*ret);
        *ret = TAKE_PTR(list);
        return 0;
}

static int set_from_text(const Variable *variable, const char *text, Metadata *metadata) {
        void *field = (char *) metadata + variable->offset;

        switch (variable->form) {
        case FORM_TEXT:
                return metadata_set(field, text);
        case FORM_NUMBER:
        case FORM_COUNT:
                (void) parse_i64(text, field);
                return 0;
        case FORM_FLAG:
                (void) parse_bool(text, field);
                return 0;
        case FORM_COMMAS:
                return list_from_commas(text, field);
        case FORM_JSON:
                return list_from_json(text, field);
        default:
                return 0;
        }
}

int metadata_from_environment(const Map *environment, Metadata *metadata) {
        FOREACH_ROW(variable, variables) {
                const char *text = strmap_get(environment, variable->name);
                int r = str_is_empty(text) ? 0 : set_from_text(variable, text, metadata);

                if (r < 0)
                        return r;
        }
        return 0;
}
