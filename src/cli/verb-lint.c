#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/configure.h"
#include "cli/lint-files.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/variables.h"
#include "cli/verbs.h"
#include "job/event.h"
#include "pipeline/gitlab.h"
#include "pipeline/lint.h"
#include "pipeline/schema.h"

/* What cannot be read is a finding like others: programs get it in their own form. */
static int note_unreadable(const char *name, const Error *error, int r, DiagList *diags, Source **ret) {
        char *empty = strdup("");

        diag_add(diags, DIAG_ERROR, "unreadable", (Mark){ 0 }, "%s", error_message(error, r));
        return empty ? source_new_take(name, empty, 0, ret, NULL) : -ENOMEM;
}

static int read_source(const LintFile *file, DiagList *diags, Source **ret) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(source_freep) Source *source = NULL;
        char *name = strdup(file->shown);
        int r;

        r = name ? source_read(file->path, &source, &error) : -ENOMEM;
        if (r < 0) {
                free(name);
                return r == -ENOMEM ? r : note_unreadable(file->shown, error, r, diags, ret);
        }
        free(source->name);
        source->name = name;
        *ret = TAKE_PTR(source);
        return 0;
}

static void promote(DiagList *diags) {
        for (size_t i = 0; i < diags->n_diags; i++)
                diags->diags[i].severity = DIAG_ERROR;
        diags->n_errors += diags->n_warnings;
        diags->n_warnings = 0;
}

/* Reports show files beside the code of the repository; people and editors know them from here. */
static const char *path_for(const LintFile *file, DiagFormat format) {
        return format == DIAG_FORMAT_GITHUB || format == DIAG_FORMAT_GITLAB ? file->below : file->shown;
}

static int lint_file(const LintFile *file, const LintOptions *options, bool is_strict, DiagFormatter *formatter) {
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(source_freep) Source *source = NULL;
        int r;

        r = read_source(file, &diags, &source);
        if (r == 0 && diags.n_errors == 0)
                r = gitlab_is_file_name(file->path) ? gitlab_lint(source, options->environment, options->policy, &diags)
                                                    : woodpecker_lint(source, options, &diags);
        if (r < 0)
                return r;
        if (is_strict)
                promote(&diags);
        return diag_format_file(formatter, &diags, source, path_for(file, formatter->format));
}

static int lint_files(const LintFiles *files, const LintValues *values, const Map *environment,
                      DiagFormatter *formatter) {
        LintOptions options = {
                .environment = environment,
                .trusted = values->run.policy.trusted,
                .policy = &values->run.policy,
                .privileged_plugins = values->privileged_plugins,
                .trusted_clones = values->trusted_clones,
                .workflows = files->workflows,
        };
        int r = 0;

        diag_format_begin(formatter);
        for (size_t i = 0; i < files->n_files && r == 0; i++)
                r = lint_file(&files->files[i], &options, values->strict, formatter);
        return r == 0 ? diag_format_end(formatter) : r;
}

static int print(const char *text, Error **reterr) {
        int r;

        fputs(text, stdout);
        r = output_stdout();
        return r < 0 ? error_set(reterr, -r, "cannot write the findings: %s", strerror(-r)) : 0;
}

static int lint(const LintValues *values, char *const *args, DiagFormatter *formatter, Error **reterr) {
        _cleanup_(variables_done) Map environment = STRMAP_INIT;
        _cleanup_(lint_files_done) LintFiles files = { 0 };
        int r;

        r = lint_values_check(values, reterr);
        if (r >= 0)
                r = variables_read_environment(&values->run, &environment, reterr);
        if (r >= 0)
                r = lint_files_find(values, args, &files, reterr);
        if (r < 0)
                return r;
        r = lint_files(&files, values, &environment, formatter);
        if (r < 0)
                return error_set(reterr, -r, "the findings are too many to be kept");
        return 0;
}

static int print_schema(SchemaKind kind) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_free_ char *text = NULL;
        int r;

        r = schema_to_json(kind, &text);
        if (r >= 0)
                r = print(text, &error);
        if (r >= 0)
                return EXIT_SUCCESS;
        log_error("%s", error_message(error, r));
        return EXIT_ENGINE;
}

int verb_lint(const Verb *verb, char *const *args, void *data) {
        LintValues *values = data;
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
        DiagFormatter formatter = { .format = values->run.json ? DIAG_FORMAT_JSON : values->format, .out = &out };
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        if (values->schema != LINT_NO_SCHEMA)
                return print_schema((SchemaKind) values->schema);
        r = configure(&values->run);
        if (r != 0)
                return r;
        lint_values_fill_in(values);
        formatter.color = report_options_for(&values->run, STDOUT_FILENO).color;
        r = lint(values, args, &formatter, &error);
        diag_formatter_done(&formatter);
        if (r < 0) {
                log_error("%s", error_message(error, r));
                return EXIT_USAGE;
        }
        r = print(str_get(&out), &error);
        if (r < 0) {
                log_error("%s", error_message(error, r));
                return EXIT_ENGINE;
        }
        return formatter.n_errors > 0 ? EXIT_USAGE : EXIT_SUCCESS;
}
