/* One entry of 'steps', 'services' or 'clone': what it may hold, and what it needs. */

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "pipeline/name.h"
#include "pipeline/woodpecker-internal.h"
#include "pipeline/woodpecker-keys.h"

#define TEXT_BYTES_SHOWN 100

static const char *const failure_words[] = { "fail", "ignore", "cancel", NULL };

/* clang-format off */
#define FIELD(name) offsetof(ContainerKeys, name)
static const Key container_rows[] = {
        { "name", KEY_TEXT, FIELD(name),
          .doc = "Name of a step that is written as an entry of a list, or another name than its key." },
        { "image", KEY_TEXT, FIELD(image), .takes_null = true,
          .doc = "Container image, completed as Docker does: ``golang`` is ``docker.io/library/golang:latest``." },
        { "pull", KEY_BOOL, FIELD(pull),
          .hint = "'pull: true' always asks; without it an image that is there is good enough",
          .doc = "Whether to ask the registry for a newer image though there is one. Default: ``false``." },
        { "commands", KEY_STRINGS, FIELD(commands),
          .doc = "Shell commands, run by ``/bin/sh -e`` one after the other." },
        { "entrypoint", KEY_STRINGS, FIELD(entrypoint),
          .doc = "Program and arguments instead of the image's or the shell; not split at spaces." },
        { "directory", KEY_TEXT, FIELD(directory),
          .doc = "Where to run: below the workspace, or an absolute path." },
        { "settings", KEY_MAP, FIELD(settings),
          .doc = "What a plugin finds as ``PLUGIN_*`` variables." },
        { "environment", KEY_MAP, FIELD(environment),
          .hint = "write it as a map: 'NAME: value'",
          .doc = "Environment variables; a value of ``{from_secret: name}`` comes from a secret." },
        { "depends_on", KEY_ANY, FIELD(depends_on), IN_STEP,
          .hint = "services start together, before the first step",
          .doc = "Steps that must be done before: a name, or a list of names or ``{name, optional}``. ``[]``: none." },
        { "when", KEY_ANY, FIELD(when),
          .doc = "Conditions: a map, all of which must hold, or a list of maps, one of which must." },
        { "failure", KEY_WORD, FIELD(failure), .words = failure_words,
          .doc = "What a failure means: ``fail`` (the workflow fails), ``ignore``, ``cancel`` (and ends at once)." },
        { "detach", KEY_BOOL, FIELD(detach),
          .doc = "Whether to go on at once while this step runs until the workflow ends. Services always do." },
        { "volumes", KEY_TEXTS, FIELD(volumes),
          .doc = "``source:target[:options]``: directories of the host (absolute) or named volumes. Needs trust." },
        { "ports", KEY_TEXTS, FIELD(ports),
          .doc = "Ports that a service listens on, to see when it is ready: ``5432``, ``53/udp``." },
        { "ready", KEY_MAP, FIELD(ready), IN_SERVICE,
          .hint = "of a service, such as 'ready: {port: 5432}'",
          .doc = "How to see that a service can be used: see `ready`_. podstep's own." },
        { "dns", KEY_STRINGS, FIELD(dns),
          .doc = "Addresses of name servers. Needs trust." },
        { "dns_search", KEY_STRINGS, FIELD(dns_search),
          .doc = "Search domains. Needs trust." },
        { "privileged", KEY_BOOL, FIELD(privileged),
          .doc = "Whether to run with all rights that the user has. Needs trust." },
        { "backend_options", KEY_MAP, FIELD(backend_options),
          .doc = "Options of an engine: ``docker: {user: \"1000:1000\"}``, ``podman`` likewise; others are not ours." },
        { "devices", KEY_TEXTS, FIELD(devices),
          .doc = "Devices of the host: ``/dev/fuse``, ``source:target[:rwm]``. Needs trust." },
        { "extra_hosts", KEY_TEXTS, FIELD(extra_hosts),
          .doc = "Entries of ``/etc/hosts``: ``name:address``. Needs trust." },
        { "network_mode", KEY_TEXT, FIELD(network_mode),
          .doc = "``none``, ``host``, ``bridge``, or the name of a network. All but ``none`` need trust." },
        { "tmpfs", KEY_TEXTS, FIELD(tmpfs),
          .doc = "Directories in memory: ``target[:size=64m,mode=1777]``. Needs trust." },
        { "secrets", KEY_REFUSED, .hint = "since Woodpecker 3.0: 'environment: {NAME: {from_secret: name}}'" },
        { "group", KEY_REFUSED, .hint = "since Woodpecker 3.0: 'depends_on'" },
        { "command", KEY_REFUSED, .hint = "it is 'commands', or 'entrypoint'" },
        { "build", KEY_REFUSED, .hint = "images are not built here; name one with 'image'" },
        { "networks", KEY_REFUSED,
          .hint = "since Woodpecker 3.0 all steps of a workflow share one; or 'network_mode'" },
        { "shm_size", KEY_REFUSED,
          .hint = "since Woodpecker 3.0 there is none; 'tmpfs: [\"/dev/shm:size=1g\"]' may do" },
        { "sysctls", KEY_REFUSED, .hint = "since Woodpecker 3.0 limits are the operator's to set" },
        { "cap_add", KEY_REFUSED, .hint = "since Woodpecker 3.0 there is only 'privileged'" },
        { "healthcheck", KEY_REFUSED,
          .hint = "of docker-compose; that of the image counts, else 'ports' are looked at" },
};
#undef FIELD

