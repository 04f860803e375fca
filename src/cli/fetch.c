#include "cli/fetch.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/strv.h"
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

static int run(char *const *argv, ProcessOutput *output, Error **reterr) {
        static char *const environment[] = { (char *) "GIT_TERMINAL_PROMPT=0", NULL };
        ProcessSpec spec = { .argv = argv, .env = environment, .timeout_usec = FETCH_TIMEOUT_USEC };
        Fetch fetch = { 0 };
        Task *task = NULL;
        int r = sd_event_new(&fetch.event);

        if (r >= 0)
                r = process_run(fetch.event, &spec, output, on_done, &fetch, &task);
        if (r >= 0)
                r = sd_event_loop(fetch.event);
        task_free(task);
        sd_event_unref(fetch.event);
        if (r >= 0)
                r = fetch.r;
        if (r < 0)
                (void) error_set(reterr, -r, "%s", error_message(fetch.error, r));
        error_free(fetch.error);
        return r;
}

int fetch_repository(const char *url, const char *ref, char **ret, Error **reterr) {
        char template[] = "/tmp/podstep-fetch-XXXXXX";
        const char *const with_ref[] = { "git", "clone", "--quiet", "--depth=1", "--branch",
                                         ref,   "--",    url,       template,    NULL };
        const char *const without[] = { "git", "clone", "--quiet", "--depth=1", "--", url, template, NULL };
        ProcessOutput output = { 0 };
        int r;

        if (!mkdtemp(template))
                return error_set(reterr, errno, "cannot make a directory in /tmp: %s", strerror(errno));
        r = run((char *const *) (ref ? with_ref : without), &output, reterr);
        if (r > 0)
                r = error_set(reterr, EINVAL, "git cannot fetch '%s': %.300s", url, output.err ? output.err : "");
        else if (r == -ENOENT)
                r = error_set(reterr, EINVAL, "git is needed to look into '%s', and is not on this machine", url);
        process_output_done(&output);
        if (r >= 0 && !(*ret = strdup(template)))
                r = error_oom(reterr);
        if (r < 0)
                (void) file_remove_tree(template);
        return r;
}
