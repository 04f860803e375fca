/* What a container of a plan wants of its host. Only its form is checked: what of it is allowed is for the policy. */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/strv.h"
#include "pipeline/name.h"
#include "pipeline/option-text.h"
#include "pipeline/pattern.h"
#include "pipeline/plan-read-internal.h"

#define ENTRIES_MAX 1000
#define TIMEOUT_USEC_MAX (INT64_C(24) * 3600 * 1000000)

/* One more in an array of a step, zeroed; NULL: no memory. */
#define APPEND(array, n) (ARRAY_APPEND(array, n, (typeof(*(array))) { 0 }) < 0 ? NULL : &(array)[(n) - 1])

static const PlanKey volume_keys[] = {
        { "source", plan_read_line, offsetof(PlanVolume, source) },
        { "target", plan_read_path, offsetof(PlanVolume, target), .is_required = true },
        { "options", plan_read_lines, offsetof(PlanVolume, options) },
};

/* Written as one text, and that read: whatever holds a ':' or a ',' of its own does not come out the same. */
static int check_volume(const PlanReader *reader, const Place *place, const PlanVolume *volume) {
        _cleanup_free_ char *options = volume->options ? strv_join(volume->options, ",") : NULL;
        _cleanup_free_ char *text = str_printf("%s%s%s%s%s", volume->source ? volume->source : "",
                                               volume->source ? ":" : "", volume->target, options ? ":" : "",
                                               options ? options : "");
        _cleanup_(error_freep) Error *error = NULL;
        PlanVolume again = { 0 };
        bool is_same;
        int r;

        if (!text || (volume->options && !options))
                return plan_no_memory(reader);
        r = option_parse_volume(text, &again, &error);
        if (r < 0)
                return r == -ENOMEM ? plan_no_memory(reader) : plan_fault(reader, place, "%s", error_message(error, r));
        is_same = str_equal(again.target, volume->target) && (again.source != NULL) == (volume->source != NULL) &&
                  (!again.source || str_equal(again.source, volume->source)) &&
                  strv_length(again.options) == strv_length(volume->options);
        plan_volume_done(&again);
        return is_same ? 0 : plan_fault(reader, place, "'%s' does not mean this volume", text);
}

int plan_read_volumes(const PlanReader *reader, const Place *place, Json *json, void *field) {
        PlanStep *step = field;
        int r = plan_check_array(reader, place, json, ENTRIES_MAX);

        for (size_t i = 0; r >= 0 && i < json_object_array_length(json); i++) {
                const Place *at = PLACE_AT(place, i);
                PlanVolume *volume = APPEND(step->volumes, step->n_volumes);

                if (!volume)
                        return plan_no_memory(reader);
                r = plan_read_object(reader, at, json_object_array_get_idx(json, i), volume_keys,
                                     ELEMENTSOF(volume_keys), volume);
                if (r >= 0)
                        r = check_volume(reader, at, volume);
        }
        return r;
}

static const PlanKey tmpfs_keys[] = {
        { "target", plan_read_path, offsetof(PlanTmpfs, target), .is_required = true },
        { "options", plan_read_line, offsetof(PlanTmpfs, options) },
};

int plan_read_tmpfs(const PlanReader *reader, const Place *place, Json *json, void *field) {
        PlanStep *step = field;
        int r = plan_check_array(reader, place, json, ENTRIES_MAX);

        for (size_t i = 0; r >= 0 && i < json_object_array_length(json); i++) {
                PlanTmpfs *tmpfs = APPEND(step->tmpfs, step->n_tmpfs);

                if (!tmpfs)
                        return plan_no_memory(reader);
                r = plan_read_object(reader, PLACE_AT(place, i), json_object_array_get_idx(json, i), tmpfs_keys,
                                     ELEMENTSOF(tmpfs_keys), tmpfs);
        }
        return r;
}

static const PlanKey device_keys[] = {
        { "source", plan_read_line, offsetof(PlanDevice, source), .is_required = true },
        { "target", plan_read_line, offsetof(PlanDevice, target) },
        { "access", plan_read_line, offsetof(PlanDevice, access) },
};

static bool is_device(const PlanDevice *device) {
        if (!device->target)
                return !device->access && option_is_cdi_device(device->source);
        return device->source[0] == '/' && device->target[0] == '/' && !strchr(device->source, ':') &&
               !strchr(device->target, ':') && device->access &&
               strspn(device->access, "rwm") == strlen(device->access);
}

int plan_read_devices(const PlanReader *reader, const Place *place, Json *json, void *field) {
        PlanStep *step = field;
        int r = plan_check_array(reader, place, json, ENTRIES_MAX);

        for (size_t i = 0; r >= 0 && i < json_object_array_length(json); i++) {
                const Place *at = PLACE_AT(place, i);
                PlanDevice *device = APPEND(step->devices, step->n_devices);

                if (!device)
                        return plan_no_memory(reader);
                r = plan_read_object(reader, at, json_object_array_get_idx(json, i), device_keys,
                                     ELEMENTSOF(device_keys), device);
                if (r >= 0 && !is_device(device))
                        r = plan_fault(reader, at,
                                       "expected a 'source' and a 'target' that are absolute paths and an 'access' of "
                                       "r, w and m, or the name of a CDI device alone");
        }
        return r;
}

