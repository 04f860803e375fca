/* What a step's container runs: its scripts, and the variables that are known only now. */

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/helper.h"
#include "job/job-internal.h"
#include "pipeline/gitlab-script.h"
#include "pipeline/woodpecker.h"

#define SCRIPT STEP_SCRIPT_DIRECTORY "/" STEP_SCRIPT_NAME /* what the container starts */
#define COMMANDS STEP_SCRIPT_DIRECTORY "/commands"        /* what that runs, */
#define AFTER STEP_SCRIPT_DIRECTORY "/after"              /* and then */
#define AGAIN STEP_SCRIPT_DIRECTORY "/again"              /* the first, in a container that was kept */
#define HOLDER STEP_SCRIPT_DIRECTORY "/holder"
#define VARIABLES STEP_SCRIPT_DIRECTORY "/variables"
#define STAY VARIABLES ".stay"
/* The kernel takes no single argument or variable above 128 KiB (MAX_ARG_STRLEN). */
#define CI_SCRIPT_BYTES_MAX (120U * 1024)

bool step_uses_script(const PlanStep *step) {
        return step->commands && (step->style == SCRIPT_STRICT || !step->entrypoint);
}

/* The program that starts what the container runs: the step's, else the image's; NULL: there is none. */
static char *const *starter(const Step *step) {
        char *const *entrypoint = step->plan->entrypoint ? step->plan->entrypoint : step->image->info.entrypoint;

        return strv_length(entrypoint) == 0 || (strv_length(entrypoint) == 1 && !*entrypoint[0]) ? NULL : entrypoint;
}

/* Not where the script is handed to a program that may do its own work with them. */
static bool brings_secrets(const Step *step) {
        return step_uses_script(step->plan) && (step->plan->style == SCRIPT_PLAIN || !starter(step));
}

/*
 * Secrets that neither a script of ours nor the engine can set: podstep-holder adds them, and becomes the program. Also
 * where the container may be kept: then it can be started again without running that program, and no secret stays on
 * the engine.
 */
bool step_uses_wrapper(const Step *step) {
        if (brings_secrets(step))
                return false;
        return step->job->can_be_entered ||
               (!step->job->spec.engine->info.has_secrets && step->plan->secret_environment.n_entries > 0);
}

bool step_needs_secrets(const Step *step) {
        return !brings_secrets(step) && !step_uses_wrapper(step);
}

int step_write_file(const Step *step, const char *name, Str *text, mode_t mode, Error **reterr) {
        _cleanup_free_ char *path =
                step->has_script_alone ? strdup(step->directory) : path_join(step->directory, name);
        int r;

        if (!path || text->error)
                return text->error == -E2BIG
                               ? error_set(reterr, E2BIG, "its script is larger than %u MiB", STEP_FILE_BYTES_MAX >> 20)
                               : error_oom(reterr);
        /* a file that is mounted already stays the one it is */
        r = (step->has_script_alone ? file_fill : file_replace)(path, str_get(text), text->n, mode);
        return r < 0 ? error_set(reterr, -r, "cannot write '%s': %s", path, strerror(-r)) : 0;
}

static void append_quoted(Str *text, const char *value) {
        (void) str_append_char(text, '\'');
        for (; *value; value++)
                (void) (*value == '\'' ? str_append(text, "'\"'\"'") : str_append_char(text, *value));
        (void) str_append_char(text, '\'');
}

static bool is_shell_name(const char *name) {
        return *name &&
               strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") == strlen(name) &&
               !(*name >= '0' && *name <= '9');
}

static void append_export(Str *text, const char *name, const char *value) {
        if (!is_shell_name(name))
                return;
        (void) str_appendf(text, "export %s=", name);
        append_quoted(text, value);
        (void) str_append_char(text, '\n');
}

static void append_secrets(Str *text, const Step *step, bool without) {
        if (!without && brings_secrets(step))
                MAP_FOREACH(entry, &step->plan->secret_environment)
                        append_export(text, entry->key, entry->value);
}

/* What a container finds below STEP_SCRIPT_DIRECTORY. */
typedef struct ScriptFile {
        const char *name;
        mode_t mode;
        Str text;
} ScriptFile;

typedef struct ScriptFiles {
        ScriptFile files[6];
        size_t n;
        bool are_kept; /* for who looks at what failed: without secrets, and the first one is AGAIN */
} ScriptFiles;

