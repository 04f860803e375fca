/*
 * ContainerSpec as Podman's SpecGenerator. Never sent: "timeout" (it counts from init, not from start),
 * "log_configuration.size" (old lines are dropped), "remove" (exit code and log would go with the container),
 * "restart_policy" (nothing restarts by itself unless asked). A misspelt field is no error to Podman.
 */

#include "engine/libpod-internal.h"

#include "base/str.h"
#include "base/strv.h"

static bool has_option(char *const *options, const char *a, const char *b) {
        return strv_contains(options, a) || strv_contains(options, b);
}

static void put_options(JsonWriter *w, const char *key, const MountSpec *mount) {
        json_open_array(w, key);
        if (mount->kind == MOUNT_BIND && !has_option(mount->options, "bind", "rbind"))
                json_put_string(w, NULL, "rbind");
        STRV_FOREACH(option, mount->options)
                json_put_string(w, NULL, *option);
        json_close(w);
}

/* The command line adds these to a read-only root file system, the API of 4.x does not. */
static void put_writable(JsonWriter *w, const ContainerSpec *spec) {
        size_t i = 0;

        for (const char *path; (path = container_next_writable(spec, &i));) {
                json_open_object(w, NULL);
                json_put_string(w, "type", "tmpfs");
                json_put_string(w, "source", "tmpfs");
                json_put_string(w, "destination", path);
                json_put_strv(w, "options", (char *const[]) { (char *) "rw", NULL });
                json_close(w);
        }
}

static void put_mounts(JsonWriter *w, const ContainerSpec *spec) {
        json_open_array(w, "mounts");
        if (spec->read_only)
                put_writable(w, spec);
        for (size_t i = 0; i < spec->n_mounts; i++) {
                const MountSpec *mount = &spec->mounts[i];
                bool is_tmpfs = mount->kind == MOUNT_TMPFS;

                if (mount->kind == MOUNT_VOLUME)
                        continue;
                json_open_object(w, NULL);
                json_put_string(w, "type", is_tmpfs ? "tmpfs" : "bind");
                json_put_string(w, "source", is_tmpfs ? "tmpfs" : mount->source);
                json_put_string(w, "destination", mount->target);
                put_options(w, "options", mount);
                json_close(w);
        }
        json_close(w);

        json_open_array(w, "volumes");
        for (size_t i = 0; i < spec->n_mounts; i++) {
                const MountSpec *mount = &spec->mounts[i];

                if (mount->kind != MOUNT_VOLUME)
                        continue;
                json_open_object(w, NULL);
                json_put_string(w, "Name", mount->source);
                json_put_string(w, "Dest", mount->target);
                put_options(w, "Options", mount);
                if (!mount->source)
                        json_put_bool(w, "IsAnonymous", true);
                json_close(w);
        }
        json_close(w);
}

static void put_namespace(JsonWriter *w, const char *key, const char *mode, const char *value) {
        json_open_object(w, key);
        json_put_string(w, "nsmode", mode);
        json_put_string(w, "value", value);
        json_close(w);
}

static void put_network(JsonWriter *w, const NetworkSpec *network) {
        switch (network->kind) {
        case NETWORK_DEFAULT:
                break;
        case NETWORK_NONE:
                put_namespace(w, "netns", "none", NULL);
                break;
        case NETWORK_HOST:
                put_namespace(w, "netns", "host", NULL);
                break;
        case NETWORK_CONTAINER:
                put_namespace(w, "netns", "container", network->name);
                break;
        case NETWORK_BRIDGE:
                put_namespace(w, "netns", "bridge", NULL);
                break;
        case NETWORK_NAMED:
                put_namespace(w, "netns", "bridge", NULL);
                json_open_object(w, "Networks");
                json_open_object(w, network->name);
                json_put_strv(w, "aliases", network->aliases);
                json_close(w);
                STRV_FOREACH(also, network->also) {
                        json_open_object(w, *also);
                        json_close(w);
                }
                json_close(w);
                break;
        }
}

static void put_process(JsonWriter *w, const ContainerSpec *spec) {
        json_put_strv(w, "entrypoint", spec->entrypoint);
        /*
         * An entrypoint of one's own drops the image's command, as with Docker; tried with 4.3.1 and said explicitly.
         */
        if (spec->entrypoint)
                json_put_strv_always(w, "command", spec->command);
        else
                json_put_strv(w, "command", spec->command);
        json_put_strmap(w, "env", spec->environment);
        json_put_strmap(w, "secret_env", spec->secret_environment);
        json_put_string(w, "work_dir", spec->directory);
        if (spec->makes_directory)
                json_put_bool(w, "create_working_dir", true);
        libpod_put_user(w, spec);
}

int libpod_spec_to_json(const ContainerSpec *spec, char **ret) {
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_string(&w, "name", spec->name);
        json_put_string(&w, "pod", spec->pod);
        json_put_string(&w, "image", spec->image);
        json_put_string(&w, "rootfs", spec->rootfs);
        json_put_strmap(&w, "labels", spec->labels);
        json_put_string(&w, "hostname", spec->hostname);
        put_process(&w, spec);
        put_network(&w, &spec->network);
        if (spec->n_mounts > 0 || spec->read_only)
                put_mounts(&w, spec);
        json_put_strv(&w, "dns_server", spec->dns);
        json_put_strv(&w, "dns_search", spec->dns_search);
        json_put_strv(&w, "dns_option", spec->dns_options);
        json_put_strv(&w, "hostadd", spec->extra_hosts);
        libpod_put_options(&w, spec);
        if (spec->log_path) {
                json_open_object(&w, "log_configuration");
                json_put_string(&w, "driver", "k8s-file");
                json_put_string(&w, "path", spec->log_path);
                json_close(&w);
        }
        json_put_string(&w, "conmon_pid_file", spec->monitor_pid_path);
        json_close(&w);
        return json_finish(&w, false, ret);
}
