#pragma once

/*
 * All registry logins that a job may use, in the order in which they count: what the job itself was given, then what
 * the operator's files say. See "LOGINS" in podstep-run(1).
 */

#include "engine/auth-file.h"
#include "loop/task.h"

typedef enum LoginTrust {
        LOGIN_OF_JOB,      /* came with the job: no helper is run for it, and what it opened is for this job alone */
        LOGIN_OF_OPERATOR, /* for every job */
} LoginTrust;

typedef struct Logins Logins;

int logins_new(Logins **ret);
/** logins_free() - wipes them; NULL */
Logins *logins_free(Logins *logins);
DEFINE_CLEANUP(Logins *, logins_free);

/**
 * logins_add_text() - the content of an auth.json
 * @source: what it is called in the log: "$DOCKER_AUTH_CONFIG"
 *
 * -EBADMSG, -ENOMEM; the Error begins with the source.
 */
int logins_add_text(Logins *logins, const char *text, size_t n, const char *source, LoginTrust trust, Error **reterr);
/**
 * logins_add_file() - an operator's file; -ENOENT and other failures of reading, too. ".dockercfg" is known by its
 * name.
 */
int logins_add_file(Logins *logins, const char *path, Error **reterr);
/**
 * logins_add_files() - the operator's files, as Podman looks for them
 * @authfile: given by name; NULL: REGISTRY_AUTH_FILE (see config_export()), else Podman's and Docker's usual places
 *
 * A file that was named must be there; of the usual ones those count that are. What is wrong in one of these is told as
 * an Error with a positive result: the others were added.
 *
 * Return: 0; 1; a negative errno.
 */
int logins_add_files(Logins *logins, const char *authfile, Error **reterr);

typedef struct LoginFound {
        RegistryLogin login;
        const char *source; /* borrowed of the Logins */
        LoginTrust trust;
} LoginFound;
void login_found_done(LoginFound *found);

/**
 * logins_find_start() - the login for an image
 * @repository: qualified, without tag: "docker.io/library/golang"
 * @ret:        filled before @done when r == 0; login_found_done()
 *
 * Done with 0; 1: there is none; or what auth_helper_start() says. The Logins must outlive the Task.
 */
int logins_find_start(const Logins *logins, sd_event *event, const char *repository, LoginFound *ret, TaskDone done,
                      void *userdata, Task **ret_task);

/** logins_collect_secrets() - all passwords and tokens, for the mask; the keys are of no meaning. 0, -ENOMEM. */
int logins_collect_secrets(const Logins *logins, Map *secrets);
