/* The file: what it says for all jobs, and the plans of those that run. */

#include "pipeline/gitlab.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/strv.h"
#include "pipeline/gitlab-internal.h"
#include "pipeline/gitlab-keys.h"

typedef struct FileKeys {
        const YamlNode *defaults, *stages, *variables;
        JobKeys job;
} FileKeys;

/* clang-format off */
static const Key gitlab_file_rows[] = {
        { "default", KEY_MAP, offsetof(FileKeys, defaults),
          .doc = "What jobs have that do not say it themselves: ``image``, ``services``, ``before_script``, "
                 "``after_script``." },
        { "stages", KEY_ANY, offsetof(FileKeys, stages),
          .doc = "The stages, in order. Default: ``build``, ``test``, ``deploy``. ``.pre`` is before, and ``.post`` "
                 "behind all others." },
        { "variables", KEY_MAP, offsetof(FileKeys, variables),
          .doc = "Variables of all jobs (see `Variables`_)." },
        { "image", KEY_ANY, offsetof(FileKeys, job.image),
          .doc = "As in ``default``, which counts more." },
        { "services", KEY_ANY, offsetof(FileKeys, job.services),
          .doc = "As in ``default``, which counts more." },
        { "before_script", KEY_ANY, offsetof(FileKeys, job.before_script),
          .doc = "As in ``default``, which counts more." },
        { "after_script", KEY_ANY, offsetof(FileKeys, job.after_script),
          .doc = "As in ``default``, which counts more." },
        { "cache", KEY_LATER },
        { "include", KEY_LATER },
        { "spec", KEY_LATER },
        { "workflow", KEY_LATER },
        { "types", KEY_REFUSED, .hint = "it is 'stages'" },
        { "steps", KEY_REFUSED, .hint = "this looks like a workflow of Woodpecker; GitLab CI has jobs with 'script'" },
        { "jobs", KEY_REFUSED, 
          .hint = "this looks like a file of GitHub Actions; in GitLab CI each job is a key of the file" },
};
/* clang-format on */

static const KeyTable file_table = KEY_TABLE(gitlab_file_rows);
const KeyTable *const gitlab_file_keys = &file_table;

bool gitlab_is_file_name(const char *path) {
        const char *name = path_base(path);

        return str_ends_with(name, ".gitlab-ci.yml") || str_ends_with(name, ".gitlab-ci.yaml") ||
               strcmp(name, "gitlab-ci.yml") == 0 || strcmp(name, "gitlab-ci.yaml") == 0;
}

static int read_head(Gitlab *gl, const YamlNode *root) {
        YamlNode head = { .kind = YAML_MAPPING, .mark = root->mark };
        FileKeys keys = { 0 };
        int r = 0;

        for (size_t i = 0; i < root->n_pairs && r == 0; i++)
                if (key_find(&file_table, root->pairs[i].key->text))
                        r = ARRAY_APPEND(head.pairs, head.n_pairs, root->pairs[i]);
        if (r == 0)
                gl->n_errors += keys_read(&file_table, &head, 0, "the file", &keys, gl->diags);
        free(head.pairs);
        if (r < 0)
                return r;
        gl->file = keys.job;
        gl->stage_list = keys.stages;
        if (keys.defaults)
                gl->n_errors +=
                        keys_read(gitlab_job_keys, keys.defaults, IN_DEFAULT, "'default'", &gl->defaults, gl->diags);
        r = gitlab_variables_read(gl, keys.variables, true, "the file", &gl->variables);
        return r == 0 ? gitlab_stages_read(gl) : r;
}

static int read_jobs(Gitlab *gl, const YamlNode *root) {
        int r = 0;

        for (size_t i = 0; i < root->n_pairs && r == 0; i++) {
                const YamlNode *key = root->pairs[i].key;

                if (key->text[0] == '.' || key_find(&file_table, key->text))
                        continue;
                if (gl->n_jobs == GITLAB_JOBS_MAX) {
                        GITLAB_ERROR(gl, "too-many", key->mark, "more than %d jobs", GITLAB_JOBS_MAX);
                        return 0;
                }
                r = gitlab_job_read(gl, &root->pairs[i]);
        }
        return r;
}

