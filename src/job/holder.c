#include "job/holder.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/program.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/monitor.h"
#include "job/helper.h"
#include "job/job-internal.h"
#include "job/rootfs.h"
#include "pipeline/plan-ports.h"

#define HOLDER_IN_CONTAINER HELPER_PROGRAM

struct Holder {
        Task task; /* of holder_create(), then of holder_start() */
        Machine machine;
        Job *job;
        const Sandbox *sandbox;
        char *name, *id, *rootfs, *program, *hosts, *log_path, *pid_path;
        char **targets; /* HOST:PORT whose opening it tells */
        Task *follow;
        ContainerExit exit;
        Lines lines;
};

enum { HOLDER_NEW, HOLDER_CREATING, HOLDER_CREATED, HOLDER_STARTING, HOLDER_BLOCKING, HOLDER_UP, HOLDER_BROKEN };

static Task *holder_task_free(Task *task) {
        return NULL; /* the Holder outlives it */
}

static const TaskClass holder_class = { .name = "holder", .free = holder_task_free };

int holder_find_program(const Job *job, char **ret, Error **reterr) {
        char *program = job->spec.holder ? strdup(job->spec.holder) : program_find("podstep-holder", "holder");

        if (!program)
                return error_set(reterr, ENOENT,
                                 "the program 'podstep-holder' is missing: it belongs beside podstep or in "
                                 "../libexec/podstep; install podstep again");
        *ret = program;
        return 0;
}

/* Exposed ports of the services, where nobody knows a better sign of life. @counts: of each service */
static int add_targets(Holder *holder, size_t *counts) {
        Job *job = holder->job;
        int r = 0;

        for (size_t i = 0; i < job->spec.plan->n_services; i++) {
                Step *step = &job->steps[i];
                const char *host = sandbox_shares_network(holder->sandbox) ? "127.0.0.1" : step->plan->alias;

                if (step->ready_pattern || service_has_health_check(step) || step->plan->network_mode || !host)
                        continue;
                STRV_FOREACH(port, step->ports) {
                        r = strv_append_take(&holder->targets, str_printf("%s:%s", host, *port));
                        if (r < 0)
                                return r;
                        counts[i]++;
                }
        }
        return r;
}

/* It is told before anything is made for the job. */
static int find_targets(Holder *holder, Error **reterr) {
        const Plan *plan = holder->job->spec.plan;
        _cleanup_free_ size_t *counts = calloc(plan->n_services + 1, sizeof(*counts));
        _cleanup_free_ char *fault = NULL;
        int r;

        if (!counts || add_targets(holder, counts) < 0)
                return error_oom(reterr);
        r = plan_ports_fault(plan, counts, &fault);
        if (r < 0)
                return error_oom(reterr);
        return r > 0 ? error_set(reterr, E2BIG, "%s; " PLAN_PORTS_HINT, fault) : 0;
}

static void on_line(const char *line, size_t n, bool is_partial, void *userdata) {
        Holder *holder = userdata;
        static const char open[] = "open ";
        _cleanup_free_ char *target = NULL;

        if (n <= strlen(open) || memcmp(line, open, strlen(open)) != 0)
                return;
        target = strndup(line + strlen(open), n - strlen(open));
        if (target && strv_contains(holder->targets, target))
                service_port_open(holder->job, target);
}

static void on_output(int stream, const char *bytes, size_t n, void *userdata) {
        Holder *holder = userdata;

        (void) lines_feed(&holder->lines, bytes, n);
}

static void on_end(Task *task, int r, const Error *error, void *userdata) {
        Holder *holder = userdata;
        _cleanup_(error_freep) Error *why = error_copy(error);

        if (r < 0)
                (void) error_wrap(&why, r, "following the job's holder");
        else
                r = error_set(&why, ECHILD, "the job's holder ended unexpectedly (exit code %d)",
                              holder->exit.exit_code);
        job_set_result(holder->job, JOB_INFRA_FAILED, why);
        job_stop(holder->job, JOB_STOP_CANCEL);
}

static void holder_failed(Machine *machine, int r, const Error *error) {
        Holder *holder = container_of(machine, Holder, machine);
        _cleanup_(error_freep) Error *why = error_copy(error);

        (void) error_wrap(&why, r, "starting the job's holder");
        task_finish(&holder->task, r, why);
}

