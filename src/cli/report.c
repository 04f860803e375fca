#include "cli/report-internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/utf8.h"

/* Text of others that is kept: an error of an engine, a line of a pull. */
static void keep(char **field, const char *text) {
        free(*field);
        *field = text ? strdup(text) : NULL;
}

static void step_changed(ReportStep *step, const JobEvent *event) {
        if (step->state != event->state)
                step->since_usec = event->realtime_usec;
        step->state = event->state;
        if (event->state != STEP_PULLING)
                keep(&step->progress, NULL);
        if (event->state != STEP_DONE)
                return;
        step->result = event->step_result;
        step->exit_code = event->exit_code;
        step->signal = event->signal;
        step->oom_killed = event->oom_killed;
        step->duration_usec = event->duration_usec;
        keep(&step->text, event->text);
        if (!report_step_is_bad(step))
                step->tail = report_tail_free(step->tail);
}

/* What the event says of how things stand, before it is shown. */
static void note(Report *report, const JobEvent *event) {
        ReportStep *step =
                event->step && event->step_index < report->n_steps ? &report->steps[event->step_index] : NULL;

        report->now_usec = event->realtime_usec;
        if (report->started_usec == 0)
                report->started_usec = event->realtime_usec;
        if (event->kind == JOB_EVENT_STEP_STATE && step)
                step_changed(step, event);
        else if (event->kind == JOB_EVENT_PULL && step)
                keep(&step->progress, event->text);
        else if (event->kind == JOB_EVENT_OUTPUT && step && report->options.kind != REPORT_JSON)
                report_tail_add(step, event);
        else if (event->kind == JOB_EVENT_CHANGES)
                report->n_changes++;
        else if (event->kind == JOB_EVENT_FINISHED)
                report->is_finished = true;
}

static void on_event(const JobEvent *event, void *userdata) {
        Report *report = userdata;

        note(report, event);
        report->class->event(report, event);
        output_offer(&report->output);
}

static int on_post(sd_event_source *source, void *userdata) {
        (void) report_flush(userdata);
        return 0;
}

/* Depth of each step in the graph of needs. All different: it is a chain, and no two run at once. */
static size_t find_depth(const Plan *plan, size_t index, size_t *depths) {
        const PlanStep *step = plan->steps[index];
        size_t depth = 1;

        if (depths[index] != 0)
                return depths[index];
        depths[index] = 1; /* the plan has no circle; if it had one this would end, too */
        for (size_t i = 0; i < step->n_needs; i++)
                depth = MAX(depth, 1 + find_depth(plan, step->needs[i], depths));
        return depths[index] = depth;
}

static int find_parallel(const Plan *plan, bool *ret) {
        _cleanup_free_ size_t *depths = calloc(plan->n_steps + 1, sizeof(*depths));
        _cleanup_free_ bool *is_used = calloc(plan->n_steps + 2, sizeof(*is_used));

        if (!depths || !is_used)
                return -ENOMEM;
        for (size_t i = 0; i < plan->n_steps; i++) {
                size_t depth = find_depth(plan, i, depths);

                if (plan->steps[i]->kind == STEP_SERVICE || plan->steps[i]->detach || is_used[depth])
                        return *ret = true, 0;
                is_used[depth] = true;
        }
        *ret = false;
        return 0;
}

/* Names come from a file that somebody else may have written, and are repeated on each line. */
static char *make_name(const char *name) {
        _cleanup_free_ char *safe = str_escape(name, strlen(name), PLAN_NAME_BYTES_MAX);
        size_t n = safe ? terminal_cut(safe, strlen(safe), REPORT_NAME_COLUMNS_MAX) : 0;

        if (!safe)
                return NULL;
        return safe[n] ? str_printf("%.*s...", (int) terminal_cut(safe, n, REPORT_NAME_COLUMNS_MAX - 3), safe)
                       : TAKE_PTR(safe);
}

