#include "job/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "engine/monitor.h"
#include "job/holder.h"
#include "job/job-internal.h"
#include "job/removal.h"

struct Sandbox {
        Task task; /* of sandbox_create() */
        Machine machine;
        Job *job;
        SandboxKind kind;
        char *why;
        char *pod, *network;
        char *join[2]; /* the operator's network that all join, too; this list and the next ones are ended by NULL */
        char *also[3]; /* with that of guard_find_void() */
        char *void_network[2];
        Holder *holder; /* NULL: none is needed */
};

enum {
        SANDBOX_NEW,
        SANDBOX_MAKING_POD,
        SANDBOX_MAKING_NETWORK,
        SANDBOX_MAKING_VOID, /* the network of guard_find_void() */
        SANDBOX_MAKING_HOLDER,
        SANDBOX_STARTING_HOLDER, /* what stands on it can be made meanwhile, but not started */
        SANDBOX_UP,
        SANDBOX_BROKEN,
};

/* Whether two containers that live side by side would want the same port in one network namespace. */
static const char *find_port_conflict(const Job *job, const Step **ret_a, const Step **ret_b) {
        for (size_t i = 0; i < job->spec.plan->n_steps; i++) {
                const Step *a = &job->steps[i];

                if (!step_is_background(a->plan) || a->plan->network_mode)
                        continue;
                for (size_t k = 0; k < i; k++) {
                        const Step *b = &job->steps[k];

                        if (!step_is_background(b->plan) || b->plan->network_mode)
                                continue;
                        STRV_FOREACH(port, a->ports)
                                if (strv_contains(b->ports, *port)) {
                                        *ret_a = b;
                                        *ret_b = a;
                                        return *port;
                                }
                }
        }
        return NULL;
}

/* Steps one after the other, nothing beside them: nobody would use a shared network, nor a pod to hold them. */
static bool is_strictly_sequential(const Plan *plan) {
        for (size_t i = 0; i < plan->n_steps; i++) {
                const PlanStep *step = plan->steps[i];

                if (step_is_background(step))
                        return false;
                if (i > 0 && !(step->n_needs == 1 && step->needs[0] == i - 1))
                        return false;
        }
        return true;
}

/* Another process has begun with it, whatever we would choose. */
static int sandbox_choose_recorded(Sandbox *sandbox, bool *ret_wants_holder) {
        unsigned kind = 0, has_holder = 0;
        int n_why = 0;
        const char *text = job_recorded(sandbox->job, "sandbox");

        if (sscanf(text, "%u %u %n", &kind, &has_holder, &n_why) != 2 || kind > SANDBOX_NETWORK || n_why == 0)
                return -EBADMSG;
        sandbox->kind = (SandboxKind) kind;
        *ret_wants_holder = has_holder;
        sandbox->why = strdup(text + n_why);
        return sandbox->why ? 0 : -ENOMEM;
}

void sandbox_note(const Sandbox *sandbox) {
        job_note(sandbox->job, "sandbox", "%u %u %s", (unsigned) sandbox->kind, sandbox->holder != NULL, sandbox->why);
}

/* What the operator wants and only a network of the engine's can be; NULL: nothing of that kind. */
static const char *find_network_wish(const Job *job) {
        const PolicyNetwork *network = &job->spec.policy->network;

        if (network->join)
                return "since every container joins another one, too";
        if (network->ipv6)
                return "for IPv6";
        if (network->mtu > 0)
                return "for its packets' size";
        STRV_FOREACH(host, network->extra_hosts)
                if (str_ends_with(*host, ":host-gateway"))
                        return "since only the engine knows the gateway to this machine";
        if (job->spec.sandbox == SANDBOX_CHOICE_NETWORK)
                return "as asked for";
        if (!job->spec.engine->info.has_pods)
                return "since this engine has no pods";
        return job_is_far(job) && job->spec.plan->n_steps > 1 ? "since the engine sees no files of this machine" : NULL;
}

