#include "cli/client.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "job/event.h"

#define SEND_TIMEOUT_USEC (60 * USEC_PER_MIN) /* of files */
#define CALL_TIMEOUT_USEC (10 * USEC_PER_MIN) /* one that waits for news is asked again */

typedef struct Answer {
        Client *client;
        RequestSource source;
        ClientChunk chunk;
        void *userdata;
        int r;
        Error *error;
} Answer;

char *client_socket_path(void) {
        const char *given = getenv("PODSTEP_SOCKET"), *runtime = getenv("XDG_RUNTIME_DIR");

        if (!str_is_empty(given))
                return strdup(given);
        return str_is_empty(runtime) ? NULL : path_join(runtime, "podstep/podstep.sock");
}

int client_open(const char *socket, Client *ret, Error **reterr) {
        Client client = { .socket = socket ? strdup(socket) : client_socket_path() };
        TransportSpec spec = { .unix_socket = client.socket, .base_url = "http://podstep" };
        int r;

        if (!client.socket)
                return error_set(reterr, ENOENT,
                                 "XDG_RUNTIME_DIR is not set: give the agent's socket with '--socket PATH'");
        r = sd_event_new(&client.event);
        if (r >= 0)
                r = transport_new(client.event, &spec, &client.transport, reterr);
        if (r < 0) {
                client_done(&client);
                return r;
        }
        *ret = client;
        return 0;
}

void client_done(Client *client) {
        client->transport = transport_free(client->transport);
        client->event = sd_event_unref(client->event);
        free(client->socket);
        client->socket = NULL;
}

static int on_chunk(const char *bytes, size_t n, void *userdata) {
        Answer *answer = userdata;

        return n > 0 ? answer->chunk(bytes, n, answer->userdata) : 0;
}

static ssize_t on_source(char *buffer, size_t n, void *userdata) {
        Answer *answer = userdata;

        return answer->source(buffer, n, answer->userdata);
}

static void on_done(Task *task, int r, const Error *error, void *userdata) {
        Answer *answer = userdata;

        answer->r = r;
        answer->error = error_copy(error);
        (void) sd_event_exit(answer->client->event, 0);
}

static int explain(const Client *client, int r, const Error *error, Error **reterr) {
        if (r == -ECONNREFUSED || r == -ENOENT)
                return error_set(reterr, ECONNREFUSED,
                                 "no agent listens at '%s'\n   hint: 'systemctl --user enable --now podstep.socket' "
                                 "lets it start when it is needed; 'podstep agent --socket PATH' starts one without "
                                 "systemd",
                                 client->socket);
        (void) error_set(reterr, -r, "%s", error_message(error, r));
        return error_wrap(reterr, r, "the agent at '%s'", client->socket);
}

/* What it refused, in its own words. */
static int refusal(const Reply *reply, Error **reterr) {
        static const struct {
                int status, errnum;
        } rows[] = { { 400, EINVAL }, { 403, EACCES }, { 404, ENOENT }, { 405, EINVAL },
                     { 409, EBUSY },  { 413, EFBIG },  { 503, EAGAIN }, { 507, ENOSPC } };
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *text = NULL, *faults = NULL;
        int errnum = EIO;

        FOREACH_ROW(row, rows)
                if (row->status == reply->status)
                        errnum = row->errnum;
        if (json_parse(reply->body, reply->n_body, &json, NULL) >= 0) {
                text = json_find_string(json, "error");
                faults = json_find_string(json, "faults");
        }
        return error_set(reterr, errnum, "%s%s%s", text ? text : "the agent answered with an error", faults ? "\n" : "",
                         faults ? faults : "");
}

/* The loop is used again for each request: one that was told to end is a new one then. */
static int renew(Client *client, Error **reterr) {
        TransportSpec spec = { .unix_socket = client->socket, .base_url = "http://podstep" };
        int r;

        if (sd_event_get_state(client->event) != SD_EVENT_FINISHED)
                return 0;
        client->transport = transport_free(client->transport);
        client->event = sd_event_unref(client->event);
        r = sd_event_new(&client->event);
        return r < 0 ? r : transport_new(client->event, &spec, &client->transport, reterr);
}

static int run(Client *client, const RequestSpec *spec, ClientChunk chunk, void *userdata, Reply *reply,
               Error **reterr) {
        Answer answer = { .client = client, .chunk = chunk, .source = spec->source, .userdata = userdata };
        RequestSpec own = *spec;
        Task *task = NULL;
        int r = renew(client, reterr);

        if (spec->source)
                own.source = on_source;
        if (r >= 0)
                r = request_start(client->transport, &own, reply, on_done, &answer, &task);
        if (r >= 0)
                r = sd_event_loop(client->event);
        task_free(task);
        if (r >= 0)
                r = answer.r;
        if (r < 0)
                r = explain(client, r, answer.error, reterr);
        else if (reply->status >= 300)
                r = refusal(reply, reterr);
        error_free(answer.error);
        return r;
}

static int call(Client *client, const RequestSpec *spec, void *userdata, Json **ret, Error **reterr) {
        Reply reply = { .headers = STRMAP_INIT };
        int r = run(client, spec, NULL, userdata, &reply, reterr);

        if (r >= 0 && ret && reply.n_body > 0) {
                r = json_parse(reply.body, reply.n_body, ret, reterr);
                if (r < 0)
                        r = error_wrap(reterr, -EPROTO, "the agent's answer");
        }
        reply_done(&reply);
        return r;
}

int client_call(Client *client, const char *method, const char *path, const char *body, Json **ret, Error **reterr) {
        RequestSpec spec = { .method = method,
                             .path = path,
                             .body = body,
                             .n_body = body ? strlen(body) : 0,
                             .timeout_usec = CALL_TIMEOUT_USEC };

        return call(client, &spec, NULL, ret, reterr);
}

int client_send(Client *client, const char *path, const char *content_type, RequestSource source, void *userdata,
                Json **ret, Error **reterr) {
        RequestSpec spec = { .method = "POST",
                             .path = path,
                             .source = source,
                             .content_type = content_type,
                             .timeout_usec = SEND_TIMEOUT_USEC };

        return call(client, &spec, userdata, ret, reterr);
}

int client_stream(Client *client, const char *path, ClientChunk chunk, void *userdata, Error **reterr) {
        RequestSpec spec = { .method = "GET", .path = path, .chunk = on_chunk };
        Reply reply = { .headers = STRMAP_INIT };
        int r = run(client, &spec, chunk, userdata, &reply, reterr);

        reply_done(&reply);
        return r;
}

int client_exit_code(int r) {
        switch (r) {
        case -EINVAL:
        case -ENOENT:
        case -EBUSY:
        case -EFBIG: return EXIT_USAGE;
        case -EACCES: return EXIT_REFUSED;
        default: return r < 0 ? EXIT_ENGINE : 0;
        }
}