static void on_done(Task *task, int r, const Error *error, void *userdata) {
        Holder *holder = userdata;

        if (r < 0)
                holder_failed(&holder->machine, r, error);
        else
                machine_post(&holder->machine, MACHINE_OK);
}

static int holder_follow(Holder *holder) {
        FollowSpec spec = {
                .container = holder->name,
                .container_id = holder->id,
                .log_path = job_is_far(holder->job) ? NULL : holder->log_path,
                .monitor_pid_path = job_is_far(holder->job) ? NULL : holder->pid_path,
                .keeps_log = holder->job->spec.journal.put,
                .output = on_output,
                .userdata = holder,
        };

        return engine_container_follow(holder->job->spec.engine, &spec, &holder->exit, on_end, holder, &holder->follow);
}

static int enter_creating(Machine *machine, Task **ret_task, Error **reterr) {
        Holder *holder = container_of(machine, Holder, machine);
        const char *entrypoint[] = { HOLDER_IN_CONTAINER, NULL };
        const PolicyNetwork *network = &holder->job->spec.policy->network;
        static char *const no_upstream[] = { (char *) "127.0.0.1", NULL },
                          *const no_patience[] = { (char *) "timeout:1", (char *) "attempts:1", NULL };
        MountSpec mounts[] = {
                rootfs_mount_usr(),
                rootfs_mount_read_only(holder->program, HOLDER_IN_CONTAINER),
                rootfs_mount_read_only(holder->hosts, "/etc/hosts"),
        };
        ContainerSpec spec = {
                .name = holder->name,
                .pod = sandbox_pod(holder->sandbox),
                .rootfs = holder->rootfs,
                .entrypoint = (char *const *) entrypoint,
                .command = holder->targets,
                .labels = &holder->job->labels,
                .mounts = mounts,
                /* On a private network the engine looks after the hosts file. */
                .n_mounts = ELEMENTSOF(mounts) - !sandbox_shares_network(holder->sandbox),
                .log_path = holder->log_path,
                .monitor_pid_path = holder->pid_path,
                .dns = network->dns,
                .dns_search = network->dns_search,
                .dns_options = network->dns_options,
                .security.labels = rootfs_labels(&holder->job->spec.engine->info),
        };
        const char *id = job_recorded(holder->job, "holder");
        int r = 0;

        if (id) {
                holder->id = strdup(id);
                return holder->id ? machine_post(machine, MACHINE_OK), 0 : error_oom(reterr);
        }
        sandbox_network(holder->sandbox, NULL, NULL, &spec.network);
        if (job_is_far(holder->job)) {
                spec.image = holder->job->helper_image;
                spec.rootfs = NULL;
                spec.n_mounts = 0;
                spec.log_path = spec.monitor_pid_path = NULL;
                spec.security.labels = NULL;
                /*
                 * Docker's DNS knows the services that run, and asks the machine's for all others: of services that are
                 * about to run that would tell the world, and wait for its answer. Here nobody is asked; older Docker
                 * then just says nothing.
                 */
                if (!holder->job->spec.engine->info.has_pods) {
                        spec.dns = no_upstream;
                        spec.dns_options = no_patience;
                }
        } else
                r = rootfs_make(holder->rootfs);
        if (r < 0)
                return error_set(reterr, -r, "cannot make '%s': %s", holder->rootfs, strerror(-r));
        return engine_container_create(holder->job->spec.engine, &spec, &holder->id, on_done, holder, ret_task);
}

static int enter_starting(Machine *machine, Task **ret_task, Error **reterr) {
        Holder *holder = container_of(machine, Holder, machine);
        int r;

        r = holder_follow(holder);
        if (r < 0)
                return error_wrap(reterr, r, "following the job's holder");
        /* An earlier process started it: what it told is read again, and if it ended since, that is seen as well. */
        if (job_recorded(holder->job, "holder"))
                return machine_post(machine, MACHINE_OK), 0;
        return engine_container_start(holder->job->spec.engine, holder->name, on_done, holder, ret_task);
}

/* Steps that share its network cannot undo it; those on a network of their own are looked after one by one. */
static int enter_blocking(Machine *machine, Task **ret_task, Error **reterr) {
        Holder *holder = container_of(machine, Holder, machine);

        if (!guard_network_is_due(holder->job) || !sandbox_shares_network(holder->sandbox))
                return machine_post(machine, MACHINE_OK), 0;
        return guard_network(holder->job, holder->pid_path, on_done, holder, ret_task);
}

