/*
 * A shell in a container that was kept: started again where it ended, but with something that waits in place of its
 * program.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/strv.h"
#include "cli/configure.h"
#include "cli/kept-find.h"
#include "cli/raw-terminal.h"
#include "cli/variables.h"
#include "cli/verbs.h"
#include "engine/find.h"
#include "job/directory.h"
#include "job/event.h"
#include "job/upload.h"
#include "loop/machine.h"

#define STEP_FILES "/podstep" /* as the job mounted it */
#define ENTERED "entered"     /* among the step's files on this machine: its container runs for who looks around */
#define VARIABLES_BYTES_MAX (16U * 1024 * 1024)
#define STOP_GRACE_USEC (1 * USEC_PER_SEC)

enum {
        AT_NEW,
        AT_OPENING,   /* the engine */
        AT_CHECKING,  /* that the container is ours */
        AT_LOOKING,   /* whether it runs */
        AT_STARTING,
        AT_SENDING,   /* variables */
        AT_RUNNING,   /* the shell */
        AT_FORGETTING,
        AT_STOPPING,  /* whoever leaves last */
        AT_DONE,
};

typedef struct Enter {
        Machine machine;
        const RunOptions *options;
        sd_event *event;
        Engine *engine;
        KeptFound kept;
        EngineObjects objects;
        ContainerStatus status;
        RawTerminal terminal;
        Map variables;
        Upload *upload;
        char name[sizeof("entry-") + ID_LENGTH]; /* of the file with variables */
        bool has_terminal, was_sent;
        bool names_engine; /* the command line does; else it is the one that the job ran on, whatever is configured */
        bool is_over; /* something failed, or a signal came: all that is left is to clean up */
        int exit_code;
} Enter;

static void enter_failed(Machine *machine, int r, const Error *error) {
        Enter *enter = container_of(machine, Enter, machine);

        raw_terminal_end(&enter->terminal);
        if (!enter->is_over) {
                log_error("%s", error_message(error, r));
                enter->exit_code = EXIT_ENGINE;
        }
        enter->is_over = true;
}

static void on_answer(Task *task, int r, const Error *error, void *userdata) {
        Enter *enter = userdata;

        if (r < 0)
                enter_failed(&enter->machine, r, error);
        machine_post(&enter->machine, r < 0 ? MACHINE_FAIL : MACHINE_OK);
}

/* ---- the container ---- */

static int enter_opening(Machine *machine, Task **ret_task, Error **reterr) {
        Enter *enter = container_of(machine, Enter, machine);
        const char *url = enter->kept.job.engine;

        if (enter->names_engine || str_is_empty(url))
                url = enter->options->engine_url;
        return engine_open(enter->event, str_is_empty(url) ? NULL : url, &enter->engine, on_answer, enter, ret_task);
}

static bool is_ours(const Enter *enter, const EngineObject *object) {
        return str_equal(object->name, enter->kept.step->container) &&
               str_equal(strmap_get(&object->labels, "io.podstep.job"), enter->kept.id) &&
               str_equal(strmap_get(&object->labels, "io.podstep.state"), enter->kept.state_directory);
}

static void on_listed(Task *task, int r, const Error *error, void *userdata) {
        Enter *enter = userdata;
        _cleanup_(error_freep) Error *why = error_copy(error);
        bool is_there = false;

        for (size_t i = 0; r >= 0 && i < enter->objects.n_objects; i++)
                is_there |= is_ours(enter, &enter->objects.objects[i]);
        if (r >= 0 && !is_there)
                r = error_set(&why, ENOENT, "the container of step '%s' is not on the engine at %s any more",
                              enter->kept.step->name, enter->engine->info.address);
        on_answer(task, r, why, enter);
}

static int enter_checking(Machine *machine, Task **ret_task, Error **reterr) {
        Enter *enter = container_of(machine, Enter, machine);
        _cleanup_free_ char *label = str_printf("io.podstep.job=%s", enter->kept.id);

        if (!label)
                return error_oom(reterr);
        return engine_object_list(enter->engine, OBJECT_CONTAINER, label, &enter->objects, on_listed, enter, ret_task);
}

static int enter_looking(Machine *machine, Task **ret_task, Error **reterr) {
        Enter *enter = container_of(machine, Enter, machine);

        return engine_container_inspect(enter->engine, enter->kept.step->container, &enter->status, on_answer, enter,
                                        ret_task);
}

static char *entered_path(const Enter *enter) {
        return path_join(enter->kept.step->files, ENTERED);
}

