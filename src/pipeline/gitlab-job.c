/* A job: its keys, and the plan that is made of it. */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/strv.h"
#include "pipeline/gitlab-internal.h"
#include "pipeline/gitlab-keys.h"
#include "pipeline/name.h"

static const char *const when_words[] = { "on_success", "on_failure", "always", "manual", "delayed", NULL };

/* clang-format off */
#define FIELD(name) offsetof(JobKeys, name)
static const Key gitlab_job_rows[] = {
        { "script", KEY_ANY, FIELD(script), IN_JOB,
          .doc = "Shell commands: a string, or a list of them. They run in one shell, which ends at the first "
                 "failure." },
        { "before_script", KEY_ANY, FIELD(before_script), IN_JOB | IN_DEFAULT,
          .doc = "Commands before those of ``script``, in the same shell." },
        { "after_script", KEY_ANY, FIELD(after_script), IN_JOB | IN_DEFAULT,
          .doc = "Commands behind those of ``script``, whatever came of them, in a shell of their own, for at most 5 "
                 "minutes. Whether they fail does not count." },
        { "image", KEY_ANY, FIELD(image), IN_JOB | IN_DEFAULT,
          .doc = "Image that the job runs in: a name, or a map (see `Images`_)." },
        { "services", KEY_ANY, FIELD(services), IN_JOB | IN_DEFAULT,
          .doc = "Containers that run beside the job: a list of names or of maps (see `Services`_)." },
        { "variables", KEY_MAP, FIELD(variables), IN_JOB,
          .doc = "Variables of the job (see `Variables`_); they count more than those of the file." },
        { "stage", KEY_TEXT, FIELD(stage), IN_JOB,
          .doc = "The stage it belongs to. Default: ``test``." },
        { "needs", KEY_MAP_OR_LIST, FIELD(needs), IN_JOB,
          .doc = "Jobs it waits for instead of those of all earlier stages: names, or maps (see `Needs`_). ``[]``: "
                 "none." },
        { "when", KEY_WORD, FIELD(when), IN_JOB, .words = when_words,
          .doc = "``on_success`` (the default), ``on_failure`` (one of the jobs before it has failed), ``always``, or "
                 "``manual``: left out, but for ``--step``." },
        { "allow_failure", KEY_ANY, FIELD(allow_failure), IN_JOB,
          .doc = "Whether its failure does not count. Default: ``false``, with ``when: manual`` ``true``." },
        { "artifacts", KEY_LATER },
        { "cache", KEY_LATER },
        { "coverage", KEY_LATER },
        { "dast_configuration", KEY_LATER },
        { "dependencies", KEY_LATER },
        { "environment", KEY_LATER },
        { "except", KEY_LATER },
        { "extends", KEY_LATER, .hint = "anchors ('<<: *name') and '!reference [.name, script]' are supported" },
        { "hooks", KEY_LATER },
        { "id_tokens", KEY_LATER },
        { "identity", KEY_LATER },
        { "inherit", KEY_LATER },
        { "inputs", KEY_LATER },
        { "interruptible", KEY_LATER },
        { "manual_confirmation", KEY_LATER },
        { "only", KEY_LATER },
        { "pages", KEY_LATER },
        { "parallel", KEY_LATER },
        { "publish", KEY_LATER },
        { "release", KEY_LATER },
        { "resource_group", KEY_LATER },
        { "retry", KEY_LATER },
        { "rules", KEY_LATER },
        { "run", KEY_LATER },
        { "secrets", KEY_LATER },
        { "start_in", KEY_LATER },
        { "tags", KEY_LATER },
        { "timeout", KEY_LATER },
        { "trigger", KEY_LATER },
        { "type", KEY_REFUSED, .hint = "it is 'stage'" },
        { "commands", KEY_REFUSED, .hint = "it is 'script'" },
};
#undef FIELD
/* clang-format on */

static const KeyTable job_table = KEY_TABLE(gitlab_job_rows);
const KeyTable *const gitlab_job_keys = &job_table;

void gitlab_job_done(GitlabJob *job) {
        free(job->name);
        free(job->owner);
        plan_free(job->plan);
}

const GitlabJob *gitlab_job_find(const Gitlab *gl, const char *name) {
        for (size_t i = 0; i < gl->n_jobs; i++)
                if (strcmp(gl->jobs[i].name, name) == 0)
                        return &gl->jobs[i];
        return NULL;
}

/* The nearest that says it counts, and only that: nothing is merged. */
static void complete(JobKeys *keys, const JobKeys *defaults) {
        const YamlNode **own[] = { &keys->image, &keys->services, &keys->before_script, &keys->after_script };
        const YamlNode *others[] = { defaults->image, defaults->services, defaults->before_script,
                                     defaults->after_script };

        for (size_t i = 0; i < ELEMENTSOF(own); i++)
                if (!*own[i])
                        *own[i] = others[i];
}

