/* Stages and 'needs': which jobs a job waits for. */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/strv.h"
#include "pipeline/gitlab-internal.h"
#include "pipeline/gitlab-keys.h"

#define STAGE_FIRST ".pre"
#define STAGE_LAST ".post"
#define STAGE_DEFAULT "test"

typedef struct NeedKeys {
        const YamlNode *artifacts, *job, *optional;
} NeedKeys;

/* clang-format off */
static const Key gitlab_need_rows[] = {
        { "job", KEY_TEXT, offsetof(NeedKeys, job),
          .doc = "The job." },
        { "optional", KEY_BOOL, offsetof(NeedKeys, optional),
          .doc = "Whether there may be none of that name." },
        { "artifacts", KEY_BOOL, offsetof(NeedKeys, artifacts),
          .doc = "Whether the job gets its artifacts; there are none yet." },
        { "parallel", KEY_LATER },
        { "pipeline", KEY_LATER },
        { "project", KEY_LATER },
        { "ref", KEY_LATER },
};
/* clang-format on */

static const KeyTable need_table = KEY_TABLE(gitlab_need_rows);
const KeyTable *const gitlab_need_keys = &need_table;

static int add_stage(Gitlab *gl, const char *name) {
        return strv_contains(gl->stages, name) ? 0 : strv_append(&gl->stages, name);
}

int gitlab_stages_read(Gitlab *gl) {
        static const char *const defaults[] = { "build", "test", "deploy" };
        _cleanup_strv_ char **names = NULL;
        int r;

        r = gitlab_texts_read(gl, gl->stage_list, "stages", GITLAB_STAGES_MAX, &names);
        if (r == 0)
                r = add_stage(gl, STAGE_FIRST);
        for (size_t i = 0; i < ELEMENTSOF(defaults) && r == 0 && !gl->stage_list; i++)
                r = add_stage(gl, defaults[i]);
        STRV_FOREACH(name, names)
                if (r == 0 && strcmp(*name, STAGE_LAST) != 0)
                        r = add_stage(gl, *name);
        return r == 0 ? add_stage(gl, STAGE_LAST) : r;
}

int gitlab_stage_find(Gitlab *gl, const YamlNode *node, const char *owner, size_t *ret) {
        const char *name = node ? node->text : STAGE_DEFAULT, *near;
        _cleanup_free_ char *shown = str_escape(name, strlen(name), GITLAB_TEXT_BYTES_SHOWN), *all = NULL;
        Diag *diag;

        *ret = SIZE_MAX;
        for (size_t i = 0; gl->stages[i]; i++)
                if (strcmp(gl->stages[i], name) == 0) {
                        *ret = i;
                        return 0;
                }
        all = strv_join(gl->stages, ", ");
        if (!shown || !all)
                return -ENOMEM;
        near = diag_suggest(name, (const char *const *) gl->stages, strv_length(gl->stages));
        diag = GITLAB_ERROR(gl, "stage", node ? node->mark : (Mark){ 0 }, "%s: there is no stage '%s'%s", owner, shown,
                            node ? "" : ", in which jobs are that name none");
        if (near)
                diag_set_hint(diag, "did you mean '%s'?", near);
        else
                diag_set_hint(diag, "'stages' has: %s", strlen(all) <= GITLAB_TEXT_BYTES_SHOWN ? all : "others");
        return 0;
}

static int add_need(Plan *plan, const char *name, Mark mark, bool is_optional, bool may_skip) {
        PlanNeed need = { .name = strdup(name), .mark = mark, .is_optional = is_optional, .may_skip = may_skip };

        if (need.name && ARRAY_APPEND(plan->depends_on, plan->n_depends_on, need) == 0)
                return 0;
        free(need.name);
        return -ENOMEM;
}

static int refuse_missing(Gitlab *gl, const GitlabJob *job, const YamlNode *name) {
        _cleanup_free_ char *shown = str_escape(name->text, name->n_text, GITLAB_TEXT_BYTES_SHOWN);
        _cleanup_free_ const char **names = calloc(gl->n_jobs + 1, sizeof(*names));
        const char *near;
        Diag *diag;

        if (!shown || !names)
                return -ENOMEM;
        for (size_t i = 0; i < gl->n_jobs; i++)
                names[i] = gl->jobs[i].name;
        near = diag_suggest(name->text, names, gl->n_jobs);
        diag = GITLAB_ERROR(gl, "needs", name->mark, "%s needs job '%s', and there is none", job->owner, shown);
        if (near)
                diag_set_hint(diag, "did you mean '%s'?", near);
        return 0;
}

static int compile_need(Gitlab *gl, GitlabJob *job, const YamlNode *node) {
        const YamlNode *name = node;
        const GitlabJob *other;
        NeedKeys keys = { 0 };

        if (node->kind == YAML_MAPPING) {
                size_t n_errors = keys_read(&need_table, node, 0, "'needs'", &keys, gl->diags);

                gl->n_errors += n_errors;
                name = keys.job;
                if (!name && n_errors > 0)
                        return 0;
        }
        if (!name || !yaml_is_scalar(name) || name->kind == YAML_NULL) {
                GITLAB_ERROR(gl, "type", node->mark, "needs: expected the name of a job, found %s",
                             name ? yaml_kind_name(name->kind) : "a map without 'job'");
                return 0;
        }
        other = gitlab_job_find(gl, name->text);
        if (!other)
                return keys.optional && key_bool(keys.optional) ? 0 : refuse_missing(gl, job, name);
        if (other == job)
                GITLAB_ERROR(gl, "needs", name->mark, "%s needs itself", job->owner);
        else if (other->stage != SIZE_MAX && job->stage != SIZE_MAX && other->stage > job->stage)
                GITLAB_ERROR(gl, "needs", name->mark, "%s needs job '%s', which is in a later stage", job->owner,
                             other->name);
        return add_need(job->plan, other->name, name->mark, false, false);
}

/* A job that nobody starts by hand holds up what comes behind it, unless it may fail. */
static int depend_on_stages(const Gitlab *gl, GitlabJob *job) {
        int r = 0;

        for (size_t i = 0; i < gl->n_jobs && r == 0; i++) {
                const GitlabJob *other = &gl->jobs[i];
                bool is_blocking = other->when == GITLAB_MANUAL && !other->may_fail;

                if (other->stage < job->stage)
                        r = add_need(job->plan, other->name, job->mark, !is_blocking, true);
        }
        return r;
}

int gitlab_needs_compile(Gitlab *gl, GitlabJob *job) {
        _cleanup_free_ const YamlNode **items = NULL;
        size_t n_items = 0;
        int r;

        if (!job->keys.needs)
                return job->stage != SIZE_MAX ? depend_on_stages(gl, job) : 0;
        r = gitlab_list_flatten(gl, job->keys.needs, "needs", GITLAB_NEEDS_MAX, &items, &n_items);
        for (size_t i = 0; i < n_items && r == 0; i++)
                r = compile_need(gl, job, items[i]);
        return r;
}
