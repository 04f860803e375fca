#include "job/clone.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/holder.h"
#include "job/job-internal.h"
#include "job/rootfs.h"
#include "loop/process.h"

#define RUNNER_IN_CONTAINER "/podstep-holder"
#define SOURCE_IN_CONTAINER "/podstep-source"
#define NETRC_IN_CONTAINER "/root/.netrc"
#define POINTER_BYTES_MAX 8192 /* of a file that says where a repository is */
#define ALTERNATES_MAX 8       /* repositories whose objects the source borrows */
#define MOUNTS_MAX (10 + ALTERNATES_MAX)

/* The settings of a root that has nobody's: whose the repository is does not matter, it is only read. */
static const char git_config[] = "[safe]\n\tdirectory = *\n"
                                 "[user]\n\tname = podstep\n\temail = podstep@localhost\n"
                                 "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
                                 "[advice]\n\tdetachedHead = false\n";

/* What TLS needs to know whom to trust, wherever the distribution has it. */
static const char *const trust_stores[] = { "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/crypto-policies" };

typedef struct Clone {
        const Step *step;
        const char *commit, *branch, *origin;
        bool is_here; /* git runs on this machine, and the files are sent: the engine cannot see it */
        char *source; /* a repository on this machine; NULL: it is fetched from 'origin' */
        char *rootfs, *program, *netrc, *hosts;
        char **argv, **alternates;
        MountSpec mounts[MOUNTS_MAX];
        size_t n_mounts;
} Clone;

static void clone_done(Clone *clone) {
        free(clone->source);
        free(clone->rootfs);
        free(clone->program);
        free(clone->netrc);
        free(clone->hosts);
        strv_free(clone->argv);
        strv_free(clone->alternates);
}

static const char *variable(const Clone *clone, const char *name) {
        const char *value = strmap_get(&clone->step->plan->environment, name);

        return str_is_empty(value) ? NULL : value;
}

/* ---- where from ---- */

/* The first line of a small file, behind a prefix; NULL: there is no such thing. */
static char *read_pointer(const char *path, const char *prefix) {
        _cleanup_free_ char *text = NULL;

        if (file_read(path, POINTER_BYTES_MAX, &text, NULL) < 0 || !str_starts_with(text, prefix))
                return NULL;
        return strndup(text + strlen(prefix), strcspn(text + strlen(prefix), "\n"));
}

/* Where a file points to, as seen from a directory; if it does not point anywhere, the fallback. */
static char *follow(const char *directory, const char *file, const char *prefix, const char *fallback) {
        _cleanup_free_ char *pointer = read_pointer(file, prefix);

        return pointer ? path_join(directory, pointer) : strdup(fallback);
}

/*
 * The repository of a checkout: .git, or where that points to. A worktree's own directory points on to the one that all
 * of its worktrees share. Source: gitrepository-layout(5).
 */
static int find_repository(const char *checkout, char **ret, Error **reterr) {
        _cleanup_free_ char *git = path_join(checkout, ".git"), *own = NULL, *common = NULL, *shared = NULL;
        char real[PATH_MAX];

        own = git ? follow(checkout, git, "gitdir: ", git) : NULL;
        common = own ? path_join(own, "commondir") : NULL;
        shared = common ? follow(own, common, "", own) : NULL;
        if (!shared)
                return error_oom(reterr);
        if (!realpath(shared, real) || !file_is_directory(real))
                return error_set(reterr, ENOENT, "'%s' is no git checkout: there is nothing to clone", checkout);
        *ret = strdup(real);
        return *ret ? 0 : error_oom(reterr);
}

static bool is_network_url(const char *text) {
        return str_starts_with(text, "https://") || str_starts_with(text, "http://") || str_starts_with(text, "git://");
}

/* An origin on this machine is a path, perhaps relative to the checkout. */
static int find_local_origin(Clone *clone, const char *checkout, Error **reterr) {
        const char *origin =
                str_starts_with(clone->origin, "file://") ? clone->origin + strlen("file://") : clone->origin;
        _cleanup_free_ char *path = path_join(checkout, origin);
        char real[PATH_MAX];

        if (!path)
                return error_oom(reterr);
        if (!realpath(path, real) || !file_is_directory(real))
                return error_set(reterr, ENOENT,
                                 "'--clone-from origin': '%s' is neither an address to fetch from nor a repository of "
                                 "this machine",
                                 clone->origin);
        clone->source = strdup(real);
        return clone->source ? 0 : error_oom(reterr);
}

