#include <string.h>

#include "cli/report-internal.h"

/* What it came to: a line for each step, each failure with its reason and last lines, the result. */

static size_t name_columns(const Report *report) {
        size_t columns = 0;

        for (size_t i = 0; i < report->n_steps; i++)
                columns = MAX(columns, terminal_columns(report->steps[i].name, strlen(report->steps[i].name)));
        return columns;
}

/* Why it is as it is, where the mark does not tell all. */
static void put_remark(const ReportStep *step, Str *out) {
        bool is_service = step->plan->kind == STEP_SERVICE;

        if (step->result == STEP_SCRIPT_FAILED)
                report_exit_to_text(step, out);
        else if (step->result == STEP_TIMED_OUT)
                (void) str_append(out, "timed out");
        else if (step->result == STEP_INFRA_FAILED)
                (void) str_append(out, "could not run");
        else if (step->result == STEP_SKIPPED || step->result == STEP_CANCELED)
                (void) str_append(out, step_result_to_string(step->result));
        else if (is_service)
                (void) str_append(out, "service");
        if (report_step_is_ignored(step))
                (void) str_append(out, " (ignored)");
}

static void put_row(const Report *report, const ReportStep *step, size_t columns, Str *out) {
        ReportMark mark = report_mark(report, step);
        size_t width = terminal_columns(step->name, strlen(step->name)), start;
        char duration[CLOCK_DURATION_MAX] = "";

        if (step->result != STEP_SKIPPED && step->duration_usec > 0)
                (void) report_duration(step->duration_usec, duration);
        report_put(report, mark.color, out, "  %s", mark.text);
        (void) str_appendf(out, " %s%*s  %7s  ", step->name, (int) (columns - MIN(width, columns)), "", duration);
        start = out->n;
        put_remark(step, out);
        if (out->n == start)
                while (out->n > 0 && out->bytes[out->n - 1] == ' ')
                        out->bytes[--out->n] = '\0';
        (void) str_append_char(out, '\n');
}

static void put_failure(const Report *report, const ReportStep *step, Str *out) {
        ReportColor color = report_step_is_ignored(step) ? REPORT_YELLOW : REPORT_RED;

        (void) str_append(out, report_color(report, color));
        (void) str_appendf(out, "%s '%s' ", step->plan->kind == STEP_SERVICE ? "service" : "step", step->name);
        report_end_to_text(step, out);
        (void) str_append(out, report_color_end(report, color));
        if (step->text) {
                (void) str_append(out, "\n  ");
                report_text(report, step->text, out);
        }
        (void) str_append_char(out, '\n');
        if (!step->tail)
                return;
        if (step->tail->n_lines > REPORT_TAIL_LINES)
                report_put(report, REPORT_DIM, out, "  its last %d lines of %zu:", REPORT_TAIL_LINES,
                           step->tail->n_lines);
        else
                report_put(report, REPORT_DIM, out, "  its output:");
        (void) str_append_char(out, '\n');
        report_tail_print(report, step->tail, out);
}

void report_failures(const Report *report, Str *out) {
        for (size_t i = 0; i < report->n_steps; i++)
                if (report_step_is_bad(&report->steps[i])) {
                        put_failure(report, &report->steps[i], out);
                        (void) str_append_char(out, '\n');
                }
}

/* The job's own reason is mostly that of a step, which is shown already. */
static bool is_told(const Report *report, const char *text) {
        for (size_t i = 0; i < report->n_steps; i++)
                if (report_step_is_bad(&report->steps[i]) && report->steps[i].text &&
                    str_ends_with(text, report->steps[i].text))
                        return true;
        return false;
}

void report_result(const Report *report, const JobEvent *event, Str *out) {
        static const ReportColor colors[_JOB_RESULT_MAX] = {
                [JOB_SUCCESS] = REPORT_GREEN, [JOB_FAILED] = REPORT_RED,      [JOB_INFRA_FAILED] = REPORT_RED,
                [JOB_TIMED_OUT] = REPORT_RED, [JOB_CANCELED] = REPORT_YELLOW, [JOB_REFUSED] = REPORT_RED,
        };
        ReportColor color = colors[event->job_result];

        (void) str_append(out, report_color(report, color));
        if (report->options.names_workflow) {
                report_text(report, report->options.plan->name, out);
                (void) str_append(out, ": ");
        }
        (void) str_append(out, "job ");
        report_job_to_text(report, event, out);
        (void) str_append(out, report_color_end(report, color));
        if (event->text && !is_told(report, event->text)) {
                (void) str_append(out, "\n  ");
                report_text(report, event->text, out);
        }
        (void) str_append_char(out, '\n');
}

void report_summary(const Report *report, const JobEvent *event, Str *out) {
        size_t columns = name_columns(report);

        if (report->n_changes > REPORT_CHANGES_SHOWN_MAX && !report->options.verbose) {
                report_put(report, REPORT_DIM, out, "changed: %zu more", report->n_changes - REPORT_CHANGES_SHOWN_MAX);
                (void) str_append_char(out, '\n');
        }
        (void) str_append_char(out, '\n');
        for (size_t i = 0; i < report->n_steps; i++)
                if (report->steps[i].state == STEP_DONE)
                        put_row(report, &report->steps[i], columns, out);
        (void) str_append_char(out, '\n');
        report_failures(report, out);
        report_result(report, event, out);
}
