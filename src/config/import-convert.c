/* Settings that do not fit one of our keys as they are. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/strv.h"
#include "config/import-internal.h"

#define WINDOWS "podstep runs Linux containers only"
#define FLAG_TEXT_MAX 200

static int fault(const Importer *importer, const YamlNode *node, const char *expected) {
        diag_add(importer->diags, DIAG_ERROR, "type", node->mark, "%s: expected %s, found %s", importer->setting,
                 expected, yaml_kind_name(node->kind));
        return 0;
}

/* A description there, "Runner #1 (web)"; here a word. */
int import_name(Importer *importer, const ImportRow *row, const YamlNode *node) {
        char name[CONFIG_RUNNER_MAX + 1] = "";
        size_t n = 0;
        int r;

        if (node->kind != YAML_STRING)
                return fault(importer, node, "a text");
        for (const char *p = node->text; *p && n < CONFIG_RUNNER_MAX; p++)
                if (isalnum((unsigned char) *p) || (n > 0 && (*p == '_' || *p == '.')))
                        name[n++] = *p;
                else if (n > 0 && name[n - 1] != '-')
                        name[n++] = '-';
        while (n > 0 && name[n - 1] == '-')
                name[--n] = '\0';
        if (n == 0)
                return import_note(importer, IMPORT_IGNORED, node, NULL,
                                   "nothing is left of it that could be a name here");
        r = import_put_text(importer, row->targets[0], name, node->mark);
        return r < 0 ? r
                     : import_note(importer, str_equal(name, node->text) ? IMPORT_MAPPED : IMPORT_DIFFERS, node,
                                   row->targets[0], "a part of the names of caches");
}

/* Of all containers, unless services have a setting of their own. */
int import_privileged(Importer *importer, const ImportRow *row, const YamlNode *node) {
        bool is_split = import_is_set(importer, "docker.services_privileged");
        int r = import_put(importer, "steps.privileged", node);

        if (r == 0 && !is_split)
                r = import_put(importer, "services.privileged", node);
        return r < 0 ? r
                     : import_note(
                               importer, IMPORT_DIFFERS, node,
                               is_split ? "steps.privileged" : "steps.privileged, services.privileged",
                               "with rootless Podman such a container has no more rights on the machine than its user");
}

/* { nofile = "1024:2048" } */
int import_ulimit(Importer *importer, const ImportRow *row, const YamlNode *node) {
        _cleanup_strv_ char **texts = NULL;
        _cleanup_free_ YamlNode *items = calloc(node->n_pairs + 1, sizeof(*items));
        _cleanup_free_ YamlNode **list = calloc(node->n_pairs + 1, sizeof(*list));
        YamlNode sequence = { .kind = YAML_SEQUENCE, .mark = node->mark, .items = list, .n_items = node->n_pairs };
        int r;

        if (node->kind != YAML_MAPPING)
                return fault(importer, node, "a table");
        if (!items || !list)
                return -ENOMEM;
        for (size_t i = 0; i < node->n_pairs; i++) {
                const YamlNode *value = node->pairs[i].value;

                if (!yaml_is_scalar(value))
                        return fault(importer, value, "a text such as \"1024:2048\"");
                if (strv_append_take(&texts, str_printf("%s=%s", node->pairs[i].key->text, value->text)) < 0)
                        return -ENOMEM;
                items[i] = (YamlNode) {
                        .kind = YAML_STRING, .mark = value->mark, .text = texts[i], .n_text = strlen(texts[i])
                };
                list[i] = &items[i];
        }
        r = import_put(importer, "steps.ulimits", &sequence);
        return r < 0 ? r : import_note(importer, IMPORT_MAPPED, node, "steps.ulimits", NULL);
}

int import_network_mode(Importer *importer, const ImportRow *row, const YamlNode *node) {
        int r;

        if (node->kind != YAML_STRING)
                return fault(importer, node, "a text");
        if (str_starts_with(node->text, "container:"))
                return import_note(importer, IMPORT_REFUSED, node, NULL,
                                   "a job does not join the network of a container that is not its own");
        if (str_equal(node->text, "bridge") || str_equal(node->text, "default")) {
                r = import_put_text(importer, "network.kind", "bridge", node->mark);
                return r < 0 ? r
                             : import_note(
                                       importer, IMPORT_DIFFERS, node, "network.kind",
                                       "each job has a network of its own, in which services are found by their names");
        }
        r = import_put(importer, "network.mode", node);
        return r < 0 ? r : import_note(importer, IMPORT_MAPPED, node, "network.mode", NULL);
}