static int find_source(Clone *clone, Error **reterr) {
        const JobSpec *spec = &clone->step->job->spec;

        if (!spec->clones_from_origin)
                return find_repository(spec->checkout, &clone->source, reterr);
        if (!clone->origin)
                return error_set(reterr, ENOENT, "'--clone-from origin': the checkout has no remote 'origin'");
        return is_network_url(clone->origin) ? 0 : find_local_origin(clone, spec->checkout, reterr);
}

/* A clone with '--shared' or '--reference' has objects elsewhere, and names the place; they have to be seen there. */
static int find_alternates(Clone *clone) {
        _cleanup_free_ char *path = clone->source ? path_join(clone->source, "objects/info/alternates") : NULL,
                            *text = NULL;
        _cleanup_strv_ char **lines = NULL;
        size_t n = 0;
        int r = 0;

        if (!path)
                return clone->source ? -ENOMEM : 0;
        if (file_read(path, POINTER_BYTES_MAX, &text, NULL) < 0)
                return 0;
        if (strv_split(text, '\n', &lines) < 0)
                return -ENOMEM;
        STRV_FOREACH(line, lines)
                if (r >= 0 && **line == '/' && n < ALTERNATES_MAX && file_is_directory(*line)) {
                        r = strv_append(&clone->alternates, *line);
                        n++;
                }
        return r;
}

/* Variables may come from anywhere, and what is no name of a commit might be an option. */
static bool is_commit(const char *text) {
        size_t n = strlen(text);

        for (size_t i = 0; i < n; i++)
                if (!isxdigit((unsigned char) text[i]))
                        return false;
        return n == 40 || n == 64;
}

static int read_facts(Clone *clone, Error **reterr) {
        const char *source = variable(clone, "CI_COMMIT_SOURCE_BRANCH");
        int r;

        clone->commit = variable(clone, "CI_COMMIT_SHA");
        clone->branch = source ? source : variable(clone, "CI_COMMIT_BRANCH");
        clone->origin = variable(clone, "CI_REPO_CLONE_URL");
        if (!clone->commit)
                return error_set(
                        reterr, ENOENT,
                        "there is no commit to clone: '--clone' needs a git checkout with one, or CI_COMMIT_SHA");
        if (!is_commit(clone->commit))
                return error_set(reterr, EINVAL, "CI_COMMIT_SHA is not the full name of a commit");
        r = find_source(clone, reterr);
        return r >= 0 && find_alternates(clone) < 0 ? error_oom(reterr) : r;
}

/* ---- what it runs ---- */

static int add(Clone *clone, const char *argument) {
        return strv_append(&clone->argv, argument);
}

static int add_list(Clone *clone, const char *const *arguments) {
        int r = 0;

        for (; *arguments && r >= 0; arguments++)
                r = add(clone, *arguments);
        return r;
}

static int add_init(Clone *clone) {
        const char *const arguments[] = { "git", "init", "--quiet", NULL };
        int r = add_list(clone, arguments);

        return r < 0 ? r
                     : strv_append_take(&clone->argv,
                                        str_printf("--initial-branch=%s", clone->branch ? clone->branch : "main"));
}

static int add_remote(Clone *clone) {
        const char *const arguments[] = { ";", "git", "remote", "add", "--", "origin", clone->origin, NULL };

        return clone->origin ? add_list(clone, arguments) : 0;
}

static int add_fetch(Clone *clone) {
        bool is_tag = str_equal(variable(clone, "CI_PIPELINE_EVENT"), "tag");
        const char *const arguments[] = {
                ";", "git", "fetch", "--quiet", "--update-shallow", is_tag ? "--tags" : "--no-tags", NULL
        };
        unsigned depth = clone->step->job->spec.clone_depth;
        int r = add_list(clone, arguments);

        if (r >= 0 && depth > 0)
                r = strv_append_take(&clone->argv, str_printf("--depth=%u", depth));
        if (r >= 0)
                r = add(clone, "--");
        if (r >= 0)
                r = add(clone, !clone->source ? clone->origin : clone->is_here ? clone->source : SOURCE_IN_CONTAINER);
        return r < 0 ? r
                     : strv_append_take(&clone->argv, str_printf("+%s:refs/remotes/origin/%s", clone->commit,
                                                                 clone->branch ? clone->branch : "main"));
}

/* As Woodpecker's own plugin does it: not 'git clone', which wants an empty directory and a branch. */
static int make_argv(Clone *clone) {
        const char *const runner[] = { clone->is_here ? clone->program : RUNNER_IN_CONTAINER, "run", NULL },
                          *const reset[] = { ";", "git", "reset", "--quiet", "--hard", clone->commit, NULL };
        int r = add_list(clone, runner);

        if (r >= 0)
                r = add_init(clone);
        if (r >= 0)
                r = add_remote(clone);
        if (r >= 0)
                r = add_fetch(clone);
        return r < 0 ? r : add_list(clone, reset);
}