static void script_files_done(ScriptFiles *files) {
        for (size_t i = 0; i < files->n; i++)
                str_done(&files->files[i].text);
}

static Str *add_file(ScriptFiles *files, const char *path, mode_t mode) {
        ScriptFile *file = &files->files[files->n++];

        *file = (ScriptFile) { .name = path_base(path), .mode = mode, .text = STR_INIT(STEP_FILE_BYTES_MAX) };
        return &file->text;
}

/* Woodpecker's own script, made once for the variable and the file. NULL if memory is out. */
static char *take_script(Step *step) {
        return step->script ? TAKE_PTR(step->script) : woodpecker_script(step->plan->commands, step->plan->directory);
}

/* The rest is Woodpecker's own script. */
static int make_plain(Step *step, ScriptFiles *files) {
        _cleanup_free_ char *now = str_printf("%llu", (unsigned long long) (clock_realtime_usec() / USEC_PER_SEC));
        _cleanup_free_ char *script = take_script(step);
        Str *text = add_file(files, files->are_kept ? AGAIN : SCRIPT, 0444);

        if (!script || !now)
                return -ENOMEM;
        append_export(text, "CI_PIPELINE_STATUS",
                      (files->are_kept ? step->prepared_failed : step->job->has_failed) ? "failure" : "success");
        append_export(text, "CI_STEP_STARTED", now);
        append_secrets(text, step, files->are_kept);
        (void) str_append(text, script);
        return 0;
}

static int add_commands(const Step *step, char *const *commands, const char *path, ScriptFiles *files) {
        _cleanup_free_ char *script = gitlab_script(commands, step->plan->directory);
        Str *text = add_file(files, path, 0444);

        append_secrets(text, step, files->are_kept);
        if (script)
                (void) str_append(text, script);
        return script ? 0 : -ENOMEM;
}

static int make_strict(const Step *step, ScriptFiles *files) {
        bool has_more = strv_length(step->plan->after_commands) > 0;
        const Policy *policy = step->job->spec.policy;
        _cleanup_free_ char *launcher =
                gitlab_launcher(COMMANDS, has_more ? AFTER : NULL, policy ? policy->shell : NULL);
        Str *text = add_file(files, files->are_kept ? AGAIN : SCRIPT, 0555);
        int r;

        if (!launcher)
                return -ENOMEM;
        (void) str_append(text, launcher);
        r = add_commands(step, step->plan->commands, COMMANDS, files);
        return r >= 0 && has_more ? add_commands(step, step->plan->after_commands, AFTER, files) : r;
}

/* What the wrapper reads: each variable ended by a NUL. */
static void append_variables(Str *text, const Step *step) {
        MAP_FOREACH(entry, &step->plan->secret_environment) {
                (void) str_appendf(text, "%s=%s", entry->key, (const char *) entry->value);
                (void) str_append_n(text, "", 1);
        }
}

static int check_files(const ScriptFiles *files, Error **reterr) {
        for (size_t i = 0; i < files->n; i++)
                if (files->files[i].text.error == -E2BIG)
                        return error_set(reterr, E2BIG, "its script is larger than %u MiB", STEP_FILE_BYTES_MAX >> 20);
                else if (files->files[i].text.error < 0)
                        return error_oom(reterr);
        return 0;
}

/* Just before the start: they hold what is only known then, and secrets, which so appear in no inspect. */
static int make_files(Step *step, ScriptFiles *files, Error **reterr) {
        int r = 0;

        if (step_uses_script(step->plan))
                r = step->plan->style == SCRIPT_STRICT ? make_strict(step, files) : make_plain(step, files);
        if (r < 0)
                return error_oom(reterr);
        if (files->are_kept || step_uses_wrapper(step)) {
                Str *text = add_file(files, VARIABLES, 0444);

                if (!files->are_kept)
                        append_variables(text, step);
        }
        if (files->are_kept) {
                (void) str_append(add_file(files, SCRIPT, 0555), "#!/bin/sh\nexec " HOLDER " stay\n");
                (void) add_file(files, STAY, 0444);
        }
        return check_files(files, reterr);
}