static int enter_starting(Machine *machine, Task **ret_task, Error **reterr) {
        Enter *enter = container_of(machine, Enter, machine);
        _cleanup_free_ char *path = entered_path(enter);
        int r;

        if (enter->status.state == CONTAINER_RUNNING)
                return machine_post(machine, MACHINE_OK), 0;
        if (enter->status.state == CONTAINER_OTHER)
                return error_set(reterr, EBUSY, "the container of step '%s' is neither running nor stopped",
                                 enter->kept.step->name);
        if (!path)
                return error_oom(reterr);
        r = file_write(path, "", 0, 0600);
        if (r < 0)
                return error_set(reterr, -r, "cannot write '%s': %s", path, strerror(-r));
        return engine_container_start(enter->engine, enter->kept.step->container, on_answer, enter, ret_task);
}

/* ---- variables: neither in what the engine tells of the program, nor in a command line ---- */

static int send_file(Enter *enter, const Str *text, Task **ret_task, Error **reterr) {
        ArchiveSpec spec = { .container = enter->kept.step->container,
                             .path = STEP_FILES,
                             .source = upload_read,
                             .rewind = upload_rewind };
        _cleanup_free_ char *path = path_join(enter->kept.step->files, enter->name);
        int r;

        if (!path)
                return error_oom(reterr);
        if (enter->engine->info.is_local) {
                r = text ? file_replace(path, str_get(text), text->n, 0444) : unlink(path) < 0 ? -errno : 0;
                if (r < 0)
                        return error_set(reterr, -r, "cannot %s '%s': %s", text ? "write" : "remove", path,
                                         strerror(-r));
                machine_post(&enter->machine, MACHINE_OK);
                return 0;
        }
        enter->upload = upload_free(enter->upload);
        if (upload_new_empty(&enter->upload) < 0 ||
            upload_add_file(enter->upload, enter->name, text ? str_get(text) : "", text ? text->n : 0, 0444) < 0)
                return error_oom(reterr);
        spec.userdata = enter->upload;
        return engine_archive_put(enter->engine, &spec, on_answer, enter, ret_task);
}

static int enter_sending(Machine *machine, Task **ret_task, Error **reterr) {
        Enter *enter = container_of(machine, Enter, machine);
        Str text = STR_INIT(VARIABLES_BYTES_MAX);
        int r;

        if (map_size(&enter->variables) == 0)
                return machine_post(machine, MACHINE_OK), 0;
        MAP_FOREACH(entry, &enter->variables) {
                (void) str_appendf(&text, "%s=%s", entry->key, (const char *) entry->value);
                (void) str_append_n(&text, "", 1);
        }
        r = text.error < 0
                    ? error_set(reterr, -text.error, "the variables are larger than %u MiB", VARIABLES_BYTES_MAX >> 20)
                    : send_file(enter, &text, ret_task, reterr);
        enter->was_sent = r >= 0;
        if (text.bytes)
                explicit_bzero(text.bytes, text.n);
        str_done(&text);
        return r;
}

static int enter_forgetting(Machine *machine, Task **ret_task, Error **reterr) {
        Enter *enter = container_of(machine, Enter, machine);

        raw_terminal_end(&enter->terminal);
        if (!enter->was_sent)
                return machine_post(machine, MACHINE_OK), 0;
        enter->was_sent = false;
        return send_file(enter, NULL, ret_task, reterr);
}

/* ---- the shell ---- */

static void nobody_reads(Enter *enter) {
        if (!enter->is_over) {
                enter->exit_code = 128 + SIGPIPE;
                machine_post(&enter->machine, MACHINE_STOP);
        }
        enter->is_over = true;
}

