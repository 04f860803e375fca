/*
 * ContainerSpec in Docker's words. What has no counterpart is left out on purpose: pod and rootfs (never asked of an
 * engine without them), the user's own id inside (there is no such mapping), files of a monitor.
 */

#include "engine/docker-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"

static void put_environment(JsonWriter *w, const Map *environment) {
        json_open_array(w, "Env");
        if (environment)
                MAP_FOREACH(entry, environment) {
                        _cleanup_free_ char *text = str_printf("%s=%s", entry->key, (const char *) entry->value);

                        json_put_string(w, NULL, text ? text : "");
                        if (text)
                                explicit_bzero(text, strlen(text));
                        else
                                w->error = -ENOMEM;
                }
        json_close(w);
}

static bool is_read_only(const MountSpec *mount) {
        return strv_contains(mount->options, "ro");
}

/* What "Binds" knows behind the second colon; "Mounts" cannot relabel. */
static void append_bind_options(Str *text, const MountSpec *mount) {
        static const char *const known[] = { "ro",      "rw",    "z",      "Z",       "nocopy",  "shared",
                                             "rshared", "slave", "rslave", "private", "rprivate" };
        bool is_first = true;

        STRV_FOREACH(option, mount->options)
                FOREACH_ROW(name, known)
                        if (str_equal(*option, *name)) {
                                (void) str_appendf(text, "%c%s", is_first ? ':' : ',', *name);
                                is_first = false;
                        }
}

/* A source that must exist is no text, or it would be made; but only texts relabel. */
static bool is_bind_text(const MountSpec *mount) {
        bool relabels = strv_contains(mount->options, "z") || strv_contains(mount->options, "Z");

        return mount->source && mount->kind != MOUNT_TMPFS && !strchr(mount->source, ':') &&
               !strchr(mount->target, ':') && (!mount->must_exist || relabels);
}

static void put_binds(JsonWriter *w, const ContainerSpec *spec) {
        json_open_array(w, "Binds");
        for (size_t i = 0; i < spec->n_mounts; i++) {
                _cleanup_str_ Str text = STR_INIT(CALL_PATH_MAX);

                if (!is_bind_text(&spec->mounts[i]))
                        continue;
                (void) str_appendf(&text, "%s:%s", spec->mounts[i].source, spec->mounts[i].target);
                append_bind_options(&text, &spec->mounts[i]);
                json_put_string(w, NULL, str_get(&text));
                if (text.error)
                        w->error = text.error;
        }
        json_close(w);
}

static void put_propagation(JsonWriter *w, const MountSpec *mount) {
        static const char *const words[] = { "shared", "rshared", "slave", "rslave", "private", "rprivate" };

        FOREACH_ROW(word, words)
                if (strv_contains(mount->options, *word)) {
                        json_open_object(w, "BindOptions");
                        json_put_string(w, "Propagation", *word);
                        json_close(w);
                        return;
                }
}

/* Anonymous volumes, paths that must exist, and those that a text with colons cannot carry. */
static void put_mounts(JsonWriter *w, const ContainerSpec *spec) {
        json_open_array(w, "Mounts");
        for (size_t i = 0; i < spec->n_mounts; i++) {
                const MountSpec *mount = &spec->mounts[i];

                if (mount->kind == MOUNT_TMPFS || is_bind_text(mount))
                        continue;
                json_open_object(w, NULL);
                json_put_string(w, "Type", mount->kind == MOUNT_BIND ? "bind" : "volume");
                json_put_string(w, "Source", mount->source);
                json_put_string(w, "Target", mount->target);
                if (is_read_only(mount))
                        json_put_bool(w, "ReadOnly", true);
                if (mount->kind == MOUNT_BIND)
                        put_propagation(w, mount);
                json_close(w);
        }
        json_close(w);
}

static void put_tmpfs(JsonWriter *w, const ContainerSpec *spec) {
        size_t k = 0;

        json_open_object(w, "Tmpfs");
        if (spec->read_only) /* as Podman does it */
                for (const char *path; (path = container_next_writable(spec, &k));)
                        json_put_string(w, path, "rw");
        for (size_t i = 0; i < spec->n_mounts; i++) {
                _cleanup_free_ char *options = NULL;

                if (spec->mounts[i].kind != MOUNT_TMPFS)
                        continue;
                options = spec->mounts[i].options ? strv_join(spec->mounts[i].options, ",") : strdup("");
                json_put_string(w, spec->mounts[i].target, options ? options : "");
        }
        json_close(w);
}

static void put_network_mode(JsonWriter *w, const NetworkSpec *network) {
        static const char *const modes[] = { [NETWORK_DEFAULT] = "default",
                                             [NETWORK_NONE] = "none",
                                             [NETWORK_HOST] = "host",
                                             [NETWORK_BRIDGE] = "bridge" };
        _cleanup_free_ char *text = NULL;

        if (network->kind == NETWORK_NAMED)
                json_put_string(w, "NetworkMode", network->name);
        else if (network->kind == NETWORK_CONTAINER) {
                text = str_printf("container:%s", network->name);
                json_put_string(w, "NetworkMode", text ? text : "");
        } else
                json_put_string(w, "NetworkMode", modes[network->kind]);
}

static void put_endpoints(JsonWriter *w, const NetworkSpec *network) {
        if (network->kind != NETWORK_NAMED)
                return;
        json_open_object(w, "NetworkingConfig");
        json_open_object(w, "EndpointsConfig");
        json_open_object(w, network->name);
        json_put_strv(w, "Aliases", network->aliases);
        json_close(w);
        json_close(w);
        json_close(w);
}

static void put_host_config(JsonWriter *w, const ContainerSpec *spec) {
        json_open_object(w, "HostConfig");
        put_network_mode(w, &spec->network);
        put_binds(w, spec);
        put_mounts(w, spec);
        put_tmpfs(w, spec);
        json_put_strv(w, "Dns", spec->dns);
        json_put_strv(w, "DnsSearch", spec->dns_search);
        json_put_strv(w, "DnsOptions", spec->dns_options);
        json_put_strv(w, "ExtraHosts", spec->extra_hosts);
        docker_put_options(w, spec);
        /* Read again if the attached stream is cut: not every driver of a daemon can be read. */
        json_open_object(w, "LogConfig");
        json_put_string(w, "Type", "json-file");
        json_close(w);
        json_close(w);
}

int docker_spec_to_json(const ContainerSpec *spec, char **ret) {
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_string(&w, "Image", spec->image);
        json_put_string(&w, "Hostname", spec->hostname);
        json_put_string(&w, "User", spec->user);
        json_put_string(&w, "WorkingDir", spec->directory);
        json_put_strv(&w, "Entrypoint", spec->entrypoint);
        json_put_strv(&w, "Cmd", spec->command);
        put_environment(&w, spec->environment);
        json_put_strmap(&w, "Labels", spec->labels);
        if (spec->stop_signal) {
                char number[16];

                (void) snprintf(number, sizeof(number), "%d", spec->stop_signal);
                json_put_string(&w, "StopSignal", number);
        }
        docker_put_health(&w, spec->health);
        put_host_config(&w, spec);
        put_endpoints(&w, &spec->network);
        json_close(&w);
        return json_finish(&w, false, ret);
}
