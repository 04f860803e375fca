/* From a step of the plan to a container of the engine: its files, mounts, environment, user and network. */

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/array.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/helper.h"
#include "job/job-internal.h"
#include "pipeline/woodpecker.h"

#define SCRIPT_DIRECTORY "/podstep"
#define SCRIPT_IN_CONTAINER SCRIPT_DIRECTORY "/script"
#define SCRIPT_BYTES_MAX (16U * 1024 * 1024)
/* The kernel takes no single argument or variable above 128 KiB (MAX_ARG_STRLEN). */
#define CI_SCRIPT_BYTES_MAX (120U * 1024)

/* Images are asked twice a minute by default; a step that waits for a service has no time for that. */
#define FAR_HEALTH_INTERVAL_USEC USEC_PER_SEC

bool step_uses_script(const PlanStep *step) {
        return step->commands && !step->entrypoint;
}

static char *step_file(const Step *step, const char *name) {
        return path_join(step->directory, name);
}

static int write_file(const Step *step, const char *name, Str *text, mode_t mode, Error **reterr) {
        _cleanup_free_ char *path = step_file(step, name);
        int r;

        if (!path || text->error)
                return text->error == -E2BIG ? error_set(reterr, E2BIG, "its script is larger than %u MiB", SCRIPT_BYTES_MAX >> 20) : error_oom(reterr);
        r = file_replace(path, str_get(text), text->n, mode);
        return r < 0 ? error_set(reterr, -r, "cannot write '%s': %s", path, strerror(-r)) : 0;
}

static bool uses_job_network(const Step *step) {
        return sandbox_shares_network(step->job->sandbox) && !step->plan->network_mode;
}

/* The job's aliases and what the step adds; the job's own file does where it adds nothing. */
static int write_hosts(const Step *step, Error **reterr) {
        _cleanup_str_ Str text = STR_INIT(SCRIPT_BYTES_MAX);
        _cleanup_free_ char *job_hosts = path_join(step->job->directory.path, "hosts"), *common = NULL;
        int r;

        if (!job_hosts)
                return error_oom(reterr);
        r = file_read(job_hosts, SCRIPT_BYTES_MAX, &common, NULL);
        if (r < 0)
                return error_set(reterr, -r, "cannot read '%s': %s", job_hosts, strerror(-r));
        for (size_t i = 0; i < step->plan->n_extra_hosts; i++)
                (void) str_appendf(&text, "%s\t%s\n", step->plan->extra_hosts[i].address, step->plan->extra_hosts[i].name);
        (void) str_append(&text, common);
        return write_file(step, "hosts", &text, 0644, reterr);
}

/* In a shared namespace the engine takes no DNS settings of one container, so the file is ours too. */
static int write_resolv_conf(const Step *step, Error **reterr) {
        _cleanup_str_ Str text = STR_INIT(SCRIPT_BYTES_MAX);

        STRV_FOREACH(server, step->plan->dns)
                (void) str_appendf(&text, "nameserver %s\n", *server);
        if (step->plan->dns_search) {
                _cleanup_free_ char *search = strv_join(step->plan->dns_search, " ");

                (void) str_appendf(&text, "search %s\n", search ? search : "");
        }
        return write_file(step, "resolv.conf", &text, 0644, reterr);
}

int step_name_directory(Step *step, Error **reterr) {
        step->directory = str_printf("%s/step-%zu", step->job->directory.path, step->index);
        return step->directory ? 0 : error_oom(reterr);
}

int step_make_directory(Step *step, Error **reterr) {
        int r = step_name_directory(step, reterr);

        if (r < 0)
                return r;
        r = file_mkdir_p(step->directory, 0755);
        if (r < 0)
                return error_set(reterr, -r, "cannot make '%s': %s", step->directory, strerror(-r));
        if (uses_job_network(step) && step->plan->n_extra_hosts > 0)
                r = write_hosts(step, reterr);
        if (r >= 0 && uses_job_network(step) && (step->plan->dns || step->plan->dns_search))
                r = write_resolv_conf(step, reterr);
        return r;
}

