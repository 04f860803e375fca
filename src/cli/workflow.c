#include "cli/workflow.h"

#include <errno.h>
#include <stdio.h>

#include "base/array.h"
#include "base/log.h"
#include "base/strv.h"
#include "job/event.h"
#include "pipeline/gitlab.h"
#include "pipeline/policy.h"
#include "pipeline/selection.h"
#include "pipeline/woodpecker.h"
#include "pipeline/workflows.h"

int workflow_files_read(char *const *paths, WorkflowFiles *ret) {
        *ret = (WorkflowFiles) { .files = calloc(strv_length(paths) + 1, sizeof(WorkflowFile)) };
        if (!ret->files)
                return -ENOMEM;
        STRV_FOREACH(path, paths) {
                WorkflowFile *file = &ret->files[ret->n_files++];

                file->path = *path;
                (void) source_read(file->path, &file->source, &file->fault);
        }
        return 0;
}

void workflow_files_done(WorkflowFiles *files) {
        for (size_t i = 0; i < files->n_files; i++) {
                source_free(files->files[i].source);
                error_free(files->files[i].fault);
        }
        free(files->files);
        *files = (WorkflowFiles) { 0 };
}

static void show(const DiagList *diags, const Source *source, bool color) {
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);

        if (diags->n_diags == 0)
                return;
        diag_print(diags, source, color, &text);
        fputs(str_get(&text), stderr);
}

/*
 * Judges what a file became; returns how much is refused. What is wrong with all combinations of a matrix is told once.
 */
static size_t judge(Plan *const *plans, size_t n_plans, const WorkflowInput *input, DiagList *diags) {
        size_t n_refused = 0;

        for (size_t i = 0; i < n_plans; i++) {
                DiagList own = { 0 };

                n_refused += policy_check(&input->options->policy, plans[i], &own);
                diag_list_merge(diags, &own);
                diag_list_done(&own);
        }
        return n_refused;
}

static size_t check_secrets(Plan *const *plans, size_t n_plans, DiagList *diags) {
        size_t n = 0;

        for (size_t i = 0; i < n_plans; i++) {
                DiagList own = { 0 };

                n += plan_check_secrets(plans[i], &own);
                diag_list_merge(diags, &own);
                diag_list_done(&own);
        }
        return n;
}

/* What the operator set goes onto what a file became. */
static int apply_settings(Plan *const *plans, size_t n_plans, const WorkflowInput *input, DiagList *diags,
                          Error **reterr) {
        PolicyProject project = policy_project(&input->options->policy, input->environment);
        int r = 0;

        for (size_t i = 0; i < n_plans && r >= 0; i++) {
                DiagList own = { 0 };

                r = policy_apply(&input->options->policy, &project, plans[i], &own, reterr);
                diag_list_merge(diags, &own);
                diag_list_done(&own);
        }
        return r;
}

static unsigned count_running(const LoadedWorkflows *loaded) {
        unsigned n = 0;

        for (size_t i = 0; i < loaded->n_plans; i++)
                n += loaded->plans[i]->n_steps > 0;
        return n;
}

/* Takes the plans, also on failure. */
static int append_take(LoadedWorkflows *loaded, Plan **plans, size_t n_plans) {
        int r = 0;

        for (size_t i = 0; i < n_plans; i++) {
                r = r == 0 ? ARRAY_APPEND(loaded->plans, loaded->n_plans, plans[i]) : r;
                if (r < 0)
                        plan_free(plans[i]);
        }
        free(plans);
        return r;
}

static int compile_woodpecker(const Source *source, const WorkflowInput *input, unsigned number, DiagList *diags,
                              Plan ***ret, size_t *ret_n) {
        WoodpeckerContext context = {
                .environment = input->environment,
                .secrets = input->secrets,
                .cron = input->cron,
                .changed_files = input->changed_files,
                .clones = input->options->clone,
                .workflow_number = number,
        };

        return woodpecker_compile_all(source, &context, diags, ret, ret_n);
}

