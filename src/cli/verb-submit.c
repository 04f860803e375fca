/* Work for the agent: what 'run' would do, handed on. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strv.h"
#include "cli/client.h"
#include "cli/configure.h"
#include "cli/fetch.h"
#include "cli/job-text.h"
#include "cli/plan-file.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "document/source.h"
#include "job/event.h"
#include "job/upload.h"

static int put_workflows(JsonWriter *w, const RunOptions *options, const SessionInput *input, Error **reterr) {
        json_open_array(w, "workflows");
        STRV_FOREACH(path, input->files) {
                _cleanup_free_ char *text = NULL;
                size_t n;
                int r = file_read(*path, SOURCE_BYTES_MAX, &text, &n);

                if (r < 0)
                        return error_set(reterr, -r, "cannot read '%s': %s", *path, strerror(-r));
                json_open_object(w, NULL);
                json_put_string(w, "file",
                                path_is_below(*path, input->checkout) && options->git
                                        ? *path + strlen(input->checkout) + 1
                                        : *path);
                json_put_bytes(w, "text", text, n);
                json_close(w);
        }
        json_close(w);
        return 0;
}

static void put_msec(JsonWriter *w, const char *key, uint64_t usec) {
        if (usec > 0 && usec != USEC_INFINITY)
                json_put_uint(w, key, MAX(usec / USEC_PER_MSEC, UINT64_C(1)));
}

static char *trusted_words(unsigned trusted) {
        return str_printf("%s%s%s", trusted & TRUST_NETWORK ? "network," : "",
                          trusted & TRUST_VOLUMES ? "volumes," : "", trusted & TRUST_SECURITY ? "security," : "");
}

static void put_options(JsonWriter *w, const RunOptions *options, const SessionInput *input) {
        static const char *const networks[] = {
                [NETWORK_CHOICE_AUTO] = "auto", [NETWORK_CHOICE_POD] = "pod", [NETWORK_CHOICE_BRIDGE] = "bridge"
        };
        _cleanup_free_ char *trusted = trusted_words(options->policy.trusted),
                            *pull = pull_list_to_string(&options->pull, ",");

        json_open_object(w, "options");
        json_put_string(w, "workspace",
                        options->write   ? "write"
                        : options->clean ? "clean"
                        : options->clone ? "clone"
                                         : "overlay");
        if (options->clone_depth > 0)
                json_put_uint(w, "clone_depth", options->clone_depth);
        if (trusted && *trusted) {
                trusted[strlen(trusted) - 1] = '\0';
                json_put_string(w, "trusted", trusted);
        }
        json_put_string(w, "pull", options->pull.n > 0 ? pull : NULL);
        json_put_string(w, "network", networks[MAX(options->network, NETWORK_CHOICE_AUTO)]);
        put_msec(w, "timeout_ms", options->timeout_usec);
        put_msec(w, "service_timeout_ms", options->service_timeout_usec);
        put_msec(w, "grace_ms", options->grace_usec);
        if (options->keep)
                json_put_bool(w, "keep", true);
        json_put_strv(w, "steps", options->step_names);
        json_put_string(w, "from", options->from);
        if (!options->plan) { /* a plan was made with them */
                json_put_string(w, "cron", input->cron);
                json_put_strv(w, "changed_files", input->changed_files);
        }
        json_close(w);
}

static void put_source(JsonWriter *w, const RunOptions *options, const SessionInput *input, const char *upload) {
        json_open_object(w, "source");
        if (options->git) {
                json_put_string(w, "kind", "git");
                json_put_string(w, "url", options->git);
                json_put_string(w, "commit", strmap_get(&input->environment, "CI_COMMIT_SHA"));
                json_put_string(w, "ref", strmap_get(&input->environment, "CI_COMMIT_BRANCH"));
        } else if (upload) {
                json_put_string(w, "kind", "upload");
                json_put_string(w, "id", upload);
        } else {
                json_put_string(w, "kind", "directory");
                json_put_string(w, "path", input->checkout);
        }
        json_close(w);
}

static int make_body(const RunOptions *options, const SessionInput *input, const char *upload, char **ret,
                     Error **reterr) {
        JsonWriter w = { 0 };
        int r;

        json_open_object(&w, NULL);
        r = options->plan ? plan_file_put(options->plan, &w, reterr) : put_workflows(&w, options, input, reterr);
        if (r < 0) {
                json_writer_done(&w);
                return r;
        }
        json_put_strmap(&w, "environment", &input->environment);
        json_put_strmap(&w, "secrets", &input->secrets);
        if (!options->plan)
                json_put_strmap(&w, "variables", &input->given);
        json_put_string(&w, "label", options->label);
        put_source(&w, options, input, upload);
        put_options(&w, options, input);
        json_close(&w);
        return json_finish(&w, false, ret) < 0 ? error_oom(reterr) : 0;
}

