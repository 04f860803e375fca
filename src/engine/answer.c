/* Reading an engine's answers: what a refusal says, and the few fields that many answers share. */

#include "engine/service-internal.h"

#include <errno.h>
#include <string.h>

#define WORDS_MAX 1000 /* bytes; the longest seen are pulls that went through several mirrors */

/* What OCI runtimes put in front of their messages. */
static const char *const runtime_prefixes[] = { "crun: ", "runc: ", "runsc: ", "youki: " };

/* The length of @text without ": cause" at its end. */
static size_t without_cause(const char *text, size_t n, const char *cause) {
        size_t n_cause = strlen(cause);

        if (n > n_cause + 2 && memcmp(text + n - n_cause, cause, n_cause) == 0 &&
            memcmp(text + n - n_cause - 2, ": ", 2) == 0)
                return n - n_cause - 2;
        return n;
}

/*
 * Podman's message is a chain from the outermost call to the cause. Runtime errors end in a general class ("OCI runtime
 * error", "OCI permission denied", "OCI runtime attempted to invoke a command that was not found") that only repeats
 * what stands before.
 */
static char *clean_message(const char *message, const char *cause) {
        size_t n = strcspn(message, "\r\n");

        if (cause && str_starts_with(cause, "OCI "))
                n = without_cause(message, n, cause);
        FOREACH_ROW(prefix, runtime_prefixes)
                if (str_starts_with(message, *prefix) && n > strlen(*prefix)) {
                        n -= strlen(*prefix);
                        message += strlen(*prefix);
                        break;
                }
        return str_escape(message, n, WORDS_MAX);
}

char *call_words(const Reply *reply) {
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *message = NULL;

        if (json_parse(reply->body ? reply->body : "", reply->n_body, &json, NULL) >= 0) {
                message = json_find_string(json, "message");
                if (!str_is_empty(message))
                        return clean_message(message, json_find_string(json, "cause"));
        }
        /* No object of Podman's: a proxy in between, or an unknown route, in plain text. */
        if (!json && reply->n_body > 0)
                return clean_message(reply->body, NULL);
        return str_printf("HTTP status %d", reply->status);
}

int call_check(const Reply *reply, Error **reterr) {
        _cleanup_free_ char *words = NULL;

        if (reply->status >= 200 && reply->status <= 299)
                return 0;
        words = call_words(reply);
        if (!words)
                return error_oom(reterr);
        return error_set(reterr, reply->status == 404 ? ENOENT : EREMOTEIO, "%s", words);
}

int call_bad(int r, Error **reterr) {
        if (r == -ENOMEM)
                return error_oom(reterr);
        return error_wrap(reterr, -EPROTO, "odd answer");
}

int call_json(const Reply *reply, Json **ret, Error **reterr) {
        int r;

        r = call_check(reply, reterr);
        if (r < 0)
                return r;
        r = json_parse(reply->body, reply->n_body, ret, reterr);
        return r < 0 ? call_bad(r, reterr) : 0;
}

int call_copy_string(Json *json, const char *path, char **ret) {
        const char *text = json_find_string(json, path);

        *ret = strdup(text ? text : "");
        return *ret ? 0 : -ENOMEM;
}

int call_copy_labels(Json *labels, Map *ret) {
        *ret = STRMAP_INIT;
        if (!json_object_is_type(labels, json_type_object))
                return 0;
        json_object_object_foreach(labels, key, value) {
                const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";

                if (strmap_put(ret, key, text) < 0)
                        return -ENOMEM;
        }
        return 0;
}

void call_put_labels(JsonWriter *w, const char *key, const Map *labels) {
        json_open_object(w, key);
        if (labels)
                MAP_FOREACH(entry, labels)
                        json_put_string(w, entry->key, entry->value);
        json_close(w);
}

int answer_id(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *id = NULL;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        r = json_get_string(json, "Id", &id, reterr);
        if (r < 0)
                return call_bad(r, reterr);
        return call_copy_string(json, "Id", call->ret.text);
}

int answer_standing(Call *call, Reply *reply, Error **reterr) {
        return reply->status == 404 ? call_refuse(call, reterr) : call_check(reply, reterr);
}