/* The holder comes along where it is to run: in the wrapper's place, or for who enters. */
static int send_files(Step *step, const ScriptFiles *files, bool with_holder, TaskDone done, void *userdata,
                      Task **ret_task, Error **reterr) {
        ArchiveSpec spec = { .container = step->container,
                             .path = STEP_SCRIPT_DIRECTORY,
                             .source = upload_read,
                             .rewind = upload_rewind };
        _cleanup_free_ char *program = NULL;
        size_t n = 0;
        int r = with_holder ? helper_read_program(step->job, &program, &n, reterr) : 0;

        if (r < 0)
                return r;
        step->upload = upload_free(step->upload);
        if (upload_new_empty(&step->upload) < 0 ||
            (with_holder && upload_add_file(step->upload, path_base(HOLDER), program, n, 0555) < 0))
                return error_oom(reterr);
        for (size_t i = 0; i < files->n; i++) {
                const ScriptFile *file = &files->files[i];

                if (upload_add_file(step->upload, file->name, str_get(&file->text), file->text.n, file->mode) < 0)
                        return error_oom(reterr);
        }
        spec.userdata = step->upload;
        return engine_archive_put(step->job->spec.engine, &spec, done, userdata, ret_task);
}

/* One copy for all steps of the job, each with a name of its own. */
static int put_holder(const Step *step, Error **reterr) {
        _cleanup_free_ char *path = path_join(step->job->directory.path, "holder"),
                            *name = path_join(step->directory, path_base(HOLDER));
        _cleanup_free_ char *program = NULL;
        size_t n = 0;
        int r = 0;

        if (!path || !name)
                return error_oom(reterr);
        if (!file_exists(path)) {
                r = helper_read_program(step->job, &program, &n, reterr);
                if (r < 0)
                        return r;
                r = file_replace(path, program, n, 0555);
        }
        if (r >= 0 && link(path, name) < 0 && errno != EEXIST)
                r = -errno;
        return r < 0 ? error_set(reterr, -r, "cannot write '%s': %s", name, strerror(-r)) : 0;
}

static int put_files(Step *step, const ScriptFiles *files, bool with_holder, TaskDone done, void *userdata,
                     Task **ret_task, Error **reterr) {
        int r = 0;

        if (files->n == 0 && !with_holder)
                return 1;
        if (job_is_far(step->job))
                return send_files(step, files, with_holder, done, userdata, ret_task, reterr);
        for (size_t i = 0; i < files->n && r >= 0; i++)
                r = step_write_file(step, files->files[i].name, (Str *) &files->files[i].text, files->files[i].mode,
                                    reterr);
        if (with_holder && r >= 0) /* last: without it, secrets are out of the files all the same */
                r = put_holder(step, reterr);
        return r < 0 ? r : 1;
}

int step_send_files(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr) {
        _cleanup_(script_files_done) ScriptFiles files = { 0 };
        int r = make_files(step, &files, reterr);

        return r < 0 ? r : put_files(step, &files, step_uses_wrapper(step), done, userdata, ret_task, reterr);
}

int step_keep_files(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr) {
        _cleanup_(script_files_done) ScriptFiles files = { .are_kept = true };
        int r = step->directory ? 0 : step_name_directory(step, reterr);

        if (r >= 0)
                r = make_files(step, &files, reterr);
        return r < 0 ? r : put_files(step, &files, true, done, userdata, ret_task, reterr);
}

static bool is_shell_with_text(char *const *program) {
        return strv_contains(program, "-c");
}

/*
 * A strict script is handed to the image's program as "sh FILE", which is what GitLab asks of images; where that takes
 * a text of the shell ("sh -c"), only its first word would count, so that is the file itself.
 */
static void choose_program(const Step *step, ContainerSpec *spec) {
        static const char *const plain[] = { "/bin/sh", "-e", SCRIPT, NULL };
        static const char *const strict[] = { "sh", SCRIPT, NULL }, *const file[] = { SCRIPT, NULL };
        const PlanStep *plan = step->plan;

        if (!step_uses_script(plan)) {
                spec->entrypoint = plan->entrypoint;
                spec->command = plan->arguments;
        } else if (plan->style == SCRIPT_PLAIN)
                spec->entrypoint = (char *const *) plain;
        else {
                spec->entrypoint = plan->entrypoint;
                spec->command = (char *const *) (is_shell_with_text(starter(step)) ? file : strict);
        }
}

static int append_words(char ***words, char *const *more) {
        int r = 0;

        for (size_t i = 0; more && more[i] && r >= 0; i++)
                r = strv_append(words, more[i]);
        return r;
}

