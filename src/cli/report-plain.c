#include "cli/report-internal.h"

/* Lines that stay as they are: for logs and pipes, and for what scrolls above the live status. */

static const ReportStep *find_step(const Report *report, const JobEvent *event) {
        return event->step && event->step_index < report->n_steps ? &report->steps[event->step_index] : NULL;
}

static const char *kind_word(const ReportStep *step) {
        return step->plan->kind == STEP_SERVICE ? "service" : "step";
}

static void put_done(const Report *report, const ReportStep *step, Str *out) {
        ReportMark mark = report_mark(report, step);
        bool is_live = report->options.kind == REPORT_LIVE;

        (void) str_append(out, report_color(report, mark.color));
        if (is_live)
                (void) str_appendf(out, "%s %s ", mark.text, step->name);
        else
                (void) str_appendf(out, "%s %s: ", kind_word(step), step->name);
        report_end_to_text(step, out);
        if (step->text) {
                (void) str_append(out, ": ");
                report_text(report, step->text, out);
        }
        (void) str_appendf(out, "%s\n", report_color_end(report, mark.color));
}

static void put_started(const Report *report, const ReportStep *step, Str *out) {
        if (!report->is_parallel) {
                report_put(report, REPORT_DIM, out, "== %s (", step->name);
                (void) str_append(out, report_color(report, REPORT_DIM));
                report_text(report, step->plan->image ? step->plan->image : "", out);
                (void) str_appendf(out, ")%s\n", report_color_end(report, REPORT_DIM));
        } else if (report->options.kind != REPORT_LIVE) /* there the status tells it */
                (void) str_appendf(out, "%s %s: started\n", kind_word(step), step->name);
}

static void put_state(const Report *report, const JobEvent *event, Str *out) {
        const ReportStep *step = find_step(report, event);
        const char *image;

        if (!step)
                return;
        switch (event->state) {
        case STEP_PULLING:
                image = step->plan->image_reference ? step->plan->image_reference : step->plan->image;
                if (report->options.kind == REPORT_LIVE)
                        break;
                (void) str_appendf(out, "%s %s: pulling ", kind_word(step), step->name);
                report_text(report, image ? image : "its image", out);
                (void) str_append_char(out, '\n');
                break;
        case STEP_RUNNING:
                put_started(report, step, out);
                break;
        case STEP_READY: {
                char duration[CLOCK_DURATION_MAX];

                report_put(report, REPORT_DIM, out, "%s %s: ready after %s", kind_word(step), step->name,
                           report_duration(event->duration_usec, duration));
                (void) str_append_char(out, '\n');
                break;
        }
        case STEP_DONE:
                put_done(report, step, out);
                break;
        default:
                break;
        }
}

/* "note: ...", "step test: ..." */
static void put_text(const Report *report, const JobEvent *event, ReportColor color, const char *word, Str *out) {
        const ReportStep *step = find_step(report, event);

        (void) str_append(out, report_color(report, color));
        if (word)
                (void) str_appendf(out, "%s: ", word);
        if (step)
                (void) str_appendf(out, "%s %s: ", kind_word(step), step->name);
        report_text(report, event->text ? event->text : "", out);
        (void) str_appendf(out, "%s\n", report_color_end(report, color));
}

static void put_job(const Report *report, const JobEvent *event, Str *out) {
        (void) str_append(out, report_color(report, REPORT_DIM));
        if (report->options.names_workflow) {
                report_text(report, report->options.plan->name, out);
                (void) str_append(out, ": ");
        }
        (void) str_appendf(out, "job %s: ", event->job_id ? event->job_id : "?");
        report_text(report, event->text ? event->text : "", out);
        (void) str_appendf(out, "%s\n", report_color_end(report, REPORT_DIM));
}

void report_line(Report *report, const JobEvent *event, Str *out) {
        switch (event->kind) {
        case JOB_EVENT_STARTED:
                put_job(report, event, out);
                break;
        case JOB_EVENT_NOTE:
                put_text(report, event, REPORT_DIM, event->step ? NULL : "note", out);
                break;
        case JOB_EVENT_WARNING:
                put_text(report, event, REPORT_YELLOW, "warning", out);
                break;
        case JOB_EVENT_STEP_STATE:
                put_state(report, event, out);
                break;
        case JOB_EVENT_PULL:
                if (report->options.verbose)
                        put_text(report, event, REPORT_DIM, NULL, out);
                break;
        case JOB_EVENT_OUTPUT:
                report_output_line(report, event, out);
                break;
        case JOB_EVENT_CHANGES:
                if (report->options.verbose || report->n_changes <= REPORT_CHANGES_SHOWN_MAX)
                        put_text(report, event, REPORT_NO_COLOR, "changed", out);
                break;
        case JOB_EVENT_FINISHED:
                report_summary(report, event, out);
                break;
        }
}

static void put_prefix(const Report *report, const ReportStep *step, Str *out) {
        if (report->is_parallel)
                (void) str_appendf(out, "%s[%s]%s ", report_color(report, REPORT_DIM), step->name,
                                   report_color_end(report, REPORT_DIM));
}

/* Into a file bytes go as they are. */
void report_output_line(Report *report, const JobEvent *event, Str *out) {
        const ReportStep *step = find_step(report, event);

        if (!step)
                return;
        put_prefix(report, step, out);
        if (report->options.is_terminal)
                terminal_append(out, event->line, event->n_line, report->style);
        else
                (void) str_append_n(out, event->line, event->n_line);
        (void) str_append_char(out, '\n');
}

/* A line that comes in pieces stays one, if nothing else comes between them. */
static void plain_output(Report *report, const JobEvent *event) {
        Str *out = &report->output.buffer;
        bool goes_on = report->open_step == event->step_index && event->step;

        if (!goes_on) {
                if (report->open_step < report->n_steps)
                        (void) str_append_char(out, '\n');
                if (event->step_index < report->n_steps)
                        put_prefix(report, &report->steps[event->step_index], out);
        }
        if (report->options.is_terminal)
                terminal_append(out, event->line, event->n_line, report->style);
        else
                (void) str_append_n(out, event->line, event->n_line);
        report->open_step = event->is_partial ? event->step_index : report->n_steps;
        if (!event->is_partial)
                (void) str_append_char(out, '\n');
}

static void plain_event(Report *report, const JobEvent *event) {
        if (event->kind == JOB_EVENT_OUTPUT) {
                plain_output(report, event);
                return;
        }
        if (report->open_step < report->n_steps)
                (void) str_append_char(&report->output.buffer, '\n');
        report->open_step = report->n_steps;
        report_line(report, event, &report->output.buffer);
}

const ReportClass report_plain = { .event = plain_event };

/* Only if it failed: what was noted, the failures with their last lines, the result. */
static void quiet_event(Report *report, const JobEvent *event) {
        Str *out = &report->output.buffer;

        if (event->kind == JOB_EVENT_NOTE || event->kind == JOB_EVENT_WARNING)
                report_line(report, event, &report->notes);
        if (event->kind != JOB_EVENT_FINISHED || event->job_result == JOB_SUCCESS)
                return;
        (void) str_append_n(out, str_get(&report->notes), report->notes.n);
        report_failures(report, out);
        report_result(report, event, out);
}

const ReportClass report_quiet = { .event = quiet_event };
