#include "engine/pull.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "engine/pull-fault.h"

static Call *pull_free(Call *call) {
        Pull *pull = pull_of(call);

        str_done(&pull->line);
        free(pull->reference);
        free(pull->policy);
        free(pull->id);
        free(pull->words);
        free(pull);
        return NULL;
}

/* What an earlier try told. */
static void pull_forget(Call *call) {
        Pull *pull = pull_of(call);

        str_clear(&pull->line);
        free(TAKE_PTR(pull->id));
        free(TAKE_PTR(pull->words));
}

int pull_keep(char **place, const char *text) {
        if (!text)
                return 0;
        free(*place);
        *place = str_escape(text, strlen(text), PULL_LINE_MAX);
        return *place ? 0 : -ENOMEM;
}

void pull_tell(Pull *pull, const char *text) {
        _cleanup_free_ char *line = NULL;
        size_t n;

        if (!pull->progress || !text)
                return;
        n = strcspn(text, "\r\n");
        line = n > 0 ? str_escape(text, n, PULL_LINE_MAX) : NULL;
        if (line)
                pull->progress(line, pull->call.task.userdata);
}

void pull_failed(Pull *pull, int status, const char *words) {
        pull->ret->fault = pull_fault_find(status, words);
}

int pull_take_line(Pull *pull) {
        _cleanup_(json_unrefp) Json *json = NULL;
        int r;

        if (pull->line.n == 0)
                return 0;
        r = json_parse(str_get(&pull->line), pull->line.n, &json, NULL);
        str_clear(&pull->line);
        return r < 0 ? -EPROTO : pull->read(pull, json);
}

static int pull_on_chunk(const char *bytes, size_t n, void *userdata) {
        Call *call = userdata;
        Pull *pull = pull_of(call);
        int r;

        while (n > 0) {
                const char *newline = memchr(bytes, '\n', n);
                size_t n_line = newline ? (size_t) (newline - bytes) : n;

                r = str_append_n(&pull->line, bytes, n_line);
                if (r >= 0 && newline)
                        r = pull_take_line(pull);
                if (r < 0)
                        return r == -ENOMEM ? r : -EPROTO;
                n_line += newline != NULL;
                bytes += n_line;
                n -= n_line;
        }
        return 0;
}

int pull_new(Engine *engine, const PullSpec *pull_spec, const CallSpec *spec, PullRead read, EngineProgress progress,
             PullResult *ret, TaskDone done, void *userdata, Call **ret_call) {
        _cleanup_(call_freep) Call *call = NULL;
        Pull *pull;
        int r;

        pull = calloc(1, sizeof(*pull));
        if (!pull)
                return -ENOMEM;
        call = &pull->call;
        call->free_derived = pull_free;
        call->before_send = pull_forget;
        call->chunk = pull_on_chunk;
        *ret = (PullResult) { 0 };
        pull->ret = ret;
        pull->read = read;
        pull->progress = progress;
        pull->line = STR_INIT(PULL_LINE_MAX);
        pull->reference = strdup(pull_spec->reference);
        pull->policy = strdup(pull_spec->policy ? pull_spec->policy : "always");
        r = call_init(call, engine, spec, done, userdata);
        if (r < 0 || !pull->reference || !pull->policy)
                return -ENOMEM;
        call->timeout_usec = 0;
        call->idle_usec = call->service->times.pull_idle_usec;
        *ret_call = TAKE_PTR(call);
        return 0;
}

void pull_put_login(JsonWriter *w, const RegistryLogin *login) {
        if (login->identity_token)
                json_put_string(w, "identitytoken", login->identity_token);
        else {
                json_put_string(w, "username", login->username);
                json_put_string(w, "password", login->password);
        }
}

int pull_set_login(Call *call, JsonWriter *w) {
        char *json = NULL, *encoded;
        int r;

        r = json_finish(w, false, &json);
        if (r < 0)
                return r;
        encoded = base64_encode(json, strlen(json), BASE64_URL);
        explicit_bzero(json, strlen(json));
        free(json);
        call->header = encoded ? str_printf("X-Registry-Auth: %s", encoded) : NULL;
        if (encoded)
                explicit_bzero(encoded, strlen(encoded));
        free(encoded);
        return call->header ? 0 : -ENOMEM;
}