/* Each job is a workflow of one step; a step that is chosen is a job. */
static int compile_gitlab(const Source *source, const WorkflowInput *input, DiagList *diags, Plan ***ret,
                          size_t *ret_n) {
        GitlabContext context = {
                .metadata = input->metadata,
                .variables = input->given,
                .secrets = input->secrets,
                .job_names = input->options->step_names,
                .from = input->options->from,
                .default_image = input->options->policy.images.default_image,
                .clone_environment = input->options->clone ? input->environment : NULL,
        };

        return gitlab_compile_all(source, &context, diags, ret, ret_n);
}

/* Faults and warnings go to standard error. 0 or an exit code. */
static int load(const WorkflowFile *file, const WorkflowInput *input, Selection *selection, LoadedWorkflows *loaded) {
        bool is_gitlab = gitlab_is_file_name(file->path);
        const Source *source = file->source;
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(error_freep) Error *error = NULL;
        size_t n_refused = 0, n_missing = 0, n_plans = 0;
        Plan **plans = NULL;
        int r;

        if (!source) {
                log_error("%s", error_message(file->fault, -ENOMEM));
                return EXIT_USAGE;
        }
        if (is_gitlab)
                r = compile_gitlab(source, input, &diags, &plans, &n_plans);
        else
                r = compile_woodpecker(source, input, count_running(loaded) + 1, &diags, &plans, &n_plans);
        if (r >= 0 && !is_gitlab)
                r = selection_apply(selection, plans, &n_plans, &error);
        if (r >= 0)
                n_missing = check_secrets(plans, n_plans, &diags);
        if (r >= 0)
                n_refused = judge(plans, n_plans, input, &diags);
        if (r >= 0 && n_refused == 0)
                r = apply_settings(plans, n_plans, input, &diags, &error);
        if (r >= 0 && n_missing > 0 && !input->may_lack_secrets)
                r = -EBADMSG;
        diag_sort(&diags);
        show(&diags, source, input->color);
        if (error)
                log_error("%s: %s", file->path, error_message(error, r));
        if (append_take(loaded, plans, n_plans) < 0)
                return EXIT_USAGE;
        return n_refused > 0 ? EXIT_REFUSED : r < 0 ? EXIT_USAGE : 0;
}

/* All files, though one is wrong: everything is told at once. */
static int load_all(const WorkflowFiles *files, const WorkflowInput *input, LoadedWorkflows *ret) {
        _cleanup_(selection_done) Selection selection;
        _cleanup_(error_freep) Error *error = NULL;
        int code = 0, r;

        if (selection_init(&selection, input->options->step_names, input->options->from) < 0) {
                log_error("out of memory");
                return EXIT_USAGE;
        }
        for (size_t i = 0; i < files->n_files; i++) {
                r = load(&files->files[i], input, &selection, ret);
                if (r != 0 && (code == 0 || r == EXIT_REFUSED))
                        code = r;
        }
        if (code == 0 && selection.n_plans > 0 && selection_check(&selection, &error) < 0) {
                log_error("%s", error_message(error, 0));
                return EXIT_USAGE;
        }
        return code;
}

int workflows_load(const WorkflowFiles *files, const WorkflowInput *input, LoadedWorkflows *ret) {
        bool selects = input->options->step_names || input->options->from;
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_strv_ char **notes = NULL;
        int code, r;

        *ret = (LoadedWorkflows) { 0 };
        code = load_all(files, input, ret);
        if (code != 0)
                return code;
        r = workflows_order(ret->plans, ret->n_plans, input->are_chosen || selects, &notes, &error);
        if (input->are_chosen && !selects) /* else they may be among the files, and have no such step */
                STRV_FOREACH(note, notes)
                        log_warning("%s", *note);
        if (r < 0)
                log_error("%s", error_message(error, r));
        return r < 0 ? EXIT_USAGE : 0;
}