int plan_read_extra_hosts(const PlanReader *reader, const Place *place, Json *json, void *field) {
        _cleanup_map_ Map hosts = STRMAP_INIT;
        PlanStep *step = field;
        int r = plan_read_map(reader, place, json, &hosts);

        if (r >= 0 && map_size(&hosts) > ENTRIES_MAX)
                r = plan_fault(reader, place, "more than %d entries", ENTRIES_MAX);
        MAP_FOREACH(entry, &hosts) {
                _cleanup_free_ char *text = str_printf("%s:%s", entry->key, (char *) entry->value);
                PlanHost *host = r >= 0 ? APPEND(step->extra_hosts, step->n_extra_hosts) : NULL;

                if (r < 0)
                        return r;
                if (!text || !host)
                        return plan_no_memory(reader);
                r = option_parse_host(text, host, NULL);
                if (r == -ENOMEM)
                        return plan_no_memory(reader);
                if (r < 0 || !str_equal(host->name, entry->key))
                        return plan_fault(reader, PLACE_KEY(place, entry->key),
                                          "expected the name of a host, and an address or 'host-gateway'");
        }
        return r;
}

static const PlanKey port_keys[] = {
        { "number", plan_read_u16, offsetof(PlanPort, number), .is_required = true },
        { "protocol", plan_read_line, offsetof(PlanPort, protocol), .is_required = true },
};

int plan_read_ports(const PlanReader *reader, const Place *place, Json *json, void *field) {
        static char *const protocols[] = { (char *) "tcp", (char *) "udp", (char *) "sctp", NULL };
        PlanStep *step = field;
        int r = plan_check_array(reader, place, json, ENTRIES_MAX);

        for (size_t i = 0; r >= 0 && i < json_object_array_length(json); i++) {
                const Place *at = PLACE_AT(place, i);
                PlanPort *port = APPEND(step->ports, step->n_ports);

                if (!port)
                        return plan_no_memory(reader);
                r = plan_read_object(reader, at, json_object_array_get_idx(json, i), port_keys, ELEMENTSOF(port_keys),
                                     port);
                if (r >= 0 && !strv_contains(protocols, port->protocol))
                        r = plan_fault(reader, PLACE_KEY(at, "protocol"), "expected tcp, udp or sctp");
        }
        return r;
}

/* @field: the list of them. */
int plan_read_dns(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int r = plan_check_array(reader, place, json, ENTRIES_MAX);

        if (r >= 0)
                r = plan_read_lines(reader, place, json, field);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(json); i++) {
                const char *text = (*(char ***) field)[i];
                unsigned char bytes[sizeof(struct in6_addr)];

                if (inet_pton(AF_INET, text, bytes) != 1 && inet_pton(AF_INET6, text, bytes) != 1)
                        r = plan_fault(reader, PLACE_AT(place, i), "expected an IP address");
        }
        return r;
}

static int read_pattern(const PlanReader *reader, const Place *place, Json *json, void *field) {
        _cleanup_(pattern_freep) Pattern *pattern = NULL;
        _cleanup_(error_freep) Error *error = NULL;
        int r = plan_read_text(reader, place, json, field);

        if (r < 0)
                return r;
        r = pattern_new(*(char **) field, &pattern, &error);
        if (r == -ENOMEM)
                return plan_no_memory(reader);
        return r < 0 ? plan_fault(reader, place, "%s", error_message(error, r)) : 0;
}

/* As a HEALTHCHECK has it. */
static int read_command(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int r = plan_read_texts(reader, place, json, field);
        char **words = *(char ***) field;

        if (r < 0)
                return r;
        if (strv_length(words) < 2 || (!str_equal(words[0], "CMD") && !str_equal(words[0], "CMD-SHELL")))
                return plan_fault(reader, place, "expected \"CMD\" and a program, or \"CMD-SHELL\" and a text");
        return 0;
}

static int read_timeout(const PlanReader *reader, const Place *place, Json *json, void *field) {
        int64_t usec;
        int r = plan_read_number(reader, place, json, TIMEOUT_USEC_MAX, &usec);

        if (r >= 0)
                *(uint64_t *) field = (uint64_t) usec;
        return r;
}

static const PlanKey ready_keys[] = {
        { "log", read_pattern, offsetof(PlanReady, log) },
        { "command", read_command, offsetof(PlanReady, command) },
        { "port", plan_read_u16, offsetof(PlanReady, port) },
        { "timeout_usec", read_timeout, offsetof(PlanReady, timeout_usec) },
};

int plan_read_ready(const PlanReader *reader, const Place *place, Json *json, void *field) {
        PlanStep *step = field;

        return plan_read_object(reader, place, json, ready_keys, ELEMENTSOF(ready_keys), &step->ready);
}

static int note_target(const PlanReader *reader, const Place *place, Map *targets, const char *target) {
        if (str_equal(target, "/"))
                return plan_fault(reader, place, "mounted at '/' it would hide the whole image");
        if (map_has(targets, target))
                return plan_fault(reader, place, "something else is mounted at '%s' already", target);
        return map_put_take(targets, target, (void *) target) < 0 ? plan_no_memory(reader) : 0;
}

int plan_check_mounts(const PlanReader *reader, const Place *place, const PlanStep *step) {
        const Place *volumes = PLACE_KEY(place, "volumes"), *tmpfs = PLACE_KEY(place, "tmpfs");
        _cleanup_map_ Map targets = MAP_INIT(NULL);
        int r = note_target(reader, PLACE_KEY(place, "workspace_base"), &targets, step->workspace_base);

        for (size_t i = 0; i < step->n_volumes && r >= 0; i++)
                r = note_target(reader, PLACE_KEY(PLACE_AT(volumes, i), "target"), &targets, step->volumes[i].target);
        for (size_t i = 0; i < step->n_tmpfs && r >= 0; i++)
                r = note_target(reader, PLACE_KEY(PLACE_AT(tmpfs, i), "target"), &targets, step->tmpfs[i].target);
        return r;
}