static void read_when(Gitlab *gl, GitlabJob *job) {
        static const GitlabWhen values[] = { GITLAB_ON_SUCCESS, GITLAB_ON_FAILURE, GITLAB_ALWAYS, GITLAB_MANUAL };
        const YamlNode *node = job->keys.when;

        if (!node)
                return;
        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                if (strcmp(when_words[i], node->text) == 0) {
                        job->when = values[i];
                        return;
                }
        GITLAB_ERROR(gl, "unsupported-value", node->mark, "when: '%s' is not yet supported", node->text);
}

static void read_allow_failure(Gitlab *gl, GitlabJob *job) {
        const YamlNode *node = job->keys.allow_failure;

        job->may_fail = job->when == GITLAB_MANUAL;
        if (!node)
                return;
        if (node->kind == YAML_BOOL)
                job->may_fail = node->boolean;
        else if (node->kind == YAML_MAPPING)
                GITLAB_ERROR(gl, "unsupported-value", node->mark, "allow_failure: exit codes are not yet supported");
        else
                GITLAB_ERROR(gl, "type", node->mark, "allow_failure: expected true or false, found %s",
                             yaml_kind_name(node->kind));
}

static int read_keys(Gitlab *gl, GitlabJob *job) {
        Diag *diag;

        if (job->node->kind != YAML_MAPPING) {
                diag = GITLAB_ERROR(gl, "type", job->node->kind == YAML_NULL ? job->mark : job->node->mark,
                                    "%s: expected a map, found %s", job->owner, yaml_kind_name(job->node->kind));
                if (key_find(&job_table, job->name))
                        diag_set_hint(diag, "'%s' is a key of a job: above it a line with the job's name is missing",
                                      job->name);
                return 0;
        }
        gl->n_errors += keys_read(&job_table, job->node, IN_JOB, job->owner, &job->keys, gl->diags);
        complete(&job->keys, &gl->defaults);
        complete(&job->keys, &gl->file);
        if (!yaml_get(job->node, "script") && !yaml_get(job->node, "run") && !yaml_get(job->node, "trigger"))
                GITLAB_ERROR(gl, "script", job->mark, "%s has no 'script'", job->owner);
        read_when(gl, job);
        read_allow_failure(gl, job);
        return gitlab_stage_find(gl, job->keys.stage, job->owner, &job->stage);
}

int gitlab_job_read(Gitlab *gl, const YamlPair *pair) {
        const YamlNode *key = pair->key;
        _cleanup_free_ char *shown = str_escape(key->text, key->n_text, GITLAB_TEXT_BYTES_SHOWN);
        const char *fault = step_name_fault(key->text, key->n_text);
        GitlabJob job = { .node = pair->value, .mark = key->mark, .stage = SIZE_MAX };
        int r;

        if (!shown)
                return -ENOMEM;
        if (fault) {
                GITLAB_ERROR(gl, "name", key->mark, "'%s' cannot be the name of a job: %s", shown, fault);
                return 0;
        }
        job.name = strdup(key->text);
        job.owner = str_printf("job '%s'", shown);
        r = job.name && job.owner ? read_keys(gl, &job) : -ENOMEM;
        if (r == 0)
                r = ARRAY_APPEND(gl->jobs, gl->n_jobs, job);
        if (r < 0)
                gitlab_job_done(&job);
        return r;
}

/* Later ones count more: predefined, of the file, of the job, secrets, what the user gave. */
static int collect_variables(Gitlab *gl, const GitlabJob *job, GitlabVariables *variables) {
        const GitlabContext *context = gl->context;
        int r;

        r = gitlab_predefined(gl, job, job->plan->workspace, variables);
        if (r == 0)
                r = gitlab_variables_update(variables, &gl->variables);
        if (r == 0)
                r = gitlab_variables_read(gl, job->keys.variables, false, job->owner, variables);
        for (size_t i = 0; context->secrets && i < context->secrets->n_entries && r == 0; i++) {
                const MapEntry *entry = &context->secrets->entries[i];
                _cleanup_free_ char *name = entry->key ? strdup(entry->key) : NULL;

                for (char *c = name; c && *c; c++)
                        *c = *c >= 'a' && *c <= 'z' ? (char) (*c - 'a' + 'A') : *c;
                if (entry->key)
                        r = name ? gitlab_variables_put(variables, name, entry->value,
                                                        &(GitlabVariable){ .is_known = true, .is_secret = true })
                                 : -ENOMEM;
        }
        for (size_t i = 0; context->variables && i < context->variables->n_entries && r == 0; i++) {
                const MapEntry *entry = &context->variables->entries[i];

                if (entry->key)
                        r = gitlab_variables_put(variables, entry->key, entry->value,
                                                 &(GitlabVariable){ .is_known = true });
        }
        return r == 0 ? gitlab_variables_expand(gl, variables) : r;
}

