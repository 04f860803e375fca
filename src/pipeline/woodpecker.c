/* The workflow: its own keys, and the plan that is made of its steps and services. */

#include "pipeline/woodpecker.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/strv.h"
#include "pipeline/name.h"
#include "pipeline/plan-ports.h"
#include "pipeline/woodpecker-internal.h"
#include "pipeline/woodpecker-keys.h"
#include "pipeline/woodpecker-matrix.h"

#define DEFAULT_WORKSPACE_BASE "/woodpecker"
#define DEFAULT_WORKSPACE_PATH "src"
#define WORKFLOW_NAME_FALLBACK "workflow"

typedef struct WorkflowKeys {
        const YamlNode *clone, *matrix, *services, *steps, *when, *workspace;
        SurroundingKeys surroundings;
} WorkflowKeys;

typedef struct WorkspaceKeys {
        const YamlNode *base, *path;
} WorkspaceKeys;

/* clang-format off */
static const Key workflow_rows[] = {
        { "steps", KEY_MAP_OR_LIST, offsetof(WorkflowKeys, steps), .takes_null = true,
          .doc = "What to do: a map of steps by name, or a list. One after the other, or as ``depends_on`` says." },
        { "services", KEY_MAP_OR_LIST, offsetof(WorkflowKeys, services),
          .doc = "Containers that run beside the steps, reached by their name." },
        { "when", KEY_ANY, offsetof(WorkflowKeys, when),
          .doc = "Conditions for the whole workflow, as those of a step." },
        { "workspace", KEY_MAP, offsetof(WorkflowKeys, workspace),
          .doc = "Where the checkout is in the containers: ``base`` is a volume, ``path`` lies in it." },
        { "matrix", KEY_ANY, offsetof(WorkflowKeys, matrix),
          .doc = "Axes, each with a list of values: the workflow runs once for each combination; or ``include``, a "
                 "list of maps: once for each of them." },
        { "depends_on", KEY_ANY, offsetof(WorkflowKeys, surroundings.depends_on),
          .doc = "Workflows that must have passed before, by name; ``{name, optional}`` for one that may be missing." },
        { "runs_on", KEY_STRINGS, offsetof(WorkflowKeys, surroundings.runs_on),
          .doc = "After what of those it depends on it runs: ``success``, ``failure``. Deprecated: ``when.status``." },
        { "labels", KEY_MAP, offsetof(WorkflowKeys, surroundings.labels),
          .doc = "Which agent may run it. Local runs have one." },
        { "clone", KEY_MAP_OR_LIST, offsetof(WorkflowKeys, clone),
          .doc = "Steps that fetch the repository, before all else. Local runs have a checkout: only for "
                 "``--clone``." },
        { "skip_clone", KEY_BOOL, offsetof(WorkflowKeys, surroundings.skip_clone),
          .doc = "Whether to fetch nothing, also with ``--clone``." },
        { "concurrency", KEY_ANY, offsetof(WorkflowKeys, surroundings.concurrency),
          .doc = "How many runs of it at a time: a number, or ``{limit, group}``. Local runs are the caller's own." },
        { "variables", KEY_IGNORED,
          .doc = "A free place for anchors." },
        { "$schema", KEY_IGNORED,
          .doc = "For editors." },
        { "version", KEY_OBSOLETE, .hint = "leave it out" },
        { "pipeline", KEY_REFUSED, .hint = "since Woodpecker 3.0 it is 'steps'" },
        { "platform", KEY_REFUSED, .hint = "since Woodpecker 3.0: 'labels: {platform: linux/amd64}'" },
        { "branches", KEY_REFUSED, .hint = "since Woodpecker 3.0: 'when: {branch: main}'" },
        { "name", KEY_REFUSED, .hint = "a workflow is named by its file" },
        { "kind", KEY_REFUSED, .hint = "this looks like a file of Drone; leave it out, and 'type' and 'name'" },
        { "networks", KEY_REFUSED, .hint = "since Woodpecker 3.0 all steps of a workflow share one" },
        { "volumes", KEY_REFUSED, .hint = "since Woodpecker 3.0 steps have them: 'volumes: [name:/path]'" },
        { "compile", KEY_REFUSED, .hint = "only a server can make workflows while they run; lint what it makes" },
        { "image", KEY_REFUSED, .hint = "it belongs into a step: 'steps: {build: {image: ...}}'" },
        { "commands", KEY_REFUSED, .hint = "they belong into a step: 'steps: {build: {commands: ...}}'" },
        { "stages", KEY_REFUSED, .hint = "this looks like a file of GitLab CI; Woodpecker has 'steps'" },
        { "jobs", KEY_REFUSED, .hint = "this looks like a file of GitHub Actions; Woodpecker has 'steps'" },
};