typedef struct NeedKeys {
        const YamlNode *name, *optional;
} NeedKeys;

static const Key need_rows[] = {
        { "name", KEY_TEXT, offsetof(NeedKeys, name), .doc = "The step, or the workflow." },
        { "optional", KEY_BOOL, offsetof(NeedKeys, optional), .doc = "Whether it may be missing." },
        { "workflow", KEY_REFUSED,
          .hint = "a step waits for steps of its own workflow; workflows have a 'depends_on', too" },
        { "step", KEY_REFUSED, .hint = "'name' is the step; it must be of the same workflow" },
};
/* clang-format on */

/* Woodpecker's schema lets an entry of 'clone' hold anything: its predecessors had settings there. */
static const KeyTable container_table = KEY_TABLE(container_rows, .free_places = IN_CLONE,
                                                  .free_hint = "plugins see what stands below 'settings'");
static const KeyTable need_table = KEY_TABLE(need_rows);
const KeyTable *const woodpecker_container_keys = &container_table, *const woodpecker_need_keys = &need_table;

bool woodpecker_container_has(const YamlNode *node) {
        return node && (yaml_is_scalar(node) ? node->n_text > 0 : node->n_items + node->n_pairs > 0);
}

void woodpecker_container_done(Container *container) {
        free(container->name);
        free(container->owner);
}

/* What would be made of it if every alias were written out. Depth and count are bounded by document/yaml. */
static size_t expanded_bytes(const YamlNode *node) {
        size_t n = node->n_text;

        for (size_t i = 0; i < node->n_items; i++)
                n += expanded_bytes(node->items[i]);
        for (size_t i = 0; i < node->n_pairs; i++)
                n += node->pairs[i].key->n_text + expanded_bytes(node->pairs[i].value);
        return n;
}

static int read_name(Woodpecker *wp, const YamlNode *key, const YamlNode *entry, size_t index, Container *ret) {
        const YamlNode *name = yaml_get(entry, "name");
        const char *noun = ret->is_service ? "service" : ret->is_clone ? "clone step" : "step", *fault;
        _cleanup_free_ char *shown = NULL;

        if (!name || !yaml_is_scalar(name) || name->n_text == 0)
                name = key;
        ret->name = name ? strndup(name->text, name->n_text) : str_printf("step-%zu", index);
        shown = name ? str_escape(name->text, name->n_text, TEXT_BYTES_SHOWN) : strdup(ret->name ? ret->name : "");
        ret->owner = str_printf("%s '%s'", noun, shown ? shown : "");
        if (!ret->name || !shown || !ret->owner)
                return -ENOMEM;
        fault = name ? step_name_fault(name->text, name->n_text) : NULL;
        if (fault) {
                WOODPECKER_ERROR(wp, "name", name->mark, "'%s' cannot be the name of a %s: %s", shown, noun, fault);
                return 1;
        }
        return 0;
}

