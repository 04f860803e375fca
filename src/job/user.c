#include "job/user.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"

#define SUBID_BYTES_MAX (1U * 1024 * 1024)

static int split(const char *text, char **ret_user, char **ret_group, Error **reterr) {
        const char *colon = strchrnul(text, ':');

        if (colon == text || (*colon && !colon[1]) || strpbrk(text, " \t\n/") || (*colon && strchr(colon + 1, ':')))
                return error_set(reterr, EINVAL, "'%s' names no user: write USER or USER:GROUP, names or numbers",
                                 text);
        *ret_user = strndup(text, (size_t) (colon - text));
        *ret_group = *colon ? strdup(colon + 1) : NULL;
        return *ret_user && (*ret_group || !*colon) ? 0 : error_oom(reterr);
}

/* 1: it is a name; 0: a number, and *ret holds it. */
static int parse_id(const char *text, uint32_t *ret, Error **reterr) {
        uint64_t value;
        int r = parse_u64(text, &value);

        if (r == -EINVAL)
                return 1;
        if (r < 0 || value >= UINT32_MAX)
                return error_set(reterr, ERANGE, "user or group id %s is too large", text);
        *ret = (uint32_t) value;
        return 0;
}

int user_needs_image(const char *text, UserIds *ret, Error **reterr) {
        _cleanup_free_ char *user = NULL, *group = NULL;
        UserIds ids = { 0 };
        int r;

        if (str_is_empty(text) || str_equal(text, "root") || str_equal(text, "0")) {
                *ret = ids;
                return 0;
        }
        r = split(text, &user, &group, reterr);
        if (r < 0)
                return r;
        r = parse_id(user, &ids.uid, reterr);
        if (r != 0)
                return r;
        r = group ? parse_id(group, &ids.gid, reterr) : 1;
        if (r == 0)
                *ret = ids;
        return r;
}

/*
 * A line of passwd(5) or group(5) whose name is 'name', or, if that is NULL, whose id is 'id'. *ret_next is its fourth
 * field. Both files have the name first and the id third.
 */
static bool find_line(const char *file, const char *name, uint32_t id, uint32_t *ret_id, uint32_t *ret_next) {
        for (const char *line = file; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
                size_t n = strcspn(line, "\n");
                _cleanup_free_ char *copy = strndup(line, n);
                _cleanup_strv_ char **fields = NULL;
                uint64_t found, next = 0;

                if (!copy || strv_split(copy, ':', &fields) < 0 || strv_length(fields) < 3)
                        continue;
                if (parse_u64(fields[2], &found) < 0 || found >= UINT32_MAX)
                        continue;
                if (name ? !str_equal(fields[0], name) : found != id)
                        continue;
                if (fields[3] && (parse_u64(fields[3], &next) < 0 || next >= UINT32_MAX))
                        next = 0;
                *ret_id = (uint32_t) found;
                *ret_next = (uint32_t) next;
                return true;
        }
        return false;
}

int user_resolve(const char *text, const char *passwd, const char *group_file, UserIds *ret, Error **reterr) {
        _cleanup_free_ char *user = NULL, *group = NULL;
        UserIds ids = { 0 };
        uint32_t unused;
        int r;

        r = split(text, &user, &group, reterr);
        if (r < 0)
                return r;
        r = parse_id(user, &ids.uid, reterr);
        if (r < 0)
                return r;
        if (r > 0 && !find_line(passwd, user, 0, &ids.uid, &ids.gid))
                return error_set(reterr, ENOENT,
                                 "the image knows no user '%s': it is not in its /etc/passwd; name one that is, or "
                                 "give a number",
                                 user);
        if (r == 0)
                (void) find_line(passwd, NULL, ids.uid, &unused, &ids.gid);
        if (group) {
                r = parse_id(group, &ids.gid, reterr);
                if (r < 0)
                        return r;
                if (r > 0 && !find_line(group_file, group, 0, &ids.gid, &unused))
                        return error_set(reterr, ENOENT,
                                         "the image knows no group '%s': it is not in its /etc/group; name one that "
                                         "is, or give a number",
                                         group);
        }
        *ret = ids;
        return 0;
}

/* How many ids a file of subuid(5) gives to the user. */
static int count_subids(const char *path, const char *name, uid_t uid, uint64_t *ret) {
        _cleanup_free_ char *text = NULL, *number = str_printf("%u", uid);
        _cleanup_strv_ char **lines = NULL;
        int r;

        r = file_read(path, SUBID_BYTES_MAX, &text, NULL);
        if (r >= 0)
                r = number ? strv_split(text, '\n', &lines) : -ENOMEM;
        if (r < 0)
                return r;
        *ret = 0;
        STRV_FOREACH(line, lines) {
                _cleanup_strv_ char **fields = NULL;
                uint64_t count;

                if (strv_split(*line, ':', &fields) >= 0 && strv_length(fields) == 3 &&
                    (str_equal(fields[0], name) || str_equal(fields[0], number)) && parse_u64(fields[2], &count) >= 0)
                        *ret += count;
        }
        return 0;
}

static int check_id(const char *what, const char *file, uint32_t id, const char *name, uid_t uid, Error **reterr) {
        uint64_t count;

        /* Ranges may also come from elsewhere (nsswitch's subid): then the engine has the last word. */
        if (count_subids(file, name, uid, &count) < 0 || id <= count)
                return 0;
        return error_set(reterr, ERANGE,
                         "%s id %u lies outside what user '%s' may map: %s gives %llu ids, so 0 to %llu can be used; "
                         "more: sudo usermod --add-subuids 100000-1100000 --add-subgids 100000-1100000 %s, then podman "
                         "system migrate",
                         what, id, name, file, (unsigned long long) count, (unsigned long long) count, name);
}

int user_check_range(const UserIds *ids, Error **reterr) {
        struct passwd *entry = getpwuid(geteuid());
        const char *name = entry ? entry->pw_name : "?";
        int r;

        if (geteuid() == 0)
                return 0;
        r = check_id("user", "/etc/subuid", ids->uid, name, geteuid(), reterr);
        return r < 0 ? r : check_id("group", "/etc/subgid", ids->gid, name, geteuid(), reterr);
}

static uint32_t count_or_none(const char *file, const char *name) {
        uint64_t count;

        return count_subids(file, name, geteuid(), &count) >= 0 && count < UINT32_MAX ? (uint32_t) count : 0;
}

void user_count_subids(uint32_t *ret_uids, uint32_t *ret_gids) {
        struct passwd *entry = getpwuid(geteuid());
        const char *name = entry ? entry->pw_name : "?";

        *ret_uids = count_or_none("/etc/subuid", name);
        *ret_gids = count_or_none("/etc/subgid", name);
}
