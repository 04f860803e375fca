#pragma once

/* What the address of a git remote tells: the forge's host, owner and name of the repository. Pure. */

#include "base/cleanup.h"

#define GIT_URL_BYTES_MAX 4096

typedef struct GitUrl {
        char *host;      /* with its port where the page needs it; NULL: a path of this machine */
        char *owner;     /* "group/sub"; NULL: none */
        char *name;      /* without ".git" */
        char *page;      /* "https://HOST/OWNER/NAME"; NULL: none known */
        char *clone;     /* to clone over HTTP, else as given */
        char *clone_ssh; /* NULL: none known */
} GitUrl;

/**
 * git_url_parse() - reads HTTP, SSH, git and file URLs, "user@host:path" and plain paths
 *
 * A password never gets into the result, nor the user of an HTTP URL, who is often a token.
 *
 * Return: 0; -EINVAL: none of these, or without a name at its end; -ENOMEM.
 */
int git_url_parse(const char *text, GitUrl *ret);
void git_url_done(GitUrl *url);
