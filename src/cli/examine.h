#pragma once

/* What 'podstep doctor' and 'podstep setup' have in common: finding out, judging. */

#include "cli/doctor-options.h"
#include "doctor/check.h"

/** examine() - gathers the facts and judges them; both results are to be ended in any case */
int examine(const DoctorOptions *options, Facts *ret_facts, Findings *ret, Error **reterr);

/** examine_wait() - a callback for what is waited for on a loop of its own: ends the loop that is its userdata */
void examine_wait(Task *task, int r, const Error *error, void *userdata);
