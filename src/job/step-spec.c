/* From a step of the plan to a container of the engine: its files, mounts, user and network. */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/job-internal.h"

/* Images are asked twice a minute by default; a step that waits for a service has no time for that. */
#define FAR_HEALTH_INTERVAL_USEC USEC_PER_SEC
#define READY_COMMAND_USEC (30 * USEC_PER_SEC) /* one run of it */

static char *step_file(const Step *step, const char *name) {
        return path_join(step->directory, name);
}

static bool uses_job_network(const Step *step) {
        return sandbox_shares_network(step->job->sandbox) && !step->plan->network_mode;
}

/* The job's aliases and what the step adds; the job's own file does where it adds nothing. */
static int write_hosts(const Step *step, Error **reterr) {
        _cleanup_str_ Str text = STR_INIT(STEP_FILE_BYTES_MAX);
        _cleanup_free_ char *job_hosts = path_join(step->job->directory.path, "hosts"), *common = NULL;
        int r;

        if (!job_hosts)
                return error_oom(reterr);
        r = file_read(job_hosts, STEP_FILE_BYTES_MAX, &common, NULL);
        if (r < 0)
                return error_set(reterr, -r, "cannot read '%s': %s", job_hosts, strerror(-r));
        for (size_t i = 0; i < step->plan->n_extra_hosts; i++)
                (void) str_appendf(&text, "%s\t%s\n", step->plan->extra_hosts[i].address,
                                   step->plan->extra_hosts[i].name);
        (void) str_append(&text, common);
        return step_write_file(step, "hosts", &text, 0644, reterr);
}

static bool is_same_list(char *const *a, char *const *b) {
        size_t n = strv_length(a);

        if (n != strv_length(b))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!str_equal(a[i], b[i]))
                        return false;
        return true;
}

/* The operator's own servers are those of the holder, whose file the engine shares with all. */
static bool has_own_resolver(const Step *step) {
        const PolicyNetwork *network = &step->job->spec.policy->network;

        return uses_job_network(step) && (!is_same_list(step->plan->dns, network->dns) ||
                                          !is_same_list(step->plan->dns_search, network->dns_search));
}

/* In a shared namespace the engine takes no DNS settings of one container, so the file is ours too. */
static int write_resolv_conf(const Step *step, Error **reterr) {
        _cleanup_str_ Str text = STR_INIT(STEP_FILE_BYTES_MAX);

        STRV_FOREACH(server, step->plan->dns)
                (void) str_appendf(&text, "nameserver %s\n", *server);
        if (step->plan->dns_search) {
                _cleanup_free_ char *search = strv_join(step->plan->dns_search, " ");

                (void) str_appendf(&text, "search %s\n", search ? search : "");
        }
        return step_write_file(step, "resolv.conf", &text, 0644, reterr);
}

static bool has_own_hosts(const Step *step) {
        return uses_job_network(step) && step->plan->n_extra_hosts > 0;
}

/* Then the engine would make a file for it in what is mounted there. */
static bool is_mounted_over(const PlanStep *plan) {
        for (size_t i = 0; i < plan->n_volumes; i++)
                if (str_equal(plan->volumes[i].target, STEP_SCRIPT_DIRECTORY))
                        return true;
        for (size_t i = 0; i < plan->n_tmpfs; i++)
                if (str_equal(plan->tmpfs[i].target, STEP_SCRIPT_DIRECTORY))
                        return true;
        return str_equal(plan->workspace_base, STEP_SCRIPT_DIRECTORY);
}

/* Which nobody replaces once the container is made: no later process, and no one who enters it. */
static bool is_given_script_alone(const Step *step) {
        const Job *job = step->job;

        return step_uses_script(step->plan) && step->plan->style == SCRIPT_PLAIN && !step->plan->is_default_clone &&
               !step_uses_wrapper(step) && !job_is_far(job) && !job->spec.keep && !job->spec.journal.put &&
               !has_own_hosts(step) && !has_own_resolver(step) && !is_mounted_over(step->plan);
}

int step_name_directory(Step *step, Error **reterr) {
        free(step->directory);
        step->directory = str_printf("%s/step-%zu", step->job->directory.path, step->index);
        return step->directory ? 0 : error_oom(reterr);
}

