/* Reads the file as the parser does, keeps its findings, and adds those of the rules in the other files. */

#include "pipeline/lint-internal.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/utf8.h"
#include "pipeline/plan.h"
#include "pipeline/woodpecker-internal.h"
#include "pipeline/woodpecker-matrix.h"

#define MESSAGE_BYTES_MAX 1024
#define SEEN_BYTES_MAX 80

Diag *lint_add(Lint *lint, DiagSeverity severity, const char *rule, Mark mark, const char *format, ...) {
        char message[MESSAGE_BYTES_MAX], place[SEEN_BYTES_MAX];
        va_list ap;

        (void) snprintf(place, sizeof(place), "%s %u %u", rule, mark.line, mark.column);
        if (map_has(&lint->seen, place))
                return NULL;
        if (map_put_take(&lint->seen, place, NULL) < 0)
                lint->error = -ENOMEM;
        va_start(ap, format);
        (void) vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);
        return diag_add(lint->diags, severity, rule, mark, "%s", message);
}

/* Moves to a column of a line, from where it stood on that line: lines may be as long as files. */
static size_t seek(LintCursor *cursor, const char *line, size_t n, Mark mark) {
        if (cursor->line != mark.line)
                *cursor = (LintCursor){ .line = mark.line, .column = 1 };
        for (; cursor->column < mark.column && cursor->offset < n; cursor->column++)
                cursor->offset += MAX(utf8_length(line + cursor->offset, n - cursor->offset), 1U);
        for (; cursor->column > mark.column && cursor->offset > 0; cursor->column--)
                do
                        cursor->offset--;
                while (cursor->offset > 0 && ((unsigned char) line[cursor->offset] & 0xc0) == 0x80);
        return cursor->offset;
}

/*
 * What a mark means, up to the end of its line. It counts what stands there once '${}' is substituted, by at least one
 * character.
 */
static const char *marked_text(LintCursor *cursor, const Source *source, Mark mark, size_t *ret_n) {
        size_t n, from, to;
        const char *line = source_line(source, mark.line, &n);

        from = seek(cursor, line, n, mark);
        to = mark.n_columns > 0 ? from : n;
        for (uint32_t column = 0; column < mark.n_columns && to < n; column++) {
                const char *close = line[to] == '$' && line[to + 1] == '{' ? memchr(line + to, '}', n - to) : NULL;

                to = close ? (size_t) (close + 1 - line) : to + MAX(utf8_length(line + to, n - to), 1U);
        }
        *ret_n = to - from;
        return line + from;
}

bool lint_is_variable(Lint *lint, const YamlNode *node) {
        size_t n;
        const char *text = marked_text(&lint->cursor, lint->source, node->mark, &n);

        return memmem(text, n, "${", strlen("${")) != NULL;
}

bool lint_is_true(const YamlNode *node) {
        return node && yaml_is_scalar(node) && key_bool(node);
}

const YamlNode *lint_get(const YamlNode *mapping, const char *key) {
        const YamlNode *node = yaml_get(mapping, key);

        return node && woodpecker_container_has(node) && node->kind != YAML_NULL ? node : NULL;
}

/* Whether a value is right that only the server knows cannot be said. */
static void forgive_unknown(const Source *source, const LintVariables *variables, DiagList *diags) {
        LintCursor cursor = { 0 };

        for (size_t i = diags->n_diags; i > 0; i--) {
                size_t n;
                const char *text = marked_text(&cursor, source, diags->diags[i - 1].mark, &n);

                if (lint_variables_decide(variables, text, n))
                        diag_list_drop(diags, i - 1);
        }
}

static const struct {
        const char *key, *noun;
} sections[_LINT_SECTION_MAX] = {
        [LINT_CLONE] = { "clone", "clone step" },
        [LINT_SERVICES] = { "services", "service" },
        [LINT_STEPS] = { "steps", "step" },
};

static void visit(Lint *lint, LintSection section, const YamlNode *key, const YamlNode *entry, size_t index,
                  void (*visitor)(Lint *lint, const LintContainer *container)) {
        LintContainer container = { .section = section, .node = entry, .noun = sections[section].noun };
        const YamlNode *name;

        if (entry->kind != YAML_MAPPING)
                return;
        name = lint_get(entry, "name");
        if (!name || !yaml_is_scalar(name))
                name = key;
        container.mark = key ? key->mark : entry->mark;
        container.name =
                name ? str_escape(name->text, name->n_text, LINT_NAME_BYTES_MAX) : str_printf("step-%zu", index);
        if (container.name)
                visitor(lint, &container);
        else
                lint->error = -ENOMEM;
        free(container.name);
}

