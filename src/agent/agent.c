/* The daemon: begin, end, signals, idleness. The wiring is here and nowhere else. */

#include "agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "agent/agent-internal.h"
#include "agent/memory.h"
#include "base/file.h"
#include "base/log.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define PRUNE_FIRST_USEC (2 * USEC_PER_SEC) /* an agent that is idle most of the time may not live for the second one */
#define REST_AFTER_USEC (4 * USEC_PER_SEC)  /* without work: the first pruning is over then */
#define PRUNE_EVERY_USEC (60 * 60 * USEC_PER_SEC)

Worker *agent_find_worker(const Agent *agent, const char *id) {
        for (size_t i = 0; i < agent->n_workers; i++)
                if (str_equal(agent->workers[i]->id, id))
                        return agent->workers[i];
        return NULL;
}

void agent_forget_worker(Agent *agent, Worker *worker) {
        for (size_t i = 0; i < agent->n_workers; i++)
                if (agent->workers[i] == worker) {
                        memmove(agent->workers + i, agent->workers + i + 1,
                                (agent->n_workers - i - 1) * sizeof(*agent->workers));
                        agent->n_workers--;
                        return;
                }
}

void agent_changed(Agent *agent) {
        agent->version++;
        (void) sd_event_source_set_enabled(agent->turn, SD_EVENT_ONESHOT);
}

/* ---- end ---- */

static void say_ending(Agent *agent) {
        if (agent->is_ending)
                return;
        agent->is_ending = true;
        (void) sd_notify(0, "STOPPING=1");
        (void) sd_event_exit(agent->event, 0);
}

static bool has_work(Agent *agent) {
        uint64_t n_queued = 0;

        return agent->n_workers > 0 || agent->n_left > 0 || agent->n_unsaved > 0 || agent->opening || agent->sweep ||
               store_count_jobs(agent->store, STORED_QUEUED, &n_queued) < 0 || n_queued > 0;
}

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata) {
        Agent *agent = userdata;

        if (!has_work(agent) && server_count_connections(agent->server) == 0)
                say_ending(agent);
        return 0;
}

static int on_rest(sd_event_source *source, uint64_t usec, void *userdata) {
        memory_give_back();
        return 0;
}

void agent_consider_idle(Agent *agent) {
        uint64_t idle_usec = agent->options->idle_usec;

        if (agent->is_ending || !agent->rest) /* or it has not begun */
                return;
        agent->idle = sd_event_source_disable_unref(agent->idle);
        (void) sd_event_source_set_enabled(agent->rest, SD_EVENT_OFF);
        if (has_work(agent) || server_count_connections(agent->server) > 0)
                return;
        (void) sd_event_source_set_time_relative(agent->rest, REST_AFTER_USEC);
        (void) sd_event_source_set_enabled(agent->rest, SD_EVENT_ONESHOT);
        if (idle_usec != USEC_INFINITY)
                (void) sd_event_add_time_relative(agent->event, &agent->idle, CLOCK_MONOTONIC, idle_usec, 0, on_idle,
                                                  agent);
}

static int on_turn(sd_event_source *source, void *userdata) {
        Agent *agent = userdata;

        agent_look_at_queue(agent);
        server_changed(agent->server);
        if (agent->is_draining && agent->n_workers == 0)
                say_ending(agent);
        else
                agent_consider_idle(agent);
        (void) sd_notifyf(0, "STATUS=%zu running", agent->n_workers);
        return 0;
}

/*
 * Jobs go on in their containers, and the next agent takes them up; or they are waited for. The second time it ends at
 * once.
 */
static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Agent *agent = userdata;

        if (!agent->options->drain_waits || agent->is_draining)
                say_ending(agent);
        agent->is_draining = true;
        agent_changed(agent);
        return 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Agent *agent = userdata;
        _cleanup_(error_freep) Error *error = NULL;

        (void) sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long) clock_monotonic_usec());
        if (agent_configure(agent, &error) < 0) /* what it had goes on */
                log_error("%s", error_message(error, 0));
        agent_changed(agent);
        (void) sd_notify(0, "READY=1");
        return 0;
}

static int on_prune(sd_event_source *source, uint64_t usec, void *userdata) {
        Agent *agent = userdata;
        _cleanup_(error_freep) Error *error = NULL;
        size_t n;

        if (agent_prune(agent, false, &n, &error) < 0)
                log_warning("old jobs could not be removed: %s", error_message(error, 0));
        (void) sd_event_source_set_time_relative(source, PRUNE_EVERY_USEC);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        return 0;
}

/* ---- begin ---- */

static int make_directories(Agent *agent, Error **reterr) {
        const char *state = agent->options->state_directory;
        struct {
                char **path;
                const char *name;
        } rows[] = { { &agent->logs_directory, "logs" },
                     { &agent->empty_directory, "empty" },
                     { &agent->sources_directory, "sources" } };

        FOREACH_ROW(row, rows) {
                int r;

                *row->path = str_printf("%s/agent/%s", state, row->name);
                r = *row->path ? file_mkdir_p(*row->path, 0700) : -ENOMEM;
                if (r < 0)
                        return error_set(reterr, -r, "cannot make '%s/agent/%s': %s", state, row->name, strerror(-r));
        }
        return 0;
}

