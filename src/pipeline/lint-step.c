/* Rules for one entry of 'steps', 'services' or 'clone'. */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "pipeline/image-match.h"
#include "pipeline/image-reference.h"
#include "pipeline/lint-internal.h"
#include "pipeline/policy.h"

#define TEXT_BYTES_SHOWN 100

/* Source: pipeline/frontend/yaml/linter/linter.go (lintPrivilegedPlugins), shared/constant/constant.go. */
static const char *const formerly_privileged[] = {
        "plugins/docker", "plugins/gcr", "plugins/ecr", "woodpeckerci/plugin-docker-buildx", NULL,
};
static const char *const trusted_clones[] = {
        "docker.io/woodpeckerci/plugin-git",
        "quay.io/woodpeckerci/plugin-git",
        NULL,
};

static bool matches(Lint *lint, const char *image, const char *const *list) {
        int r = image_matches(image, (char *const *) list);

        if (r < 0)
                lint->error = r;
        return r > 0;
}

/* The text of the image, if it is one and known; what is wrong with it others have said. */
static const YamlNode *image_of(Lint *lint, const LintContainer *container) {
        const YamlNode *image = lint_get(container->node, "image");

        return image && yaml_is_scalar(image) && !lint_is_variable(lint, image) ? image : NULL;
}

static void check_image(Lint *lint, const LintContainer *container) {
        const YamlNode *image = image_of(lint, container);
        _cleanup_free_ char *reference = NULL, *hint = NULL, *shown = NULL;
        bool is_named;
        Diag *diag;
        int r;

        r = image ? image_reference_qualify(image->text, &reference, &hint, NULL) : -EINVAL;
        if (r == -ENOMEM)
                lint->error = r;
        if (r < 0 || !str_ends_with(reference, ":latest"))
                return;
        shown = str_escape(image->text, image->n_text, TEXT_BYTES_SHOWN);
        is_named = str_ends_with(image->text, ":latest");
        diag = lint_add(lint, DIAG_WARNING, "unpinned-image", image->mark,
                        is_named ? "image '%s' may be another one tomorrow"
                                 : "image '%s' has no tag: it is whatever 'latest' is that day",
                        shown ? shown : "");
        diag_set_hint(diag, "name a version: '%.*s:1.2.3'",
                      (int) (strlen(image->text) - (is_named ? strlen(":latest") : 0)), image->text);
}

static void check_privileged_plugin(Lint *lint, const LintContainer *container) {
        char *const *privileged = lint->options->privileged_plugins;
        const YamlNode *image = image_of(lint, container);
        _cleanup_free_ char *shown = NULL;
        Diag *diag;

        if (!image || map_has(&lint->plain_images, image->text))
                return;
        if (!matches(lint, image->text, formerly_privileged) ||
            matches(lint, image->text, (const char *const *) privileged)) {
                if (map_put_take(&lint->plain_images, image->text, NULL) < 0)
                        lint->error = -ENOMEM;
                return;
        }
        if (lint_is_true(lint_get(container->node, "privileged")))
                return;
        shown = str_escape(image->text, image->n_text, TEXT_BYTES_SHOWN);
        diag = lint_add(lint, privileged ? DIAG_ERROR : DIAG_WARNING, "privileged-plugin", image->mark,
                        "plugin '%s' is no longer privileged by itself", shown ? shown : "");
        diag_set_hint(diag, "if it needs to be, add it to the server's WOODPECKER_PLUGINS_PRIVILEGED and name it with "
                            "'--plugins-privileged', or set 'privileged: true' in the step");
}

static void check_clone(Lint *lint, const LintContainer *container) {
        const YamlNode *image = image_of(lint, container);
        _cleanup_free_ char *shown = NULL;
        Diag *diag;

        if (!image || matches(lint, image->text, trusted_clones) ||
            matches(lint, image->text, (const char *const *) lint->options->trusted_clones))
                return;
        shown = str_escape(image->text, image->n_text, TEXT_BYTES_SHOWN);
        diag = lint_add(lint, DIAG_WARNING, "untrusted-clone", image->mark,
                        "clone image '%s' is on no list of trusted ones: it gets no credentials", shown ? shown : "");
        diag_set_hint(diag, "'woodpeckerci/plugin-git' is; '--plugins-trusted-clone' names more");
}