/* What is wrong with what all jobs have in common is told once. */
static int compile_job(Gitlab *gl, GitlabJob *job) {
        DiagList own = { 0 }, *all = gl->diags;
        int r;

        gl->diags = &own;
        r = gitlab_job_compile(gl, job);
        if (r == 0)
                r = gitlab_needs_compile(gl, job);
        gl->diags = all;
        diag_list_merge(all, &own);
        diag_list_done(&own);
        return r;
}

static void check_stages(Gitlab *gl) {
        size_t n_stages = strv_length(gl->stages);

        for (size_t i = 0; i < gl->n_jobs; i++)
                if (gl->jobs[i].stage == SIZE_MAX || (gl->jobs[i].stage > 0 && gl->jobs[i].stage < n_stages - 1))
                        return;
        if (gl->n_jobs == 0)
                diag_set_hint(GITLAB_ERROR(gl, "jobs", (Mark) { 0 }, "the file has no job that could run"),
                              "a job is a key of the file, with a 'script': 'test: {script: make test}'");
        else
                GITLAB_ERROR(gl, "jobs", gl->jobs[0].mark,
                             "all jobs are in the stages '.pre' and '.post': GitLab runs no such pipeline");
}

/* Those named exist. */
static int check_chosen(Gitlab *gl, const char *name) {
        _cleanup_free_ const char **names = calloc(gl->n_jobs + 1, sizeof(*names));
        const char *near;
        Diag *diag;

        if (!names)
                return -ENOMEM;
        if (gitlab_job_find(gl, name))
                return 0;
        for (size_t i = 0; i < gl->n_jobs; i++)
                names[i] = gl->jobs[i].name;
        near = diag_suggest(name, names, gl->n_jobs);
        diag = GITLAB_ERROR(gl, "choice", (Mark) { 0 }, "there is no job '%s' to choose", name);
        if (near)
                diag_set_hint(diag, "did you mean '%s'?", near);
        return 0;
}

static bool is_chosen(const Gitlab *gl, const GitlabJob *job) {
        const GitlabContext *context = gl->context;
        const GitlabJob *from = context->from ? gitlab_job_find(gl, context->from) : NULL;

        return (!context->job_names || strv_contains(context->job_names, job->name)) &&
               (!from || job->stage >= from->stage);
}

static int leave_out(GitlabJob *job, char *why, Mark mark) {
        if (!why)
                return -ENOMEM;
        while (job->plan->n_steps > 0)
                plan_step_free(job->plan->steps[--job->plan->n_steps]);
        job->plan->n_services = 0;
        free(job->plan->why_left_out);
        job->plan->why_left_out = why;
        job->plan->why_left_out_mark = mark;
        return 0;
}

/* Where only some were chosen, nobody waits for the others. */
static void drop_needs(const Gitlab *gl, Plan *plan) {
        size_t n = 0;

        for (size_t i = 0; i < plan->n_depends_on; i++) {
                const GitlabJob *other = gitlab_job_find(gl, plan->depends_on[i].name);

                if (other && is_chosen(gl, other))
                        plan->depends_on[n++] = plan->depends_on[i];
                else
                        free(plan->depends_on[i].name);
        }
        plan->n_depends_on = n;
}

static int judge(const Gitlab *gl, GitlabJob *job) {
        const GitlabContext *context = gl->context;
        Plan *plan = job->plan;

        if (context->job_names || context->from)
                drop_needs(gl, plan);
        if (job->when == GITLAB_MANUAL && !context->job_names)
                return leave_out(job,
                                 str_printf("it is started by hand (when: manual): podstep run --step '%s'", job->name),
                                 job->keys.when->mark);
        if (job->when == GITLAB_ON_FAILURE && plan->n_depends_on == 0)
                return leave_out(job, strdup("it runs after a failure, and there is no job before it"),
                                 job->keys.when->mark);
        return 0;
}