static void append_quoted(Str *text, const char *value) {
        (void) str_append_char(text, '\'');
        for (; *value; value++)
                (void) (*value == '\'' ? str_append(text, "'\"'\"'") : str_append_char(text, *value));
        (void) str_append_char(text, '\'');
}

static bool is_shell_name(const char *name) {
        return *name && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") == strlen(name) && !(*name >= '0' && *name <= '9');
}

static void append_export(Str *text, const char *name, const char *value) {
        if (!is_shell_name(name))
                return;
        (void) str_appendf(text, "export %s=", name);
        append_quoted(text, value);
        (void) str_append_char(text, '\n');
}

/*
 * Made just before the start: what is only known then, and secrets, which so appear in no inspect of the container. The rest is
 * Woodpecker's own script.
 */
static int make_script(const Step *step, Str *text, Error **reterr) {
        _cleanup_free_ char *script = NULL, *now = str_printf("%llu", (unsigned long long) (clock_realtime_usec() / USEC_PER_SEC));

        script = woodpecker_script(step->plan->commands, step->plan->directory);
        if (!script || !now)
                return error_oom(reterr);
        append_export(text, "CI_PIPELINE_STATUS", step->job->has_failed ? "failure" : "success");
        append_export(text, "CI_STEP_STARTED", now);
        MAP_FOREACH(entry, &step->plan->secret_environment)
                append_export(text, entry->key, entry->value);
        (void) str_append(text, script);
        return 0;
}

/* Secrets that neither a script of ours nor the engine can set: podstep-holder adds them, and becomes the program. */
static bool uses_wrapper(const Step *step) {
        return !step_uses_script(step->plan) && !step->job->spec.engine->info.has_secrets && step->plan->secret_environment.n_entries > 0;
}

static int add_wrapper(Step *step, Error **reterr) {
        _cleanup_str_ Str variables = STR_INIT(SCRIPT_BYTES_MAX);
        _cleanup_free_ char *program = NULL;
        size_t n;
        int r;

        MAP_FOREACH(entry, &step->plan->secret_environment) {
                (void) str_appendf(&variables, "%s=%s", entry->key, (const char *) entry->value);
                (void) str_append_n(&variables, "", 1);
        }
        r = helper_read_program(step->job, &program, &n, reterr);
        if (r < 0)
                return r;
        if (upload_add_file(step->upload, "holder", program, n, 0555) < 0 ||
            upload_add_file(step->upload, "variables", str_get(&variables), variables.n, 0444) < 0)
                return error_oom(reterr);
        return 0;
}

static int send_files(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr) {
        ArchiveSpec spec = { .container = step->container, .path = SCRIPT_DIRECTORY, .source = upload_read, .rewind = upload_rewind };
        _cleanup_str_ Str text = STR_INIT(SCRIPT_BYTES_MAX);
        int r;

        if (!step_uses_script(step->plan) && !uses_wrapper(step))
                return 1;
        step->upload = upload_free(step->upload);
        if (upload_new_empty(&step->upload) < 0)
                return error_oom(reterr);
        r = uses_wrapper(step) ? add_wrapper(step, reterr) : make_script(step, &text, reterr);
        if (r < 0)
                return r;
        if (text.error == -E2BIG)
                return error_set(reterr, E2BIG, "its script is larger than %u MiB", SCRIPT_BYTES_MAX >> 20);
        if (text.error || (text.n > 0 && upload_add_file(step->upload, "script", str_get(&text), text.n, 0444) < 0))
                return error_oom(reterr);
        spec.userdata = step->upload;
        return engine_archive_put(step->job->spec.engine, &spec, done, userdata, ret_task);
}

