#pragma once

/* The checkout that podstep works on: where it is, and which workflow files it has. */

#include "base/error.h"

/** checkout_find() - the top of the git work tree around @start, else @start itself; absolute, links resolved */
int checkout_find(const char *start, char **ret, Error **reterr);

/**
 * checkout_workflows() - the .yaml and .yml files of .woodpecker, sorted by name; else .woodpecker.yaml; else
 * .woodpecker.yml; else .gitlab-ci.yml
 */
int checkout_workflows(const char *checkout, char ***ret, Error **reterr);

/**
 * checkout_expand() - of each argument that is a directory its workflows, else the files right in it; files stay as
 * they are
 */
int checkout_expand(char *const *args, char ***ret, Error **reterr);

/**
 * checkout_start() - where the checkout of a file, or of a directory of workflows, is to be looked for; heap, NULL if
 * memory is out
 */
char *checkout_start(const char *path);

/**
 * checkout_list_directory() - appends the .yaml and .yml files right in a directory, sorted by name; hidden ones only
 * of .woodpecker; none if it cannot be read. 0 or -ENOMEM
 */
int checkout_list_directory(const char *directory, char ***files);