/* By stages, as people see them. */
static int take_plans(Gitlab *gl, Plan ***ret, size_t *ret_n) {
        size_t n_stages = strv_length(gl->stages), n = 0;
        Plan **plans = calloc(gl->n_jobs + 1, sizeof(*plans));
        int r = 0;

        if (!plans)
                return -ENOMEM;
        for (size_t stage = 0; stage < n_stages; stage++)
                for (size_t i = 0; i < gl->n_jobs && r == 0; i++) {
                        GitlabJob *job = &gl->jobs[i];

                        if (job->stage != stage || !is_chosen(gl, job))
                                continue;
                        r = judge(gl, job);
                        plans[n++] = TAKE_PTR(job->plan);
                }
        if (r < 0) {
                plans_free(plans, n);
                return r;
        }
        *ret = plans;
        *ret_n = n;
        return 0;
}

static int read_file(Gitlab *gl, YamlDocument *document) {
        const YamlNode *root = document->root;
        int r;

        if (!root || root->kind != YAML_MAPPING) {
                GITLAB_ERROR(gl, "type", root ? root->mark : (Mark) { 0 }, "expected a map with jobs, found %s",
                             yaml_kind_name(root ? root->kind : YAML_NULL));
                return 0;
        }
        r = gitlab_references_follow(gl, document);
        if (r == 0)
                r = read_head(gl, root);
        if (r == 0)
                r = read_jobs(gl, root);
        STRV_FOREACH(name, gl->context->job_names)
                if (r == 0)
                        r = check_chosen(gl, *name);
        if (r == 0 && gl->context->from)
                r = check_chosen(gl, gl->context->from);
        if (r == 0 && gl->n_errors == 0)
                check_stages(gl);
        for (size_t i = 0; i < gl->n_jobs && r == 0; i++)
                r = gl->jobs[i].node->kind == YAML_MAPPING ? compile_job(gl, &gl->jobs[i]) : 0;
        return r;
}

static void gitlab_done(Gitlab *gl) {
        for (size_t i = 0; i < gl->n_jobs; i++)
                gitlab_job_done(&gl->jobs[i]);
        free(gl->jobs);
        strv_free(gl->stages);
        gitlab_variables_done(&gl->variables);
}

int gitlab_compile_all(const Source *source, const GitlabContext *context, DiagList *diags, Plan ***ret,
                       size_t *ret_n) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        Gitlab gl = { .context = context, .source = source, .diags = diags };
        int r;

        gitlab_variables_init(&gl.variables);
        r = yaml_parse_gitlab(source, diags, &document);
        if (r == 0)
                r = read_file(&gl, document);
        if (r == 0 && gl.n_errors > 0)
                r = -EBADMSG;
        if (r == 0)
                r = take_plans(&gl, ret, ret_n);
        gitlab_done(&gl);
        diag_sort(diags);
        return r;
}

/* What variables will hold is not known: nothing is held against a line that has some. */
static void forgive_unknown(const Source *source, DiagList *diags) {
        for (size_t i = diags->n_diags; i > 0; i--) {
                size_t n;
                const char *line = source_line(source, diags->diags[i - 1].mark.line, &n);

                if (memchr(line, '$', n))
                        diag_list_drop(diags, i - 1);
        }
}

static void lint_plans(const Source *source, const Policy *policy, Plan *const *plans, size_t n_plans,
                       DiagList *diags) {
        for (size_t i = 0; i < n_plans; i++) {
                DiagList own = { 0 };

                (void) policy_lint(policy, plans[i], &own);
                forgive_unknown(source, &own);
                diag_list_merge(diags, &own);
                diag_list_done(&own);
        }
        diag_sort(diags);
}

int gitlab_lint(const Source *source, const Map *variables, const Policy *policy, DiagList *diags) {
        GitlabContext context = {
                .variables = variables,
                .is_lint = true,
                .default_image = policy ? policy->images.default_image : NULL,
        };
        size_t n_plans = 0;
        Plan **plans = NULL;
        int r;

        r = gitlab_compile_all(source, &context, diags, &plans, &n_plans);
        if (r == 0 && policy)
                lint_plans(source, policy, plans, n_plans, diags);
        plans_free(plans, n_plans);
        return r == -EBADMSG ? 0 : r;
}
