/* The file that Woodpecker exports of a pipeline, and what the struct owns: both from the same rows, one a field. */

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "document/json.h"
#include "pipeline/metadata-internal.h"
#include "pipeline/metadata.h"

typedef enum FieldType {
        FIELD_TEXT,
        FIELD_NUMBER,
        FIELD_FLAG,
        FIELD_LIST,
        FIELD_MAP,
} FieldType;

typedef struct Field {
        const char *path;
        FieldType type;
        size_t offset;
} Field;

#define AT(field) offsetof(Metadata, field)
#define PIPELINE_AT(field) offsetof(MetadataPipeline, field)

// clang-format off
static const Field fields[] = {
        { "id", FIELD_TEXT, AT(id) },
        { "repo.id", FIELD_NUMBER, AT(repo.id) },
        { "repo.org_id", FIELD_NUMBER, AT(repo.org_id) },
        { "repo.name", FIELD_TEXT, AT(repo.name) },
        { "repo.owner", FIELD_TEXT, AT(repo.owner) },
        { "repo.remote_id", FIELD_TEXT, AT(repo.remote_id) },
        { "repo.forge_url", FIELD_TEXT, AT(repo.forge_url) },
        { "repo.clone_url", FIELD_TEXT, AT(repo.clone_url) },
        { "repo.clone_url_ssh", FIELD_TEXT, AT(repo.clone_url_ssh) },
        { "repo.private", FIELD_FLAG, AT(repo.is_private) },
        { "repo.default_branch", FIELD_TEXT, AT(repo.default_branch) },
        { "repo.trusted.network", FIELD_FLAG, AT(repo.trusted_network) },
        { "repo.trusted.volumes", FIELD_FLAG, AT(repo.trusted_volumes) },
        { "repo.trusted.security", FIELD_FLAG, AT(repo.trusted_security) },
        { "workflow.name", FIELD_TEXT, AT(workflow.name) },
        { "workflow.number", FIELD_NUMBER, AT(workflow.number) },
        { "workflow.matrix", FIELD_MAP, AT(workflow.matrix) },
        { "step.name", FIELD_TEXT, AT(step.name) },
        { "step.number", FIELD_NUMBER, AT(step.number) },
        { "sys.name", FIELD_TEXT, AT(sys.name) },
        { "sys.host", FIELD_TEXT, AT(sys.host) },
        { "sys.url", FIELD_TEXT, AT(sys.url) },
        { "sys.arch", FIELD_TEXT, AT(sys.platform) },
        { "sys.version", FIELD_TEXT, AT(sys.version) },
        { "forge.type", FIELD_TEXT, AT(forge.type) },
        { "forge.url", FIELD_TEXT, AT(forge.url) },
};

/* Of 'curr' and of 'prev'. */
static const Field pipeline_fields[] = {
        { "number", FIELD_NUMBER, PIPELINE_AT(number) },
        { "created", FIELD_NUMBER, PIPELINE_AT(created) },
        { "started", FIELD_NUMBER, PIPELINE_AT(started) },
        { "finished", FIELD_NUMBER, PIPELINE_AT(finished) },
        { "status", FIELD_TEXT, PIPELINE_AT(status) },
        { "event", FIELD_TEXT, PIPELINE_AT(event) },
        { "event_reason", FIELD_LIST, PIPELINE_AT(event_reason) },
        { "forge_url", FIELD_TEXT, PIPELINE_AT(forge_url) },
        { "target", FIELD_TEXT, PIPELINE_AT(target) },
        { "task", FIELD_TEXT, PIPELINE_AT(task) },
        { "parent", FIELD_NUMBER, PIPELINE_AT(parent) },
        { "rerun_count", FIELD_NUMBER, PIPELINE_AT(rerun_count) },
        { "cron", FIELD_TEXT, PIPELINE_AT(cron) },
        { "release.title", FIELD_TEXT, PIPELINE_AT(release_title) },
        { "release.is_prerelease", FIELD_FLAG, PIPELINE_AT(is_prerelease) },
        { "author", FIELD_TEXT, PIPELINE_AT(author) },
        { "avatar", FIELD_TEXT, PIPELINE_AT(avatar) },
        { "commit.sha", FIELD_TEXT, PIPELINE_AT(commit.sha) },
        { "commit.ref", FIELD_TEXT, PIPELINE_AT(commit.ref) },
        { "commit.refspec", FIELD_TEXT, PIPELINE_AT(commit.refspec) },
        { "commit.branch", FIELD_TEXT, PIPELINE_AT(commit.branch) },
        { "commit.message", FIELD_TEXT, PIPELINE_AT(commit.message) },
        { "commit.timestamp", FIELD_NUMBER, PIPELINE_AT(commit.timestamp) },
        { "commit.author.name", FIELD_TEXT, PIPELINE_AT(commit.author_name) },
        { "commit.author.email", FIELD_TEXT, PIPELINE_AT(commit.author_email) },
        { "commit.changed_files", FIELD_LIST, PIPELINE_AT(commit.changed_files) },
        { "commit.labels", FIELD_LIST, PIPELINE_AT(commit.labels) },
        { "commit.milestone", FIELD_TEXT, PIPELINE_AT(commit.milestone) },
        { "commit.draft", FIELD_FLAG, PIPELINE_AT(commit.draft) },
};
// clang-format on

