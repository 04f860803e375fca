/* What the journal hears of jobs: a sentence, and fields to search for. The catalog is systemd/podstep.catalog. */

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <stdio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "agent/agent-internal.h"

#define MESSAGE_JOB_STARTED "b3a1c7b6c1f54f1f8f2ad4b5a1b7e001"
#define MESSAGE_JOB_FINISHED "b3a1c7b6c1f54f1f8f2ad4b5a1b7e002"

void message_job_started(const Worker *worker) {
        (void) sd_journal_send("MESSAGE_ID=" MESSAGE_JOB_STARTED, "PRIORITY=%d", LOG_NOTICE, "PODSTEP_JOB=%s",
                               worker->id, "PODSTEP_NUMBER=%llu", (unsigned long long) worker->number,
                               "PODSTEP_WORKFLOW=%s", worker->name, "PODSTEP_LABEL=%s", worker->label,
                               "MESSAGE=Job %llu ('%s') started", (unsigned long long) worker->number, worker->name,
                               NULL);
}

void message_job_finished(const char *id, const char *name, uint64_t number, JobResult result, const char *error,
                          uint64_t duration_usec) {
        (void) sd_journal_send("MESSAGE_ID=" MESSAGE_JOB_FINISHED, "PRIORITY=%d",
                               result == JOB_SUCCESS ? LOG_NOTICE : LOG_WARNING, "PODSTEP_JOB=%s", id,
                               "PODSTEP_NUMBER=%llu", (unsigned long long) number, "PODSTEP_WORKFLOW=%s", name,
                               "PODSTEP_RESULT=%s", job_result_to_string(result), "PODSTEP_DURATION_USEC=%llu",
                               (unsigned long long) duration_usec, "PODSTEP_REASON=%s", error ? error : "",
                               "MESSAGE=Job %llu ('%s') finished: %s%s%s", (unsigned long long) number, name,
                               job_result_to_string(result), error ? ": " : "", error ? error : "", NULL);
}
