#include "pipeline/option-text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"

/* As the kernel has them; Docker and Podman write them without RLIMIT_. */
static const char *const ulimit_names[] = {
        "as",    "core", "cpu", "data",  "fsize",      "locks", "memlock", "msgqueue",
        "nice",  "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack", NULL,
};

static int parse_ulimit_number(const char *text, int64_t *ret) {
        if (str_equal(text, "unlimited")) {
                *ret = -1;
                return 0;
        }
        return parse_i64(text, ret) >= 0 && *ret >= -1 ? 0 : -EINVAL;
}

int option_parse_ulimit(const char *text, char **ret_name, int64_t *ret_soft, int64_t *ret_hard, Error **reterr) {
        _cleanup_strv_ char **parts = NULL, **limits = NULL;
        int64_t soft, hard;

        if (strv_split(text, '=', &parts) < 0)
                return error_oom(reterr);
        if (strv_length(parts) != 2)
                return error_set(reterr, EINVAL, "ulimit '%s': it has the form 'nofile=1024' or 'nofile=1024:2048'",
                                 text);
        if (!strv_contains((char *const *) ulimit_names, parts[0]))
                return error_set(reterr, EINVAL, "ulimit '%s': there is no limit '%s'", text, parts[0]);
        if (strv_split(parts[1], ':', &limits) < 0)
                return error_oom(reterr);
        if (strv_length(limits) > 2 || parse_ulimit_number(limits[0], &soft) < 0 ||
            parse_ulimit_number(limits[1] ? limits[1] : limits[0], &hard) < 0)
                return error_set(reterr, EINVAL, "ulimit '%s': a limit is a number, -1 for none", text);
        if (hard >= 0 && (soft < 0 || soft > hard))
                return error_set(reterr, EINVAL, "ulimit '%s': the soft limit is above the hard one", text);
        *ret_name = TAKE_PTR(parts[0]);
        free(parts[1]);
        parts[1] = NULL;
        *ret_soft = soft;
        *ret_hard = hard;
        return 0;
}

static int parse_device_number(const char *text, int64_t *ret) {
        if (str_equal(text, "*")) {
                *ret = -1;
                return 0;
        }
        return parse_i64(text, ret) >= 0 && *ret >= 0 ? 0 : -EINVAL;
}

static bool is_access(const char *text) {
        return *text && strlen(text) <= 3 && strspn(text, "rwm") == strlen(text);
}

int option_parse_device_rule(const char *text, char *ret_type, int64_t *ret_major, int64_t *ret_minor,
                             char **ret_access, Error **reterr) {
        _cleanup_strv_ char **parts = NULL, **numbers = NULL;
        _cleanup_free_ char *access = NULL;
        int64_t major, minor;

        if (strv_split(text, ' ', &parts) < 0)
                return error_oom(reterr);
        if (strv_length(parts) != 3 || strlen(parts[0]) != 1 || !strchr("abc", parts[0][0]) || !is_access(parts[2]))
                return error_set(reterr, EINVAL, "device rule '%s': it has the form 'c 10:229 rwm'", text);
        if (strv_split(parts[1], ':', &numbers) < 0)
                return error_oom(reterr);
        if (strv_length(numbers) != 2 || parse_device_number(numbers[0], &major) < 0 ||
            parse_device_number(numbers[1], &minor) < 0)
                return error_set(reterr, EINVAL,
                                 "device rule '%s': '%s' is no pair of numbers such as '10:229' or '8:*'", text,
                                 parts[1]);
        access = strdup(parts[2]);
        if (!access)
                return error_oom(reterr);
        *ret_type = parts[0][0];
        *ret_major = major;
        *ret_minor = minor;
        *ret_access = TAKE_PTR(access);
        return 0;
}

bool option_is_cdi_device(const char *text) {
        const char *slash = strchr(text, '/'), *equals = strchr(text, '=');

        return text[0] != '/' && slash && equals && slash > text && equals > slash + 1 && equals[1];
}