static void refuse_entry(Woodpecker *wp, const YamlNode *entry, const Container *container) {
        Diag *diag = WOODPECKER_ERROR(wp, "type", entry->kind == YAML_NULL ? container->mark : entry->mark,
                                      "%s: expected a map, found %s", container->owner, yaml_kind_name(entry->kind));

        if (key_find(&container_table, container->name))
                diag_set_hint(diag, "'%s' is a key of a step: above it a line with the step's name is missing",
                              container->name);
        else if (entry->kind == YAML_NULL)
                diag_set_hint(diag, "what belongs to it stands in the next lines, indented further");
}

/* "- build: {image: ...}": half a list, half a map. */
static bool is_named_item(const YamlNode *key, const YamlNode *entry) {
        return !key && entry->n_pairs == 1 && entry->pairs[0].value->kind == YAML_MAPPING &&
               !key_find(&container_table, entry->pairs[0].key->text);
}

int woodpecker_container_read(Woodpecker *wp, const YamlNode *key, const YamlNode *entry, size_t index,
                              ContainerPlace place, Container *ret) {
        static const unsigned places[] = {
                [PLACE_STEPS] = IN_STEP,
                [PLACE_SERVICES] = IN_SERVICE,
                [PLACE_CLONE] = IN_STEP | IN_CLONE,
        };
        int r;

        *ret = (Container) {
                .node = entry,
                .mark = key ? key->mark : entry->mark,
                .is_service = place == PLACE_SERVICES,
                .is_clone = place == PLACE_CLONE,
        };
        r = read_name(wp, key, entry, index, ret);
        if (r != 0)
                return r;
        if (entry->kind != YAML_MAPPING) {
                refuse_entry(wp, entry, ret);
                return 1;
        }
        if (is_named_item(key, entry)) {
                diag_set_hint(WOODPECKER_ERROR(wp, "type", entry->mark, "%s: its keys stand one level too deep",
                                               ret->owner),
                              "in a list a name is a key like others: '- name: ...'; or make a map of the list");
                return 1;
        }
        wp->n_expanded_bytes += expanded_bytes(entry);
        if (wp->n_expanded_bytes > WOODPECKER_EXPANDED_BYTES_MAX) {
                WOODPECKER_ERROR(wp, "too-large", ret->mark,
                                 "with all aliases written out, the steps up to here are larger than %u MiB",
                                 WOODPECKER_EXPANDED_BYTES_MAX >> 20);
                return 1;
        }
        wp->n_errors += keys_read(&container_table, entry, places[place], ret->owner, &ret->keys, wp->diags);
        return 0;
}

static int add_need(Woodpecker *wp, const YamlNode *node, const char *noun, GraphNode *ret) {
        NeedKeys keys = { 0 };
        GraphNeed need = { .mark = node->mark };
        size_t n_errors;

        if (node->kind == YAML_MAPPING) {
                n_errors = keys_read(&need_table, node, 0, "'depends_on'", &keys, wp->diags);
                wp->n_errors += n_errors;
                if (!woodpecker_container_has(keys.name)) {
                        if (n_errors == 0)
                                WOODPECKER_ERROR(wp, "type", node->mark, "depends_on: an entry names no %s", noun);
                        return 0;
                }
                need = (GraphNeed){
                        .name = keys.name->text, .mark = keys.name->mark, .is_optional = key_bool(keys.optional)};
        } else if (yaml_is_scalar(node) && node->kind != YAML_NULL)
                need.name = node->text;
        else {
                WOODPECKER_ERROR(wp, "type", node->mark, "depends_on: expected the name of a %s, found %s", noun,
                                 yaml_kind_name(node->kind));
                return 0;
        }
        return ARRAY_APPEND(ret->needs, ret->n_needs, need);
}

int woodpecker_needs(Woodpecker *wp, const YamlNode *list, const char *noun, GraphNode *node) {
        int r = 0;

        if (!list)
                return 0;
        node->has_needs = true;
        if (list->kind != YAML_SEQUENCE)
                return add_need(wp, list, noun, node);
        for (size_t i = 0; i < list->n_items && r == 0; i++)
                r = add_need(wp, list->items[i], noun, node);
        return r;
}