int step_make_directory(Step *step, Error **reterr) {
        int r = step_name_directory(step, reterr);

        if (r < 0)
                return r;
        step->has_script_alone = is_given_script_alone(step);
        r = step->has_script_alone ? file_write(step->directory, "", 0, 0600) : file_mkdir_p(step->directory, 0755);
        if (r < 0)
                return error_set(reterr, -r, "cannot make '%s': %s", step->directory, strerror(-r));
        if (has_own_hosts(step))
                r = write_hosts(step, reterr);
        if (r >= 0 && has_own_resolver(step))
                r = write_resolv_conf(step, reterr);
        return r;
}

/* Variables that hold secrets and that no script of ours can set come from secrets of the engine. */
static int name_secrets(const Step *step, Map *secrets) {
        size_t i = 0;
        int r = 0;

        if (!step_needs_secrets(step))
                return 0;
        MAP_FOREACH(entry, &step->plan->secret_environment)
                if (r >= 0)
                        r = strmap_putf(secrets, entry->key, "%s.secret-%zu", step->container, i++);
        return r;
}

int step_create_secret(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr) {
        _cleanup_free_ char *name = str_printf("%s.secret-%zu", step->container, step->n_secrets);
        size_t i = 0;

        if (!step_needs_secrets(step))
                return 1;
        MAP_FOREACH(entry, &step->plan->secret_environment)
                if (i++ == step->n_secrets) {
                        if (!name)
                                return error_oom(reterr);
                        step->n_secrets++; /* asked for: to be removed whatever comes of it */
                        return engine_secret_create(step->job->spec.engine, name, &step->job->labels, entry->value,
                                                    done, userdata, ret_task);
                }
        return 1;
}

/*
 * Mounts are collected in an array of their own; the strings they point to live in 'strings' until the request is made.
 */
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

/* SELinux keeps containers from files of a home directory; 'z' gives ours the label that all containers may read. */
static void add_own_file(Mounts *mounts, const Step *step, char *path_take, const char *target) {
        static const char *const read_only[] = { "rbind", "ro", NULL }, *const labelled[] = { "rbind", "ro", "z",
                                                                                              NULL };
        const char *const *options = step->job->spec.engine->info.has_selinux ? labelled : read_only;

        add_mount(mounts, (MountSpec) { MOUNT_BIND, keep_string(mounts, path_take), target, (char *const *) options });
}

static void add_own_files(Mounts *mounts, const Step *step) {
        if (job_is_far(step->job)) { /* a volume takes files also where the rest is read-only */
                if (step_uses_script(step->plan) || step_uses_wrapper(step))
                        add_mount(mounts, (MountSpec) { .kind = MOUNT_VOLUME, .target = STEP_SCRIPT_DIRECTORY });
                return;
        }
        if (step_uses_script(step->plan) || step_uses_wrapper(step))
                add_own_file(mounts, step, strdup(step->directory),
                             step->has_script_alone ? STEP_SCRIPT_DIRECTORY "/" STEP_SCRIPT_NAME
                                                    : STEP_SCRIPT_DIRECTORY);
        if (!uses_job_network(step))
                return;
        add_own_file(mounts, step,
                     has_own_hosts(step) ? step_file(step, "hosts") : path_join(step->job->directory.path, "hosts"),
                     "/etc/hosts");
        if (has_own_resolver(step))
                add_own_file(mounts, step, step_file(step, "resolv.conf"), "/etc/resolv.conf");
}