/* ---- its container ---- */

static void mount(Clone *clone, MountSpec mount) {
        assert(clone->n_mounts < MOUNTS_MAX);
        clone->mounts[clone->n_mounts++] = mount;
}

/* Credentials, where the user gave some, as Woodpecker does: in a file, since everyone can see arguments. */
static int make_netrc(Clone *clone, Error **reterr) {
        const char *machine = variable(clone, "CI_NETRC_MACHINE"), *user = variable(clone, "CI_NETRC_USERNAME"),
                   *password = variable(clone, "CI_NETRC_PASSWORD");
        _cleanup_free_ char *text = NULL;
        int r;

        if (clone->source || !machine || !user || !password)
                return 0;
        clone->netrc = path_join(clone->step->directory, clone->is_here ? ".netrc" : "netrc");
        text = str_printf("machine %s\nlogin %s\npassword %s\n", machine, user, password);
        if (!clone->netrc || !text)
                return error_oom(reterr);
        r = file_write(clone->netrc, text, strlen(text), 0600);
        explicit_bzero(text, strlen(text));
        return r < 0 ? error_set(reterr, -r, "cannot write '%s': %s", clone->netrc, strerror(-r)) : 0;
}

static int make_files(Clone *clone, Error **reterr) {
        _cleanup_free_ char *config = NULL;
        int r;

        clone->rootfs = path_join(clone->step->directory, "rootfs");
        config = clone->rootfs ? path_join(clone->rootfs, "etc/gitconfig") : NULL;
        if (!config)
                return error_oom(reterr);
        r = rootfs_make(clone->rootfs);
        if (r >= 0)
                r = file_write(config, git_config, strlen(git_config), 0644);
        if (r < 0)
                return error_set(reterr, -r, "cannot make '%s': %s", clone->rootfs, strerror(-r));
        r = make_netrc(clone, reterr);
        return r < 0 ? r : holder_find_program(clone->step->job, &clone->program, reterr);
}

static int make_mounts(Clone *clone, Error **reterr) {
        const Job *job = clone->step->job;

        clone->n_mounts = workspace_mounts(job->workspace, clone->step->plan, clone->mounts);
        mount(clone, rootfs_mount_usr());
        mount(clone, rootfs_mount_read_only(clone->program, RUNNER_IN_CONTAINER));
        if (clone->source)
                mount(clone, rootfs_mount_read_only(clone->source, SOURCE_IN_CONTAINER));
        STRV_FOREACH(path, clone->alternates)
                mount(clone, rootfs_mount_read_only(*path, *path));
        if (clone->netrc)
                mount(clone, rootfs_mount_read_only(clone->netrc, NETRC_IN_CONTAINER));
        FOREACH_ROW(path, trust_stores)
                if (!clone->source && file_exists(*path))
                        mount(clone, rootfs_mount_read_only(*path, *path));
        if (!sandbox_shares_network(job->sandbox))
                return 0;
        clone->hosts = path_join(job->directory.path, "hosts");
        if (!clone->hosts)
                return error_oom(reterr);
        mount(clone, rootfs_mount_read_only(clone->hosts, "/etc/hosts"));
        return 0;
}

static int create(Clone *clone, TaskDone done, void *userdata, Task **ret_task, Error **reterr) {
        Step *step = (Step *) clone->step;
        _cleanup_map_ Map env = STRMAP_INIT, labels = STRMAP_INIT;
        char *const *argv = clone->argv;
        ContainerSpec spec = {
                .name = step->container,
                .pod = sandbox_pod(step->job->sandbox),
                .rootfs = clone->rootfs,
                .entrypoint = argv,
                .environment = &env,
                .labels = &labels,
                .directory = step->plan->directory,
                .makes_directory = true,
                .mounts = clone->mounts,
                .n_mounts = clone->n_mounts,
                .log_path = step->log_path,
                .monitor_pid_path = step->pid_path,
                .security.labels = rootfs_labels(&step->job->spec.engine->info),
        };

        if (strmap_put(&env, "PATH", "/usr/local/bin:/usr/bin:/bin") < 0 || strmap_put(&env, "HOME", "/root") < 0 ||
            strmap_put(&env, "GIT_TERMINAL_PROMPT", "0") < 0 || strmap_put(&env, "LC_ALL", "C.UTF-8") < 0 ||
            strmap_update(&labels, &step->job->labels) < 0 ||
            strmap_put(&labels, "io.podstep.step", step->plan->name) < 0)
                return error_oom(reterr);
        sandbox_network(step->job->sandbox, step->plan, NULL, &spec.network);
        return engine_container_create(step->job->spec.engine, &spec, &step->container_id, done, userdata, ret_task);
}

