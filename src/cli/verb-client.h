#pragma once

/* What the verbs that ask the agent have in common. */

#include "cli/agent-options.h"
#include "cli/client.h"

/* A verb with a client that is open. Returns an exit code, or a negative errno with the Error. */
typedef int (*ClientWork)(Client *client, char *const *args, const ClientOptions *options, Error **reterr);

/** verb_with_client() - opens the client, does the work, tells what went wrong; returns the exit code */
int verb_with_client(ClientWork work, char *const *args, const ClientOptions *options);
