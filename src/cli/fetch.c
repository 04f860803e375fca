#include "cli/fetch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "loop/process.h"

#define FETCH_TIMEOUT_USEC (5 * USEC_PER_MIN)

typedef struct Fetch {
        sd_event *event;
        int r;
        Error *error;
} Fetch;

static void on_done(Task *task, int r, const Error *error, void *userdata) {
        Fetch *fetch = userdata;

        fetch->r = r;
        fetch->error = error_copy(error);
        (void) sd_event_exit(fetch->event, 0);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Fetch *fetch = userdata;

        fetch->r = -ECANCELED;
        return sd_event_exit(fetch->event, 0);
}

static int turn(Fetch *fetch, const ProcessSpec *spec, ProcessOutput *output) {
        Task *task = NULL;
        int r = sd_event_new(&fetch->event);

        if (r >= 0)
                r = sd_event_add_signal(fetch->event, NULL, SIGINT, on_signal, fetch);
        if (r >= 0)
                r = sd_event_add_signal(fetch->event, NULL, SIGTERM, on_signal, fetch);
        if (r >= 0)
                r = process_run(fetch->event, spec, output, on_done, fetch, &task);
        if (r >= 0)
                r = sd_event_loop(fetch->event);
        task_free(task);
        fetch->event = sd_event_unref(fetch->event);
        return r;
}

static int run(char *const *argv, ProcessOutput *output, Error **reterr) {
        static char *const environment[] = { (char *) "GIT_TERMINAL_PROMPT=0", NULL };
        ProcessSpec spec = { .argv = argv, .env = environment, .timeout_usec = FETCH_TIMEOUT_USEC };
        Fetch fetch = { 0 };
        sigset_t signals, before;
        int r;

        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGINT);
        (void) sigaddset(&signals, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &signals, &before);
        r = turn(&fetch, &spec, output);
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
        if (r >= 0)
                r = fetch.r;
        if (r < 0)
                (void) error_set(reterr, -r, "%s", error_message(fetch.error, r));
        error_free(fetch.error);
        return r;
}

static int clone_into(const char *url, const char *ref, const char *directory, Error **reterr) {
        const char *const with_ref[] = { "git", "clone", "--quiet", "--depth=1", "--branch",
                                         ref,   "--",    url,       directory,   NULL };
        const char *const without[] = { "git", "clone", "--quiet", "--depth=1", "--", url, directory, NULL };
        ProcessOutput output = { 0 };
        int r = run((char *const *) (ref ? with_ref : without), &output, reterr);

        if (r > 0)
                r = error_set(reterr, EINVAL, "git cannot fetch '%s': %.300s", url, output.err ? output.err : "");
        else if (r == -ENOENT)
                r = error_set(reterr, EINVAL, "git is needed to look into '%s', and is not on this machine", url);
        process_output_done(&output);
        return r;
}

int fetch_repository(const char *url, const char *ref, char **ret, Error **reterr) {
        const char *given = getenv("TMPDIR"), *parent = str_is_empty(given) ? "/tmp" : given;
        _cleanup_free_ char *directory = path_join(parent, "podstep-fetch-XXXXXX");
        int r;

        if (!directory)
                return error_oom(reterr);
        if (!mkdtemp(directory))
                return error_set(reterr, errno, "cannot make a directory in '%s': %s", parent, strerror(errno));
        r = clone_into(url, ref, directory, reterr);
        if (r < 0) {
                (void) file_remove_tree(directory);
                return r;
        }
        *ret = TAKE_PTR(directory);
        return 0;
}