static int read_boot(Agent *agent, Error **reterr) {
        const char *pretended = agent->options->boot;
        _cleanup_free_ char *text = NULL;
        int r = pretended ? 0 : file_read(BOOT_ID_FILE, sizeof(agent->boot) - 1, &text, NULL);

        if (r < 0)
                return error_set(reterr, -r, "cannot read '%s': %s", BOOT_ID_FILE, strerror(-r));
        (void) snprintf(agent->boot, sizeof(agent->boot), "%s", pretended ? pretended : text);
        agent->boot[strcspn(agent->boot, "\n")] = '\0';
        return 0;
}

static int listen_to_loop(Agent *agent, Error **reterr) {
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
        sigset_t blocked;
        int r;

        (void) sigemptyset(&blocked);
        FOREACH_ROW(number, signals)
                (void) sigaddset(&blocked, *number);
        (void) sigprocmask(SIG_BLOCK, &blocked, NULL);
        (void) signal(SIGPIPE, SIG_IGN);
        r = sd_event_new(&agent->event);
        if (r >= 0)
                r = sd_event_add_signal(agent->event, NULL, SIGINT, on_stop, agent);
        if (r >= 0)
                r = sd_event_add_signal(agent->event, NULL, SIGTERM, on_stop, agent);
        if (r >= 0)
                r = sd_event_add_signal(agent->event, NULL, SIGHUP, on_reload, agent);
        if (r >= 0)
                r = sd_event_add_defer(agent->event, &agent->turn, on_turn, agent);
        if (r >= 0)
                r = sd_event_add_time_relative(agent->event, NULL, CLOCK_MONOTONIC, PRUNE_FIRST_USEC, USEC_PER_SEC,
                                               on_prune, agent);
        if (r >= 0)
                r = sd_event_add_time(agent->event, &agent->rest, CLOCK_MONOTONIC, 0, 0, on_rest, agent);
        if (r >= 0)
                r = sd_event_source_set_enabled(agent->rest, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_set_watchdog(agent->event, true);
        return r < 0 ? error_set(reterr, -r, "cannot start the event loop: %s", strerror(-r)) : 0;
}

static int begin(Agent *agent, Error **reterr) {
        _cleanup_free_ char *directory = path_join(agent->options->state_directory, "agent");
        int r = directory ? listen_to_loop(agent, reterr) : error_oom(reterr);

        if (r >= 0)
                r = read_boot(agent, reterr);
        if (r >= 0)
                r = make_directories(agent, reterr);
        if (r >= 0)
                r = agent_configure(agent, reterr);
        if (r >= 0)
                r = store_open(directory, &agent->store, reterr);
        if (r < 0)
                return r;
        store_kill_at(agent->store, agent->options->kill_at, agent->options->kill_after);
        r = server_new(agent, &agent->server, reterr);
        if (r < 0)
                return r;
        /* What an earlier one left is taken up as soon as there is an engine; what the machine lost is told at once. */
        return agent_settle_lost(agent, reterr);
}

static void end(Agent *agent) {
        for (size_t i = 0; i < agent->n_workers; i++)
                worker_free(agent->workers[i]); /* their containers go on */
        free(agent->workers);
        agent->sweep = task_free(agent->sweep);
        sweep_result_done(&agent->swept);
        agent->opening = task_free(agent->opening);
        agent->engine_retry = task_free(agent->engine_retry);
        agent->engine = engine_free(agent->engine);
        error_free(agent->engine_error);
        agent->server = server_free(agent->server);
        agent->store = store_free(agent->store);
        stored_jobs_free(agent->unsaved, agent->n_unsaved); /* the next agent finds them running, and ends them */
        agent_configs_done(agent);
        free(agent->wait_reason);
        free(agent->logs_directory);
        free(agent->empty_directory);
        free(agent->sources_directory);
        agent->turn = sd_event_source_disable_unref(agent->turn);
        agent->idle = sd_event_source_disable_unref(agent->idle);
        agent->rest = sd_event_source_disable_unref(agent->rest);
        agent->recheck = sd_event_source_disable_unref(agent->recheck);
        agent->event = sd_event_unref(agent->event);
}

int agent_run(const AgentOptions *options) {
        Agent agent = {
                .options = options,
                .started_usec = clock_monotonic_usec(),
                .version = clock_realtime_usec() /* above all that an earlier agent told a client that watches */
        };
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        r = begin(&agent, &error);
        if (r >= 0) {
                (void) sd_notify(0, "READY=1");
                agent_changed(&agent);
                r = sd_event_loop(agent.event);
        }
        if (r < 0)
                log_error("%s", error_message(error, r));
        end(&agent);
        return r < 0 ? EXIT_ENGINE : 0;
}