int clone_create_container(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr) {
        _cleanup_(clone_done) Clone clone = { .step = step };
        int r;

        r = read_facts(&clone, reterr);
        if (r >= 0)
                r = make_files(&clone, reterr);
        if (r >= 0)
                r = make_mounts(&clone, reterr);
        if (r >= 0 && make_argv(&clone) < 0)
                r = error_oom(reterr);
        return r < 0 ? r : create(&clone, done, userdata, ret_task, reterr);
}

/* ---- without a container ---- */

typedef struct CloneHere {
        Task task;
        Step *step;
        ProcessOutput output;
        Upload *upload;
        Task *current;
} CloneHere;

static Task *here_free(Task *task) {
        CloneHere *here = container_of(task, CloneHere, task);

        task_free(here->current);
        process_output_done(&here->output);
        upload_free(here->upload);
        free(here);
        return NULL;
}

static const TaskClass here_class = { .name = "clone", .free = here_free };

static void on_sent(Task *task, int r, const Error *error, void *userdata) {
        CloneHere *here = userdata;
        const Error *why = upload_error(here->upload);

        task_finish(&here->task, r, r < 0 && why ? why : error);
}

static void on_git_end(Task *task, int r, const Error *error, void *userdata) {
        CloneHere *here = userdata;
        _cleanup_(error_freep) Error *why = error_copy(error);

        if (here->output.n_out > 0)
                step_output(1, here->output.out, here->output.n_out, here->step);
        if (here->output.n_err > 0)
                step_output(2, here->output.err, here->output.n_err, here->step);
        if (r == 0) {
                here->current = task_free(here->current);
                r = workspace_send(here->step->job->workspace, &here->upload, on_sent, here, &here->current);
                if (r == 0)
                        return;
        }
        task_finish(&here->task, r, why);
}

/* Of the user's own git settings none: whoever runs the job, it is cloned in the same way. */
static int make_home(Clone *clone, char ***env, Error **reterr) {
        _cleanup_free_ char *config = path_join(clone->step->directory, ".gitconfig");
        int r;

        if (!config || strv_append_take(env, str_printf("HOME=%s", clone->step->directory)) < 0 ||
            strv_append(env, "GIT_CONFIG_NOSYSTEM=1") < 0 ||
            strv_append_take(env, str_printf("GIT_CONFIG_GLOBAL=%s", config)) < 0 ||
            strv_append(env, "GIT_CONFIG_COUNT=0") < 0 || strv_append(env, "GIT_CONFIG_PARAMETERS=") < 0 ||
            strv_append(env, "GIT_TERMINAL_PROMPT=0") < 0 || strv_append(env, "LC_ALL=C.UTF-8") < 0)
                return error_oom(reterr);
        r = file_write(config, git_config, strlen(git_config), 0644);
        if (r < 0)
                return error_set(reterr, -r, "cannot write '%s': %s", config, strerror(-r));
        r = make_netrc(clone, reterr);
        return r < 0 ? r : holder_find_program(clone->step->job, &clone->program, reterr);
}

/* What the git of an earlier process fetched may be half of it. */
static int clear_origin(const Job *job, Error **reterr) {
        const char *origin = workspace_origin(job->workspace);
        int r = job->spec.record ? file_remove_tree(origin) : 0;

        if (r >= 0)
                r = file_mkdir_p(origin, 0755);
        return r < 0 ? error_set(reterr, -r, "cannot empty '%s': %s", origin, strerror(-r)) : 0;
}

int clone_run_here(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr) {
        _cleanup_(clone_done) Clone clone = { .step = step, .is_here = true };
        _cleanup_strv_ char **env = NULL;
        ProcessSpec spec = { .directory = workspace_origin(step->job->workspace) };
        CloneHere *here;
        int r;

        r = read_facts(&clone, reterr);
        if (r >= 0)
                r = make_home(&clone, &env, reterr);
        if (r >= 0)
                r = clear_origin(step->job, reterr);
        if (r >= 0 && make_argv(&clone) < 0)
                r = error_oom(reterr);
        if (r < 0)
                return r;
        here = calloc(1, sizeof(*here));
        if (!here)
                return error_oom(reterr);
        task_init(&here->task, &here_class, done, userdata);
        here->step = step;
        spec.argv = clone.argv;
        spec.env = env;
        r = process_run(step->job->event, &spec, &here->output, on_git_end, here, &here->current);
        if (r < 0) {
                (void) here_free(&here->task);
                return r;
        }
        *ret_task = &here->task;
        return 0;
}
