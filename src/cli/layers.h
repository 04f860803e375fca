#pragma once

/* The layers of which a run's metadata is made. The first that knows a field sets it; see describe.h for their order.
 */

#include "cli/describe.h"
#include "cli/git.h"

/**
 * layers_make() - all that is known of a run
 * @facts: its changed files are taken out
 *
 * Return: 0; the fault of the metadata file; -ENOMEM.
 */
int layers_make(const DescribeSpec *spec, GitFacts *facts, Metadata *metadata, Error **reterr);

/** layers_want_tag() - whether its event is one of a tag */
bool layers_want_tag(const Metadata *metadata);
