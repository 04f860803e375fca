#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "cli/report-internal.h"

/*
 * Output scrolls; below it stands a line for each step that runs, changed once a second and never animated. Each change
 * is one synchronized update: erase the status, write what scrolls, draw the status anew.
 */

#define STATUS_LINES_MAX 10
#define STATUS_COLUMNS_MIN 20
#define ELAPSED_COLUMNS 13 /* of a line: everything but the name */
#define SYNC_BEGIN "\x1b[?2026h" /* terminals that do not know it ignore it */
#define SYNC_END "\x1b[?2026l"

static void get_size(const Report *report, unsigned *ret_columns, unsigned *ret_rows) {
        if (report->options.size)
                report->options.size(ret_columns, ret_rows, report->options.userdata);
        else
                terminal_size(report->options.fd, ret_columns, ret_rows);
}

/* Its turn has come: what is made ahead of its turn is nobody's business. */
static bool is_due(const Report *report, const ReportStep *step) {
        for (size_t i = 0; i < step->plan->n_needs; i++)
                if (report->steps[step->plan->needs[i]].state != STEP_DONE)
                        return false;
        return true;
}

static bool is_shown(const Report *report, const ReportStep *step) {
        return step->state == STEP_RUNNING || step->state == STEP_PULLING ||
               (step->state == STEP_PREPARING && is_due(report, step));
}

static const char *format_elapsed(uint64_t usec, char buffer[static CLOCK_DURATION_MAX]) {
        if (usec >= 60 * USEC_PER_SEC)
                return clock_format_duration(usec, buffer);
        (void) snprintf(buffer, CLOCK_DURATION_MAX, "%us", (unsigned) (usec / USEC_PER_SEC));
        return buffer;
}

static uint64_t since(const Report *report, uint64_t usec) {
        return report->now_usec > usec ? report->now_usec - usec : 0; /* the clock may have been set */
}

/* What it does, without colours. */
static void describe(const Report *report, const ReportStep *step, size_t columns, Str *out) {
        char elapsed[CLOCK_DURATION_MAX];
        const char *doing = "";
        size_t n = terminal_cut(step->name, strlen(step->name), columns), width = terminal_columns(step->name, n);

        if (step->state == STEP_PULLING)
                doing = "pulling";
        else if (step->state == STEP_PREPARING)
                doing = "starting";
        else if (step->plan->kind == STEP_SERVICE)
                doing = "not ready yet";
        (void) str_appendf(out, " %.*s%*s  %7s", (int) n, step->name, (int) (columns - width), "",
                           format_elapsed(since(report, step->since_usec), elapsed));
        if (*doing)
                (void) str_appendf(out, "  %s", doing);
        if (step->progress) {
                (void) str_append(out, ": ");
                terminal_append(out, step->progress, strlen(step->progress),
                                (TerminalStyle) { .unicode = report->options.unicode });
        }
}

/* A line of the status: cut to the terminal, so that it stays one line. */
static int put_status(Report *report, ReportColor color, const char *mark, const char *text, size_t width) {
        size_t used = 2 + terminal_columns(mark, strlen(mark)),
               n = terminal_cut(text, strlen(text), width - MIN(width, used));

        (void) str_appendf(&report->status, "  %s%s", report_color(report, color), mark);
        if (color != REPORT_DIM)
                (void) str_append(&report->status, report_color_end(report, color));
        (void) str_append_n(&report->status, text, n);
        if (color == REPORT_DIM)
                (void) str_append(&report->status, report_color_end(report, color));
        (void) str_append_char(&report->status, '\n');
        return ARRAY_APPEND(report->drawn, report->n_drawn, used + terminal_columns(text, n));
}

static int put_step(Report *report, const ReportStep *step, size_t columns, size_t width) {
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);
        /* arrow down */
        const char *mark = step->state == STEP_PULLING ? (report->options.unicode ? "\xe2\x86\x93" : "v")
                                                       /* triangle */
                                                       : (report->options.unicode ? "\xe2\x96\xb8" : ">");

        describe(report, step, columns, &text);
        return put_status(report, REPORT_YELLOW, mark, str_get(&text), width);
}

