#pragma once

/* Between guard.c, which knows what is to be guarded, and guard-container.c, which does it. */

#include "job/guard.h"

/** guard_wants_block() - whether the operator lets no job reach where clouds hand out credentials */
bool guard_wants_block(const Job *job);
/** guard_step_has_network() - one of its own, neither the host's nor that of the holder */
bool guard_step_has_network(const Step *step);
