/* Two rounds: first everything; then, only where there is no previous commit, whether that is the truth or a shallow
 * clone, and where there is no commit at all the branch that will begin with the first one. */

#include "cli/git.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/git-answer.h"
#include "loop/process.h"

#define GIT_TIMEOUT_USEC (30 * USEC_PER_SEC)
#define GIT_FILES_BYTES_MAX (16U * 1024 * 1024)

typedef enum QuestionKind {
        ASK_COMMITS,
        ASK_REMOTE,
        ASK_DEFAULT_BRANCH,
        ASK_CHANGED,
        ASK_UNTRACKED,
        ASK_BRANCH,
        ASK_SHALLOW,
        ASK_ALL_FILES,
        _ASK_MAX,
} QuestionKind;

typedef struct Ask Ask;

typedef struct Question {
        Ask *ask;
        Task *process;
        ProcessOutput output;
        int status; /* exit status or negative errno */
} Question;

struct Ask {
        Task task;
        sd_event *event;
        char *checkout, *base;
        bool wants_files;
        GitFacts *facts;
        Question questions[_ASK_MAX];
        size_t n_pending;
        bool is_second; /* round */
        Task *nothing; /* where there is nothing to ask */
};

static Task *ask_free(Task *task) {
        Ask *ask = container_of(task, Ask, task);

        for (size_t i = 0; i < _ASK_MAX; i++) {
                task_free(ask->questions[i].process);
                process_output_done(&ask->questions[i].output);
        }
        task_free(ask->nothing);
        free(ask->checkout);
        free(ask->base);
        free(ask);
        return NULL;
}

static const TaskClass ask_class = { .name = "git", .free = ask_free };

/* ---- what git says ---- */

#define DECORATIONS                                                                                                    \
        "--decorate=full", "--decorate-refs=HEAD", "--decorate-refs=refs/heads", "--decorate-refs=refs/tags",          \
                "--decorate-refs=refs/remotes/origin"
#define LOG "git", "log", "--no-show-signature", "--no-color", "--encoding=UTF-8", DECORATIONS, GIT_COMMIT_FORMAT
/* No program that the checkout's own configuration names shall run. --no-renames: both names of a renamed file count.
 */
#define DIFF                                                                                                           \
        "git", "-c", "core.fsmonitor=false", "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff",             \
                "--no-textconv", "--no-relative", "--no-color"

static int read_commits(Ask *ask) {
        const Question *question = &ask->questions[ASK_COMMITS];
        GitFacts *facts = ask->facts;
        int r = question->status == 0 ? git_answer_commits(question->output.out, question->output.n_out, facts) : 0;

        if (r >= 0 && ask->base && facts->head.sha && !facts->previous.sha) /* both are one: it is told once */
                r = (facts->previous.sha = strdup(facts->head.sha)) ? 0 : -ENOMEM;
        return r;
}

/* The only line of an answer; NULL: there is none. */
static char *read_line(Question *question) {
        char *text = question->output.out;

        if (question->status != 0 || !text)
                return NULL;
        text[strcspn(text, "\n")] = '\0';
        return *text ? text : NULL;
}

static int read_remote(Ask *ask) {
        static const char prefix[] = "refs/remotes/origin/";
        const char *url = read_line(&ask->questions[ASK_REMOTE]),
                   *head = read_line(&ask->questions[ASK_DEFAULT_BRANCH]);

        if (url && !str_equal(url, "origin") &&
            !(ask->facts->remote_url = strdup(url))) /* its name: there is no such remote */
                return -ENOMEM;
        if (head && str_starts_with(head, prefix) && !(ask->facts->default_branch = strdup(head + strlen(prefix))))
                return -ENOMEM;
        return 0;
}

static int set_why(char **why, char *why_take) {
        free(*why);
        *why = why_take;
        return why_take ? 0 : -ENOMEM;
}

static int why_not(const Question *question, char **why) {
        const char *said = question->output.err ? question->output.err : "";

        if (question->status == -E2BIG)
                return set_why(why, strdup("there are too many"));
        if (question->status == -ENOENT)
                return set_why(why, strdup("git is not installed"));
        if (question->status < 0)
                return set_why(why, str_printf("git: %s", error_message(NULL, question->status)));
        return set_why(why, str_printf("git says: %.*s", (int) MIN(strcspn(said, "\n"), 200U), said));
}