static void on_output(int stream, const char *bytes, size_t n, void *userdata) {
        int fd = stream == 2 ? STDERR_FILENO : STDOUT_FILENO;

        while (n > 0) {
                ssize_t k = write(fd, bytes, n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return nobody_reads(userdata);
                bytes += k;
                n -= (size_t) k;
        }
}

static void on_end(Task *task, int r, const Error *error, void *userdata) {
        Enter *enter = userdata;

        if (r >= 0)
                enter->exit_code = r;
        on_answer(task, r, error, enter);
}

static void greet(const Enter *enter) {
        const KeptStep *step = enter->kept.step;
        _cleanup_free_ char *secrets = strv_join(step->secrets, ", ");

        fprintf(stderr, "Step '%s' of job %s, as it ended.\n", step->name, enter->kept.id);
        if (step->has_script)
                fprintf(stderr, "   'sh -e %s/again' runs its commands once more\n", STEP_FILES);
        if (!str_is_empty(secrets) && map_size(&enter->variables) == 0)
                fprintf(stderr, "   its secrets were not kept: %s; '-e NAME' brings one along\n", secrets);
}

static int enter_running(Machine *machine, Task **ret_task, Error **reterr) {
        Enter *enter = container_of(machine, Enter, machine);
        const KeptStep *step = enter->kept.step;
        _cleanup_free_ char *file = str_printf(STEP_FILES "/%s", enter->name),
                            *term = str_printf("TERM=%s", getenv("TERM") ? getenv("TERM") : "xterm");
        _cleanup_strv_ char **argv = NULL;
        ExecSpec spec = { .container = step->container,
                          .has_terminal = enter->has_terminal,
                          .input_fd = STDIN_FILENO,
                          .environment = enter->has_terminal ? (char *const[]) { term, NULL } : NULL,
                          .output = on_output,
                          .userdata = enter };
        int r;

        if (!file || !term || strv_append(&argv, STEP_FILES "/holder") < 0 || strv_append(&argv, "enter") < 0 ||
            strv_append(&argv, step->directory) < 0 || strv_append(&argv, file) < 0)
                return error_oom(reterr);
        STRV_FOREACH(word, enter->options->command)
                if (strv_append(&argv, *word) < 0)
                        return error_oom(reterr);
        spec.argv = argv;
        if (enter->has_terminal) {
                if (!enter->options->quiet)
                        greet(enter);
                spec.size = raw_terminal_size(STDOUT_FILENO);
                r = raw_terminal_begin(&enter->terminal, STDIN_FILENO);
                if (r < 0)
                        return error_set(reterr, -r, "cannot change the terminal: %s", strerror(-r));
        }
        return engine_exec_start(enter->engine, &spec, on_end, enter, ret_task);
}

/* ---- the end ---- */

static void on_stopped(Task *task, int r, const Error *error, void *userdata) {
        Enter *enter = userdata;
        _cleanup_free_ char *path = entered_path(enter);

        if (r >= 0 && path)
                (void) unlink(path);
        on_answer(task, r, error, enter);
}

/* Not where it ran by itself, or somebody else is in there. */
static int enter_stopping(Machine *machine, Task **ret_task, Error **reterr) {
        Enter *enter = container_of(machine, Enter, machine);
        _cleanup_free_ char *path = enter->kept.step ? entered_path(enter) : NULL;

        if (!path || !enter->engine || !file_exists(path) || !job_directory_is_held_only_by(enter->kept.hold_fd))
                return machine_post(machine, MACHINE_OK), 0;
        return engine_container_stop(enter->engine, enter->kept.step->container, STOP_GRACE_USEC, on_stopped, enter,
                                     ret_task);
}

static int enter_done(Machine *machine, Task **ret_task, Error **reterr) {
        Enter *enter = container_of(machine, Enter, machine);

        return sd_event_exit(enter->event, 0);
}

static const MachineState enter_states[] = {
                /* START       OK             FAIL           STOP */
        [AT_NEW] = { "new", NULL,
                { AT_OPENING,  MACHINE_BUG,   MACHINE_BUG,   MACHINE_STAY } },
        [AT_OPENING] = { "opening", enter_opening,
                { MACHINE_BUG, AT_CHECKING,   AT_DONE,       AT_DONE } },
        [AT_CHECKING] = { "checking", enter_checking,
                { MACHINE_BUG, AT_LOOKING,    AT_DONE,       AT_DONE } },
        [AT_LOOKING] = { "looking", enter_looking,
                { MACHINE_BUG, AT_STARTING,   AT_DONE,       AT_DONE } },
        [AT_STARTING] = { "starting", enter_starting,
                { MACHINE_BUG, AT_SENDING,    AT_STOPPING,   AT_STOPPING } },
        [AT_SENDING] = { "sending", enter_sending,
                { MACHINE_BUG, AT_RUNNING,    AT_FORGETTING, AT_FORGETTING } },
        [AT_RUNNING] = { "running", enter_running,
                { MACHINE_BUG, AT_FORGETTING, AT_FORGETTING, AT_FORGETTING } },
        [AT_FORGETTING] = { "forgetting", enter_forgetting,
                { MACHINE_BUG, AT_STOPPING,   AT_STOPPING,   MACHINE_STAY } },
        [AT_STOPPING] = { "stopping", enter_stopping,
                { MACHINE_BUG, AT_DONE,       AT_DONE,       MACHINE_STAY } },
        [AT_DONE] = { "done", enter_done,
                { MACHINE_BUG, MACHINE_STAY,  MACHINE_STAY,  MACHINE_STAY } },
};

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Enter *enter = userdata;

        if (!enter->is_over)
                enter->exit_code = 128 + (int) info->ssi_signo;
        enter->is_over = true;
        machine_post(&enter->machine, MACHINE_STOP);
        return 0;
}

