#include "job/event.h"

const char *step_state_to_string(StepState state) {
        static const char *const names[_STEP_STATE_MAX] = {
                [STEP_WAITING] = "waiting",   [STEP_PULLING] = "pulling", [STEP_PREPARING] = "preparing",
                [STEP_PREPARED] = "prepared", [STEP_RUNNING] = "running", [STEP_READY] = "ready",
                [STEP_DONE] = "done",
        };

        return names[state];
}

const char *step_result_to_string(StepResult result) {
        static const char *const names[_STEP_RESULT_MAX] = {
                [STEP_SUCCESS] = "success",    [STEP_SKIPPED] = "skipped",   [STEP_SCRIPT_FAILED] = "failure",
                [STEP_INFRA_FAILED] = "error", [STEP_TIMED_OUT] = "timeout", [STEP_CANCELED] = "canceled",
                [STEP_STOPPED] = "stopped",
        };

        return names[result];
}

const char *job_result_to_string(JobResult result) {
        static const char *const names[_JOB_RESULT_MAX] = {
                [JOB_SUCCESS] = "success",   [JOB_FAILED] = "failure",    [JOB_INFRA_FAILED] = "error",
                [JOB_TIMED_OUT] = "timeout", [JOB_CANCELED] = "canceled", [JOB_REFUSED] = "refused",
        };

        return names[result];
}

int job_result_exit_code(JobResult result) {
        static const int codes[_JOB_RESULT_MAX] = {
                [JOB_SUCCESS] = 0,
                [JOB_FAILED] = EXIT_STEP_FAILED,
                [JOB_INFRA_FAILED] = EXIT_ENGINE,
                [JOB_TIMED_OUT] = EXIT_TIMEOUT,
                [JOB_CANCELED] = EXIT_CANCELED,
                [JOB_REFUSED] = EXIT_REFUSED,
        };

        return codes[result];
}
