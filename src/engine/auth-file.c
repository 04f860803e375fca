#include "engine/auth-file.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/str.h"
#include "document/json.h"

static void *login_free(void *value) {
        RegistryLogin *login = value;

        if (login)
                registry_login_done(login);
        free(login);
        return NULL;
}

static void map_free_login(void *value) {
        (void) login_free(value);
}

void auth_file_done(AuthFile *file) {
        map_done(&file->logins);
        map_done(&file->helpers);
        free(file->store);
        *file = (AuthFile) { 0 };
}

/* What Docker calls itself. */
static const char *const docker_hosts[] = { "docker.io", "index.docker.io", "registry-1.docker.io" };

/* "https://index.docker.io/v1/" to "docker.io", "r:5000/a/" to "r:5000/a"; a URL means its host alone. */
static char *make_key(const char *text, bool host_only, bool *ret_is_url) {
        static const char *const schemes[] = { "https://", "http://" };
        size_t n, n_host;

        *ret_is_url = false;
        FOREACH_ROW(scheme, schemes)
                if (!*ret_is_url && str_starts_with(text, *scheme)) {
                        text += strlen(*scheme);
                        *ret_is_url = true;
                }
        n_host = strcspn(text, "/");
        n = *ret_is_url || host_only ? n_host : strlen(text);
        while (n > n_host && text[n - 1] == '/')
                n--;
        FOREACH_ROW(host, docker_hosts)
                if (strlen(*host) == n_host && strncasecmp(text, *host, n_host) == 0)
                        return str_printf("%s%.*s", docker_hosts[0], (int) (n - n_host), text + n_host);
        return strndup(text, n);
}

/* Takes a copy out of the tree and wipes the tree's own. Not a string, or too long: -EBADMSG. */
static int take_secret(Json *json, const char *field, char **ret) {
        Json *value = NULL;
        const char *text;
        size_t n;

        if (!json_object_object_get_ex(json, field, &value) || !value)
                return 0;
        if (!json_object_is_type(value, json_type_string))
                return -EBADMSG;
        text = json_object_get_string(value);
        n = (size_t) json_object_get_string_len(value);
        if (!text || n > AUTH_SECRET_BYTES_MAX || strlen(text) != n)
                return -EBADMSG;
        *ret = n > 0 ? strdup(text) : NULL;
        explicit_bzero((char *) text, n);
        return n > 0 && !*ret ? -ENOMEM : 0;
}

static void wipe(char *text, size_t n) {
        if (text)
                explicit_bzero(text, n);
        free(text);
}