static int init_steps(Report *report) {
        const Plan *plan = report->options.plan;

        report->steps = calloc(plan->n_steps + 1, sizeof(*report->steps));
        if (!report->steps)
                return -ENOMEM;
        report->n_steps = report->open_step = plan->n_steps;
        for (size_t i = 0; i < plan->n_steps; i++) {
                report->steps[i] = (ReportStep) { .plan = plan->steps[i],
                                                 .exit_code = -1,
                                                 .name = make_name(plan->steps[i]->name),
                                                 .head = STR_INIT(REPORT_HEAD_BYTES_MAX) };
                if (!report->steps[i].name)
                        return -ENOMEM;
        }
        return find_parallel(plan, &report->is_parallel);
}

int report_new(const ReportOptions *options, Report **ret) {
        static const ReportClass *const classes[_REPORT_KIND_MAX] = {
                [REPORT_PLAIN] = &report_plain,
                [REPORT_LIVE] = &report_live,
                [REPORT_JSON] = &report_json,
                [REPORT_QUIET] = &report_quiet,
        };
        _cleanup_(report_freep) Report *report = calloc(1, sizeof(*report));
        int r;

        if (!report)
                return -ENOMEM;
        report->class = classes[options->kind];
        report->options = *options;
        report->style = (TerminalStyle) { .color = options->color, .unicode = options->unicode };
        report->scroll = STR_INIT(STR_MAX_DEFAULT);
        report->status = STR_INIT(STR_MAX_DEFAULT);
        report->notes = STR_INIT(REPORT_NOTES_BYTES_MAX);
        report->output.own_fd = -1;
        r = init_steps(report);
        if (r >= 0)
                r = output_init(&report->output, options->fd, options->event);
        if (r >= 0 && options->event)
                r = sd_event_add_post(options->event, &report->post, on_post, report);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(report);
        return 0;
}

JobObserver report_observer(Report *report) {
        return (JobObserver) { .event = on_event, .userdata = report };
}

int report_flush(Report *report) {
        if (report->class->flush)
                report->class->flush(report);
        return output_flush(&report->output);
}

void report_tick(Report *report, uint64_t realtime_usec) {
        report->now_usec = MAX(report->now_usec, realtime_usec);
        if (report->class->tick)
                report->class->tick(report);
}

Report *report_free(Report *report) {
        int r;

        if (!report)
                return NULL;
        report->is_finished = true; /* the status goes away, whatever still runs */
        if (report->class->flush && report->steps)
                report->class->flush(report);
        r = output_drain(&report->output);
        if (r < 0 && r != -EPIPE) /* who closed a pipe does not want more */
                log_warning("the output is not complete: it could not be written: %s", error_message(NULL, r));
        output_done(&report->output);
        report->post = sd_event_source_disable_unref(report->post);
        report->timer = sd_event_source_disable_unref(report->timer);
        for (size_t i = 0; report->steps && i < report->n_steps; i++) {
                free(report->steps[i].name);
                free(report->steps[i].text);
                free(report->steps[i].progress);
                report_tail_free(report->steps[i].tail);
                str_done(&report->steps[i].head);
        }
        free(report->steps);
        free(report->drawn);
        str_done(&report->scroll);
        str_done(&report->status);
        str_done(&report->notes);
        free(report);
        return NULL;
}

ReportOptions report_options_for(const RunOptions *options, int fd) {
        const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
        bool is_terminal = isatty(fd), is_able = is_terminal && !str_is_empty(term) && !str_equal(term, "dumb");
        ReportOptions report = {
                .kind = is_able ? REPORT_LIVE : REPORT_PLAIN,
                .fd = fd,
                .is_terminal = is_terminal,
                .color = is_able && str_is_empty(no_color),
                .unicode = utf8_is_locale(),
                .verbose = options->verbose,
        };

        if (options->json)
                report.kind = REPORT_JSON;
        else if (options->quiet)
                report.kind = REPORT_QUIET;
        if (options->color == COLOR_ALWAYS || options->color == COLOR_NEVER)
                report.color = options->color == COLOR_ALWAYS;
        return report;
}
