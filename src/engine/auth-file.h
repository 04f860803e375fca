#pragma once

/*
 * Files of registry logins: auth.json of containers-auth.json(5), Docker's config.json, the old .dockercfg. Pure; what
 * is read may come from a job.
 */

#include "base/error.h"
#include "engine/spec.h"

#define AUTH_FILE_BYTES_MAX (1024U * 1024)
#define AUTH_FILE_ENTRIES_MAX 1000
#define AUTH_SECRET_BYTES_MAX (64U * 1024) /* of one name, password or token */
#define AUTH_HELPER_BYTES_MAX 64           /* of the name of a helper */

typedef enum AuthFileFlags {
        AUTH_FILE_LEGACY = 1 << 0,     /* .dockercfg: the logins stand at the top */
        AUTH_FILE_NO_HELPERS = 1 << 1, /* 'credHelpers' and 'credsStore' are passed over: nothing is executed for it */
} AuthFileFlags;

typedef struct AuthFile {
        Map logins;  /* "registry[:port][/path]" to RegistryLogin */
        Map helpers; /* "registry[:port]" to the NAME of docker-credential-NAME */
        char *store; /* NAME of a helper for all; NULL: none */
} AuthFile;

/**
 * auth_file_parse() - reads one
 *
 * Keys are made alike: without "https://" (a URL means its host alone), and Docker's own host names become "docker.io".
 * Entries without a login are passed over. Strings with secrets are wiped in what was parsed; @text is the caller's.
 *
 * Return: 0; -EBADMSG with what is wrong, which never holds a secret; -ENOMEM.
 */
int auth_file_parse(const char *text, size_t n, AuthFileFlags flags, AuthFile *ret, Error **reterr);
void auth_file_done(AuthFile *file);

/** auth_file_find() - the login of the longest key that holds @repository ("r.example.com/group/image"); NULL: none */
const RegistryLogin *auth_file_find(const AuthFile *file, const char *repository);
/** auth_file_find_helper() - of the repository's registry, by 'credHelpers'; NULL: none */
const char *auth_file_find_helper(const AuthFile *file, const char *repository);

/**
 * auth_answer_parse() - what a docker-credential-* program printed: {"ServerURL","Username","Secret"}
 *
 * The user name "<token>" makes the secret an identity token. -EBADMSG, -ENOMEM.
 */
int auth_answer_parse(const char *text, size_t n, RegistryLogin *ret, Error **reterr);