/* No such commit: before the first one that is as it should be. Else git cannot, or will not, look at the checkout. */
static int why_no_commit(Ask *ask) {
        const Question *question = &ask->questions[ASK_COMMITS];

        if (question->status > 0 && question->output.err && strstr(question->output.err, "bad revision '"))
                return 0;
        return why_not(question, &ask->facts->why_nothing);
}

/* All files that the questions from @first to @last brought, or why they are not known. */
static int read_files(Ask *ask, QuestionKind first, QuestionKind last) {
        _cleanup_(git_files_done) GitFiles files = { 0 };
        int r = 0;

        for (QuestionKind kind = first; kind <= last && r == 0; kind++) {
                const Question *question = &ask->questions[kind];

                if (question->status != 0)
                        return why_not(question, &ask->facts->why_no_files);
                r = git_answer_files(question->output.out, question->output.n_out, &files);
        }
        if (r > 0)
                return set_why(&ask->facts->why_no_files, strdup("there are too many"));
        return r < 0 ? r : git_files_take(&files, &ask->facts->changed_files);
}

/* ---- asking ---- */

static void round_is_over(Ask *ask);

static void on_answer(Task *task, int r, const Error *error, void *userdata) {
        Question *question = userdata;
        Ask *ask = question->ask;

        question->status = r;
        question->process = task_free(question->process);
        if (r != 0)
                log_debug("git does not answer question %d: %s", (int) (question - ask->questions),
                          r < 0                  ? error_message(error, r)
                          : question->output.err ? question->output.err
                                                 : "");
        if (--ask->n_pending == 0)
                round_is_over(ask);
}