/* CREATED and UP: what was asked for is there. */
static int enter_reached(Machine *machine, Task **ret_task, Error **reterr) {
        Holder *holder = container_of(machine, Holder, machine);

        if (machine->state == HOLDER_UP)
                job_note(holder->job, "holder", "%s", holder->id);
        task_finish(&holder->task, 0, NULL);
        return 0;
}

static const MachineState holder_states[] = {
                /* START           OK               FAIL           STOP */
        [HOLDER_NEW] = { "new", NULL,
                { HOLDER_CREATING, MACHINE_BUG,     MACHINE_BUG,   MACHINE_STAY } },
        [HOLDER_CREATING] = { "creating", enter_creating,
                { MACHINE_BUG,     HOLDER_CREATED,  HOLDER_BROKEN, MACHINE_STAY } },
        [HOLDER_CREATED] = { "created", enter_reached,
                { HOLDER_STARTING, MACHINE_BUG,     MACHINE_BUG,   MACHINE_STAY } },
        [HOLDER_STARTING] = { "starting", enter_starting,
                { MACHINE_BUG,     HOLDER_BLOCKING, HOLDER_BROKEN, MACHINE_STAY } },
        [HOLDER_BLOCKING] = { "blocking", enter_blocking,
                { MACHINE_BUG,     HOLDER_UP,       HOLDER_BROKEN, MACHINE_STAY } },
        [HOLDER_UP] = { "up", enter_reached,
                { MACHINE_BUG,     MACHINE_BUG,     MACHINE_BUG,   MACHINE_STAY } },
        [HOLDER_BROKEN] = { "broken", NULL,
                { MACHINE_BUG,     MACHINE_BUG,     MACHINE_BUG,   MACHINE_STAY } },
};

int holder_new(Job *job, const Sandbox *sandbox, Holder **ret, Error **reterr) {
        _cleanup_(holder_freep) Holder *holder = calloc(1, sizeof(*holder));
        int r;

        if (!holder)
                return error_oom(reterr);
        holder->job = job;
        holder->sandbox = sandbox;
        lines_init(&holder->lines, on_line, holder);
        if (machine_init(&holder->machine, job->event, "holder", holder_states, HOLDER_NEW, holder_failed) < 0)
                return error_oom(reterr);
        holder->name = str_printf("podstep-%s.holder", job->id);
        holder->rootfs = path_join(job->directory.path, "rootfs");
        holder->hosts = path_join(job->directory.path, "hosts");
        holder->log_path = str_printf("%sholder", job->directory.output);
        holder->pid_path = str_printf("%sholder.pid", job->directory.output);
        if (!holder->name || !holder->rootfs || !holder->hosts || !holder->log_path || !holder->pid_path)
                return error_oom(reterr);
        r = find_targets(holder, reterr);
        if (r >= 0)
                r = holder_find_program(job, &holder->program, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(holder);
        return 0;
}

Holder *holder_free(Holder *holder) {
        if (!holder)
                return NULL;
        machine_done(&holder->machine);
        holder->follow = task_free(holder->follow);
        lines_done(&holder->lines);
        strv_free(holder->targets);
        free(holder->name);
        free(holder->id);
        free(holder->rootfs);
        free(holder->program);
        free(holder->hosts);
        free(holder->log_path);
        free(holder->pid_path);
        free(holder);
        return NULL;
}

static int go_on(Holder *holder, TaskDone done, void *userdata, Task **ret_task) {
        task_init(&holder->task, &holder_class, done, userdata);
        machine_post(&holder->machine, MACHINE_START);
        *ret_task = &holder->task;
        return 0;
}

int holder_create(Holder *holder, TaskDone done, void *userdata, Task **ret_task) {
        return go_on(holder, done, userdata, ret_task);
}

int holder_start(Holder *holder, TaskDone done, void *userdata, Task **ret_task) {
        return go_on(holder, done, userdata, ret_task);
}

void holder_forget(Holder *holder) {
        holder->follow = task_free(holder->follow);
}

void holder_kill(Holder *holder) {
        holder_forget(holder);
        if (holder->id && !job_is_far(holder->job))
                (void) monitor_kill(holder->pid_path, holder->id);
}

const char *holder_name(const Holder *holder) {
        return holder->name;
}
