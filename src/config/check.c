/* What texts of some keys must look like. An engine would refuse them as well: later, without the line. */

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "config/key.h"

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
#define MOUNT_PARTS_MAX 5 /* source, target, and GitLab Runner's mode, label and propagation */
#define LABEL_PREFIX_OURS "io.podstep."

static bool has_dot_dot(const char *path) {
        for (const char *p = path; (p = strstr(p, "..")); p += 2)
                if ((p == path || p[-1] == '/') && (!p[2] || p[2] == '/'))
                        return true;
        return false;
}

const char *config_check_path(const char *text) {
        return text[0] == '/' && !has_dot_dot(text) ? NULL : "an absolute path without '..'";
}

const char *config_check_program(const char *text) {
        return text[strspn(text, NAME_BYTES "./-")] || text[0] == '-' ? "the name or the path of a program" : NULL;
}

const char *config_check_runner(const char *text) {
        size_t n = strlen(text);

        return isalnum((unsigned char) *text) && n <= CONFIG_RUNNER_MAX && !text[strspn(text, NAME_BYTES ".-")]
                       ? NULL
                       : "a name of letters, digits and _.- with at most 63 bytes";
}

const char *config_check_url(const char *text) {
        return text[0] == '/' || strstr(text, "://")
                       ? NULL
                       : "an address such as unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST/PATH";
}

const char *config_check_address(const char *text) {
        unsigned char bytes[sizeof(struct in6_addr)];

        return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1 ? NULL : "an IP address";
}

const char *config_check_host(const char *text) {
        const char *colon = strchr(text, ':');

        if (colon && colon > text && (str_equal(colon + 1, "host-gateway") || !config_check_address(colon + 1)))
                return NULL;
        return "NAME:ADDRESS, where the address is an IP address or host-gateway";
}

static bool is_ulimit_value(const char *text, size_t n) {
        char word[24] = "";
        int64_t value;

        if (n == 0 || n >= sizeof(word))
                return false;
        memcpy(word, text, n);
        return str_equal(word, "unlimited") || (parse_i64(word, &value) == 0 && value >= -1);
}

const char *config_check_ulimit(const char *text) {
        size_t n_name = strspn(text, NAME_BYTES);
        const char *soft = text + n_name + 1, *colon;

        if (n_name > 0 && text[n_name] == '=') {
                colon = strchrnul(soft, ':');
                if (is_ulimit_value(soft, (size_t) (colon - soft)) &&
                    (!*colon || is_ulimit_value(colon + 1, strlen(colon + 1))))
                        return NULL;
        }
        return "NAME=SOFT or NAME=SOFT:HARD, such as nofile=1024:2048";
}

const char *config_check_cpuset(const char *text) {
        for (const char *c = text; *c; c++) {
                bool is_between = c > text && isdigit((unsigned char) c[-1]) && isdigit((unsigned char) c[1]);

                if (!isdigit((unsigned char) *c) && !((*c == ',' || *c == '-') && is_between))
                        return "numbers and ranges such as 0-3,6";
        }
        return NULL;
}

const char *config_check_capability(const char *text) {
        return text[strspn(text, NAME_BYTES)] ? "the name of a capability such as NET_ADMIN, or all" : NULL;
}

static bool is_access(const char *text) {
        return *text && !text[strspn(text, "rwm")];
}

/* /dev/x, /dev/x:/dev/y, /dev/x:rw, /dev/x:/dev/y:rw, vendor.com/class=name */
const char *config_check_device(const char *text) {
        const char *first = strchr(text, ':'), *second = first ? strchr(first + 1, ':') : NULL;
        bool is_fine;

        if (text[0] != '/')
                is_fine = strchr(text, '/') && strchr(text, '=') && !strchr(text, ' ');
        else if (second)
                is_fine = first[1] == '/' && is_access(second + 1);
        else
                is_fine = !first || first[1] == '/' || is_access(first + 1);
        return is_fine ? NULL : "a device such as /dev/kvm, /dev/sda:/dev/xvda:rwm or vendor.com/class=name";
}

const char *config_check_device_rule(const char *text) {
        const char *c = text;
        bool is_fine = *c && strchr("abc", *c) && c[1] == ' ';

        c += 2;
        for (int i = 0; i < 2 && is_fine; i++) { /* major, minor */
                size_t n = *c == '*' ? 1 : strspn(c, "0123456789");

                is_fine = n > 0 && c[n] == (i == 0 ? ':' : ' ');
                c += n + is_fine;
        }
        return is_fine && is_access(c) ? NULL : "a rule such as 'c 188:* rwm'";
}

const char *config_check_mount(const char *text) {
        const char *second = strchr(text, ':');
        size_t n_parts = 1;
        bool is_fine = text[0] != ':' && !has_dot_dot(text);

        for (const char *c = text; (c = strchr(c, ':')); c++) {
                n_parts++;
                is_fine = is_fine && c[1] && c[1] != ':';
        }
        /* A target may be made of variables; one alone may lie below the project. */
        if (second && is_fine)
                is_fine = second[1] == '/' || second[1] == '$' || text[0] == '/';
        return is_fine && n_parts <= MOUNT_PARTS_MAX ? NULL : "SOURCE:TARGET[:OPTIONS], or TARGET alone";
}

const char *config_check_sysctl(const char *text) {
        return strchr(text, '.') && !text[strspn(text, NAME_BYTES ".-/")]
                       ? NULL
                       : "the name of a setting such as net.core.somaxconn";
}

const char *config_check_label(const char *text) {
        return str_starts_with(text, LABEL_PREFIX_OURS) ? "another name: io.podstep.* are podstep's own" : NULL;
}

const char *config_check_variable(const char *text) {
        return strchr(text, '=') || strchr(text, ' ') ? "a name without '=' and blanks" : NULL;
}

const char *config_check_platform(const char *text) {
        const char *slash = strchr(text, '/');

        return slash && slash > text && slash[1] && !text[strspn(text, NAME_BYTES "./-")]
                       ? NULL
                       : "a platform such as linux/arm64";
}

const char *config_check_version(const char *text) {
        const char *dot = text + strspn(text, "0123456789");
        size_t n_minor = *dot == '.' ? strspn(dot + 1, "0123456789") : 0;

        return dot > text && n_minor > 0 && !dot[1 + n_minor] ? NULL : "a version such as 1.41";
}
