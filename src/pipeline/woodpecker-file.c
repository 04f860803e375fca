/* From a file's text to its plans: the substitution, the tree, the combinations of its matrix. */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "pipeline/substitute.h"
#include "pipeline/woodpecker-internal.h"
#include "pipeline/woodpecker-matrix.h"

/* What was found in the substituted text is told where it stands in the file. */
static int move_marks(const Substituted *substituted, const Source *source, YamlDocument *document, DiagList *diags,
                      size_t n_diags_before) {
        size_t n_nodes = document ? document->n_nodes : 0, n_marks = 0;
        _cleanup_free_ Mark **marks = calloc(n_nodes + diags->n_diags + 1, sizeof(*marks));

        if (!marks)
                return -ENOMEM;
        for (size_t i = 0; i < n_nodes; i++)
                marks[n_marks++] = &document->nodes[i]->mark;
        for (size_t i = n_diags_before; i < diags->n_diags; i++)
                marks[n_marks++] = &diags->diags[i].mark;
        return substituted_map_marks(substituted, source, marks, n_marks);
}

/* Of a fault that substitution brought nothing is to be seen in the file. */
static void hint_at_substitution(const Substituted *substituted, const Source *source, DiagList *diags,
                                 size_t n_before) {
        for (size_t i = n_before; i < diags->n_diags; i++) {
                Diag *diag = &diags->diags[i];
                _cleanup_free_ char *culprit = diag->severity == DIAG_ERROR && diag->mark.line > 0
                                                       ? substituted_culprit(substituted, source, &diag->mark)
                                                       : NULL;

                if (str_equal(culprit, "\\\\"))
                        diag_set_hint(diag, "two backslashes become one before YAML is read, and four become two");
                else if (culprit)
                        diag_set_hint(diag, "'%s' is replaced before YAML is read, and its value does not fit here; "
                                            "'$%s' is left to the shell", culprit, culprit);
        }
}

/* Most files have nothing of the kind, and need none of the values. */
static int substitute_values(const Source *source, const WoodpeckerContext *context, DiagList *diags,
                             Substituted *ret) {
        _cleanup_map_ Map values = STRMAP_INIT;
        int r;

        if (!substitute_has_work(source))
                return 0;
        r = woodpecker_values(context, source, &values);
        return r < 0 ? r : substitute(source, &values, diags, ret);
}

int woodpecker_parse(const Source *source, const WoodpeckerContext *context, DiagList *diags, YamlDocument **ret) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        _cleanup_(substituted_done) Substituted substituted = { 0 };
        size_t n_diags;
        int r, q = 0;

        r = substitute_values(source, context, diags, &substituted);
        if (r < 0)
                return r;
        n_diags = diags->n_diags;
        r = yaml_parse(substituted.source ? substituted.source : source, diags, &document);
        if (substituted.source) {
                hint_at_substitution(&substituted, source, diags, n_diags);
                q = move_marks(&substituted, source, document, diags, n_diags);
        }
        *ret = TAKE_PTR(document);
        return q < 0 ? q : r;
}

int woodpecker_values(const WoodpeckerContext *context, const Source *source, Map *ret) {
        _cleanup_free_ char *name =
                context->workflow_name ? strdup(context->workflow_name) : woodpecker_workflow_name(source->name);
        int r = name ? 0 : -ENOMEM;

        *ret = STRMAP_INIT;
        if (r == 0 && context->environment)
                r = strmap_update(ret, context->environment);
        if (r == 0)
                r = strmap_put(ret, "CI_WORKFLOW_NAME", name);
        if (r == 0 && context->workflow_number > 0)
                r = strmap_putf(ret, "CI_WORKFLOW_NUMBER", "%u", context->workflow_number);
        if (r == 0 && context->axes)
                r = strmap_update(ret, context->axes);
        return r;
}

static int compile_one(const Source *source, const WoodpeckerContext *context, DiagList *diags, Plan **ret) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        int r;

        r = woodpecker_parse(source, context, diags, &document);
        if (r == 0)
                return woodpecker_compile_document(document, source, context, diags, ret);
        diag_sort(diags);
        return r;
}

/* From the text as it is, before anything is substituted: what it holds decides what is. */
static int read_matrix(const Source *source, DiagList *diags, Matrix *ret) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        int r;

        *ret = (Matrix){ 0 };
        if (!strstr(source->text, "matrix")) /* spares nearly all files to be parsed twice */
                return 0;
        r = yaml_parse(source, diags, &document);
        return r == 0 && document->root ? matrix_read(yaml_get(document->root, "matrix"), diags, ret) : r;
}

static int add_plan(Plan *plan, Plan ***plans, size_t *n_plans) {
        if (ARRAY_APPEND(*plans, *n_plans, plan) == 0)
                return 0;
        plan_free(plan);
        return -ENOMEM;
}

/* What is wrong with one combination most often is with all: it is told once. */
static int compile_combination(const Source *source, const WoodpeckerContext *context, DiagList *diags, Plan **ret) {
        DiagList own = { 0 };
        int r;

        r = compile_one(source, context, &own, ret);
        diag_list_merge(diags, &own);
        diag_list_done(&own);
        return r;
}

int woodpecker_compile_all(const Source *source, const WoodpeckerContext *context, DiagList *diags, Plan ***ret,
                           size_t *ret_n) {
        _cleanup_(matrix_done) Matrix matrix;
        WoodpeckerContext own = *context;
        bool has_faults = false;
        Plan **plans = NULL;
        size_t n_plans = 0;
        int r;

        r = read_matrix(source, diags, &matrix);
        for (size_t i = 0; i < MAX(matrix.n_combinations, 1U) && r == 0; i++) {
                Plan *plan = NULL;

                own.axes = i < matrix.n_combinations ? &matrix.combinations[i] : context->axes;
                r = compile_combination(source, &own, diags, &plan);
                if (plan && own.workflow_number > 0 && plan->n_steps > 0)
                        own.workflow_number++;
                if (plan)
                        r = add_plan(plan, &plans, &n_plans);
                has_faults |= r == -EBADMSG;
                r = r == -EBADMSG ? 0 : r;
        }
        diag_sort(diags);
        if (r == 0 && !has_faults) {
                *ret = plans;
                *ret_n = n_plans;
                return 0;
        }
        plans_free(plans, n_plans);
        return r < 0 ? r : -EBADMSG;
}

int woodpecker_compile(const Source *source, const WoodpeckerContext *context, DiagList *diags, Plan **ret) {
        Plan **plans;
        size_t n_plans;
        int r;

        r = woodpecker_compile_all(source, context, diags, &plans, &n_plans);
        if (r < 0)
                return r;
        *ret = plans[0];
        for (size_t i = 1; i < n_plans; i++)
                plan_free(plans[i]);
        free(plans);
        return 0;
}
