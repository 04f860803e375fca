#include "cli/describe.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "cli/layers.h"

/* What the workflows mention, as plain text: enough to know which facts matter to them. */
typedef enum Mentions {
        MENTIONS_FILES = 1 << 0,  /* the files that changed: a condition, a variable, or a plugin, which may use any */
        MENTIONS_PATHS = 1 << 1,  /* of these, what decides what runs */
        MENTIONS_BRANCH = 1 << 2, /* a condition on the branch */
} Mentions;

typedef struct Describe {
        Task task;
        DescribeSpec spec;
        Metadata *metadata;
        unsigned mentions;
        GitFacts facts;
        Task *git;
} Describe;

static Task *describe_free(Task *task) {
        Describe *describe = container_of(task, Describe, task);

        task_free(describe->git);
        git_facts_done(&describe->facts);
        free(describe);
        return NULL;
}

static const TaskClass describe_class = { .name = "describe", .free = describe_free };

/* ---- what the workflows mention ---- */

/* The word as a key: "path:", "'path' :" */
static bool has_key(const char *text, const char *key) {
        for (const char *at = text; (at = strstr(at, key)); at++) {
                const char *behind = at + strlen(key);

                if (at > text && (isalnum((unsigned char) at[-1]) || at[-1] == '_'))
                        continue;
                behind += *behind == '"' || *behind == '\'';
                behind += strspn(behind, " \t");
                if (*behind == ':')
                        return true;
        }
        return false;
}

static unsigned mentions_of(const WorkflowFiles *files) {
        unsigned mentions = 0;

        for (size_t i = 0; i < files->n_files; i++) {
                const char *text = files->files[i].source ? files->files[i].source->text : "";

                if (has_key(text, "path"))
                        mentions |= MENTIONS_FILES | MENTIONS_PATHS;
                if (strstr(text, "CI_PIPELINE_FILES") || has_key(text, "settings"))
                        mentions |= MENTIONS_FILES;
                if (has_key(text, "branch"))
                        mentions |= MENTIONS_BRANCH;
        }
        return mentions;
}

/* What is not known is only worth a word where something depends on it. */
static void warn(const Describe *describe) {
        const Metadata *metadata = describe->metadata;
        const RunOptions *options = describe->spec.options;
        const char *event = metadata->curr.event;
        bool filters_paths = str_equal(event, "push") || metadata_event_is_pull(event);

        if (describe->facts.why_nothing && !metadata->curr.commit.sha)
                log_warning("the commit is not known: %s", describe->facts.why_nothing);
        if (describe->facts.why_no_files && !metadata->curr.commit.changed_files &&
            !map_has(describe->spec.environment, "CI_PIPELINE_FILES") &&
            (options->base || (filters_paths && describe->mentions & MENTIONS_PATHS)))
                log_warning("which files changed is not known: %s", describe->facts.why_no_files);
        if (!describe->facts.branch && describe->facts.head.sha && describe->mentions & MENTIONS_BRANCH &&
            !options->branch && str_equal(metadata->curr.commit.branch, metadata->repo.default_branch) &&
            !metadata_event_is_pull(event))
                log_warning("no branch is checked out, '%s' is assumed; '--branch' names another",
                            metadata->curr.commit.branch);
        if (layers_want_tag(metadata) && !str_starts_with(metadata->curr.commit.ref, "refs/tags/"))
                log_warning("the event is '%s', but no tag points at the commit; '--tag' names one", event);
}

static void on_git(Task *task, int r, const Error *error, void *userdata) {
        Describe *describe = userdata;
        _cleanup_(error_freep) Error *why = error_copy(error);

        if (r >= 0)
                r = layers_make(&describe->spec, &describe->facts, describe->metadata, &why);
        if (r >= 0)
                warn(describe);
        task_finish(&describe->task, r, why);
}

int describe_start(sd_event *event, const DescribeSpec *spec, Metadata *ret, TaskDone done, void *userdata,
                   Task **ret_task) {
        Describe *describe = calloc(1, sizeof(*describe));
        GitQuestions questions = { .checkout = spec->checkout, .base = spec->options->base };
        int r;

        if (!describe)
                return -ENOMEM;
        task_init(&describe->task, &describe_class, done, userdata);
        describe->spec = *spec;
        describe->metadata = ret;
        describe->mentions = mentions_of(spec->files);
        questions.wants_files = spec->options->base || describe->mentions & MENTIONS_FILES;
        r = git_ask(event, &questions, &describe->facts, on_git, describe, &describe->git);
        if (r < 0) {
                (void) describe_free(&describe->task);
                return r;
        }
        *ret_task = &describe->task;
        return 0;
}