static int put_total(Report *report, size_t n_hidden, size_t width) {
        char text[200], elapsed[CLOCK_DURATION_MAX];
        size_t n_done = 0, n = 0;

        for (size_t i = 0; i < report->n_steps; i++) {
                n += report->steps[i].plan->kind != STEP_SERVICE;
                n_done += report->steps[i].plan->kind != STEP_SERVICE && report->steps[i].state == STEP_DONE;
        }
        (void) snprintf(text, sizeof(text), "%zu of %zu step%s done, %s", n_done, n, n == 1 ? "" : "s",
                        format_elapsed(since(report, report->started_usec), elapsed));
        if (n_hidden > 0)
                (void) snprintf(text + strlen(text), sizeof(text) - strlen(text), "; %zu more at work", n_hidden);
        return put_status(report, REPORT_DIM, "", text, width);
}

static int compose_status(Report *report, size_t width, size_t n_lines) {
        size_t n_shown = 0, columns = 0, n = 0;
        int r = 0;

        for (size_t i = 0; i < report->n_steps; i++)
                if (is_shown(report, &report->steps[i])) {
                        columns = MAX(columns, terminal_columns(report->steps[i].name, strlen(report->steps[i].name)));
                        n_shown++;
                }
        columns = MIN(columns, width - ELAPSED_COLUMNS);
        for (size_t i = 0; r >= 0 && i < report->n_steps && n + 1 < n_lines; i++)
                if (is_shown(report, &report->steps[i])) {
                        r = put_step(report, &report->steps[i], columns, width);
                        n++;
                }
        return r < 0 ? r : put_total(report, n_shown - n, width);
}

/* A terminal that became narrower breaks the lines that stand there: so many rows they take now. */
static size_t count_drawn_rows(const Report *report, size_t columns) {
        size_t rows = 0;

        for (size_t i = 0; i < report->n_drawn; i++)
                rows += report->drawn[i] == 0 ? 1 : (report->drawn[i] + columns - 1) / columns;
        return rows;
}

static void live_flush(Report *report) {
        _cleanup_str_ Str before = STR_INIT(STR_MAX_DEFAULT);
        Str *out = &report->output.buffer;
        unsigned columns, rows;
        size_t n_before;

        if (!report->is_stale && !report->is_finished)
                return;
        before = report->status;
        report->status = STR_INIT(STR_MAX_DEFAULT);
        get_size(report, &columns, &rows);
        columns = MAX(columns, (unsigned) STATUS_COLUMNS_MIN);
        n_before = count_drawn_rows(report, columns);
        report->n_drawn = 0;
        if (!report->is_finished)
                (void) compose_status(report, columns - 1, MAX(MIN(rows / 2, (unsigned) STATUS_LINES_MAX), 2U));
        report->is_stale = false;
        if (report->scroll.n == 0 && str_equal(str_get(&before), str_get(&report->status)))
                return;
        (void) str_append(out, SYNC_BEGIN);
        if (n_before > 0)
                (void) str_appendf(out, "\x1b[%zuA\r\x1b[J", n_before);
        (void) str_append_n(out, str_get(&report->scroll), report->scroll.n);
        (void) str_append_n(out, str_get(&report->status), report->status.n);
        (void) str_append(out, SYNC_END);
        str_clear(&report->scroll);
}

static int on_second(sd_event_source *source, uint64_t usec, void *userdata);

/* Ticks only while there is something whose time passes. */
static void arm(Report *report) {
        bool is_needed = false;

        for (size_t i = 0; !is_needed && i < report->n_steps; i++)
                is_needed = is_shown(report, &report->steps[i]);
        if (!report->options.event || !is_needed || report->is_finished) {
                report->timer = sd_event_source_disable_unref(report->timer);
                return;
        }
        if (!report->timer) /* without it the display is only less fresh */
                (void) sd_event_add_time_relative(report->options.event, &report->timer, CLOCK_MONOTONIC, USEC_PER_SEC,
                                                  USEC_PER_SEC / 10, on_second, report);
}

static int on_second(sd_event_source *source, uint64_t usec, void *userdata) {
        Report *report = userdata;

        report->timer = sd_event_source_disable_unref(report->timer);
        report_tick(report, clock_realtime_usec());
        arm(report);
        return 0;
}

static void live_tick(Report *report) {
        report->is_stale = true;
}

static void live_event(Report *report, const JobEvent *event) {
        report_line(report, event, &report->scroll);
        report->is_stale = true;
        if (event->kind == JOB_EVENT_STEP_STATE || event->kind == JOB_EVENT_FINISHED)
                arm(report);
        if (report->scroll.n >= OUTPUT_PIECE_BYTES)
                live_flush(report);
}

const ReportClass report_live = { .event = live_event, .flush = live_flush, .tick = live_tick };