/* [[runners.docker.services]], less what is of Kubernetes. */
int import_services(Importer *importer, const ImportRow *row, const YamlNode *node) {
        static const char of_kubernetes[] = "suspend_data_path";
        int r = 0;

        for (size_t i = 0; i < node->n_items && r == 0; i++) {
                YamlNode *service = node->items[i];
                size_t n = 0;

                for (size_t j = 0; j < service->n_pairs; j++) {
                        if (!str_equal(service->pairs[j].key->text, of_kubernetes))
                                service->pairs[n++] = service->pairs[j];
                        else if (r == 0)
                                r = import_note(importer, IMPORT_IGNORED, service->pairs[j].value, NULL,
                                                "'suspend_data_path' is of Kubernetes");
                }
                service->n_pairs = n; /* the document owns its nodes by other means */
        }
        if (r == 0)
                r = import_put(importer, row->targets[0], node);
        return r < 0 ? r : import_note(importer, IMPORT_MAPPED, node, row->targets[0], NULL);
}

/* ---- feature flags ---- */

static int import_flag(Importer *importer, const char *name, bool is_on, const YamlNode *node) {
        char setting[FLAG_TEXT_MAX];
        bool is_known = false;
        int r = 0;

        (void) snprintf(setting, sizeof(setting), "runners.feature_flags.%s", name);
        importer->setting = setting;
        for (const ImportFlag *flag = import_flag_rows; flag->name; flag++) {
                if (!str_equal(flag->name, name))
                        continue;
                is_known = true;
                if (r == 0 && is_on && flag->key)
                        r = import_put_text(importer, flag->key, flag->value, node->mark);
                if (r == 0)
                        r = import_note(importer, is_on && flag->key ? IMPORT_MAPPED : IMPORT_IGNORED, node,
                                        is_on ? flag->key : NULL, flag->text);
        }
        if (!is_known)
                r = import_note(importer, IMPORT_IGNORED, node, NULL, "a switch of GitLab Runner's own code");
        importer->setting = "runners.feature_flags";
        return r;
}

int import_flags(Importer *importer, const ImportRow *row, const YamlNode *node) {
        int r = 0;

        if (node->kind != YAML_MAPPING)
                return fault(importer, node, "a table");
        for (size_t i = 0; i < node->n_pairs && r == 0; i++) {
                const YamlNode *value = node->pairs[i].value;

                if (value->kind == YAML_BOOL)
                        r = import_flag(importer, node->pairs[i].key->text, value->boolean, value);
                else
                        r = fault(importer, value, "true or false");
        }
        return r;
}

/* "NAME=VALUE", of which some are feature flags. */
int import_environment(Importer *importer, const ImportRow *row, const YamlNode *node) {
        _cleanup_free_ YamlNode **list = calloc(node->n_items + 1, sizeof(*list));
        YamlNode rest = { .kind = YAML_SEQUENCE, .mark = node->mark, .items = list };
        int r = 0;

        if (node->kind != YAML_SEQUENCE)
                return fault(importer, node, "a list of NAME=VALUE");
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < node->n_items && r == 0; i++) {
                YamlNode *item = node->items[i];
                const char *equals = yaml_is_scalar(item) ? strchr(item->text, '=') : NULL;
                _cleanup_free_ char *name = equals ? strndup(item->text, (size_t) (equals - item->text)) : NULL;
                bool is_on;

                if (name && str_starts_with(name, "FF_") && parse_bool(equals + 1, &is_on) == 0)
                        r = import_flag(importer, name, is_on, item);
                else
                        list[rest.n_items++] = item;
        }
        importer->setting = "runners.environment";
        if (r < 0 || rest.n_items == 0)
                return r;
        r = import_put(importer, "jobs.environment", &rest);
        return r < 0 ? r : import_note(importer, IMPORT_MAPPED, node, "jobs.environment", NULL);
}

/* ---- numbers ---- */