static void add_plan_mounts(Mounts *mounts, const Step *step) {
        const PlanStep *plan = step->plan;

        for (size_t i = 0; i < plan->n_volumes; i++) {
                const PlanVolume *volume = &plan->volumes[i];
                bool is_path = volume->source && volume->source[0] == '/';
                const char *source = volume->is_cache ? keep_string(mounts, plan_volume_source(volume, step->job->slot))
                                                      : guard_source(step, volume);

                add_mount(mounts, (MountSpec) { .kind = is_path ? MOUNT_BIND : MOUNT_VOLUME,
                                                .source = source,
                                                .target = volume->target,
                                                .options = volume->options,
                                                .must_exist = is_path && !volume->is_cache });
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
        add_plan_mounts(mounts, step);
        return mounts->error;
}

static int make_lists(const PlanStep *plan, char ***devices, char ***hosts, char ***aliases) {
        int r = plan->alias ? strv_append(aliases, plan->alias) : 0;

        for (size_t i = 0; r >= 0 && plan->host_names && plan->host_names[i]; i++)
                r = strv_append(aliases, plan->host_names[i]);
        for (size_t i = 0; r >= 0 && i < plan->n_devices; i++)
                r = strv_append_take(devices, plan->devices[i].target
                                                      ? str_printf("%s:%s:%s", plan->devices[i].source,
                                                                   plan->devices[i].target, plan->devices[i].access)
                                                      : strdup(plan->devices[i].source));
        for (size_t i = 0; r >= 0 && i < plan->n_extra_hosts; i++)
                r = strv_append_take(hosts,
                                     str_printf("%s:%s", plan->extra_hosts[i].name, plan->extra_hosts[i].address));
        return r;
}

/* Podman is asked by us; Docker asks by itself, more often than some images want. */
static bool wants_health_check(const Step *step, HealthSpec *ret) {
        const PlanStep *plan = step->plan;
        bool is_asked_by_engine = step->job->spec.engine->info.runs_health_checks;

        *ret = (HealthSpec) { .interval_usec = is_asked_by_engine ? FAR_HEALTH_INTERVAL_USEC : 0 };
        if (plan->ready.command) {
                ret->test = plan->ready.command;
                ret->timeout_usec = READY_COMMAND_USEC;
                ret->retries = 1;
                return true;
        }
        return is_asked_by_engine && plan->kind == STEP_SERVICE && step->image->info.has_health_check &&
               step->image->info.health_interval_usec > FAR_HEALTH_INTERVAL_USEC;
}

int step_create_container(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr) {
        const PlanStep *plan = step->plan;
        bool has_own_network = !uses_job_network(step);
        _cleanup_(mounts_done) Mounts mounts = { 0 };
        _cleanup_strv_ char **devices = NULL, **hosts = NULL, **aliases = NULL, **wrapped = NULL;
        HealthSpec health;
        _cleanup_map_ Map env = STRMAP_INIT, secrets = STRMAP_INIT, labels = STRMAP_INIT;
        ContainerSpec spec;
        int r;

        r = guard_open_mounts(step, reterr);
        if (r < 0)
                return r;
        if (step_environment(step, &env) < 0 || name_secrets(step, &secrets) < 0 ||
            strmap_update(&labels, &step->job->labels) < 0 || strmap_put(&labels, "io.podstep.step", plan->name) < 0 ||
            collect_mounts(&mounts, step) < 0 || make_lists(plan, &devices, &hosts, &aliases) < 0) {
                free_tmpfs_options(&mounts);
                return error_oom(reterr);
        }
        spec = (ContainerSpec) {
                .name = step->container,
                .pod = sandbox_pod(step->job->sandbox),
                .image = step->image->info.id,
                .environment = &env,
                .secret_environment = &secrets,
                .labels = &labels,
                .user = plan->user,
                /* A plain script finds its own way; an image's own program starts where it is told. */
                .directory = plan->commands && plan->style == SCRIPT_PLAIN ? plan->workspace_base : plan->directory,
                .makes_directory = true,
                .hostname = plan->network_mode && str_equal(plan->network_mode, "host") ? NULL : plan->alias,
                .keeps_id = step->keeps_id,
                .uid = step->ids.uid,
                .gid = step->ids.gid,
                .n_subuids = step->n_subuids,
                .n_subgids = step->n_subgids,
                .mounts = mounts.mounts,
                .n_mounts = mounts.n_mounts,
                .dns = has_own_network ? plan->dns : NULL,
                .dns_search = has_own_network ? plan->dns_search : NULL,
                .dns_options = has_own_network ? step->job->spec.policy->network.dns_options : NULL,
                .extra_hosts = has_own_network ? hosts : NULL,
                .devices = devices,
                .log_path = step->log_path,
                .monitor_pid_path = step->pid_path,
        };
        container_options_put(job_options(step->job, plan), &step->job->spec.engine->info, plan->privileged, &spec);
        if (wants_health_check(step, &health))
                spec.health = &health;
        sandbox_network(step->job->sandbox, plan, aliases, &spec.network);
        r = step_program(step, &spec, &wrapped);
        if (r >= 0)
                r = engine_container_create(step->job->spec.engine, &spec, &step->container_id, done, userdata,
                                            ret_task);
        free_tmpfs_options(&mounts);
        return r;
}