/* podstep-holder in front of what would run. */
static int wrap(const Step *step, const ContainerSpec *spec, char ***ret) {
        static const char *const front[] = { HOLDER, "with", VARIABLES, NULL };
        char *const *command = spec->command || step->plan->entrypoint ? spec->command : step->image->info.command;
        int r = append_words(ret, (char *const *) front);

        if (r >= 0)
                r = append_words(ret, starter(step));
        return r < 0 ? r : append_words(ret, command);
}

int step_program(const Step *step, ContainerSpec *spec, char ***ret_wrapped) {
        int r;

        choose_program(step, spec);
        if (!step_uses_wrapper(step))
                return 0;
        r = wrap(step, spec, ret_wrapped);
        if (r < 0)
                return r;
        spec->entrypoint = *ret_wrapped;
        spec->command = NULL;
        return 0;
}

/* "linux/amd64": Go's names, as Woodpecker has them. */
static char *platform(void) {
        static const struct {
                const char *machine, *arch;
        } rows[] = { { "x86_64", "amd64" }, { "aarch64", "arm64" }, { "armv7l", "arm" }, { "i686", "386" } };
        struct utsname name;

        if (uname(&name) < 0)
                return NULL;
        FOREACH_ROW(row, rows)
                if (str_equal(row->machine, name.machine))
                        return str_printf("linux/%s", row->arch);
        return str_printf("linux/%s", name.machine);
}

/* Reference: Woodpecker's run-time variables, which override what the workflow says. */
static int add_plain_variables(Step *step, Map *env) {
        const Job *job = step->job;
        _cleanup_free_ char *system = platform();
        struct utsname host = { 0 };
        int r;

        (void) uname(&host);
        r = strmap_put(env, "CI_PIPELINE_STATUS", job->has_failed ? "failure" : "success");
        if (r >= 0)
                r = strmap_putf(env, "CI_PIPELINE_STARTED", "%llu",
                                (unsigned long long) (job->started_realtime_usec / USEC_PER_SEC));
        if (r >= 0)
                r = strmap_putf(env, "CI_STEP_STARTED", "%llu",
                                (unsigned long long) (clock_realtime_usec() / USEC_PER_SEC));
        if (r >= 0)
                r = strmap_put(env, "CI_STEP_NAME", step->plan->name);
        if (r >= 0)
                r = strmap_put(env, "CI_STEP_TYPE", step_kind_to_string(step->plan->kind));
        if (r >= 0)
                r = strmap_put(env, "CI_MACHINE", host.nodename);
        if (r >= 0)
                r = strmap_put(env, "CI_SYSTEM_PLATFORM", system);
        if (r >= 0 && step->plan->commands) {
                _cleanup_free_ char *script = take_script(step);
                _cleanup_free_ char *encoded = script ? base64_encode(script, strlen(script), BASE64_STANDARD) : NULL;

                r = encoded ? strmap_put(env, "SHELL", "/bin/sh") : -ENOMEM;
                if (r >= 0 && (step->plan->entrypoint || strlen(encoded) < CI_SCRIPT_BYTES_MAX))
                        r = map_put_take(env, "CI_SCRIPT", TAKE_PTR(encoded));
                if (step_uses_script(step->plan))
                        step->script = TAKE_PTR(script);
        }
        return r;
}

/* "2026-01-31T12:00:00Z" */
static int put_time(Map *env, const char *name, uint64_t usec) {
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        char text[64];
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                return 0;
        return strmap_put(env, name, text);
}

/* Reference: GitLab's and its runner's variables of a job that has started. */
static int add_strict_variables(const Step *step, Map *env) {
        _cleanup_free_ char *system = platform();
        int r;

        r = strmap_put(env, "CI_JOB_STATUS", "running");
        if (r >= 0)
                r = put_time(env, "CI_JOB_STARTED_AT", step->job->started_realtime_usec);
        if (r >= 0)
                r = strmap_putf(env, "CI_JOB_TIMEOUT", "%llu",
                                (unsigned long long) (step->job->spec.timeout_usec / USEC_PER_SEC));
        return r >= 0 ? strmap_put(env, "CI_RUNNER_EXECUTABLE_ARCH", system) : r;
}

int step_environment(Step *step, Map *env) {
        int r = strmap_update(env, &step->plan->environment);

        if (r < 0)
                return r;
        return step->plan->style == SCRIPT_STRICT ? add_strict_variables(step, env) : add_plain_variables(step, env);
}