static const Key workspace_rows[] = {
        { "base", KEY_TEXT, offsetof(WorkspaceKeys, base),
          .doc = "Absolute path of the volume that all steps share. Default: ``/woodpecker``." },
        { "path", KEY_TEXT, offsetof(WorkspaceKeys, path),
          .doc = "The checkout below it. Default: ``src``." },
};
/* clang-format on */

static const KeyTable workflow_table = KEY_TABLE(workflow_rows, .takes_anchors = true,
                                                 .free_hint = "the place for anchors is 'variables'");
static const KeyTable workspace_table = KEY_TABLE(workspace_rows);
const KeyTable *const woodpecker_workflow_keys = &workflow_table, *const woodpecker_workspace_keys = &workspace_table;

/* All that is put together on the way to a plan. */
typedef struct Workflow {
        Container *containers; /* services first, then those that clone */
        size_t n_containers;
        Conditions all;         /* of the workflow itself */
        Conditions *conditions; /* one per container */
        Plan *plan;
        bool has_gaps;      /* some entries could not be read: names may be missing */
        size_t *plan_index; /* of each container: where its step is, SIZE_MAX: left out */
} Workflow;

static void workflow_done(Workflow *workflow) {
        for (size_t i = 0; i < workflow->n_containers; i++)
                woodpecker_container_done(&workflow->containers[i]);
        for (size_t i = 0; workflow->conditions && i < workflow->n_containers; i++)
                conditions_done(&workflow->conditions[i]);
        conditions_done(&workflow->all);
        free(workflow->containers);
        free(workflow->conditions);
        free(workflow->plan_index);
        plan_free(workflow->plan);
}

char *woodpecker_workflow_name(const char *path) {
        const char *name = path_base(path);
        size_t n;

        if (str_equal(name, SOURCE_STDIN_NAME))
                return strdup(WORKFLOW_NAME_FALLBACK);
        if (name[0] == '.')
                name++;
        n = strlen(name);
        if (str_ends_with(name, ".yaml"))
                n -= strlen(".yaml");
        else if (str_ends_with(name, ".yml"))
                n -= strlen(".yml");
        return n > 0 ? strndup(name, n) : strdup(WORKFLOW_NAME_FALLBACK);
}

char *woodpecker_workspace(const Woodpecker *woodpecker, const char *base) {
        _cleanup_free_ char *joined = str_printf("%s/%s", base, woodpecker->workspace_path);

        return joined ? path_clean(joined) : NULL;
}

static int read_workspace(Woodpecker *wp, const YamlNode *node) {
        const char *base = wp->context->workspace_base, *path = wp->context->workspace_path;
        _cleanup_free_ char *workspace = NULL;
        WorkspaceKeys keys = { 0 };

        if (node)
                wp->n_errors += keys_read(&workspace_table, node, 0, "'workspace'", &keys, wp->diags);
        if (keys.base && keys.base->n_text > 0)
                base = keys.base->text;
        if (keys.path && keys.path->n_text > 0)
                path = keys.path->text;
        wp->workspace_base = path_clean(base ? base : DEFAULT_WORKSPACE_BASE);
        wp->workspace_path = path_clean(path ? path : DEFAULT_WORKSPACE_PATH);
        workspace = wp->workspace_base && wp->workspace_path ? woodpecker_workspace(wp, wp->workspace_base) : NULL;
        if (!workspace)
                return -ENOMEM;
        if (wp->workspace_base[0] != '/' || strcmp(wp->workspace_base, "/") == 0)
                WOODPECKER_ERROR(wp, "path", keys.base ? keys.base->mark : (Mark){0},
                                 "workspace: the base must be an absolute path, and not '/'");
        else if (!path_is_below(workspace, wp->workspace_base))
                WOODPECKER_ERROR(wp, "path", keys.path ? keys.path->mark : (Mark){0},
                                 "workspace: the path must lie below the base");
        return 0;
}