/* Every container has a network that the file or the operator named: none is made for them. */
static bool has_no_network(const Plan *plan) {
        for (size_t i = 0; i < plan->n_steps; i++)
                if (!plan->steps[i]->network_mode && !plan->steps[i]->is_default_clone)
                        return false;
        return true;
}

static int sandbox_choose(Sandbox *sandbox, bool *ret_wants_holder) {
        const Job *job = sandbox->job;
        const Plan *plan = job->spec.plan;
        bool is_sequential = is_strictly_sequential(plan);
        const Step *a = NULL, *b = NULL;
        const char *port, *wish;

        *ret_wants_holder = true;
        if (job_recorded(job, "sandbox"))
                return sandbox_choose_recorded(sandbox, ret_wants_holder);
        port = job->spec.sandbox == SANDBOX_CHOICE_AUTO ? find_port_conflict(job, &a, &b) : NULL;
        wish = find_network_wish(job);
        if (has_no_network(plan) && (!job->spec.engine->info.has_pods || !job_is_far(job))) {
                sandbox->kind = SANDBOX_APART;
                *ret_wants_holder = false;
                sandbox->why = str_printf("%s, network mode '%s'",
                                          plan->n_steps == 1 ? "a single container" : "containers by themselves",
                                          plan->steps[plan->n_steps - 1]->network_mode);
        } else if (wish) {
                sandbox->kind = SANDBOX_NETWORK;
                *ret_wants_holder = plan->n_services > 0;
                sandbox->why = str_printf("a private network, %s", wish);
        } else if (port) {
                sandbox->kind = SANDBOX_NETWORK;
                *ret_wants_holder = plan->n_services > 0;
                sandbox->why = str_printf("a private network, since '%s' and '%s' both expose port %s", a->plan->name,
                                          b->plan->name, port);
        } else if (plan->n_steps == 1 || (is_sequential && job->spec.sandbox == SANDBOX_CHOICE_AUTO)) {
                sandbox->kind = SANDBOX_APART; /* a network for each, made ahead of its turn, is the cheaper */
                *ret_wants_holder = false;
                sandbox->why = str_printf(plan->n_steps == 1 ? "a single container" : "containers one after the other");
        } else {
                sandbox->kind = SANDBOX_POD;
                sandbox->why = str_printf("a pod, containers reach each other by name");
        }
        return sandbox->why ? 0 : -ENOMEM;
}

static Task *sandbox_task_free(Task *task) {
        return NULL; /* the Sandbox outlives it */
}

static const TaskClass sandbox_class = { .name = "sandbox", .free = sandbox_task_free };

static void sandbox_failed(Machine *machine, int r, const Error *error) {
        Sandbox *sandbox = container_of(machine, Sandbox, machine);

        if (machine->state == SANDBOX_STARTING_HOLDER)
                job_cannot_run(sandbox->job, r, error); /* sandbox_create() is done already */
        else
                task_finish(&sandbox->task, r, error);
}