static int put_number(Importer *importer, const ImportRow *row, const YamlNode *node, const char *format,
                      long long number) {
        char text[CONFIG_NAME_MAX];
        int r;

        (void) snprintf(text, sizeof(text), "%lld%s", number, format);
        r = import_put_text(importer, row->targets[0], text, node->mark);
        return r < 0 ? r : import_note(importer, IMPORT_MAPPED, node, row->targets[0], NULL);
}

int import_seconds(Importer *importer, const ImportRow *row, const YamlNode *node) {
        if (node->kind != YAML_INT)
                return fault(importer, node, "a number of seconds");
        return node->integer < 0 ? put_number(importer, row, node, "", -1)
                                 : put_number(importer, row, node, "s", node->integer);
}

int import_kilobytes(Importer *importer, const ImportRow *row, const YamlNode *node) {
        return node->kind == YAML_INT ? put_number(importer, row, node, "k", node->integer)
                                      : fault(importer, node, "a number of kilobytes");
}

int import_services_limit(Importer *importer, const ImportRow *row, const YamlNode *node) {
        return node->kind == YAML_INT ? put_number(importer, row, node, "", MAX(node->integer, -1))
                                      : fault(importer, node, "a number");
}

/* ---- what is of Windows ---- */

int import_isolation(Importer *importer, const ImportRow *row, const YamlNode *node) {
        if (node->kind == YAML_STRING && str_equal(node->text, "default"))
                return import_note(importer, IMPORT_IGNORED, node, NULL, "of Windows; it says nothing here");
        return import_note(importer, IMPORT_REFUSED, node, NULL, "of Windows: " WINDOWS);
}

int import_shell(Importer *importer, const ImportRow *row, const YamlNode *node) {
        int r;

        if (node->kind == YAML_STRING && (str_equal(node->text, "powershell") || str_equal(node->text, "pwsh")))
                return import_note(importer, IMPORT_REFUSED, node, NULL,
                                   "commands are run by a POSIX shell such as sh or bash");
        r = import_put(importer, "jobs.shell", node);
        return r < 0 ? r : import_note(importer, IMPORT_MAPPED, node, "jobs.shell", NULL);
}

int import_image(Importer *importer, const ImportRow *row, const YamlNode *node) {
        int r;

        if (node->kind == YAML_STRING && str_starts_with(node->text, "mcr.microsoft.com/windows"))
                return import_note(importer, IMPORT_REFUSED, node, NULL, "an image of Windows: " WINDOWS);
        r = import_put(importer, "images.default", node);
        return r < 0 ? r : import_note(importer, IMPORT_MAPPED, node, "images.default", NULL);
}

static bool is_windows_path(const char *text) {
        return text[0] && text[1] == ':' && text[2] == '\\';
}

static const char *judge_volume(const char *text) {
        if (is_windows_path(text))
                return "a path of Windows: " WINDOWS;
        if (strstr(text, "/docker.sock"))
                return "gives jobs the engine, and with it all that its user has; with rootless Podman its socket is "
                       "/run/user/UID/podman/podman.sock";
        return NULL;
}

int import_volumes(Importer *importer, const ImportRow *row, const YamlNode *node) {
        _cleanup_free_ YamlNode **list = calloc(node->n_items + 1, sizeof(*list));
        YamlNode rest = { .kind = YAML_SEQUENCE, .mark = node->mark, .items = list };
        int r = 0;

        if (node->kind != YAML_SEQUENCE)
                return fault(importer, node, "a list");
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < node->n_items && r == 0; i++) {
                YamlNode *item = node->items[i];
                const char *why = yaml_is_scalar(item) ? judge_volume(item->text) : NULL;
                bool is_refused = why && is_windows_path(item->text);

                if (why)
                        r = import_note(importer, is_refused ? IMPORT_REFUSED : IMPORT_DIFFERS, item,
                                        is_refused ? NULL : row->targets[0], why);
                if (!is_refused)
                        list[rest.n_items++] = item;
        }
        if (r < 0 || rest.n_items == 0)
                return r;
        r = import_put(importer, row->targets[0], &rest);
        return r < 0 ? r : import_note(importer, IMPORT_MAPPED, node, row->targets[0], NULL);
}