/* 1: there are too many. */
static int read_container(Woodpecker *wp, Workflow *workflow, Map *by_name, const YamlNode *key, const YamlNode *entry,
                          size_t index, ContainerPlace place) {
        Container container;
        const Container *first;
        int r, q;

        if (workflow->n_containers >= PLAN_STEPS_MAX) {
                WOODPECKER_ERROR(wp, "too-many", key ? key->mark : entry->mark, "more than %d steps and services",
                                 PLAN_STEPS_MAX);
                return 1;
        }
        r = woodpecker_container_read(wp, key, entry, index, place, &container);
        if (r != 0) {
                woodpecker_container_done(&container);
                workflow->has_gaps = true;
                return MIN(r, 0);
        }
        first = map_get(by_name, container.name);
        if (first)
                WOODPECKER_ERROR(wp, "name", container.mark, "%s is there already, in line %zu", container.owner,
                                 (size_t) first);
        q = first ? 0 : map_put_take(by_name, container.name, (void *) (size_t) container.mark.line);
        if (q < 0 || ARRAY_APPEND(workflow->containers, workflow->n_containers, container) < 0) {
                woodpecker_container_done(&container);
                return -ENOMEM;
        }
        return 0;
}

static int read_containers(Woodpecker *wp, Workflow *workflow, const YamlNode *node, ContainerPlace place) {
        _cleanup_map_ Map by_name = MAP_INIT(NULL); /* name to the line of its first use */
        int r = 0;

        if (!node)
                return 0;
        for (size_t i = 0; i < node->n_items && r == 0; i++)
                r = read_container(wp, workflow, &by_name, NULL, node->items[i], i, place);
        for (size_t i = 0; i < node->n_pairs && r == 0; i++)
                r = read_container(wp, workflow, &by_name, node->pairs[i].key, node->pairs[i].value, i, place);
        return MIN(r, 0);
}

static int leave_out(Plan *plan, const Container *container, const Conditions *conditions) {
        PlanLeftOut entry = {
                .mark = container->mark,
                .why_mark = conditions->why_mark,
                .is_service = container->is_service,
                .name = strdup(container->name),
                .why = conditions->why ? strdup(conditions->why) : NULL,
        };

        if (!entry.name || (conditions->why && !entry.why) ||
            ARRAY_APPEND(plan->left_out, plan->n_left_out, entry) < 0) {
                free(entry.name);
                free(entry.why);
                return -ENOMEM;
        }
        return 0;
}

/* @step: NULL if there were faults */
static void hand_over_missing(Woodpecker *wp, PlanStep *step) {
        if (step) {
                step->missing_secrets = wp->missing_secrets;
                step->n_missing_secrets = wp->n_missing_secrets;
        } else {
                plan_missing_free(wp->missing_secrets, wp->n_missing_secrets);
        }
        wp->missing_secrets = NULL;
        wp->n_missing_secrets = 0;
}

static int compile_container(Woodpecker *wp, Workflow *workflow, size_t index) {
        const Container *container = &workflow->containers[index];
        Conditions *conditions = &workflow->conditions[index];
        _cleanup_(plan_step_freep) PlanStep *step = NULL;
        Plan *plan = workflow->plan;
        int r;

        r = woodpecker_when(wp, container->keys.when, true, container->owner, conditions);
        if (r == 0 && container->is_clone)
                r = woodpecker_clone_judge(wp, plan->skip_clone, container->mark, conditions);
        wp->is_left_out = wp->context->is_lint || !conditions->matches || !workflow->all.matches;
        if (r == 0)
                r = woodpecker_step_compile(wp, container, &step);
        hand_over_missing(wp, step);
        workflow->plan_index[index] = SIZE_MAX;
        if (r < 0 || !step || !workflow->all.matches)
                return r;
        if (!conditions->matches)
                return leave_out(plan, container, conditions);
        step->on_success = conditions->on_success;
        step->on_failure = conditions->on_failure;
        workflow->plan_index[index] = plan->n_steps;
        if (ARRAY_APPEND(plan->steps, plan->n_steps, step) < 0)
                return -ENOMEM;
        plan->n_services += container->is_service;
        (void) TAKE_PTR(step);
        return 0;
}

