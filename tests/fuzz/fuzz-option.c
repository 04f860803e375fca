/*
 * A text of an operator's that is taken can be written from its parts, and what is written means the same; what is
 * refused leaves no trace. Each input is tried as all of them.
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "fuzz.h"
#include "pipeline/option-text.h"

static void check_fault(int r, const Error *error) {
        require(r == 0 || r == -EINVAL || r == -E2BIG);
        require((r < 0) == (error != NULL));
}

static void check_ulimit(const char *text) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_free_ char *name = NULL, *written = NULL, *again = NULL;
        int64_t soft = 7, hard = 7, same_soft, same_hard;
        int r = option_parse_ulimit(text, &name, &soft, &hard, &error);

        check_fault(r, error);
        if (r < 0) {
                require(!name && soft == 7 && hard == 7);
                return;
        }
        require(soft >= -1 && hard >= -1 && (hard < 0 || (soft >= 0 && soft <= hard)));
        written = str_printf("%s=%" PRId64 ":%" PRId64, name, soft, hard);
        require(written && option_parse_ulimit(written, &again, &same_soft, &same_hard, NULL) == 0);
        require(str_equal(again, name) && same_soft == soft && same_hard == hard);
}

static char *device_number(int64_t number) {
        return number < 0 ? strdup("*") : str_printf("%" PRId64, number);
}

static void check_device_rule(const char *text) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_free_ char *access = NULL, *first = NULL, *second = NULL, *written = NULL, *again = NULL;
        int64_t major = 7, minor = 7, same_major, same_minor;
        char type = 0, same_type;
        int r = option_parse_device_rule(text, &type, &major, &minor, &access, &error);

        check_fault(r, error);
        if (r < 0) {
                require(!access && !type && major == 7 && minor == 7);
                return;
        }
        require(strchr("abc", type) && major >= -1 && minor >= -1 && *access &&
                strspn(access, "rwm") == strlen(access));
        first = device_number(major);
        second = device_number(minor);
        written = str_printf("%c %s:%s %s", type, first, second, access);
        require(written && option_parse_device_rule(written, &same_type, &same_major, &same_minor, &again, NULL) == 0);
        require(same_type == type && same_major == major && same_minor == minor && str_equal(again, access));
}

/* Absolute, and without a way out of where it seems to be. */
static void check_path(const char *path) {
        _cleanup_free_ char *clean = path_clean(path);

        require(path[0] == '/' && str_equal(clean, path) && !strstr(path, "/../"));
}

static void device_done(PlanDevice *device) {
        free(device->source);
        free(device->target);
        free(device->access);
}

static void check_device(const char *text) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(device_done) PlanDevice device = { 0 }, again = { 0 };
        _cleanup_free_ char *written = NULL;
        int r = option_parse_device(text, &device, &error);

        check_fault(r, error);
        if (r < 0) {
                require(!device.source && !device.target && !device.access);
                return;
        }
        require(option_is_cdi_device(text) == !device.target);
        if (!device.target) {
                require(str_equal(device.source, text));
                return;
        }
        check_path(device.source);
        check_path(device.target);
        written = str_printf("%s:%s:%s", device.source, device.target, device.access);
        require(written && option_parse_device(written, &again, NULL) == 0);
        require(str_equal(again.source, device.source) && str_equal(again.target, device.target) &&
                str_equal(again.access, device.access));
}

static void check_gpus(const char *text) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_strv_ char **names = NULL;
        int r = option_parse_gpus(text, &names, &error);

        check_fault(r, error);
        require((r < 0) == !names && strv_length(names) <= OPTION_GPUS_MAX);
        STRV_FOREACH(name, names)
                require(option_is_cdi_device(*name) && !strpbrk(*name, " ,\n"));
}

static void volume_done(PlanVolume *volume) {
        free(volume->source);
        free(volume->target);
        strv_free(volume->options);
}

static void check_volume(const char *text) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(volume_done) PlanVolume volume = { 0 }, again = { 0 };
        _cleanup_free_ char *options = NULL, *written = NULL;
        int r = option_parse_volume(text, &volume, &error);

        check_fault(r, error);
        if (r < 0) {
                require(!volume.source && !volume.target && !volume.options);
                return;
        }
        check_path(volume.target);
        require(!str_equal(volume.target, "/") && (volume.source || !volume.options));
        require(!volume.source || volume.source[0] == '/' || !strpbrk(volume.source, "/: \n"));
        if (volume.source && volume.source[0] == '/')
                check_path(volume.source);
        options = strv_join(volume.options, ",");
        written = volume.source ? str_printf("%s:%s%s%s", volume.source, volume.target, volume.options ? ":" : "",
                                             options ? options : "")
                                : strdup(volume.target);
        require(written && option_parse_volume(written, &again, NULL) == 0);
        require(str_equal(again.source, volume.source) && str_equal(again.target, volume.target) &&
                strv_length(again.options) == strv_length(volume.options));
}

static void host_done(PlanHost *host) {
        free(host->name);
        free(host->address);
}

/* It becomes a line of a hosts file. */
static void check_host(const char *text) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(host_done) PlanHost host = { 0 };
        int r = option_parse_host(text, &host, &error);

        check_fault(r, error);
        if (r < 0) {
                require(!host.name && !host.address);
                return;
        }
        require(*host.name && *host.address);
        for (const char *p = host.name; *p; p++)
                require(!isspace((unsigned char) *p) && !iscntrl((unsigned char) *p) && *p != '#');
        require(strspn(host.address, "0123456789abcdefABCDEF:.-ghostway") == strlen(host.address));
}

static void check_security(const char *text) {
        static const char *const names[] = {
                [SECURITY_APPARMOR] = "apparmor", [SECURITY_SECCOMP] = "seccomp",
                [SECURITY_LABEL] = "label",       [SECURITY_MASK] = "mask",
                [SECURITY_UNMASK] = "unmask",     [SECURITY_NO_NEW_PRIVILEGES] = "no-new-privileges",
        };
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_free_ char *value = NULL, *written = NULL, *again = NULL;
        SecurityKind kind, same;
        int r = option_parse_security(text, &kind, &value, &error);

        check_fault(r, error);
        require((r < 0) == !value);
        if (r < 0)
                return;
        require(*value && (kind != SECURITY_SECCOMP || value[0] == '/' || str_equal(value, "unconfined")));
        written = str_printf("%s=%s", names[kind], value);
        require(written && option_parse_security(written, &same, &again, NULL) == 0);
        require(same == kind && str_equal(again, value));
}

static void check_pulls(const char *text) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_free_ char *written = NULL;
        PullList list = { 0 }, again = { 0 };
        int r = pull_list_parse(text, &list, &error);

        check_fault(r, error);
        if (r < 0) {
                require(list.n == 0);
                return;
        }
        written = pull_list_to_string(&list, ",");
        require(written && list.n >= 1 && list.n <= PULL_LIST_MAX && pull_list_parse(written, &again, NULL) == 0);
        require(again.n == list.n && pull_list_is_within(&again, &list) && pull_list_is_within(&list, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);

        check_ulimit(text);
        check_device_rule(text);
        check_device(text);
        check_gpus(text);
        check_volume(text);
        check_host(text);
        check_security(text);
        check_pulls(text);
        return 0;
}