int option_parse_device(const char *text, PlanDevice *ret, Error **reterr) {
        _cleanup_(plan_device_done) PlanDevice device = { 0 };
        _cleanup_strv_ char **parts = NULL;
        size_t n;

        if (option_is_cdi_device(text)) {
                device.source = strdup(text);
                if (!device.source)
                        return error_oom(reterr);
                *ret = device;
                device = (PlanDevice) { 0 };
                return 0;
        }
        if (strv_split(text, ':', &parts) < 0)
                return error_oom(reterr);
        n = strv_length(parts);
        if (n > 3 || parts[0][0] != '/' || (n > 1 && parts[1][0] != '/' && !(n == 2 && is_access(parts[1]))) ||
            (n > 2 && !is_access(parts[2])))
                return error_set(
                        reterr, EINVAL,
                        "device '%s': it has the form '/dev/kvm', '/dev/kvm:/dev/x:rwm' or 'vendor/class=name'", text);
        device.source = path_clean(parts[0]);
        device.target = path_clean(n > 1 && parts[1][0] == '/' ? parts[1] : parts[0]);
        device.access = strdup(n > 2 ? parts[2] : n > 1 && parts[1][0] != '/' ? parts[1] : "rwm");
        if (!device.source || !device.target || !device.access)
                return error_oom(reterr);
        *ret = device;
        device = (PlanDevice) { 0 };
        return 0;
}

/* CDI names of NVIDIA's own generator, which are what both engines know. */
static int append_gpu(char ***list, const char *id) {
        return strv_append_take(list, str_printf("nvidia.com/gpu=%s", id));
}