/* base64 of "name:password", padded with NULs by old Dockers */
static int take_auth(Json *json, RegistryLogin *login) {
        char *encoded = NULL, *decoded = NULL, *colon;
        size_t n = 0;
        int r;

        r = take_secret(json, "auth", &encoded);
        if (r < 0 || !encoded)
                return r;
        r = base64_decode(encoded, strlen(encoded), &decoded, &n);
        wipe(encoded, strlen(encoded));
        if (r < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        colon = strchr(decoded, ':');
        if (!colon) {
                wipe(decoded, n);
                return -EBADMSG;
        }
        *colon = '\0';
        login->username = strdup(decoded);
        login->password = strdup(colon + 1);
        wipe(decoded, n);
        return login->username && login->password ? 0 : -ENOMEM;
}

static int read_login(Json *json, RegistryLogin *login) {
        int r;

        r = take_auth(json, login);
        if (r >= 0 && !login->username)
                r = take_secret(json, "username", &login->username);
        if (r >= 0 && !login->password)
                r = take_secret(json, "password", &login->password);
        if (r >= 0)
                r = take_secret(json, "identitytoken", &login->identity_token);
        return r;
}

static int bad(Error **reterr, int r, const char *what, const char *key) {
        _cleanup_free_ char *shown = NULL;

        if (r == -ENOMEM)
                return error_oom(reterr);
        shown = str_escape(key, strlen(key), 80);
        return error_set(reterr, EBADMSG, "%s '%s' is damaged", what, shown ? shown : "");
}

static int add_login(AuthFile *file, const char *name, Json *json, bool host_only, bool urls, Error **reterr) {
        _cleanup_free_ char *key = NULL;
        RegistryLogin *login;
        bool is_url;
        int r;

        key = make_key(name, host_only, &is_url);
        if (!key)
                return error_oom(reterr);
        if (is_url != urls || (is_url && map_has(&file->logins, key)))
                return 0; /* what is written as the file's format wants it counts more than a URL */
        if (!json_object_is_type(json, json_type_object))
                return bad(reterr, -EBADMSG, "the login for", name);
        login = calloc(1, sizeof(*login));
        if (!login)
                return error_oom(reterr);
        r = read_login(json, login);
        if (r < 0 || !registry_login_is_set(login)) {
                (void) login_free(login);
                return r < 0 ? bad(reterr, r, "the login for", name) : 0;
        }
        return map_put_take(&file->logins, key, login) < 0 ? error_oom(reterr) : 0;
}

static int read_logins(Json *object, AuthFile *file, bool host_only, Error **reterr) {
        int r = 0;

        if (json_object_object_length(object) > AUTH_FILE_ENTRIES_MAX)
                return error_set(reterr, EBADMSG, "it holds more than %d logins", AUTH_FILE_ENTRIES_MAX);
        for (int urls = 0; urls <= 1; urls++) {
                json_object_object_foreach(object, key, value) {
                        if (r >= 0)
                                r = add_login(file, key, value, host_only, urls, reterr);
                }
        }
        return r;
}

/* The name becomes part of a program's name. */
static bool is_helper_name(const char *name) {
        size_t n = strlen(name);

        return n > 0 && n <= AUTH_HELPER_BYTES_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static int check_helper(const char *name, Error **reterr) {
        _cleanup_free_ char *shown = NULL;

        if (name && is_helper_name(name))
                return 0;
        shown = name ? str_escape(name, strlen(name), 80) : NULL;
        return error_set(reterr, EBADMSG, "'%s' is no name of a credential helper: a-z, 0-9 and '-' only",
                         shown ? shown : "");
}

static int read_helpers(Json *json, AuthFile *file, Error **reterr) {
        Json *helpers = NULL;
        const char *store;
        int r = 0;

        store = json_find_string(json, "credsStore");
        if (!str_is_empty(store)) {
                r = check_helper(store, reterr);
                if (r < 0)
                        return r;
                file->store = strdup(store);
                if (!file->store)
                        return error_oom(reterr);
        }
        if (json_get_object(json, "credHelpers", &helpers, NULL) < 0)
                return 0;
        json_object_object_foreach(helpers, name, value) {
                const char *helper =
                        json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
                _cleanup_free_ char *key = NULL;
                bool is_url;

                if (helper && !*helper)
                        continue; /* Docker: the file's own logins for this one */
                r = check_helper(helper, reterr);
                if (r < 0)
                        return r;
                key = make_key(name, true, &is_url);
                if (!key || strmap_put(&file->helpers, key, helper) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

int auth_file_parse(const char *text, size_t n, AuthFileFlags flags, AuthFile *ret, Error **reterr) {
        _cleanup_(auth_file_done) AuthFile file = { .logins = MAP_INIT(map_free_login), .helpers = STRMAP_INIT };
        _cleanup_(json_unrefp) Json *json = NULL;
        Json *logins = NULL;
        int r;

        r = json_parse(text, n, &json, reterr);
        if (r < 0)
                return r;
        if (!json_object_is_type(json, json_type_object))
                return error_set(reterr, EBADMSG, "it holds no object");
        if (flags & AUTH_FILE_LEGACY)
                r = read_logins(json, &file, true, reterr);
        else if (json_get_object(json, "auths", &logins, NULL) >= 0)
                r = read_logins(logins, &file, false, reterr);
        if (r >= 0 && !(flags & (AUTH_FILE_NO_HELPERS | AUTH_FILE_LEGACY)))
                r = read_helpers(json, &file, reterr);
        if (r < 0)
                return r;
        *ret = file;
        file = (AuthFile) { 0 };
        return 0;
}

const RegistryLogin *auth_file_find(const AuthFile *file, const char *repository) {
        _cleanup_free_ char *key = strdup(repository);

        for (char *end = key ? key + strlen(key) : NULL; end; end = strrchr(key, '/')) {
                const RegistryLogin *login;

                *end = '\0';
                login = map_get(&file->logins, key);
                if (login)
                        return login;
        }
        return NULL;
}

const char *auth_file_find_helper(const AuthFile *file, const char *repository) {
        _cleanup_free_ char *host = strndup(repository, strcspn(repository, "/"));

        return host ? strmap_get(&file->helpers, host) : NULL;
}

int auth_answer_parse(const char *text, size_t n, RegistryLogin *ret, Error **reterr) {
        _cleanup_(registry_login_done) RegistryLogin login = { 0 };
        _cleanup_(json_unrefp) Json *json = NULL;
        int r;

        r = json_parse(text, n, &json, reterr);
        if (r < 0)
                return r;
        if (!json_object_is_type(json, json_type_object))
                return error_set(reterr, EBADMSG, "it holds no object");
        r = take_secret(json, "Username", &login.username);
        if (r >= 0)
                r = take_secret(json, "Secret", &login.password);
        if (r == -ENOMEM)
                return error_oom(reterr);
        if (r < 0 || !login.username || !login.password)
                return error_set(reterr, EBADMSG, "it holds no user name and secret");
        if (str_equal(login.username, "<token>")) {
                login.identity_token = TAKE_PTR(login.password);
                free(TAKE_PTR(login.username));
        }
        *ret = login;
        login = (RegistryLogin) { 0 };
        return 0;
}
