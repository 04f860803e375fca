/* What a container wants of its host: directories, devices, names and networks. Checked here, allowed or not by the
 * policy. */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/strv.h"
#include "pipeline/woodpecker-internal.h"

#define LIST_ITEMS_MAX 1000
#define TEXT_BYTES_SHOWN 100

/* Options of a volume that podman knows. */
static const char *const volume_options[] = {
        "ro",      "rw",       "z",          "Z",           "U",      "O",      "exec",    "noexec", "dev",
        "nodev",   "suid",     "nosuid",     "copy",        "nocopy", "shared", "rshared", "slave",  "rslave",
        "private", "rprivate", "unbindable", "runbindable", "bind",   "rbind",  "idmap",   NULL,
};

typedef struct Host {
        Woodpecker *woodpecker;
        PlanStep *step;
        Map targets; /* mounted path to the text that says so; borrowed */
} Host;

static bool is_name(const char *text, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char) text[i]) && !strchr("_.-", text[i]))
                        return false;
        return n > 0;
}

static bool is_address(const char *text) {
        unsigned char bytes[sizeof(struct in6_addr)];

        return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static void refuse(Host *host, const YamlNode *node, const char *key, const char *what, const char *hint) {
        _cleanup_free_ char *shown = str_escape(node->text, node->n_text, TEXT_BYTES_SHOWN);
        Diag *diag = WOODPECKER_ERROR(host->woodpecker, "value", node->mark, "%s: '%s' is %s", key, shown ? shown : "",
                                      what);

        if (hint)
                diag_set_hint(diag, "%s", hint);
}

/* Cleans an absolute path of the container that nothing else is mounted at. 1: it is mounted there already by the same
 * words. */
static int take_target(Host *host, const YamlNode *node, const char *key, const char *path, char **ret) {
        const char *other;

        if (path[0] != '/') {
                refuse(host, node, key, "not mounted at an absolute path of the container", NULL);
                return 0;
        }
        *ret = path_clean(path);
        if (!*ret)
                return -ENOMEM;
        if (strcmp(*ret, "/") == 0) {
                refuse(host, node, key, "mounted at '/', which would hide the whole image", NULL);
                return 0;
        }
        other = map_get(&host->targets, *ret);
        if (other) {
                if (strcmp(other, node->text) == 0)
                        return 1;
                WOODPECKER_ERROR(host->woodpecker, "mounted-twice", node->mark,
                                 "%s: something else is mounted at '%s' already: %s", key, *ret, other);
                return 0;
        }
        return map_put_take(&host->targets, *ret, node->text);
}

static void check_volume_option(Host *host, const YamlNode *node, const char *option) {
        const char *near;
        Diag *diag;

        if (strv_contains((char *const *) volume_options, option))
                return;
        near = diag_suggest(option, volume_options, ELEMENTSOF(volume_options) - 1);
        diag = WOODPECKER_ERROR(host->woodpecker, "value", node->mark, "volumes: unknown option '%s'", option);
        if (near)
                diag_set_hint(diag, "did you mean '%s'?", near);
}

/* "source:target:options", "source:target" or "target" */
static int read_volume(Host *host, const YamlNode *node, PlanVolume *volume) {
        _cleanup_strv_ char **parts = NULL;
        size_t n_parts;
        int r;

        if (strv_split(node->text, ':', &parts) < 0)
                return -ENOMEM;
        n_parts = strv_length(parts);
        if (n_parts > 3) {
                refuse(host, node, "volumes", "not of the form 'source:target:options'", NULL);
                return 0;
        }
        if (n_parts > 1 && parts[0][0] != '/' &&
            (!is_name(parts[0], strlen(parts[0])) || !isalnum((unsigned char) parts[0][0]))) {
                refuse(host, node, "volumes", "neither an absolute path of the host nor the name of a volume",
                       "the checkout is in the workspace already; other directories are named by their whole path");
                return 0;
        }
        if (n_parts > 1 && !(volume->source = parts[0][0] == '/' ? path_clean(parts[0]) : strdup(parts[0])))
                return -ENOMEM;
        if (n_parts > 2 && strv_split(parts[2], ',', &volume->options) < 0)
                return -ENOMEM;
        STRV_FOREACH(option, volume->options)
                check_volume_option(host, node, *option);
        r = take_target(host, node, "volumes", parts[n_parts > 1], &volume->target);
        return r;
}

static int add_volume(Host *host, const YamlNode *node) {
        PlanStep *step = host->step;
        PlanVolume *volume;
        int r;

        if (ARRAY_APPEND(step->volumes, step->n_volumes, ((PlanVolume) { .mark = node->mark })) < 0)
                return -ENOMEM;
        volume = &step->volumes[step->n_volumes - 1];
        r = read_volume(host, node, volume);
        if (r > 0) { /* written twice, as a merged list may */
                plan_volume_done(volume);
                step->n_volumes--;
        }
        return MIN(r, 0);
}

/* "/target" or "/target:size=64m,mode=1777" */
static int add_tmpfs(Host *host, const YamlNode *node) {
        _cleanup_free_ char *path = strndup(node->text, (size_t) (strchrnul(node->text, ':') - node->text));
        const char *colon = strchr(node->text, ':');
        PlanStep *step = host->step;
        PlanTmpfs *tmpfs;
        int r;

        if (!path || ARRAY_APPEND(step->tmpfs, step->n_tmpfs, ((PlanTmpfs) { 0 })) < 0)
                return -ENOMEM;
        tmpfs = &step->tmpfs[step->n_tmpfs - 1];
        if (colon && colon[1] && !(tmpfs->options = strdup(colon + 1)))
                return -ENOMEM;
        r = take_target(host, node, "tmpfs", path, &tmpfs->target);
        if (r > 0) {
                plan_tmpfs_done(tmpfs);
                step->n_tmpfs--;
        }
        return MIN(r, 0);
}

/* "/dev/a:/dev/b[:rwm]", and "/dev/a" alone, which Woodpecker drops in silence. */
static int add_device(Host *host, const YamlNode *node) {
        _cleanup_strv_ char **parts = NULL;
        PlanStep *step = host->step;
        const char *access;
        size_t n_parts;

        if (strv_split(node->text, ':', &parts) < 0)
                return -ENOMEM;
        n_parts = strv_length(parts);
        access = n_parts > 2 ? parts[2] : "rwm";
        if (n_parts > 3 || parts[0][0] != '/' || parts[n_parts > 1][0] != '/' || !*access ||
            access[strspn(access, "rwm")]) {
                refuse(host, node, "devices", "not a device", "it looks like '/dev/fuse' or '/dev/sda:/dev/disk:rw'");
                return 0;
        }
        if (ARRAY_APPEND(step->devices, step->n_devices, ((PlanDevice) { 0 })) < 0)
                return -ENOMEM;
        step->devices[step->n_devices - 1] = (PlanDevice){
                .source = strdup(parts[0]), .target = strdup(parts[n_parts > 1]), .access = strdup(access)};
        return step->devices[step->n_devices - 1].source && step->devices[step->n_devices - 1].target &&
                               step->devices[step->n_devices - 1].access ? 0 : -ENOMEM;
}

/* "name:address"; an IPv6 address holds colons itself, and may stand in brackets. */
static int add_extra_host(Host *host, const YamlNode *node) {
        size_t n_name = (size_t) (strchrnul(node->text, ':') - node->text);
        const char *address = node->text[n_name] ? node->text + n_name + 1 : "";
        bool is_bracketed = address[0] == '[' && str_ends_with(address, "]");
        PlanStep *step = host->step;
        PlanHost *entry;

        if (ARRAY_APPEND(step->extra_hosts, step->n_extra_hosts, ((PlanHost) { 0 })) < 0)
                return -ENOMEM;
        entry = &step->extra_hosts[step->n_extra_hosts - 1];
        entry->name = strndup(node->text, n_name);
        entry->address = is_bracketed ? strndup(address + 1, strlen(address) - 2) : strdup(address);
        if (!entry->name || !entry->address)
                return -ENOMEM;
        if (!is_name(entry->name, n_name) ||
            (!is_address(entry->address) && strcmp(entry->address, "host-gateway") != 0))
                refuse(host, node, "extra_hosts", "not of the form 'name:address'",
                       "it looks like 'registry.lan:192.168.1.2' or 'me:host-gateway'");
        return 0;
}

/* 5432, "5432", "53/udp" */
static int add_port(Host *host, const YamlNode *node) {
        _cleanup_free_ char *number = strndup(node->text, (size_t) (strchrnul(node->text, '/') - node->text));
        const char *protocol = strchr(node->text, '/') ? strchr(node->text, '/') + 1 : "tcp";
        PlanStep *step = host->step;
        PlanPort *port;

        if (!number || ARRAY_APPEND(step->ports, step->n_ports, ((PlanPort) { 0 })) < 0)
                return -ENOMEM;
        port = &step->ports[step->n_ports - 1];
        port->protocol = strdup(protocol);
        if (!port->protocol)
                return -ENOMEM;
        if (parse_u16(number, &port->number) < 0 || port->number == 0 ||
            (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0 && strcmp(protocol, "sctp") != 0))
                refuse(host, node, "ports", "not a port",
                       "a number from 1 to 65535, perhaps with '/udp' behind it; ports are not mapped");
        return 0;
}

static int add_dns(Host *host, const YamlNode *node) {
        if (!is_address(node->text))
                refuse(host, node, "dns", "not an IP address", NULL);
        return strv_append(&host->step->dns, node->text);
}

static int add_dns_search(Host *host, const YamlNode *node) {
        if (strcmp(node->text, ".") != 0 && !is_name(node->text, strlen(node->text)))
                refuse(host, node, "dns_search", "not a domain", NULL);
        return strv_append(&host->step->dns_search, node->text);
}

static int set_network_mode(Host *host, const YamlNode *node) {
        if (str_is_empty(node->text))
                return 0;
        if (!is_name(node->text, strlen(node->text))) {
                refuse(host, node, "network_mode", "not supported",
                       "one of 'none', 'host', 'bridge', or the name of a network");
                return 0;
        }
        host->step->network_mode = strdup(node->text);
        return host->step->network_mode ? 0 : -ENOMEM;
}

/* Does something with each text of a checked string or list. */
static int for_each(Host *host, const char *key, const YamlNode *node, int (*add)(Host *host, const YamlNode *node)) {
        int r = 0;

        if (!node)
                return 0;
        if (yaml_is_scalar(node))
                return add(host, node);
        if (node->n_items > LIST_ITEMS_MAX) {
                WOODPECKER_ERROR(host->woodpecker, "too-many", node->mark, "%s: more than %d entries", key,
                                 LIST_ITEMS_MAX);
                return 0;
        }
        for (size_t i = 0; i < node->n_items && r == 0; i++)
                r = add(host, node->items[i]);
        return r;
}

static void note_marks(const ContainerKeys *keys, PlanStep *step) {
        const YamlNode *const nodes[_GRANT_MAX] = {
                [GRANT_PRIVILEGED] = keys->privileged,
                [GRANT_NETWORK_MODE] = keys->network_mode,
                [GRANT_DNS] = keys->dns,
                [GRANT_DNS_SEARCH] = keys->dns_search,
                [GRANT_EXTRA_HOSTS] = keys->extra_hosts,
                [GRANT_DEVICES] = keys->devices,
                [GRANT_VOLUMES] = keys->volumes,
                [GRANT_TMPFS] = keys->tmpfs,
        };

        for (size_t i = 0; i < _GRANT_MAX; i++)
                if (nodes[i])
                        step->grant_marks[i] = nodes[i]->mark;
}

int woodpecker_host_compile(Woodpecker *woodpecker, const Container *container, PlanStep *step) {
        const ContainerKeys *keys = &container->keys;
        const struct {
                const char *key;
                const YamlNode *node;
                int (*add)(Host *host, const YamlNode *node);
        } lists[] = {
                { "volumes", keys->volumes, add_volume },
                { "tmpfs", keys->tmpfs, add_tmpfs },
                { "devices", keys->devices, add_device },
                { "extra_hosts", keys->extra_hosts, add_extra_host },
                { "ports", keys->ports, add_port },
                { "dns", keys->dns, add_dns },
                { "dns_search", keys->dns_search, add_dns_search },
                { "network_mode", keys->network_mode, set_network_mode },
        };
        Host host = { .woodpecker = woodpecker, .step = step, .targets = MAP_INIT(NULL) };
        int r;

        note_marks(keys, step);
        r = map_put_take(&host.targets, step->workspace_base, (void *) "the workspace");
        FOREACH_ROW(list, lists)
                if (r == 0)
                        r = for_each(&host, list->key, list->node, list->add);
        map_done(&host.targets);
        return r;
}