static int append_ids(char ***list, const char *text, const char *ids, Error **reterr) {
        _cleanup_strv_ char **parts = NULL;

        if (strv_split(ids, ',', &parts) < 0)
                return error_oom(reterr);
        if (strv_length(parts) > OPTION_GPUS_MAX)
                return error_set(reterr, E2BIG, "gpus '%s': more than %d", text, OPTION_GPUS_MAX);
        STRV_FOREACH(id, parts) {
                if (**id == '\0' || strspn(*id, "0123456789abcdefABCDEFGPUMIXgpumix-:") != strlen(*id))
                        return error_set(reterr, EINVAL, "gpus '%s': '%s' is no GPU's number or name", text, *id);
                if (append_gpu(list, *id) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

int option_parse_gpus(const char *text, char ***ret, Error **reterr) {
        _cleanup_strv_ char **list = NULL;
        uint64_t n;
        int r = 0;

        if (str_equal(text, "all") || str_equal(text, "-1"))
                r = append_gpu(&list, "all") < 0 ? error_oom(reterr) : 0;
        else if (str_starts_with(text, "device="))
                r = append_ids(&list, text, text + strlen("device="), reterr);
        else if (parse_u64(text, &n) >= 0 && n >= 1 && n <= OPTION_GPUS_MAX) {
                for (uint64_t i = 0; r >= 0 && i < n; i++)
                        r = strv_append_take(&list, str_printf("nvidia.com/gpu=%u", (unsigned) i));
                if (r < 0)
                        return error_oom(reterr);
        } else
                r = error_set(reterr, EINVAL, "gpus '%s': it is 'all', a number up to %d, or 'device=0,1'", text,
                              OPTION_GPUS_MAX);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(list);
        return 0;
}

/* Those that Podman knows; Docker refuses its own strangers. */
static const char *const volume_options[] = {
        "ro",     "rw",      "z",         "Z",          "O",      "U",     "exec",       "noexec",
        "dev",    "nodev",   "suid",      "nosuid",     "nocopy", "copy",  "private",    "rprivate",
        "shared", "rshared", "slave",     "rslave",     "bind",   "rbind", "unbindable", "runbindable",
        "idmap",  "cached",  "delegated", "consistent", NULL,
};

static bool is_volume_name(const char *text) {
        static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

        return *text && strspn(text, name) == strlen(text) && !strchr("_.-", text[0]);
}

static int parse_volume_options(const char *text, const char *options, PlanVolume *volume, Error **reterr) {
        if (strv_split(options, ',', &volume->options) < 0)
                return error_oom(reterr);
        STRV_FOREACH(option, volume->options)
                if (!strv_contains((char *const *) volume_options, *option))
                        return error_set(reterr, EINVAL, "volume '%s': there is no option '%s'", text, *option);
        return 0;
}

int option_parse_volume(const char *text, PlanVolume *ret, Error **reterr) {
        _cleanup_(plan_volume_done) PlanVolume volume = { 0 };
        _cleanup_strv_ char **parts = NULL;
        const char *target;
        size_t n;
        int r = 0;

        if (strv_split(text, ':', &parts) < 0)
                return error_oom(reterr);
        n = strv_length(parts);
        target = parts[n > 1];
        if (n > 3 || target[0] != '/')
                return error_set(
                        reterr, EINVAL,
                        "volume '%s': it has the form 'SOURCE:TARGET[:OPTIONS]' or 'TARGET', the target absolute",
                        text);
        if (n > 1 && parts[0][0] != '/' && !is_volume_name(parts[0]))
                return error_set(reterr, EINVAL,
                                 "volume '%s': '%s' is neither an absolute path nor the name of a volume", text,
                                 parts[0]);
        if (n > 2)
                r = parse_volume_options(text, parts[2], &volume, reterr);
        if (r < 0)
                return r;
        volume.target = path_clean(target);
        if (n > 1)
                volume.source = parts[0][0] == '/' ? path_clean(parts[0]) : strdup(parts[0]);
        if (!volume.target || (n > 1 && !volume.source))
                return error_oom(reterr);
        if (str_equal(volume.target, "/"))
                return error_set(reterr, EINVAL, "volume '%s': mounted at '/' it would hide the whole image", text);
        *ret = volume;
        volume = (PlanVolume) { 0 };
        return 0;
}

/* It becomes a word of a line of /etc/hosts. */
static bool is_host_name(const char *text) {
        for (const unsigned char *p = (const unsigned char *) text; *p; p++)
                if (*p <= ' ' || *p == 0x7f || *p == '#')
                        return false;
        return *text;
}

int option_parse_host(const char *text, PlanHost *ret, Error **reterr) {
        const char *colon = strchr(text, ':');
        _cleanup_free_ char *name = colon ? strndup(text, (size_t) (colon - text)) : NULL;
        struct in6_addr address;

        if (colon && !name)
                return error_oom(reterr);
        if (!colon || !is_host_name(name) ||
            (inet_pton(AF_INET, colon + 1, &address) != 1 && inet_pton(AF_INET6, colon + 1, &address) != 1 &&
             !str_equal(colon + 1, "host-gateway")))
                return error_set(reterr, EINVAL, "host '%s': it has the form 'name:address', or 'name:host-gateway'",
                                 text);
        ret->address = strdup(colon + 1);
        if (!ret->address)
                return error_oom(reterr);
        ret->name = TAKE_PTR(name);
        return 0;
}

static int take_security(SecurityKind kind, const char *value, SecurityKind *ret_kind, char **ret_value,
                         Error **reterr) {
        *ret_value = strdup(value);
        if (!*ret_value)
                return error_oom(reterr);
        *ret_kind = kind;
        return 0;
}

int option_parse_security(const char *text, SecurityKind *ret_kind, char **ret_value, Error **reterr) {
        static const struct {
                const char *name;
                SecurityKind kind;
        } rows[] = {
                { "apparmor", SECURITY_APPARMOR }, { "seccomp", SECURITY_SECCOMP }, { "label", SECURITY_LABEL },
                { "mask", SECURITY_MASK },         { "unmask", SECURITY_UNMASK },
                { "no-new-privileges", SECURITY_NO_NEW_PRIVILEGES },
        };
        size_t n = strcspn(text, "=:");
        const char *value = text[n] ? text + n + 1 : "";
        bool is_true = true;

        if (n == strlen("systempaths") && strncmp(text, "systempaths", n) == 0 && str_equal(value, "unconfined"))
                return take_security(SECURITY_UNMASK, "ALL", ret_kind, ret_value, reterr);
        FOREACH_ROW(row, rows) {
                if (strlen(row->name) != n || strncmp(text, row->name, n) != 0)
                        continue;
                if (row->kind == SECURITY_NO_NEW_PRIVILEGES) {
                        if (*value && parse_bool(value, &is_true) < 0)
                                break;
                        return take_security(row->kind, is_true ? "true" : "false", ret_kind, ret_value, reterr);
                }
                if (!*value || (row->kind == SECURITY_SECCOMP && !str_equal(value, "unconfined") && value[0] != '/'))
                        break;
                return take_security(row->kind, value, ret_kind, ret_value, reterr);
        }
        return error_set(reterr, EINVAL,
                         "security option '%s': it is apparmor=PROFILE, seccomp=unconfined or =/PATH, label=..., "
                         "mask=PATHS, unmask=PATHS, no-new-privileges[=false] or systempaths=unconfined",
                         text);
}
