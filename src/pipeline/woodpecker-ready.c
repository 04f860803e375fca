/* "ready" of a service: how to see that it can be used. Ours; Woodpecker waits for nothing. */

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "pipeline/pattern.h"
#include "pipeline/woodpecker-internal.h"
#include "pipeline/woodpecker-keys.h"

#define TIMEOUT_USEC_MAX (UINT64_C(24) * 3600 * 1000000)

typedef struct ReadyKeys {
        const YamlNode *log, *command, *port, *timeout;
} ReadyKeys;

/* clang-format off */
static const Key ready_rows[] = {
        { "log", KEY_TEXT, offsetof(ReadyKeys, log),
          .doc = "A regular expression: the service is ready when a line of its output matches." },
        { "command", KEY_STRINGS, offsetof(ReadyKeys, command),
          .doc = "Run in the service until it succeeds: a list is program and arguments, a text goes to its shell." },
        { "port", KEY_TEXT, offsetof(ReadyKeys, port),
          .doc = "The TCP port that opens, whatever the image and ``ports`` say." },
        { "timeout", KEY_TEXT, offsetof(ReadyKeys, timeout),
          .doc = "How long that may take: ``30s``, ``2m``. Default: the operator's ``services.timeout``." },
};
/* clang-format on */

static const KeyTable ready_table = KEY_TABLE(ready_rows);
const KeyTable *const woodpecker_ready_keys = &ready_table;

static void refuse(Woodpecker *wp, const YamlNode *node, const char *what, const char *why, const char *hint) {
        Diag *diag = WOODPECKER_ERROR(wp, "value", node->mark, "ready.%s: %s", what, why);

        if (hint)
                diag_set_hint(diag, "%s", hint);
}

static int take_log(Woodpecker *wp, const YamlNode *node, PlanReady *ready) {
        _cleanup_(pattern_freep) Pattern *pattern = NULL;
        _cleanup_(error_freep) Error *error = NULL;

        if (!node)
                return 0;
        if (pattern_new(node->text, &pattern, &error) == -ENOMEM)
                return -ENOMEM;
        if (!pattern) {
                refuse(wp, node, "log", error_message(error, -EINVAL), NULL);
                return 0;
        }
        ready->log = strdup(node->text);
        return ready->log ? 0 : -ENOMEM;
}

/* As a HEALTHCHECK of an image has it: "CMD" and the program, or "CMD-SHELL" and a text. */
static int take_command(const YamlNode *node, PlanReady *ready) {
        _cleanup_strv_ char **words = NULL;
        int r;

        if (!node)
                return 0;
        r = key_strings(node, &words);
        if (r >= 0)
                r = strv_append(&ready->command, yaml_is_scalar(node) ? "CMD-SHELL" : "CMD");
        STRV_FOREACH(word, words)
                if (r >= 0)
                        r = strv_append(&ready->command, *word);
        return r;
}

static void take_numbers(Woodpecker *wp, const ReadyKeys *keys, PlanReady *ready) {
        if (keys->port && (parse_u16(keys->port->text, &ready->port) < 0 || ready->port == 0))
                refuse(wp, keys->port, "port", "not a port", "a number from 1 to 65535");
        if (keys->timeout && (parse_duration(keys->timeout->text, &ready->timeout_usec) < 0 ||
                              ready->timeout_usec == 0 || ready->timeout_usec > TIMEOUT_USEC_MAX))
                refuse(wp, keys->timeout, "timeout", "not a duration up to a day", "such as '30s', '2m'");
}

int woodpecker_ready_compile(Woodpecker *wp, const Container *container, PlanStep *step) {
        const YamlNode *node = container->keys.ready;
        _cleanup_free_ char *owner = NULL;
        ReadyKeys keys = { 0 };
        int r, n;

        if (!node)
                return 0;
        owner = str_printf("'ready' of %s", container->owner);
        if (!owner)
                return -ENOMEM;
        wp->n_errors += keys_read(&ready_table, node, 0, owner, &keys, wp->diags);
        n = (keys.log != NULL) + (keys.command != NULL) + (keys.port != NULL);
        if (n > 1)
                refuse(wp, node, "log", "one of 'log', 'command' and 'port' says when it is ready, not several", NULL);
        if (keys.command && keys.command->n_items == 0 && !yaml_is_scalar(keys.command))
                refuse(wp, keys.command, "command", "there is none", NULL);
        take_numbers(wp, &keys, &step->ready);
        r = take_log(wp, keys.log, &step->ready);
        return r < 0 ? r : take_command(keys.command, &step->ready);
}
