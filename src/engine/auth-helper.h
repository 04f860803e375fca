#pragma once

/*
 * Credential helpers: programs docker-credential-NAME that keep logins in a keyring or ask a cloud for them. They are
 * executed without a shell, with the one argument "get" and the registry on standard input. Only names out of the
 * operator's own files get here.
 * Source: docker/docker-credential-helpers, README.md.
 */

#include "base/clock.h"
#include "engine/spec.h"
#include "loop/task.h"

#define AUTH_HELPER_DEADLINE_USEC (30 * USEC_PER_SEC)
#define AUTH_HELPER_OUTPUT_MAX (128U * 1024)

/**
 * auth_helper_start() - asks one
 * @name:     checked by auth_file_parse()
 * @registry: "r.example.com:5000", "docker.io"
 * @ret:      filled before @done when r == 0
 *
 * Done with 0; 1: it knows no login for it; -ENOENT: there is no such program; -ETIMEDOUT; -EREMOTEIO with its words;
 * -EBADMSG: it printed nonsense.
 */
int auth_helper_start(sd_event *event, const char *name, const char *registry, RegistryLogin *ret, TaskDone done,
                      void *userdata, Task **ret_task);
