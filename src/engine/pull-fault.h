#pragma once

/* What the failure of a pull means. The engines pass on the words of a registry and of Go's network library. */

#include "engine/spec.h"

/**
 * pull_fault_find() - the kind of a failure
 * @status: of the engine's answer; Docker tells some kinds so, Podman answers 200
 * @words:  what the engine says; may be NULL
 *
 * By the words only where the status does not tell: those of containers/image, distribution and moby have been the same
 * for years, and what is not known is PULL_FAULT_OTHER.
 */
PullFault pull_fault_find(int status, const char *words);

/**
 * pull_fault_advice() - what it means and what to do, a sentence without its end; NULL for PULL_FAULT_OTHER
 * @engine: the kind of engine, whose files are meant: "podman", "docker"
 */
const char *pull_fault_advice(PullFault fault, const char *engine);
/** pull_fault_may_pass() - whether the same pull may work a little later */
bool pull_fault_may_pass(PullFault fault);
