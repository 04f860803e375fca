#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/report-internal.h"

#define TEXT_BYTES_MAX 4000

const char *report_color(const Report *report, ReportColor color) {
        static const char *const codes[] = {
                [REPORT_NO_COLOR] = "",       [REPORT_GREEN] = "\x1b[32m", [REPORT_RED] = "\x1b[31m",
                [REPORT_YELLOW] = "\x1b[33m", [REPORT_DIM] = "\x1b[2m",
        };

        return report->options.color ? codes[color] : "";
}

const char *report_color_end(const Report *report, ReportColor color) {
        return report->options.color && color != REPORT_NO_COLOR ? "\x1b[0m" : "";
}

void report_put(const Report *report, ReportColor color, Str *out, const char *format, ...) {
        char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        if (text)
                (void) str_appendf(out, "%s%s%s", report_color(report, color), text, report_color_end(report, color));
        free(text);
}

ReportMark report_mark(const Report *report, const ReportStep *step) {
        static const struct {
                const char *unicode, *ascii;
                ReportColor color;
        } rows[_STEP_RESULT_MAX] = {
                [STEP_SUCCESS] = { "\xe2\x9c\x93", "ok  ", REPORT_GREEN },       /* check mark */
                [STEP_SKIPPED] = { "-", "skip", REPORT_DIM },
                [STEP_SCRIPT_FAILED] = { "\xe2\x9c\x97", "FAIL", REPORT_RED },   /* ballot X */
                [STEP_INFRA_FAILED] = { "!", "ERR ", REPORT_RED },
                [STEP_TIMED_OUT] = { "\xe2\x9c\x97", "TIME", REPORT_RED },
                [STEP_CANCELED] = { "\xe2\x9c\x97", "stop", REPORT_YELLOW },
                [STEP_STOPPED] = { "\xc2\xb7", "end ", REPORT_DIM },             /* middle dot */
        };

        return (ReportMark) { report->options.unicode ? rows[step->result].unicode : rows[step->result].ascii,
                              report_step_is_ignored(step) ? REPORT_YELLOW : rows[step->result].color };
}

bool report_step_is_bad(const ReportStep *step) {
        return step->state == STEP_DONE && (step->result == STEP_SCRIPT_FAILED || step->result == STEP_INFRA_FAILED ||
                                            step->result == STEP_TIMED_OUT);
}

bool report_step_is_ignored(const ReportStep *step) {
        return report_step_is_bad(step) && step->plan->failure == STEP_FAILURE_IGNORE;
}

const char *report_duration(uint64_t usec, char buffer[static CLOCK_DURATION_MAX]) {
        if (usec >= 100 * USEC_PER_MSEC)
                return clock_format_duration(usec, buffer);
        (void) snprintf(buffer, CLOCK_DURATION_MAX, "%ums", (unsigned) (usec / USEC_PER_MSEC));
        return buffer;
}

static const char *exit_meaning(int exit_code) {
        static const struct {
                int exit_code;
                const char *meaning;
        } rows[] = {
                { 126, "cannot be executed" },
                { 127, "command not found" },
                { 130, "interrupted (SIGINT)" },
                { 132, "illegal instruction (SIGILL)" },
                { 134, "aborted (SIGABRT)" },
                { 135, "bus error (SIGBUS)" },
                { 136, "arithmetic error (SIGFPE)" },
                { 137, "killed (SIGKILL)" },
                { 139, "segmentation fault (SIGSEGV)" },
                { 141, "nobody read its output (SIGPIPE)" },
                { 143, "terminated (SIGTERM)" },
        };

        FOREACH_ROW(row, rows)
                if (row->exit_code == exit_code)
                        return row->meaning;
        return NULL;
}

void report_exit_to_text(const ReportStep *step, Str *out) {
        const char *meaning = exit_meaning(step->exit_code);

        if (step->exit_code < 0)
                return;
        (void) str_appendf(out, "exit code %d", step->exit_code);
        if (meaning || step->oom_killed)
                (void) str_appendf(out, ": %s%s%s", meaning ? meaning : "", meaning && step->oom_killed ? ", " : "",
                                   step->oom_killed ? "out of memory" : "");
}

void report_end_to_text(const ReportStep *step, Str *out) {
        static const char *const words[_STEP_RESULT_MAX] = {
                [STEP_SUCCESS] = "succeeded",    [STEP_SKIPPED] = "skipped",
                [STEP_SCRIPT_FAILED] = "failed", [STEP_INFRA_FAILED] = "could not run",
                [STEP_TIMED_OUT] = "timed out",  [STEP_CANCELED] = "canceled",
                [STEP_STOPPED] = "stopped",
        };
        char duration[CLOCK_DURATION_MAX];

        (void) str_append(out, words[step->result]);
        if (step->result == STEP_SCRIPT_FAILED && step->exit_code >= 0) {
                (void) str_append(out, " with ");
                report_exit_to_text(step, out);
        }
        if (step->result != STEP_SKIPPED && step->duration_usec > 0)
                (void) str_appendf(out, "%s after %s",
                                   step->result == STEP_SCRIPT_FAILED && exit_meaning(step->exit_code) ? "," : "",
                                   report_duration(step->duration_usec, duration));
        if (report_step_is_ignored(step))
                (void) str_append(out, " (ignored)");
}

void report_job_to_text(const Report *report, const JobEvent *event, Str *out) {
        static const char *const words[_JOB_RESULT_MAX] = {
                [JOB_SUCCESS] = "succeeded",
                [JOB_FAILED] = "failed",
                [JOB_INFRA_FAILED] = "could not be run to its end",
                [JOB_TIMED_OUT] = "timed out",
                [JOB_CANCELED] = "canceled",
                [JOB_REFUSED] = "refused",
        };
        char duration[CLOCK_DURATION_MAX];
        size_t n_failed = 0, n = 0;

        for (size_t i = 0; i < report->n_steps; i++) {
                n += report->steps[i].plan->kind != STEP_SERVICE;
                n_failed += report_step_is_bad(&report->steps[i]) && report->steps[i].plan->kind != STEP_SERVICE &&
                            report->steps[i].plan->failure != STEP_FAILURE_IGNORE;
        }
        (void) str_appendf(out, "%s after %s", words[event->job_result],
                           report_duration(event->duration_usec, duration));
        if (n_failed > 0)
                (void) str_appendf(out, ": %zu of %zu step%s failed", n_failed, n, n == 1 ? "" : "s");
}

void report_text(const Report *report, const char *text, Str *out) {
        /* Several lines are possible: the words of an engine. */
        for (const char *line = text; line; line = *line ? line : NULL) {
                size_t n = strcspn(line, "\n");

                terminal_append(out, line, MIN(n, (size_t) TEXT_BYTES_MAX),
                                (TerminalStyle) { .unicode = report->options.unicode });
                line += n;
                if (*line == '\n') {
                        line++;
                        if (*line)
                                (void) str_append(out, "\n  ");
                }
        }
}