/* Indices among the steps of the file become indices among those of the plan. */
static int take_needs(Workflow *workflow, const GraphNode *nodes, size_t n_before, size_t n_nodes) {
        for (size_t i = 0; i < n_nodes; i++) {
                size_t index = workflow->plan_index[n_before + i];
                PlanStep *step;

                if (index == SIZE_MAX)
                        continue;
                step = workflow->plan->steps[index];
                step->needs = calloc(nodes[i].n_resolved + 1, sizeof(size_t));
                if (!step->needs)
                        return -ENOMEM;
                for (size_t k = 0; k < nodes[i].n_resolved; k++)
                        step->needs[step->n_needs++] = workflow->plan_index[n_before + nodes[i].resolved[k]];
        }
        return 0;
}

/* Services and what clones: no step names them in its needs. */
static size_t count_before_steps(const Workflow *workflow) {
        size_t n = 0;

        while (n < workflow->n_containers && (workflow->containers[n].is_service || workflow->containers[n].is_clone))
                n++;
        return n;
}

static int resolve_needs(Woodpecker *wp, Workflow *workflow) {
        _cleanup_free_ GraphNode *nodes = NULL;
        size_t n_before = count_before_steps(workflow), n_nodes = workflow->n_containers - n_before;
        int r = 0;

        nodes = calloc(n_nodes + 1, sizeof(*nodes));
        if (!nodes)
                return -ENOMEM;
        for (size_t i = 0; i < n_nodes && r == 0; i++) {
                const Container *container = &workflow->containers[n_before + i];

                nodes[i] = (GraphNode) { .name = container->name, .mark = container->mark };
                nodes[i].is_left_out = !workflow->conditions[n_before + i].matches;
                r = woodpecker_needs(wp, container->keys.depends_on, "step", &nodes[i]);
        }
        if (r == 0)
                r = graph_resolve(nodes, n_nodes, wp->diags);
        if (r == -EBADMSG)
                r = 0, wp->n_errors++;
        if (r == 0 && wp->n_errors == 0)
                r = take_needs(workflow, nodes, n_before, n_nodes);
        if (r == 0 && wp->n_errors == 0)
                r = woodpecker_clone_needs(workflow->plan);
        for (size_t i = 0; i < n_nodes; i++)
                graph_node_done(&nodes[i]);
        return r;
}

/* "build (GO=1.21, DB=pg)" */
static char *show_name(const char *workflow, const Map *axes) {
        _cleanup_free_ char *combination = NULL;

        if (!axes || map_size(axes) == 0)
                return strdup(workflow);
        combination = matrix_format(axes);
        return combination ? str_printf("%s (%s)", workflow, combination) : NULL;
}

static int fill_plan(Woodpecker *wp, Plan *plan, const Source *source) {
        const WoodpeckerContext *context = wp->context;

        plan->secrets = plan->axes = plan->labels = STRMAP_INIT;
        plan->workflow = strdup(strmap_get(&wp->values, "CI_WORKFLOW_NAME"));
        plan->source_name = strdup(source->name);
        plan->workspace = woodpecker_workspace(wp, wp->workspace_base);
        if (!plan->workflow || !plan->source_name || !plan->workspace)
                return -ENOMEM;
        plan->name = show_name(plan->workflow, context->axes);
        if (!plan->name || (context->axes && strmap_update(&plan->axes, context->axes) < 0))
                return -ENOMEM;
        return context->secrets ? strmap_update(&plan->secrets, context->secrets) : 0;
}

/* Nobody would use them. */
static void drop_all(Plan *plan) {
        while (plan->n_steps > 0)
                plan_step_free(plan->steps[--plan->n_steps]);
        plan->n_services = 0;
}

