/* The verbs that ask the agent: ps, logs, show, rerun, info. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strv.h"
#include "cli/job-text.h"
#include "cli/verb-client.h"
#include "cli/verbs.h"
#include "http/url.h"
#include "job/event.h"

int verb_with_client(ClientWork work, char *const *args, const ClientOptions *options) {
        _cleanup_(client_done) Client client = { 0 };
        _cleanup_(error_freep) Error *error = NULL;
        int r = client_open(options->socket, &client, &error);

        if (r >= 0)
                r = work(&client, args, options, &error);
        if (r >= 0 && fflush(stdout) != 0)
                r = -errno;
        if (r == -EPIPE) /* nobody reads any more */
                return 0;
        if (r >= 0)
                return r;
        log_error("%s", error_message(error, r));
        return client_exit_code(r);
}

static int need_one(char *const *args, Error **reterr) {
        return strv_length(args) == 1
                       ? 0
                       : error_set(reterr, EINVAL,
                                   "expected one job: its number or its id; 'podstep ps --all' lists them");
}

static void print_json(Json *json) {
        puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* ---- ps ---- */

/* Two states of three in one list: all of them, without those that are done. */
static void drop_done(Json *answer) {
        Json *jobs = NULL;

        if (json_get_array(answer, "jobs", &jobs, NULL) < 0)
                return;
        for (size_t i = json_object_array_length(jobs); i > 0; i--)
                if (str_equal(json_find_string(json_object_array_get_idx(jobs, i - 1), "state"), "done"))
                        (void) json_object_array_del_idx(jobs, i - 1, 1);
}

static int list_once(Client *client, const ClientOptions *options, const char *state, uint64_t *version,
                     Error **reterr) {
        _cleanup_str_ Str path = STR_INIT(URL_MAX);
        _cleanup_(json_unrefp) Json *answer = NULL;
        int64_t seen = 0;
        int r;

        (void) str_append(&path, "/v1/jobs");
        (void) url_append_query(&path, "limit", "1000");
        (void) url_append_query(&path, "state", state);
        (void) url_append_query(&path, "label", options->label);
        if (*version > 0) {
                _cleanup_free_ char *text = str_printf("%llu", (unsigned long long) *version);

                (void) url_append_query(&path, "newer_than", text);
        }
        r = path.error ? error_oom(reterr) : client_call(client, "GET", str_get(&path), NULL, &answer, reterr);
        if (r < 0)
                return r;
        if (!options->all && !options->state)
                drop_done(answer);
        if (options->watch && isatty(STDOUT_FILENO))
                fputs("\033[H\033[J", stdout);
        if (options->json)
                print_json(answer);
        else
                job_text_print_list(answer, options->quiet);
        (void) json_get_int(answer, "version", &seen, NULL);
        *version = (uint64_t) MAX(seen, 0);
        return fflush(stdout) == 0 ? 0 : -EPIPE;
}

static int work_ps(Client *client, char *const *args, const ClientOptions *options, Error **reterr) {
        uint64_t version = 0;
        int r;

        do
                r = list_once(client, options, options->state, &version, reterr);
        while (r >= 0 && options->watch);
        return r;
}

int verb_ps(const Verb *verb, char *const *args, void *values) {
        return verb_with_client(work_ps, args, values);
}

/* ---- logs ---- */

static int on_chunk(const char *bytes, size_t n, void *userdata) {
        return fwrite(bytes, 1, n, stdout) == n && fflush(stdout) == 0 ? 0 : -EPIPE;
}

static int work_logs(Client *client, char *const *args, const ClientOptions *options, Error **reterr) {
        _cleanup_free_ char *base = NULL;
        Str path = STR_INIT(URL_MAX);
        int r = need_one(args, reterr);

        if (r < 0)
                return r;
        base = job_text_path(args[0], "/log");
        (void) str_append(&path, base ? base : "");
        (void) url_append_query(&path, "format",
                                options->json                     ? "json"
                                : options->plain || options->step ? "text"
                                                                  : "prefixed");
        (void) url_append_query(&path, "step", options->step);
        (void) url_append_query(&path, "follow", options->follow ? "true" : NULL);
        r = base && !path.error ? client_stream(client, str_get(&path), on_chunk, NULL, reterr) : error_oom(reterr);
        str_done(&path);
        return r;
}

int verb_logs(const Verb *verb, char *const *args, void *values) {
        return verb_with_client(work_logs, args, values);
}

/* ---- show, rerun, info ---- */

static int work_show(Client *client, char *const *args, const ClientOptions *options, Error **reterr) {
        _cleanup_(json_unrefp) Json *answer = NULL;
        _cleanup_free_ char *path = NULL;
        int r = need_one(args, reterr);

        if (r < 0)
                return r;
        path = job_text_path(args[0], "");
        r = path ? client_call(client, "GET", path, NULL, &answer, reterr) : error_oom(reterr);
        if (r < 0)
                return r;
        if (options->json)
                print_json(answer);
        else
                job_text_print_job(answer);
        return 0;
}

int verb_show(const Verb *verb, char *const *args, void *values) {
        return verb_with_client(work_show, args, values);
}

static int put_secrets(JsonWriter *w, const ClientOptions *options, Error **reterr) {
        if (!options->secret_names)
                return 0;
        json_open_object(w, "secrets");
        STRV_FOREACH(name, options->secret_names) {
                const char *value = getenv(*name);

                if (!value)
                        return error_set(reterr, EINVAL, "'--secret %s': no such variable in podstep's environment",
                                         *name);
                json_put_string(w, *name, value);
        }
        json_close(w);
        return 0;
}

static int work_rerun(Client *client, char *const *args, const ClientOptions *options, Error **reterr) {
        _cleanup_(json_unrefp) Json *answer = NULL;
        _cleanup_(json_writer_done) JsonWriter w = { 0 };
        _cleanup_free_ char *path = NULL, *body = NULL;
        int r = need_one(args, reterr);

        if (r < 0)
                return r;
        json_open_object(&w, NULL);
        json_put_string(&w, "from", options->from);
        r = put_secrets(&w, options, reterr);
        if (r < 0)
                return r;
        json_close(&w);
        path = job_text_path(args[0], "/rerun");
        r = path && json_finish(&w, false, &body) >= 0 ? client_call(client, "POST", path, body, &answer, reterr)
                                                       : error_oom(reterr);
        if (body)
                explicit_bzero(body, strlen(body));
        if (r < 0)
                return r;
        if (options->json)
                print_json(answer);
        else
                job_text_print_submitted(answer, false);
        return 0;
}

int verb_rerun(const Verb *verb, char *const *args, void *values) {
        return verb_with_client(work_rerun, args, values);
}

static void print_info(Json *json) {
        json_object_object_foreach(json, key, value) {
                if (json_object_is_type(value, json_type_object)) {
                        json_object_object_foreach(value, inner_key, inner)
                                printf("%s.%s: %s\n", key, inner_key, json_object_get_string(inner));
                } else
                        printf("%s: %s\n", key, json_object_get_string(value));
        }
}

static int work_info(Client *client, char *const *args, const ClientOptions *options, Error **reterr) {
        _cleanup_(json_unrefp) Json *answer = NULL;
        int r = client_call(client, "GET", "/v1/info", NULL, &answer, reterr);

        if (r < 0)
                return r;
        if (options->json)
                print_json(answer);
        else
                print_info(answer);
        return 0;
}

int verb_info(const Verb *verb, char *const *args, void *values) {
        return verb_with_client(work_info, args, values);
}
