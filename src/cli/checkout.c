#include "cli/checkout.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "loop/process.h"

#define GIT_OUTPUT_MAX (256U * 1024)

int checkout_find(const char *start, char **ret, Error **reterr) {
        _cleanup_free_ char *top = realpath(start, NULL), *candidate = NULL;

        if (!top)
                return error_set(reterr, errno, "cannot find directory '%s': %s", start, strerror(errno));
        if (!file_is_directory(top))
                return error_set(reterr, ENOTDIR, "'%s' is not a directory", start);
        candidate = strdup(top);
        while (candidate) {
                _cleanup_free_ char *git = path_join(candidate, ".git"), *parent = NULL;

                if (git && file_exists(git)) {
                        *ret = TAKE_PTR(candidate);
                        return 0;
                }
                if (str_equal(candidate, "/"))
                        break;
                parent = path_parent(candidate);
                free(candidate);
                candidate = TAKE_PTR(parent);
        }
        *ret = TAKE_PTR(top);
        return 0;
}

static int is_workflow(const struct dirent *entry) {
        return entry->d_name[0] != '.' && (str_ends_with(entry->d_name, ".yaml") || str_ends_with(entry->d_name, ".yml"));
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int list_directory(const char *directory, char ***files) {
        struct dirent **entries = NULL;
        int n = scandir(directory, &entries, is_workflow, compare_names), r = 0;

        for (int i = 0; i < n; i++) {
                if (r >= 0)
                        r = strv_append_take(files, path_join(directory, entries[i]->d_name));
                free(entries[i]);
        }
        free(entries);
        return r;
}

int checkout_workflows(const char *checkout, char ***ret, Error **reterr) {
        static const char *const single[] = { ".woodpecker.yaml", ".woodpecker.yml" };
        _cleanup_free_ char *directory = path_join(checkout, ".woodpecker");
        _cleanup_strv_ char **files = NULL;

        if (!directory || list_directory(directory, &files) < 0)
                return error_oom(reterr);
        FOREACH_ROW(name, single) {
                _cleanup_free_ char *path = path_join(checkout, *name);

                if (strv_length(files) == 0 && path && file_exists(path) && strv_append(&files, path) < 0)
                        return error_oom(reterr);
        }
        if (strv_length(files) == 0)
                return error_set(reterr, ENOENT,
                                 "'%s' has no workflow: neither .woodpecker/*.yaml nor .woodpecker.yaml; name a file: podstep run FILE", checkout);
        *ret = TAKE_PTR(files);
        return 0;
}

typedef struct Describe {
        Task task;
        char *checkout;
        Map *environment;
        ProcessOutput output;
        Task *git;
} Describe;

static Task *describe_free(Task *task) {
        Describe *describe = container_of(task, Describe, task);

        task_free(describe->git);
        process_output_done(&describe->output);
        free(describe->checkout);
        free(describe);
        return NULL;
}

static const TaskClass describe_class = { .name = "describe", .free = describe_free };

static void put(Map *environment, const char *name, const char *value) {
        if (!str_is_empty(value) && !map_has(environment, name) && strmap_put(environment, name, value) < 0)
                log_warning("out of memory: %s is not set", name);
}

static void put_common(const Describe *describe) {
        _cleanup_free_ char *now = str_printf("%llu", (unsigned long long) (clock_realtime_usec() / USEC_PER_SEC));
        struct utsname name = { 0 };
        const struct {
                const char *name, *value;
        } rows[] = {
                { "CI", "woodpecker" },
                { "CI_SYSTEM_NAME", "podstep" },
                { "CI_SYSTEM_HOST", name.nodename },
                { "CI_REPO_NAME", path_base(describe->checkout) },
                { "CI_REPO_DEFAULT_BRANCH", "main" },
                { "CI_PIPELINE_NUMBER", "0" },
                { "CI_PIPELINE_PARENT", "0" },
                { "CI_PIPELINE_EVENT", "manual" },
                { "CI_PIPELINE_CREATED", now },
                { "CI_PIPELINE_FILES", "[]" },
                { "CI_STEP_NUMBER", "0" },
                { "CI_WORKFLOW_NUMBER", "1" },
        };

        (void) uname(&name);
        FOREACH_ROW(row, rows)
                put(describe->environment, row->name, row->value);
}

/* The decorations of the commit: "HEAD -> main, tag: v1, origin/main". */
static void put_branch(Map *environment, const char *decorations) {
        static const char arrow[] = "HEAD -> ";
        const char *start = str_starts_with(decorations, arrow) ? decorations + strlen(arrow) : NULL;
        _cleanup_free_ char *branch = start ? strndup(start, strcspn(start, ",")) : NULL;
        _cleanup_free_ char *ref = branch ? str_printf("refs/heads/%s", branch) : NULL;

        put(environment, "CI_COMMIT_BRANCH", branch);
        put(environment, "CI_COMMIT_REF", ref);
}

static void on_git(Task *task, int r, const Error *error, void *userdata) {
        static const char *const names[] = { "CI_COMMIT_SHA", "CI_COMMIT_AUTHOR", "CI_COMMIT_AUTHOR_EMAIL", "CI_COMMIT_TIMESTAMP", NULL, "CI_COMMIT_MESSAGE" };
        Describe *describe = userdata;
        char *field = describe->output.out, *end = field ? field + describe->output.n_out : NULL;

        if (r != 0)
                log_debug("git tells nothing of '%s': %s", describe->checkout, r < 0 ? error_message(error, r) : "no commit");
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(names) && field < end; i++) {
                if (names[i])
                        put(describe->environment, names[i], field);
                else
                        put_branch(describe->environment, field);
                field += strlen(field) + 1;
        }
        put(describe->environment, "CI_PIPELINE_AUTHOR", strmap_get(describe->environment, "CI_COMMIT_AUTHOR"));
        put(describe->environment, "CI_COMMIT_BRANCH", "main");
        put(describe->environment, "CI_COMMIT_REF", "refs/heads/main");
        task_finish(&describe->task, 0, NULL);
}

int checkout_describe(sd_event *event, const char *checkout, Map *environment, TaskDone done, void *userdata, Task **ret_task) {
        static const char *const argv[] = { "git", "log", "-1", "--no-show-signature", "--decorate=short", "--format=%H%x00%an%x00%ae%x00%at%x00%D%x00%B%x00", NULL };
        ProcessSpec spec = { .argv = (char *const *) argv, .directory = checkout, .output_max = GIT_OUTPUT_MAX };
        Describe *describe = calloc(1, sizeof(*describe));
        _cleanup_free_ char *git = NULL;
        int r;

        if (!describe)
                return -ENOMEM;
        task_init(&describe->task, &describe_class, done, userdata);
        describe->environment = environment;
        describe->checkout = strdup(checkout);
        git = path_join(checkout, ".git");
        if (!describe->checkout || !git)
                r = -ENOMEM;
        else if (file_exists(git))
                r = process_run(event, &spec, &describe->output, on_git, describe, &describe->git);
        else /* nothing to ask */
                r = task_defer(event, 1, NULL, on_git, describe, &describe->git);
        if (r < 0) {
                (void) describe_free(&describe->task);
                return r;
        }
        put_common(describe);
        *ret_task = &describe->task;
        return 0;
}