static void on_made(Task *task, int r, const Error *error, void *userdata) {
        Sandbox *sandbox = userdata;

        if (r < 0)
                sandbox_failed(&sandbox->machine, r, error);
        machine_post(&sandbox->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

static int enter_pod(Machine *machine, Task **ret_task, Error **reterr) {
        Sandbox *sandbox = container_of(machine, Sandbox, machine);
        PodSpec spec = { .name = sandbox->pod, .labels = &sandbox->job->labels };

        if (!sandbox->pod)
                return machine_post(machine, MACHINE_OK), 0;
        return engine_pod_create(sandbox->job->spec.engine, &spec, on_made, sandbox, ret_task);
}

static int enter_network(Machine *machine, Task **ret_task, Error **reterr) {
        Sandbox *sandbox = container_of(machine, Sandbox, machine);
        EngineNetworkSpec spec = { .name = sandbox->network, .labels = &sandbox->job->labels };
        const PolicyNetwork *network = &sandbox->job->spec.policy->network;

        if (!sandbox->network)
                return machine_post(machine, MACHINE_OK), 0;
        spec.ipv6 = network->ipv6;
        spec.mtu = network->mtu;
        return engine_network_create(sandbox->job->spec.engine, &spec, on_made, sandbox, ret_task);
}

static void on_void_made(Task *task, int r, const Error *error, void *userdata) {
        Sandbox *sandbox = userdata;
        EngineNetworkSpec spec;

        if (r >= 0 && guard_find_void(sandbox->job, &spec))
                sandbox->void_network[0] = sandbox->also[sandbox->join[0] != NULL] = (char *) spec.name;
        else
                guard_tell_unblocked(sandbox->job, error_message(error, r));
        machine_post(&sandbox->machine, MACHINE_OK);
}

static bool has_network(const Job *job) {
        for (size_t i = 0; i < job->spec.plan->n_steps; i++) {
                const char *mode = job->steps[i].plan->network_mode;

                if (!mode || (!str_equal(mode, "none") && !str_equal(mode, "host")))
                        return true;
        }
        return false;
}

static int enter_void(Machine *machine, Task **ret_task, Error **reterr) {
        Sandbox *sandbox = container_of(machine, Sandbox, machine);
        EngineNetworkSpec spec;

        if (!has_network(sandbox->job) || !guard_find_void(sandbox->job, &spec))
                return machine_post(machine, MACHINE_OK), 0;
        return engine_network_create(sandbox->job->spec.engine, &spec, on_void_made, sandbox, ret_task);
}

static int enter_holder(Machine *machine, Task **ret_task, Error **reterr) {
        Sandbox *sandbox = container_of(machine, Sandbox, machine);

        if (!sandbox->holder)
                return machine_post(machine, MACHINE_OK), 0;
        return holder_create(sandbox->holder, on_made, sandbox, ret_task);
}

static int enter_starting_holder(Machine *machine, Task **ret_task, Error **reterr) {
        Sandbox *sandbox = container_of(machine, Sandbox, machine);

        task_finish(&sandbox->task, 0, NULL);
        if (!sandbox->holder)
                return machine_post(machine, MACHINE_OK), 0;
        return holder_start(sandbox->holder, on_made, sandbox, ret_task);
}

/* UP and BROKEN: steps that wait for it start, or will never do. */
static int enter_settled(Machine *machine, Task **ret_task, Error **reterr) {
        Sandbox *sandbox = container_of(machine, Sandbox, machine);

        job_schedule(sandbox->job);
        return 0;
}

static const MachineState sandbox_states[] = {
                /* START              OK                       FAIL            STOP */
        [SANDBOX_NEW] = { "new", NULL,
                { SANDBOX_MAKING_POD, MACHINE_BUG,             MACHINE_BUG,    MACHINE_STAY } },
        [SANDBOX_MAKING_POD] = { "making-pod", enter_pod,
                { MACHINE_BUG,        SANDBOX_MAKING_NETWORK,  SANDBOX_BROKEN, MACHINE_STAY } },
        [SANDBOX_MAKING_NETWORK] = { "making-network", enter_network,
                { MACHINE_BUG,        SANDBOX_MAKING_VOID,     SANDBOX_BROKEN, MACHINE_STAY } },
        [SANDBOX_MAKING_VOID] = { "making-void", enter_void,
                { MACHINE_BUG,        SANDBOX_MAKING_HOLDER,   SANDBOX_BROKEN, MACHINE_STAY } },
        [SANDBOX_MAKING_HOLDER] = { "making-holder", enter_holder,
                { MACHINE_BUG,        SANDBOX_STARTING_HOLDER, SANDBOX_BROKEN, MACHINE_STAY } },
        [SANDBOX_STARTING_HOLDER] = { "starting-holder", enter_starting_holder,
                { MACHINE_BUG,        SANDBOX_UP,              SANDBOX_BROKEN, MACHINE_STAY } },
        [SANDBOX_UP] = { "up", enter_settled,
                { MACHINE_BUG,        MACHINE_BUG,             MACHINE_BUG,    MACHINE_STAY } },
        [SANDBOX_BROKEN] = { "broken", enter_settled,
                { MACHINE_BUG,        MACHINE_BUG,             MACHINE_BUG,    MACHINE_STAY } },
};

int sandbox_new(Job *job, Sandbox **ret, Error **reterr) {
        _cleanup_(sandbox_freep) Sandbox *sandbox = calloc(1, sizeof(*sandbox));
        bool wants_holder;
        int r;

        if (!sandbox)
                return error_oom(reterr);
        sandbox->job = job;
        sandbox->join[0] = sandbox->also[0] = job->spec.policy->network.join;
        r = machine_init(&sandbox->machine, job->event, "sandbox", sandbox_states, SANDBOX_NEW, sandbox_failed);
        if (r < 0 || sandbox_choose(sandbox, &wants_holder) < 0)
                return error_oom(reterr);
        if (sandbox->kind != SANDBOX_APART && job->spec.engine->info.has_pods) {
                sandbox->pod = str_printf("podstep-%s", job->id);
                if (!sandbox->pod)
                        return error_oom(reterr);
        }
        if (sandbox->kind == SANDBOX_NETWORK) {
                sandbox->network = str_printf("podstep-%s", job->id);
                if (!sandbox->network)
                        return error_oom(reterr);
        }
        if (wants_holder) {
                r = holder_new(job, sandbox, &sandbox->holder, reterr);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(sandbox);
        return 0;
}

Sandbox *sandbox_free(Sandbox *sandbox) {
        if (!sandbox)
                return NULL;
        machine_done(&sandbox->machine);
        sandbox->holder = holder_free(sandbox->holder);
        free(sandbox->why);
        free(sandbox->pod);
        free(sandbox->network);
        free(sandbox);
        return NULL;
}

int sandbox_create(Sandbox *sandbox, TaskDone done, void *userdata, Task **ret_task) {
        task_init(&sandbox->task, &sandbox_class, done, userdata);
        machine_post(&sandbox->machine, MACHINE_START);
        *ret_task = &sandbox->task;
        return 0;
}

void sandbox_kill(Sandbox *sandbox) {
        const Job *job = sandbox->job;

        for (size_t i = 0; i < job->spec.plan->n_steps; i++) {
                const Step *step = &job->steps[i];

                if (step->is_up && !step->is_over && step->pid_path && step->container_id)
                        (void) monitor_kill(step->pid_path, step->container_id);
        }
        if (sandbox->holder)
                holder_kill(sandbox->holder);
}

/* And the one that lent it its users, see user-lookup.c. */
static int add_container(RemovalList *list, const Step *step) {
        _cleanup_free_ char *lender = NULL;
        int r = 0;

        if (step->user_text || step->job->spec.record) {
                lender = str_printf("%s.user", step->container);
                r = lender ? removal_add(list, OBJECT_CONTAINER, lender) : -ENOMEM;
        }
        return r < 0 ? r : removal_add(list, OBJECT_CONTAINER, step->container);
}

/* Whether an earlier process made some may depend on the image, which is not always asked for any more. */
static size_t count_secrets(const Step *step) {
        if (!step->job->spec.record)
                return step->n_secrets;
        return step_uses_script(step->plan) && step->plan->style == SCRIPT_PLAIN
                       ? 0
                       : map_size(&step->plan->secret_environment);
}

/* Only what must come before the pod: with a pod all its containers go with it. */
static int add_containers(const Sandbox *sandbox, RemovalList *list) {
        const Job *job = sandbox->job;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < job->spec.plan->n_steps && !sandbox->pod; i++)
                /* asked for, or it may have been by an earlier process */
                if (!job->steps[i].is_removed && (job->steps[i].directory || job->spec.record))
                        r = add_container(list, &job->steps[i]);
        if (r >= 0 && !sandbox->pod && sandbox->holder)
                r = removal_add(list, OBJECT_CONTAINER, holder_name(sandbox->holder));
        if (r >= 0 && job->workspace && workspace_keeper(job->workspace))
                r = removal_add(list, OBJECT_CONTAINER, workspace_keeper(job->workspace));
        return r;
}

static int add_secrets(const Sandbox *sandbox, RemovalList *list) {
        const Job *job = sandbox->job;
        int r = 0;

        for (size_t i = 0; i < job->spec.plan->n_steps; i++)
                for (size_t k = 0; r >= 0 && k < count_secrets(&job->steps[i]); k++) {
                        _cleanup_free_ char *name = str_printf("%s.secret-%zu", job->steps[i].container, k);

                        r = name ? removal_add(list, OBJECT_SECRET, name) : -ENOMEM;
                }
        return r;
}

int sandbox_remove(Sandbox *sandbox, TaskDone done, void *userdata, Task **ret_task) {
        const Job *job = sandbox->job;
        RemovalList list = { 0 };
        const char *volume;
        int r;

        if (sandbox->holder)
                holder_forget(sandbox->holder);
        r = add_containers(sandbox, &list);
        if (r >= 0 && sandbox->pod)
                r = removal_add(&list, OBJECT_POD, sandbox->pod);
        if (r >= 0 && sandbox->network)
                r = removal_add(&list, OBJECT_NETWORK, sandbox->network);
        if (r >= 0)
                r = add_secrets(sandbox, &list);
        for (size_t i = 0; r >= 0 && job->workspace && (volume = workspace_volume(job->workspace, i)); i++)
                r = removal_add(&list, OBJECT_VOLUME, volume);
        if (r < 0) {
                removal_list_done(&list);
                return r;
        }
        return removal_start(job->spec.engine, &list, done, userdata, ret_task);
}

bool sandbox_is_up(const Sandbox *sandbox) {
        return sandbox->machine.state == SANDBOX_UP;
}

bool sandbox_is_starting(const Sandbox *sandbox) {
        return sandbox->machine.state == SANDBOX_STARTING_HOLDER;
}

const char *sandbox_describe(const Sandbox *sandbox) {
        return sandbox->why;
}

const char *sandbox_pod(const Sandbox *sandbox) {
        return sandbox->pod;
}

const char *sandbox_holder(const Sandbox *sandbox) {
        return sandbox->holder ? holder_name(sandbox->holder) : NULL;
}

bool sandbox_shares_network(const Sandbox *sandbox) {
        return sandbox->kind == SANDBOX_POD && sandbox->holder;
}

void sandbox_network(const Sandbox *sandbox, const PlanStep *step, char *const *aliases, NetworkSpec *ret) {
        static const struct {
                const char *mode;
                NetworkKind kind;
                bool is_own;
        } modes[] = {
                { "none", NETWORK_NONE, false },
                { "host", NETWORK_HOST, false },
                { "bridge", NETWORK_BRIDGE, true },
                { "default", NETWORK_DEFAULT, true },
        };

        *ret = (NetworkSpec) { .kind = NETWORK_DEFAULT };
        if (step && step->network_mode) {
                FOREACH_ROW(row, modes)
                        if (str_equal(row->mode, step->network_mode)) {
                                ret->kind = row->kind;
                                ret->also = row->is_own ? sandbox->void_network : NULL;
                                return;
                        }
                if (str_starts_with(step->network_mode, "container:"))
                        *ret = (NetworkSpec) { .kind = NETWORK_CONTAINER,
                                              .name = step->network_mode + strlen("container:") };
                else
                        *ret = (NetworkSpec) { .kind = NETWORK_NAMED,
                                              .name = step->network_mode,
                                              .aliases = aliases,
                                              .also = sandbox->void_network };
        } else if (sandbox->kind == SANDBOX_NETWORK)
                *ret = (NetworkSpec) { .kind = NETWORK_NAMED,
                                      .name = sandbox->network,
                                      .aliases = aliases,
                                      .also = step ? sandbox->also : sandbox->join };
        else if (sandbox_shares_network(sandbox) && step)
                *ret = (NetworkSpec) { .kind = NETWORK_CONTAINER, .name = holder_name(sandbox->holder) };
}