/* The checkout as it is now: what is changed later does not count. */
static int send_checkout(Client *client, const SessionInput *input, Json **ret, const char **ret_id, Error **reterr) {
        _cleanup_(upload_freep) Upload *upload = NULL;
        int r = upload_new_tree(input->checkout, &upload);

        if (r < 0)
                return error_set(reterr, -r, "cannot read '%s': %s", input->checkout, strerror(-r));
        r = client_send(client, "/v1/sources", "application/x-tar", upload_read, upload, ret, reterr);
        if (r < 0 && upload_error(upload)) {
                *reterr = error_free(*reterr);
                r = error_set(reterr, -r, "%s", error_message(upload_error(upload), r));
        }
        if (r >= 0)
                r = json_get_string(*ret, "id", ret_id, reterr);
        return r < 0 ? error_wrap(reterr, r, "sending '%s'", input->checkout) : 0;
}

static int submit(Client *client, const RunOptions *options, const SessionInput *input, Json **ret, Error **reterr) {
        _cleanup_(json_unrefp) Json *sent = NULL;
        _cleanup_free_ char *body = NULL;
        const char *upload = NULL;
        int r = options->upload ? send_checkout(client, input, &sent, &upload, reterr) : 0;

        if (r >= 0)
                r = make_body(options, input, upload, &body, reterr);
        if (options->git) /* all is known; Ctrl-C from here on leaves no clone */
                (void) file_remove_tree(options->directory);
        if (r >= 0)
                r = client_call(client, "POST", "/v1/jobs", body, ret, reterr);
        if (body)
                explicit_bzero(body, strlen(body));
        return r;
}

/* All jobs of the submission, one after the other; the worst decides. */
static int wait_for_all(Client *client, Json *answer, bool json, Error **reterr) {
        Json *jobs = NULL;
        int code = 0, r = json_get_array(answer, "jobs", &jobs, reterr);

        for (size_t i = 0; r >= 0 && i < json_object_array_length(jobs); i++) {
                const char *id = json_find_string(json_object_array_get_idx(jobs, i), "id");
                int own = 0;

                r = job_text_follow(client, id ? id : "", json, &own, reterr);
                code = MAX(code, own);
        }
        return r < 0 ? r : code;
}

static int go(const RunOptions *options, const SessionInput *input, Error **reterr) {
        _cleanup_(client_done) Client client = { 0 };
        _cleanup_(json_unrefp) Json *answer = NULL;
        int r = client_open(options->socket, &client, reterr);

        if (r >= 0)
                r = submit(&client, options, input, &answer, reterr);
        if (r < 0)
                return r;
        if (options->json)
                puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        else
                job_text_print_submitted(answer, options->quiet);
        (void) fflush(stdout);
        return options->wait ? wait_for_all(&client, answer, options->json, reterr) : 0;
}

/* Its workflows are read from a clone for the moment, and git tells of the commit there. */
static int look_into(RunOptions *options) {
        _cleanup_(error_freep) Error *error = NULL;
        int r = fetch_repository(options->git, options->ref, &options->directory, &error);

        if (r == -ECANCELED)
                return EXIT_CANCELED;
        if (r < 0) {
                log_error("%s", error_message(error, r));
                return EXIT_USAGE;
        }
        options->clone = true;
        return 0;
}

int verb_submit(const Verb *verb, char *const *args, void *values) {
        const RunOptions *options = values;
        _cleanup_(session_input_done)
                SessionInput input = { .environment = STRMAP_INIT, .secrets = STRMAP_INIT, .given = STRMAP_INIT };
        _cleanup_(error_freep) Error *error = NULL;
        int r = run_options_check(options, &error), code;

        if (r < 0) {
                log_error("%s", error_message(error, r));
                return EXIT_USAGE;
        }
        if (options->plan && args && args[0]) {
                log_error("'--plan' and workflow files do not go together: a plan is what became of them");
                return EXIT_USAGE;
        }
        code = configure(values);
        if (code == 0 && options->git)
                code = look_into(values);
        if (code == 0)
                code = session_gather(options, args, &input);
        if (code == 0)
                r = go(options, &input, &error);
        if (options->git && options->directory)
                (void) file_remove_tree(options->directory);
        if (code != 0)
                return code;
        if (r < 0) {
                log_error("%s", error_message(error, r));
                return client_exit_code(r);
        }
        return r;
}