/* Another size; or the shell that we were started from had the terminal meanwhile, and left it as it likes it. */
static int on_terminal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Enter *enter = userdata;

        if (enter->machine.state != AT_RUNNING || !enter->has_terminal || !task_is_pending(enter->machine.task))
                return 0;
        if (info->ssi_signo == SIGCONT)
                (void) raw_terminal_begin(&enter->terminal, STDIN_FILENO);
        engine_exec_resize(enter->engine, enter->machine.task, raw_terminal_size(STDOUT_FILENO));
        return 0;
}

static int listen_to_signals(Enter *enter) {
        static const struct {
                int number;
                sd_event_signal_handler_t handler;
        } rows[] = { { SIGINT, on_signal }, { SIGTERM, on_signal }, { SIGHUP, on_signal }, { SIGQUIT, on_signal },
                     { SIGWINCH, on_terminal }, { SIGCONT, on_terminal } };
        sigset_t signals;
        int r = 0;

        (void) sigemptyset(&signals);
        FOREACH_ROW(row, rows)
                (void) sigaddset(&signals, row->number);
        (void) sigprocmask(SIG_BLOCK, &signals, NULL);
        (void) signal(SIGPIPE, SIG_IGN);
        FOREACH_ROW(row, rows)
                if (r >= 0)
                        r = sd_event_add_signal(enter->event, NULL, row->number, row->handler, enter);
        return r;
}

static int go(Enter *enter, Error **reterr) {
        int r = sd_event_new(&enter->event);

        if (r >= 0)
                r = listen_to_signals(enter);
        if (r >= 0)
                r = machine_init(&enter->machine, enter->event, "enter", enter_states, AT_NEW, enter_failed);
        if (r >= 0) {
                machine_post(&enter->machine, MACHINE_START);
                r = sd_event_loop(enter->event);
        }
        return r < 0 ? error_set(reterr, -r, "the event loop failed: %s", strerror(-r)) : 0;
}

static int prepare(Enter *enter, char *const *args, Error **reterr) {
        int r;

        if (args && args[0] && args[1] && args[2])
                return error_set(reterr, EINVAL,
                                 "'%s' is too much; a command stands behind '--': podstep enter JOB STEP -- COMMAND",
                                 args[2]);
        r = variables_read_environment(enter->options, &enter->variables, reterr);
        if (r < 0)
                return r == -ENOMEM ? r : -EINVAL;
        return kept_find(args ? args[0] : NULL, args && args[0] ? args[1] : NULL, enter->options->socket, &enter->kept,
                         reterr);
}

static void enter_free(Enter *enter) {
        raw_terminal_end(&enter->terminal);
        machine_done(&enter->machine);
        upload_free(enter->upload);
        engine_objects_done(&enter->objects);
        container_status_done(&enter->status);
        enter->engine = engine_free(enter->engine);
        enter->event = sd_event_unref(enter->event);
        variables_done(&enter->variables);
        kept_found_done(&enter->kept);
}

int verb_enter(const Verb *verb, char *const *args, void *values) {
        Enter enter = { .options = values,
                        .names_engine = ((const RunOptions *) values)->engine_url,
                        .variables = STRMAP_INIT,
                        .kept = KEPT_FOUND_INIT };
        _cleanup_(error_freep) Error *error = NULL;
        char id[ID_LENGTH + 1];
        int r = configure(values);

        if (r != 0)
                return r;
        if (enter.options->verbose)
                log_set_level(LOG_DEBUG);
        id_new(id);
        (void) snprintf(enter.name, sizeof(enter.name), "entry-%s", id);
        enter.has_terminal = !enter.options->no_terminal && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
        r = prepare(&enter, args, &error);
        if (r < 0) {
                enter.exit_code = r == -ENOMEM || r == -EIO ? EXIT_ENGINE : EXIT_USAGE;
        } else {
                r = go(&enter, &error);
                if (r < 0)
                        enter.exit_code = EXIT_ENGINE;
        }
        if (r < 0)
                log_error("%s", error_message(error, r));
        enter_free(&enter);
        return enter.exit_code;
}
