#include "engine/auth-helper.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "engine/auth-file.h"
#include "loop/process.h"

#define HELPER_WORDS_MAX 300

typedef struct Helper {
        Task task;
        char *program;
        RegistryLogin *ret;
        ProcessOutput output;
        Task *process;
} Helper;

static Task *helper_free(Task *task) {
        Helper *helper = container_of(task, Helper, task);

        task_free(helper->process);
        if (helper->output.out)
                explicit_bzero(helper->output.out, helper->output.n_out);
        process_output_done(&helper->output);
        free(helper->program);
        free(helper);
        return NULL;
}

static const TaskClass helper_class = { .name = "credential-helper", .free = helper_free };

/* It says so on standard output; the library that most are made with has these words. */
static bool knows_none(const ProcessOutput *output) {
        return output->out && strstr(output->out, "credentials not found");
}

static int refuse(const Helper *helper, int status, Error **reterr) {
        const char *words = helper->output.n_err > 0 ? helper->output.err
                            : helper->output.out     ? helper->output.out
                                                     : "";
        _cleanup_free_ char *shown = str_escape(words, strcspn(words, "\r\n"), HELPER_WORDS_MAX);

        return error_set(reterr, EREMOTEIO, "'%s' failed (exit code %d): %s", helper->program, status,
                         shown ? shown : "");
}

static void on_exited(Task *task, int r, const Error *error, void *userdata) {
        Helper *helper = userdata;
        _cleanup_(error_freep) Error *why = error_copy(error);

        if (r == 0) {
                r = auth_answer_parse(helper->output.out, helper->output.n_out, helper->ret, &why);
                if (r < 0)
                        r = error_wrap(&why, r, "the answer of '%s'", helper->program);
        } else if (r > 0)
                r = knows_none(&helper->output) ? 1 : refuse(helper, r, &why);
        else if (r == -ENOENT)
                r = error_set(&why, ENOENT, "there is no program '%s' in PATH", helper->program);
        else if (r == -ETIMEDOUT)
                r = error_set(&why, ETIMEDOUT, "'%s' did not answer within %d seconds", helper->program,
                              (int) (AUTH_HELPER_DEADLINE_USEC / USEC_PER_SEC));
        else
                r = error_wrap(&why, r, "'%s'", helper->program);
        task_finish(&helper->task, r, why);
}

/* Docker's own registry has a name of its own there. */
static const char *server_name(const char *registry) {
        return str_equal(registry, "docker.io") ? "https://index.docker.io/v1/" : registry;
}

int auth_helper_start(sd_event *event, const char *name, const char *registry, RegistryLogin *ret, TaskDone done,
                      void *userdata, Task **ret_task) {
        Helper *helper = calloc(1, sizeof(*helper));
        ProcessSpec spec;
        int r = -ENOMEM;

        if (!helper)
                return -ENOMEM;
        task_init(&helper->task, &helper_class, done, userdata);
        helper->ret = ret;
        helper->program = str_printf("docker-credential-%s", name);
        if (helper->program) {
                spec = (ProcessSpec) { .argv = (char *const[]) { helper->program, (char *) "get", NULL },
                                       .input = server_name(registry),
                                       .output_max = AUTH_HELPER_OUTPUT_MAX,
                                       .timeout_usec = AUTH_HELPER_DEADLINE_USEC };
                r = process_run(event, &spec, &helper->output, on_exited, helper, &helper->process);
        }
        if (r < 0) {
                (void) helper_free(&helper->task);
                return r;
        }
        *ret_task = &helper->task;
        return 0;
}
