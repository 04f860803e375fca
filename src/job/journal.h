#pragma once

/*
 * What a job notes about itself, so that another process can take it up where this one was killed. An intent is noted
 * before the act, a result after it; whoever takes the job up finds what was intended by its name on the engine, and
 * looks how far it came. 'podstep run' keeps no journal: its functions are NULL.
 *
 *   started        when the job began, in microseconds of real time
 *   phase          "collecting", "cleaning": the steps are over
 *   result         number of the JobResult, and why
 *   stop           number of the JobStopReason: somebody wants it to end
 *   cannot-run     there is nothing to run on
 *   sandbox        what was chosen: kind, whether there is a holder
 *   holder         id of the holder's container: it was started
 *   workspace      it is made: "overlay" or "copy", where the engine keeps it
 *   fetched        when the repository was there
 *   image.N        id of the image that the N-th reference of the plan stands for
 *   step.N.start   about to be started: when
 *   step.N.ready   a service that could be used
 *   step.N.done    result, exit code, flags, duration, why
 */

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_SETTLE_USEC 1000000U

typedef struct JobJournal {
        /*
         * The value is kept when it returns; an older one of the same key is forgotten. Negative: it could not be kept.
         */
        int (*put)(const char *key, const char *value, void *userdata);
        /* How many pieces of output (JOB_EVENT_OUTPUT) of a stream were kept before this process began. */
        uint64_t (*count_output)(size_t step_index, int stream, void *userdata);
        void *userdata;
        uint64_t settle_usec; /* so long after a start was noted the engine may not have got it yet */
} JobJournal;