int metadata_list(Json *array, char ***ret, size_t *ret_bad) {
        _cleanup_strv_ char **list = NULL;
        size_t n = json_object_array_length(array), room = 2;

        while (room < n + 1) /* as much as strv_append() would have made */
                room *= 2;
        list = calloc(room, sizeof(*list));
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const char *item;

                if (json_get_string(json_object_array_get_idx(array, i), "", &item, NULL) < 0) {
                        *ret_bad = i;
                        return -EBADMSG;
                }
                list[i] = strdup(item);
                if (!list[i])
                        return -ENOMEM;
        }
        strv_free(*ret);
        *ret = TAKE_PTR(list);
        return 0;
}

static int read_list(Json *json, const char *path, char ***ret, Error **reterr) {
        size_t bad;
        int r = metadata_list(json, ret, &bad);

        if (r == -EBADMSG)
                return error_set(reterr, EBADMSG, ".%s[%zu]: expected string", path, bad);
        return r < 0 ? error_oom(reterr) : 0;
}

static int read_map(Json *json, const char *path, Map *ret, Error **reterr) {
        json_object_object_foreach(json, key, value) {
                const char *text;

                if (json_get_string(value, "", &text, NULL) < 0) {
                        _cleanup_free_ char *shown = str_escape(key, strlen(key), 60);

                        return error_set(reterr, EBADMSG, ".%s.%s: expected string", path, shown ? shown : "");
                }
                if (strmap_put(ret, key, text) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

/* Returns -ENOENT when there is nothing to read. */
static int read_value(Json *json, const Field *field, void *target, Error **reterr) {
        const char *text;
        Json *value;
        int r;

        switch (field->type) {
        case FIELD_NUMBER:
                return json_get_int(json, field->path, target, reterr);
        case FIELD_FLAG:
                return json_get_bool(json, field->path, target, reterr);
        case FIELD_LIST:
                r = json_get_array(json, field->path, &value, reterr);
                return r < 0 ? r : read_list(value, field->path, target, reterr);
        case FIELD_MAP:
                r = json_get_object(json, field->path, &value, reterr);
                return r < 0 ? r : read_map(value, field->path, target, reterr);
        default:
                r = json_get_string(json, field->path, &text, reterr);
                if (r >= 0 && metadata_set(target, text) < 0)
                        return error_oom(reterr);
                return r;
        }
}

static int read_fields(Json *json, const Field *rows, size_t n_rows, void *target, Error **reterr) {
        for (size_t i = 0; i < n_rows; i++) {
                _cleanup_(error_freep) Error *error = NULL;
                int r = read_value(json, &rows[i], (char *) target + rows[i].offset, &error);

                if (r < 0 && r != -ENOENT) {
                        if (reterr)
                                *reterr = TAKE_PTR(error);
                        return r;
                }
        }
        return 0;
}

/* A struct that is missing or null has no fields; anything else must be one. */
static int read_pipeline(Json *json, const char *key, MetadataPipeline *pipeline, Error **reterr) {
        _cleanup_(error_freep) Error *error = NULL;
        Json *object;
        int r;

        r = json_get_object(json, key, &object, &error);
        if (r >= 0)
                r = read_fields(object, pipeline_fields, ELEMENTSOF(pipeline_fields), pipeline, &error);
        else if (r == -ENOENT)
                return 0;
        else
                return error_set(reterr, EBADMSG, "%s", error_message(error, r));
        if (r < 0) /* the path begins with a dot */
                return error_set(reterr, -r, ".%s%s", key, error_message(error, r));
        return 0;
}

int metadata_from_json(const char *text, size_t n, Metadata *metadata, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        int r;

        if (n > METADATA_BYTES_MAX)
                return error_set(reterr, EBADMSG, "metadata of more than %u MiB", METADATA_BYTES_MAX >> 20);
        r = json_parse(text, n, &json, reterr);
        if (r < 0)
                return r;
        if (!json || !json_object_is_type(json, json_type_object))
                return error_set(reterr, EBADMSG, "metadata must be a JSON object");
        r = read_fields(json, fields, ELEMENTSOF(fields), metadata, reterr);
        if (r >= 0)
                r = read_pipeline(json, "curr", &metadata->curr, reterr);
        if (r >= 0)
                r = read_pipeline(json, "prev", &metadata->prev, reterr);
        return r;
}

static void free_fields(const Field *rows, size_t n_rows, void *target) {
        for (size_t i = 0; i < n_rows; i++) {
                void *field = (char *) target + rows[i].offset;

                if (rows[i].type == FIELD_TEXT)
                        free(*(char **) field);
                else if (rows[i].type == FIELD_LIST)
                        strv_free(*(char ***) field);
                else if (rows[i].type == FIELD_MAP)
                        map_done(field);
        }
}

void metadata_init(Metadata *metadata) {
        *metadata = (Metadata){ .workflow.matrix = STRMAP_INIT };
}

void metadata_done(Metadata *metadata) {
        free_fields(fields, ELEMENTSOF(fields), metadata);
        free_fields(pipeline_fields, ELEMENTSOF(pipeline_fields), &metadata->curr);
        free_fields(pipeline_fields, ELEMENTSOF(pipeline_fields), &metadata->prev);
        metadata_init(metadata);
}