static void visit_all(Lint *lint, LintSection section, void (*visitor)(Lint *lint, const LintContainer *container)) {
        const YamlNode *list = yaml_get(lint->root, sections[section].key);

        for (size_t i = 0; list && i < list->n_items; i++)
                visit(lint, section, NULL, list->items[i], i, visitor);
        for (size_t i = 0; list && i < list->n_pairs; i++)
                visit(lint, section, list->pairs[i].key, list->pairs[i].value, i, visitor);
}

static int apply_rules(Lint *lint, const LintVariables *variables) {
        lint_workflow(lint);
        lint_event_workflow(lint);
        visit_all(lint, LINT_STEPS, lint_event_note);
        visit_all(lint, LINT_SERVICES, lint_note_service);
        for (LintSection section = 0; section < _LINT_SECTION_MAX; section++)
                visit_all(lint, section, lint_container);
        lint_variables_report(lint, variables);
        return lint->error;
}

static int compile(const YamlDocument *document, const Source *source, const WoodpeckerContext *context,
                   const LintOptions *options, const LintVariables *variables, DiagList *diags) {
        _cleanup_(plan_freep) Plan *plan = NULL;
        int r = woodpecker_compile_document(document, source, context, diags, &plan);

        if (r == 0 && plan && options->policy)
                (void) policy_lint(options->policy, plan, diags);
        forgive_unknown(source, variables, diags);
        return r;
}

/* A file that is wrong for one combination of its matrix is wrong. */
static int compile_combination(const Source *source, WoodpeckerContext context, const Map *axes,
                               const LintOptions *options, const LintVariables *variables, DiagList *diags) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        _cleanup_(diag_list_done) DiagList own = { 0 };
        int r;

        context.axes = axes;
        r = woodpecker_parse(source, &context, &own, &document);
        if (r == 0)
                r = compile(document, source, &context, options, variables, &own);
        diag_list_merge(diags, &own);
        return r == -EBADMSG ? 0 : r;
}

/* With the values of its axes, where it has some: they are no unknown variables any more. */
static int compile_all(const YamlDocument *document, const Source *source, const WoodpeckerContext *context,
                       const LintOptions *options, LintVariables *variables, DiagList *diags) {
        _cleanup_(diag_list_done) DiagList told = { 0 }; /* the compiler will find it again */
        Matrix matrix = { 0 };
        int r = 0;

        if (document->root)
                r = matrix_read(yaml_get(document->root, "matrix"), &told, &matrix);
        if (r != -ENOMEM)
                lint_variables_know(variables, &matrix);
        if (r == -EBADMSG || (r == 0 && matrix.n_combinations == 0)) /* its rows are of no use where one is wrong */
                r = compile(document, source, context, options, variables, diags);
        else
                for (size_t i = 0; i < matrix.n_combinations && r == 0; i++)
                        r = compile_combination(source, *context, &matrix.combinations[i], options, variables, diags);
        matrix_done(&matrix);
        return r == -EBADMSG ? 0 : r;
}

static int check(const Source *source, const LintOptions *options, LintVariables *variables, DiagList *diags) {
        WoodpeckerContext context = { .environment = &variables->values, .is_lint = true };
        Lint lint = { .options = options,
                      .source = source,
                      .diags = diags,
                      .seen = MAP_INIT(NULL),
                      .plain_images = MAP_INIT(NULL),
                      .service_values = MAP_INIT(NULL),
                      .step_events = MAP_INIT(NULL) };
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        int r;

        r = woodpecker_parse(source, &context, diags, &document);
        if (r == 0)
                r = compile_all(document, source, &context, options, variables, diags);
        if (r < 0 || !document->root || document->root->kind != YAML_MAPPING)
                return r;
        lint.root = document->root;
        r = apply_rules(&lint, variables);
        map_done(&lint.seen);
        map_done(&lint.plain_images);
        map_done(&lint.service_values);
        map_done(&lint.step_events);
        return r;
}

int woodpecker_lint(const Source *source, const LintOptions *options, DiagList *diags) {
        LintVariables variables = { 0 };
        int r;

        r = lint_variables_find(source, options, &variables);
        if (r == 0)
                r = check(source, options, &variables, diags);
        lint_variables_done(&variables);
        diag_sort(diags);
        return r == -EBADMSG ? 0 : r;
}
