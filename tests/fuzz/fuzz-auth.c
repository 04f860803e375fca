/*
 * Files of registry logins and answers of credential helpers. What is read can be looked up, has no empty parts, and
 * names only helpers that are plain words; a file of a job names none.
 */

#include <errno.h>

#include "base/str.h"
#include "engine/auth-file.h"
#include "fuzz.h"

static void check_login(const RegistryLogin *login) {
        require(registry_login_is_set(login));
        require(!login->username || strlen(login->username) <= AUTH_SECRET_BYTES_MAX);
        require(!login->password || strlen(login->password) <= AUTH_SECRET_BYTES_MAX);
}

static void check_helper(const char *name) {
        require(*name && strlen(name) <= AUTH_HELPER_BYTES_MAX);
        require(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name));
}

static void check_file(const char *text, size_t size, AuthFileFlags flags) {
        _cleanup_(auth_file_done) AuthFile file = { 0 };
        int r = auth_file_parse(text, size, flags, &file, NULL);

        require(r == 0 || r == -EBADMSG);
        if (r < 0)
                return;
        MAP_FOREACH(entry, &file.logins) {
                check_login(entry->value);
                require(!(flags & AUTH_FILE_LEGACY) || !strchr(entry->key, '/'));
                require(auth_file_find(&file, entry->key) == entry->value);
        }
        MAP_FOREACH(entry, &file.helpers) {
                check_helper(entry->value);
                require(!strchr(entry->key, '/'));
        }
        if (file.store)
                check_helper(file.store);
        require(!(flags & AUTH_FILE_NO_HELPERS) || (!file.store && map_size(&file.helpers) == 0));
}

static void check_answer(const char *text, size_t size) {
        _cleanup_(registry_login_done) RegistryLogin login = { 0 };
        int r = auth_answer_parse(text, size, &login, NULL);

        require(r == 0 || r == -EBADMSG);
        if (r == 0)
                check_login(&login);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);

        if (size > 64U * 1024)
                return 0;
        check_file(text, size, 0);
        check_file(text, size, AUTH_FILE_NO_HELPERS);
        check_file(text, size, AUTH_FILE_LEGACY);
        check_answer(text, size);
        return 0;
}