static int compile_commands(Gitlab *gl, const GitlabJob *job, PlanStep *step) {
        size_t n_errors = gl->n_errors;
        int r;

        r = gitlab_texts_read(gl, job->keys.before_script, "before_script", GITLAB_COMMANDS_MAX, &step->commands);
        if (r == 0)
                r = gitlab_texts_read(gl, job->keys.script, "script", GITLAB_COMMANDS_MAX, &step->commands);
        if (r == 0)
                r = gitlab_texts_read(gl, job->keys.after_script, "after_script", GITLAB_COMMANDS_MAX,
                                      &step->after_commands);
        if (r == 0 && !step->commands && job->keys.script && gl->n_errors == n_errors)
                GITLAB_ERROR(gl, "script", job->keys.script->mark, "the 'script' of %s is empty", job->owner);
        return r;
}

static PlanStep *new_step(const GitlabJob *job) {
        _cleanup_(plan_step_freep) PlanStep *step = calloc(1, sizeof(*step));

        if (!step)
                return NULL;
        step->environment = step->secret_environment = STRMAP_INIT;
        step->kind = STEP_COMMANDS;
        step->style = SCRIPT_STRICT;
        step->on_success = true;
        step->mark = job->mark;
        step->failure = job->may_fail ? STEP_FAILURE_IGNORE : STEP_FAILURE_FAIL;
        step->name = strdup(job->name);
        step->alias = strdup(GITLAB_BUILD_ALIAS);
        step->workspace_base = strdup(GITLAB_BUILDS_DIRECTORY);
        step->directory = strdup(job->plan->workspace);
        return step->name && step->alias && step->workspace_base && step->directory ? TAKE_PTR(step) : NULL;
}

static int compile_step(Gitlab *gl, const GitlabJob *job, const GitlabVariables *variables) {
        _cleanup_(plan_step_freep) PlanStep *step = new_step(job);
        Plan *plan = job->plan;
        int r;

        if (!step)
                return -ENOMEM;
        r = gitlab_image_compile(gl, job, variables, step);
        if (r == 0)
                r = compile_commands(gl, job, step);
        if (r == 0)
                r = gitlab_variables_to_step(variables, true, step);
        if (r == 0 && step->image && !map_has(&step->environment, "CI_JOB_IMAGE"))
                r = strmap_put(&step->environment, "CI_JOB_IMAGE", step->image);
        if (r == 0)
                r = ARRAY_APPEND(plan->steps, plan->n_steps, step);
        if (r == 0)
                (void) TAKE_PTR(step);
        return r;
}

static int fill_plan(const Gitlab *gl, const GitlabJob *job, Plan *plan) {
        _cleanup_free_ char *path = gitlab_project_path(gl->context->metadata);

        plan->secrets = plan->axes = plan->labels = STRMAP_INIT;
        plan->noun = "job";
        plan->workflow = strdup(job->name);
        plan->name = strdup(job->name);
        plan->source_name = strdup(gl->source->name);
        plan->workspace = path ? str_printf(GITLAB_BUILDS_DIRECTORY "/%s", path) : NULL;
        plan->on_success = job->when != GITLAB_ON_FAILURE;
        plan->on_failure = job->when == GITLAB_ON_FAILURE || job->when == GITLAB_ALWAYS;
        plan->on_any_failure = job->when == GITLAB_ON_FAILURE;
        if (!plan->workflow || !plan->name || !plan->source_name || !plan->workspace)
                return -ENOMEM;
        return gl->context->secrets ? strmap_update(&plan->secrets, gl->context->secrets) : 0;
}

int gitlab_job_compile(Gitlab *gl, GitlabJob *job) {
        GitlabVariables variables;
        int r;

        job->plan = calloc(1, sizeof(Plan));
        if (!job->plan)
                return -ENOMEM;
        r = fill_plan(gl, job, job->plan);
        gitlab_variables_init(&variables);
        if (r == 0)
                r = collect_variables(gl, job, &variables);
        if (r == 0)
                r = gitlab_services_compile(gl, job, &variables);
        if (r == 0)
                r = gitlab_clone_compile(gl, job->plan);
        if (r == 0)
                r = compile_step(gl, job, &variables);
        if (r == 0 && gl->n_errors == 0)
                r = gitlab_clone_needs(gl, job->plan);
        gitlab_variables_done(&variables);
        return r;
}