static int compile_workflow(Woodpecker *wp, Workflow *workflow, const Source *source, const WorkflowKeys *keys) {
        size_t n_before;
        int r;

        r = read_containers(wp, workflow, keys->services, PLACE_SERVICES);
        if (r == 0)
                r = read_containers(wp, workflow, keys->clone, PLACE_CLONE);
        if (r == 0)
                r = read_containers(wp, workflow, keys->steps, PLACE_STEPS);
        if (r < 0)
                return r;
        n_before = count_before_steps(workflow);
        workflow->plan = calloc(1, sizeof(Plan));
        workflow->conditions = calloc(workflow->n_containers + 1, sizeof(Conditions));
        workflow->plan_index = calloc(workflow->n_containers + 1, sizeof(size_t));
        if (!workflow->plan || !workflow->conditions || !workflow->plan_index)
                return -ENOMEM;
        r = fill_plan(wp, workflow->plan, source);
        if (r == 0)
                r = woodpecker_surroundings_compile(wp, &keys->surroundings, &workflow->all, workflow->plan);
        workflow->plan->why_left_out = TAKE_PTR(workflow->all.why);
        workflow->plan->why_left_out_mark = workflow->all.why_mark;
        for (size_t i = 0; i < workflow->n_containers && r == 0; i++) {
                if (i == n_before && !keys->clone && workflow->all.matches)
                        r = woodpecker_clone_default(wp, workflow->plan);
                if (r == 0)
                        r = compile_container(wp, workflow, i);
        }
        if (r == 0 && !workflow->has_gaps)
                r = resolve_needs(wp, workflow);
        if (!woodpecker_has_work(workflow->plan))
                drop_all(workflow->plan);
        if (r == 0 && wp->n_errors == 0)
                r = step_names_assign(workflow->plan, wp->diags);
        if (r == 0 && wp->n_errors == 0)
                r = plan_check_ports(workflow->plan, wp->diags);
        return r;
}

/* Else it has been read before: it is why this is compiled. */
static int check_matrix(Woodpecker *wp, const YamlNode *node) {
        Matrix matrix;
        int r = matrix_read(node, wp->diags, &matrix);

        matrix_done(&matrix);
        wp->n_errors += r == -EBADMSG;
        return r == -EBADMSG ? 0 : r;
}

/* There is an error already, at a misspelt key or one that 'steps' has replaced. */
static bool tells_of_steps(const YamlNode *root) {
        const char *const names[] = { "steps" };

        for (size_t i = 0; i < root->n_pairs; i++) {
                const char *text = root->pairs[i].key->text;
                const Key *key = key_find(&workflow_table, text);

                if (key ? key->type == KEY_REFUSED && strstr(key->hint, "'steps") != NULL
                        : diag_suggest(text, names, ELEMENTSOF(names)) != NULL)
                        return true;
        }
        return false;
}

static int read_workflow(Woodpecker *wp, Workflow *workflow, const Source *source, const YamlNode *root) {
        WorkflowKeys keys = { 0 };
        Diag *diag;
        int r;

        if (!root || root->kind == YAML_NULL) {
                WOODPECKER_ERROR(wp, "empty", (Mark) { 0 }, "the file is empty: a workflow has at least 'steps'");
                return 0;
        }
        if (root->kind != YAML_MAPPING) {
                diag = WOODPECKER_ERROR(wp, "type", root->mark, "expected a map with 'steps', found %s",
                                        yaml_kind_name(root->kind));
                diag_set_hint(diag, "is this a workflow file?");
                return 0;
        }
        wp->n_errors += keys_read(&workflow_table, root, 0, "the workflow", &keys, wp->diags);
        if (!yaml_get(root, "steps") && !tells_of_steps(root))
                WOODPECKER_ERROR(wp, "steps", (Mark) { 0 }, "the workflow has no 'steps'");
        else if (keys.steps && keys.steps->n_items + keys.steps->n_pairs == 0)
                WOODPECKER_ERROR(wp, "steps", keys.steps->mark, "'steps' is empty: there is nothing to do");
        r = wp->context->is_lint ? check_matrix(wp, keys.matrix) : 0;
        if (r == 0)
                r = woodpecker_when(wp, keys.when, false, "the workflow", &workflow->all);
        if (r == 0)
                r = read_workspace(wp, keys.workspace);
        return r == 0 ? compile_workflow(wp, workflow, source, &keys) : r;
}

int woodpecker_compile_document(const YamlDocument *document, const Source *source, const WoodpeckerContext *context,
                                DiagList *diags, Plan **ret) {
        _cleanup_(workflow_done) Workflow workflow = { 0 };
        Woodpecker wp = { .context = context, .source = source, .diags = diags, .work = WOODPECKER_WORK_MAX };
        int r;

        r = woodpecker_values(context, source, &wp.values);
        if (r == 0)
                r = woodpecker_changed_files(&wp, &wp.changed_files);
        if (r == 0)
                r = read_workflow(&wp, &workflow, source, document->root);
        free(wp.workspace_base);
        free(wp.workspace_path);
        strv_free(wp.changed_files);
        map_done(&wp.values);
        diag_sort(diags);
        if (r < 0)
                return r;
        if (wp.n_errors > 0)
                return -EBADMSG;
        *ret = TAKE_PTR(workflow.plan);
        return 0;
}