static int ask_one(Ask *ask, QuestionKind kind, const char *const *argv) {
        /* A lock on the index would disturb who works in the checkout; a partial clone shall not fetch. */
        static const char *const env[] = { "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "LC_ALL=C", NULL };
        Question *question = &ask->questions[kind];
        ProcessSpec spec = {
                .argv = (char *const *) argv,
                .env = (char *const *) env,
                .directory = ask->checkout,
                .output_max = GIT_FILES_BYTES_MAX,
                .timeout_usec = GIT_TIMEOUT_USEC,
        };
        int r;

        question->ask = ask;
        r = process_run(ask->event, &spec, &question->output, on_answer, question, &question->process);
        ask->n_pending += r >= 0;
        return r;
}

static int ask_commits(Ask *ask) {
        static const char *const last_two[] = { LOG, "--first-parent", "-2", "HEAD", "--", NULL };
        _cleanup_free_ char *base = ask->base ? str_printf("%s^{commit}", ask->base) : NULL;
        const char *with_base[] = { LOG, "--no-walk=unsorted", "HEAD", base, "--", NULL };

        if (ask->base && !base)
                return -ENOMEM;
        return ask_one(ask, ASK_COMMITS, base ? with_base : last_two);
}

static int ask_files(Ask *ask) {
        static const char *const untracked[] = { "git", "-c",       "core.fsmonitor=false", "ls-files",
                                                 "-z",  "--others", "--exclude-standard",   NULL };
        static const char *const from_parent[] = { DIFF, "HEAD~1", "--", NULL };
        const char *from_base[] = { DIFF, "--merge-base", ask->base, "--", NULL };
        int r = ask_one(ask, ASK_CHANGED, ask->base ? from_base : from_parent);

        return r < 0 ? r : ask_one(ask, ASK_UNTRACKED, untracked);
}

static int ask_first(Ask *ask) {
        static const char *const remote[] = { "git", "ls-remote", "--get-url", "origin", NULL };
        static const char *const default_branch[] = { "git", "symbolic-ref", "--quiet", "refs/remotes/origin/HEAD",
                                                      NULL };
        int r = ask_commits(ask);

        if (r >= 0)
                r = ask_one(ask, ASK_REMOTE, remote);
        if (r >= 0)
                r = ask_one(ask, ASK_DEFAULT_BRANCH, default_branch);
        return r >= 0 && ask->wants_files ? ask_files(ask) : r;
}

static bool lacks_head(const Ask *ask) {
        return !ask->facts->head.sha && ask->questions[ASK_COMMITS].status >= 0;
}

static bool lacks_previous(const Ask *ask) {
        return ask->wants_files && !ask->base && !ask->facts->previous.sha && ask->questions[ASK_COMMITS].status >= 0;
}

/* No previous commit: then all files are new, unless the history was only cut off here. */
static int ask_second(Ask *ask) {
        static const char *const branch[] = { "git", "symbolic-ref", "--quiet", "--short", "HEAD", NULL };
        static const char *const shallow[] = { "git", "rev-parse", "--is-shallow-repository", NULL };
        static const char *const all[] = { "git",      "-c",       "core.fsmonitor=false", "ls-files", "-z",
                                           "--cached", "--others", "--exclude-standard",   NULL };
        int r = 0;

        ask->is_second = true;
        if (lacks_head(ask))
                r = ask_one(ask, ASK_BRANCH, branch);
        if (r >= 0 && lacks_previous(ask))
                r = ask_one(ask, ASK_SHALLOW, shallow);
        if (r >= 0 && lacks_previous(ask))
                r = ask_one(ask, ASK_ALL_FILES, all);
        return r;
}

static int refuse_base(const Ask *ask, Error **reterr) {
        _cleanup_free_ char *shown = str_escape(ask->base, strlen(ask->base), 100);

        return error_set(reterr, ENOENT, "'--base %s': %s", shown ? shown : "",
                         ask->facts->why_nothing ? ask->facts->why_nothing
                                                 : "git knows no such commit; fetch it first, or name another");
}

static int read_second(Ask *ask) {
        GitFacts *facts = ask->facts;
        const char *branch = read_line(&ask->questions[ASK_BRANCH]);

        if (branch && !(facts->branch = strdup(branch)))
                return -ENOMEM;
        if (!ask->questions[ASK_SHALLOW].ask)
                return 0;
        if (str_equal(read_line(&ask->questions[ASK_SHALLOW]), "true"))
                return set_why(&facts->why_no_files, strdup("this is a shallow clone without the previous commit; "
                                                            "'git fetch --deepen=1' gets it"));
        return read_files(ask, ASK_ALL_FILES, ASK_ALL_FILES);
}

/* 1: there is more to ask. */
static int read_round(Ask *ask, Error **reterr) {
        GitFacts *facts = ask->facts;
        int r;

        if (ask->is_second)
                return read_second(ask);
        r = read_commits(ask);
        if (r >= 0)
                r = read_remote(ask);
        if (r < 0)
                return r;
        if (!facts->head.sha)
                r = why_no_commit(ask);
        if (r >= 0 && ask->base && !facts->head.sha)
                return refuse_base(ask, reterr);
        if (r < 0 || lacks_head(ask) || lacks_previous(ask))
                return r < 0 ? r : 1;
        return ask->wants_files ? read_files(ask, ASK_CHANGED, ASK_UNTRACKED) : 0;
}

static void round_is_over(Ask *ask) {
        _cleanup_(error_freep) Error *error = NULL;
        int r = read_round(ask, &error);

        if (r > 0)
                r = ask_second(ask);
        for (size_t i = 0; i < _ASK_MAX && r < 0; i++)
                ask->questions[i].process = task_free(ask->questions[i].process);
        if (r < 0 || ask->n_pending == 0)
                task_finish(&ask->task, MIN(r, 0), error);
}

static void on_nothing(Task *task, int r, const Error *error, void *userdata) {
        Ask *ask = userdata;
        _cleanup_(error_freep) Error *why = NULL;

        if (ask->base)
                r = error_set(&why, ENOENT, "'--base' needs a git checkout, which '%s' is not", ask->checkout);
        else if (ask->wants_files)
                r = set_why(&ask->facts->why_no_files, strdup("this is no git checkout"));
        task_finish(&ask->task, r, why);
}

int git_ask(sd_event *event, const GitQuestions *questions, GitFacts *ret, TaskDone done, void *userdata,
            Task **ret_task) {
        Ask *ask = calloc(1, sizeof(*ask));
        _cleanup_free_ char *git = path_join(questions->checkout, ".git");
        int r;

        if (!ask)
                return -ENOMEM;
        task_init(&ask->task, &ask_class, done, userdata);
        ask->event = event;
        ask->facts = ret;
        ask->wants_files = questions->wants_files;
        ask->checkout = strdup(questions->checkout);
        ask->base = questions->base ? strdup(questions->base) : NULL;
        if (!ask->checkout || !git || (questions->base && !ask->base))
                r = -ENOMEM;
        else if (file_exists(git))
                r = ask_first(ask);
        else
                r = task_defer(event, 0, NULL, on_nothing, ask, &ask->nothing);
        if (r < 0) {
                (void) ask_free(&ask->task);
                return r;
        }
        *ret_task = &ask->task;
        return 0;
}