static const char *const grant_keys[_GRANT_MAX] = {
        [GRANT_PRIVILEGED] = "privileged",
        [GRANT_NETWORK_MODE] = "network_mode",
        [GRANT_DNS] = "dns",
        [GRANT_DNS_SEARCH] = "dns_search",
        [GRANT_EXTRA_HOSTS] = "extra_hosts",
        [GRANT_DEVICES] = "devices",
        [GRANT_VOLUMES] = "volumes",
        [GRANT_TMPFS] = "tmpfs",
};

static void check_trust(Lint *lint, const LintContainer *container) {
        for (PlanGrant grant = 0; grant < _GRANT_MAX; grant++) {
                const YamlNode *node = lint_get(container->node, grant_keys[grant]);

                if (!node || (lint->options->trusted & policy_grant_class(grant)))
                        continue;
                if (grant == GRANT_PRIVILEGED && !lint_is_true(node))
                        continue;
                if (grant == GRANT_NETWORK_MODE && yaml_is_scalar(node) && str_equal(node->text, "none"))
                        continue;
                policy_refuse(grant, node->mark, container->noun, container->name, lint->diags);
        }
}

static const char *const sections_of_values[] = { "environment", "settings" };

void lint_note_service(Lint *lint, const LintContainer *container) {
        const YamlNode *environment = yaml_get(container->node, "environment");

        for (size_t i = 0; environment && i < environment->n_pairs; i++) {
                const YamlNode *value = environment->pairs[i].value;

                if (yaml_is_scalar(value) && map_put_take(&lint->service_values, value->text, (void *) value) < 0)
                        lint->error = -ENOMEM;
        }
}

/* By its name: *_TOKEN, *PASSWORD*, *SECRET*, *_KEY; but not those that name a file or are public. */
static bool is_secret_name(const char *name) {
        static const char *const public[] = { "PUBLIC_KEY", "CACHE_KEY", "_FILE", "_PATH",
                                              "_DIR",       "_URL",      "_NAME", "_ID" };
        _cleanup_free_ char *upper = strdup(name);

        for (char *c = upper; c && *c; c++)
                *c = *c == '-' || *c == '.' ? '_' : (char) toupper((unsigned char) *c);
        if (!upper)
                return false;
        FOREACH_ROW(suffix, public)
                if (str_ends_with(upper, *suffix))
                        return false;
        return strcmp(upper, "TOKEN") == 0 || str_ends_with(upper, "_TOKEN") || str_ends_with(upper, "_KEY") ||
               strstr(upper, "PASSWORD") || strstr(upper, "SECRET");
}

/* What might be one: not a switch, not a path, nothing that is put together when it runs. */
static bool is_secret_value(Lint *lint, const YamlNode *value) {
        if (value->kind != YAML_STRING && value->kind != YAML_INT && value->kind != YAML_FLOAT)
                return false;
        return value->n_text > 1 && !strchr("/.~", value->text[0]) && !strchr(value->text, '$') &&
               strcasecmp(value->text, "yes") != 0 && strcasecmp(value->text, "no") != 0 &&
               !lint_is_variable(lint, value);
}

/* What a service of the same file is given in plain is no secret to keep. */
static void check_secrets(Lint *lint, const LintContainer *container) {
        FOREACH_ROW(section, sections_of_values) {
                const YamlNode *map = yaml_get(container->node, *section);

                for (size_t i = 0; map && i < map->n_pairs; i++) {
                        const YamlPair *pair = &map->pairs[i];
                        _cleanup_free_ char *shown = NULL, *lower = NULL;
                        Diag *diag;

                        if (!is_secret_name(pair->key->text) || !is_secret_value(lint, pair->value) ||
                            map_has(&lint->service_values, pair->value->text))
                                continue;
                        shown = str_escape(pair->key->text, pair->key->n_text, TEXT_BYTES_SHOWN);
                        lower = shown ? strdup(shown) : NULL;
                        for (char *c = lower; c && *c; c++)
                                *c = (char) tolower((unsigned char) *c);
                        diag = lint_add(lint, DIAG_WARNING, "plain-secret", pair->key->mark,
                                        "'%s' looks like a secret, and its value stands in the file",
                                        shown ? shown : "");
                        diag_set_hint(diag, "'%s: {from_secret: %s}'", shown ? shown : "", lower ? lower : "");
                }
        }
}