int step_send_files(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr) {
        _cleanup_str_ Str text = STR_INIT(SCRIPT_BYTES_MAX);
        int r;

        if (job_is_far(step->job))
                return send_files(step, done, userdata, ret_task, reterr);
        if (!step_uses_script(step->plan))
                return 1;
        r = make_script(step, &text, reterr);
        if (r >= 0)
                r = write_file(step, "script", &text, 0444, reterr);
        return r < 0 ? r : 1;
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
static int make_environment(const Step *step, Map *env) {
        const Job *job = step->job;
        _cleanup_free_ char *system = platform();
        struct utsname host = { 0 };
        int r;

        (void) uname(&host);
        r = strmap_update(env, &step->plan->environment);
        if (r >= 0)
                r = strmap_put(env, "CI_PIPELINE_STATUS", job->has_failed ? "failure" : "success");
        if (r >= 0)
                r = strmap_putf(env, "CI_PIPELINE_STARTED", "%llu", (unsigned long long) (job->started_realtime_usec / USEC_PER_SEC));
        if (r >= 0)
                r = strmap_putf(env, "CI_STEP_STARTED", "%llu", (unsigned long long) (clock_realtime_usec() / USEC_PER_SEC));
        if (r >= 0)
                r = strmap_put(env, "CI_STEP_NAME", step->plan->name);
        if (r >= 0)
                r = strmap_put(env, "CI_STEP_TYPE", step_kind_to_string(step->plan->kind));
        if (r >= 0)
                r = strmap_put(env, "CI_MACHINE", host.nodename);
        if (r >= 0)
                r = strmap_put(env, "CI_SYSTEM_PLATFORM", system);
        if (r >= 0 && step->plan->commands) {
                _cleanup_free_ char *script = woodpecker_script(step->plan->commands, step->plan->directory);
                _cleanup_free_ char *encoded = script ? base64_encode(script, strlen(script), BASE64_STANDARD) : NULL;

                r = encoded ? strmap_put(env, "SHELL", "/bin/sh") : -ENOMEM;
                if (r >= 0 && (step->plan->entrypoint || strlen(encoded) < CI_SCRIPT_BYTES_MAX))
                        r = strmap_put(env, "CI_SCRIPT", encoded);
        }
        return r;
}

/* Variables that hold secrets and that no script of ours can set come from secrets of the engine. */
static int name_secrets(const Step *step, Map *secrets) {
        size_t i = 0;
        int r = 0;

        if (step_uses_script(step->plan) || uses_wrapper(step))
                return 0;
        MAP_FOREACH(entry, &step->plan->secret_environment)
                if (r >= 0)
                        r = strmap_putf(secrets, entry->key, "%s.secret-%zu", step->container, i++);
        return r;
}

int step_create_secret(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr) {
        _cleanup_free_ char *name = str_printf("%s.secret-%zu", step->container, step->n_secrets);
        size_t i = 0;

        if (step_uses_script(step->plan) || uses_wrapper(step))
                return 1;
        MAP_FOREACH(entry, &step->plan->secret_environment)
                if (i++ == step->n_secrets) {
                        if (!name)
                                return error_oom(reterr);
                        step->n_secrets++; /* asked for: to be removed whatever comes of it */
                        return engine_secret_create(step->job->spec.engine, name, &step->job->labels, entry->value, done, userdata, ret_task);
                }
        return 1;
}

/* Mounts are collected in an array of their own; the strings they point to live in 'strings' until the request is made. */
typedef struct Mounts {
        MountSpec *mounts;
        size_t n_mounts;
        char **strings;
        int error;
} Mounts;

static void mounts_done(Mounts *mounts) {
        free(mounts->mounts);
        strv_free(mounts->strings);
}

static void add_mount(Mounts *mounts, MountSpec mount) {
        if (mounts->error >= 0)
                mounts->error = ARRAY_APPEND(mounts->mounts, mounts->n_mounts, mount);
}

static const char *keep_string(Mounts *mounts, char *take) {
        if (strv_append_take(&mounts->strings, take) < 0)
                mounts->error = -ENOMEM;
        return take;
}

static void add_own_file(Mounts *mounts, char *path_take, const char *target) {
        static const char *const read_only[] = { "rbind", "ro", NULL };

        add_mount(mounts, (MountSpec) { MOUNT_BIND, keep_string(mounts, path_take), target, (char *const *) read_only });
}

static void add_own_files(Mounts *mounts, const Step *step) {
        if (job_is_far(step->job)) { /* a volume takes files also where the rest is read-only */
                if (step_uses_script(step->plan) || uses_wrapper(step))
                        add_mount(mounts, (MountSpec) { .kind = MOUNT_VOLUME, .target = SCRIPT_DIRECTORY });
                return;
        }
        if (step_uses_script(step->plan))
                add_own_file(mounts, strdup(step->directory), SCRIPT_DIRECTORY);
        if (!uses_job_network(step))
                return;
        add_own_file(mounts, step->plan->n_extra_hosts > 0 ? step_file(step, "hosts") : path_join(step->job->directory.path, "hosts"), "/etc/hosts");
        if (step->plan->dns || step->plan->dns_search)
                add_own_file(mounts, step_file(step, "resolv.conf"), "/etc/resolv.conf");
}

static void add_plan_mounts(Mounts *mounts, const PlanStep *plan) {
        for (size_t i = 0; i < plan->n_volumes; i++) {
                const PlanVolume *volume = &plan->volumes[i];
                bool is_path = volume->source && volume->source[0] == '/';

                add_mount(mounts, (MountSpec) { is_path ? MOUNT_BIND : MOUNT_VOLUME, volume->source, volume->target, volume->options });
        }
        for (size_t i = 0; i < plan->n_tmpfs; i++) {
                char **options = NULL;

                if (plan->tmpfs[i].options && strv_split(plan->tmpfs[i].options, ',', &options) < 0)
                        mounts->error = -ENOMEM;
                add_mount(mounts, (MountSpec) { MOUNT_TMPFS, NULL, plan->tmpfs[i].target, options });
        }
}

static void free_tmpfs_options(Mounts *mounts) {
        for (size_t i = 0; i < mounts->n_mounts; i++)
                if (mounts->mounts[i].kind == MOUNT_TMPFS)
                        strv_free((char **) mounts->mounts[i].options);
}

static int collect_mounts(Mounts *mounts, const Step *step) {
        MountSpec workspace[2];
        size_t n = workspace_mounts(step->job->workspace, step->plan, workspace);

        for (size_t i = 0; i < n; i++)
                add_mount(mounts, workspace[i]);
        add_own_files(mounts, step);
        add_plan_mounts(mounts, step->plan);
        return mounts->error;
}

/* A bind whose source is missing is the author's mistake: say so before the engine does, in its own way. */
static int check_volumes(const Step *step, Error **reterr) {
        for (size_t i = 0; i < step->plan->n_volumes; i++) {
                const PlanVolume *volume = &step->plan->volumes[i];

                if (volume->source && volume->source[0] == '/' && step->job->spec.engine->info.is_local && !file_exists(volume->source))
                        return error_set(reterr, ENOENT, "volume '%s:%s': there is no '%s' on this machine", volume->source, volume->target, volume->source);
        }
        return 0;
}

static int make_lists(const PlanStep *plan, char ***devices, char ***hosts, char ***aliases) {
        int r = plan->alias ? strv_append(aliases, plan->alias) : 0;

        if (r >= 0 && plan->host_name)
                r = strv_append(aliases, plan->host_name);

        for (size_t i = 0; r >= 0 && i < plan->n_devices; i++)
                r = strv_append_take(devices, plan->devices[i].target ? str_printf("%s:%s:%s", plan->devices[i].source, plan->devices[i].target, plan->devices[i].access)
                                                                      : strdup(plan->devices[i].source));
        for (size_t i = 0; r >= 0 && i < plan->n_extra_hosts; i++)
                r = strv_append_take(hosts, str_printf("%s:%s", plan->extra_hosts[i].name, plan->extra_hosts[i].address));
        return r;
}

/* podstep-holder in front of what would run: the step's own entrypoint, or the image's with its command. */
static int make_wrapped(const Step *step, char ***ret) {
        const char *const front[] = { SCRIPT_DIRECTORY "/holder", "with", SCRIPT_DIRECTORY "/variables" };
        char *const *entrypoint = step->plan->entrypoint ? step->plan->entrypoint : step->image->info.entrypoint;
        char *const *command = step->plan->entrypoint ? NULL : step->image->info.command;
        int r = 0;

        FOREACH_ROW(word, front)
                if (r >= 0)
                        r = strv_append(ret, *word);
        STRV_FOREACH(word, entrypoint)
                if (r >= 0)
                        r = strv_append(ret, *word);
        STRV_FOREACH(word, command)
                if (r >= 0)
                        r = strv_append(ret, *word);
        return r;
}

int step_create_container(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr) {
        static const char *const shell[] = { "/bin/sh", "-e", SCRIPT_IN_CONTAINER, NULL };
        const PlanStep *plan = step->plan;
        bool has_own_network = !uses_job_network(step);
        _cleanup_(mounts_done) Mounts mounts = { 0 };
        _cleanup_strv_ char **devices = NULL, **hosts = NULL, **aliases = NULL, **wrapped = NULL;
        HealthSpec health = { .interval_usec = FAR_HEALTH_INTERVAL_USEC };
        _cleanup_map_ Map env = STRMAP_INIT, secrets = STRMAP_INIT, labels = STRMAP_INIT;
        ContainerSpec spec;
        int r;

        r = check_volumes(step, reterr);
        if (r < 0)
                return r;
        if (make_environment(step, &env) < 0 || name_secrets(step, &secrets) < 0 || strmap_update(&labels, &step->job->labels) < 0 ||
            strmap_put(&labels, "io.podstep.step", plan->name) < 0 || collect_mounts(&mounts, step) < 0 ||
            make_lists(plan, &devices, &hosts, &aliases) < 0 || (uses_wrapper(step) && make_wrapped(step, &wrapped) < 0)) {
                free_tmpfs_options(&mounts);
                return error_oom(reterr);
        }
        spec = (ContainerSpec) {
                .name = step->container,
                .pod = sandbox_pod(step->job->sandbox),
                .image = step->image->info.id,
                .entrypoint = step_uses_script(plan) ? (char *const *) shell : wrapped ? wrapped : plan->entrypoint,
                .environment = &env,
                .secret_environment = &secrets,
                .labels = &labels,
                .user = plan->user,
                /* A script finds its own way; an image's own program starts where it is told. */
                .directory = plan->commands ? plan->workspace_base : plan->directory,
                .makes_directory = true,
                .hostname = plan->network_mode && str_equal(plan->network_mode, "host") ? NULL : plan->alias,
                .keeps_id = step->keeps_id,
                .uid = step->ids.uid,
                .gid = step->ids.gid,
                .mounts = mounts.mounts,
                .n_mounts = mounts.n_mounts,
                .dns = has_own_network ? plan->dns : NULL,
                .dns_search = has_own_network ? plan->dns_search : NULL,
                .extra_hosts = has_own_network ? hosts : NULL,
                .devices = devices,
                .log_path = step->log_path,
                .monitor_pid_path = step->pid_path,
        };
        container_options_put(job_options(step->job, plan), &step->job->spec.engine->info, plan->privileged, &spec);
        if (plan->kind == STEP_SERVICE && step->image->info.has_health_check && step->image->info.health_interval_usec > health.interval_usec)
                spec.health = step->job->spec.engine->info.runs_health_checks ? &health : NULL;
        sandbox_network(step->job->sandbox, plan, aliases, &spec.network);
        r = engine_container_create(step->job->spec.engine, &spec, &step->container_id, done, userdata, ret_task);
        free_tmpfs_options(&mounts);
        return r;
}