/* A list gives no name to be reached by; of steps it hardly matters. */
static void check_name(Lint *lint, const LintContainer *container) {
        const YamlNode *list = yaml_get(lint->root, "services");
        Diag *diag;

        if (!list || list->kind != YAML_SEQUENCE || lint_get(container->node, "name"))
                return;
        diag = lint_add(lint, DIAG_WARNING, "unnamed-service", container->mark,
                        "a service without a name is reached as '%s'", container->name);
        diag_set_hint(diag, "add 'name: ...' to it");
}

/* Services alone are waited for, and at their ports is seen when they are ready. */
static void check_ports(Lint *lint, const LintContainer *container) {
        const YamlNode *ports = lint_get(container->node, "ports");
        Diag *diag;

        if (!ports)
                return;
        diag = lint_add(lint, DIAG_WARNING, "no-effect", ports->mark, "'ports' of %s '%s' have no effect",
                        container->noun, container->name);
        diag_set_hint(diag, "they are for services: they tell when one can be used; nothing is mapped to the host");
}

static void check_failure(Lint *lint, const LintContainer *container) {
        const YamlNode *failure = lint_get(container->node, "failure");
        Diag *diag;

        if (!failure || !yaml_is_scalar(failure) || !str_equal(failure->text, "cancel"))
                return;
        diag = lint_add(lint, DIAG_WARNING, "no-effect", failure->mark,
                        "'failure: cancel' of service '%s' has no effect", container->name);
        diag_set_hint(diag, "once a service was ready, its end counts no more; steps can have it");
}

/* With variables of its own it is no plugin, so nothing says what is to run. */
static void check_commands(Lint *lint, const LintContainer *container) {
        const YamlNode *environment = lint_get(container->node, "environment");
        Diag *diag;

        if (!environment || environment->kind != YAML_MAPPING || lint_get(container->node, "settings") ||
            lint_get(container->node, "commands") || lint_get(container->node, "entrypoint") ||
            lint_is_true(yaml_get(container->node, "detach")))
                return;
        diag = lint_add(lint, DIAG_WARNING, "no-commands", container->mark,
                        "step '%s' has an 'environment', but no 'commands': the image's own program runs",
                        container->name);
        diag_set_hint(diag, "if that is meant, say so with 'entrypoint', or use 'settings' if it is a plugin");
}

static const struct {
        unsigned sections;
        void (*check)(Lint *lint, const LintContainer *container);
} rules[] = {
        { 1 << LINT_STEPS | 1 << LINT_SERVICES | 1 << LINT_CLONE, check_image },
        { 1 << LINT_STEPS | 1 << LINT_SERVICES | 1 << LINT_CLONE, check_privileged_plugin },
        { 1 << LINT_STEPS | 1 << LINT_SERVICES | 1 << LINT_CLONE, check_trust },
        { 1 << LINT_CLONE, check_clone },
        { 1 << LINT_STEPS | 1 << LINT_CLONE, check_secrets },
        { 1 << LINT_STEPS, check_commands },
        { 1 << LINT_STEPS, check_ports },
        { 1 << LINT_STEPS, lint_event_check },
        { 1 << LINT_SERVICES, check_name },
        { 1 << LINT_SERVICES, check_failure },
};

void lint_container(Lint *lint, const LintContainer *container) {
        FOREACH_ROW(rule, rules)
                if (rule->sections & 1U << container->section)
                        rule->check(lint, container);
}
