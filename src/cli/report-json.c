#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "cli/report-internal.h"
#include "document/json.h"

static const char *const event_names[] = {
        [JOB_EVENT_STARTED] = "job-started", [JOB_EVENT_NOTE] = "note",
        [JOB_EVENT_WARNING] = "warning",     [JOB_EVENT_STEP_STATE] = "step",
        [JOB_EVENT_PULL] = "pull",           [JOB_EVENT_OUTPUT] = "output",
        [JOB_EVENT_CHANGES] = "change",      [JOB_EVENT_FINISHED] = "job-finished",
};

/* Many lines come within one millisecond. */
static const char *stamp(Report *report, uint64_t realtime_usec) {
        uint64_t msec = realtime_usec / USEC_PER_MSEC;

        if (msec != report->stamp_msec || !report->stamp[0]) {
                char text[CLOCK_STAMP_MAX];

                (void) snprintf(report->stamp, sizeof(report->stamp), "%s", clock_format_stamp(realtime_usec, text));
                report->stamp_msec = msec;
        }
        return report->stamp;
}

static void put_result(JsonWriter *w, StepResult result, int exit_code, uint64_t duration_usec) {
        json_put_string(w, "result", step_result_to_string(result));
        if (exit_code >= 0)
                json_put_int(w, "exit_code", exit_code);
        json_put_uint(w, "duration_ms", duration_usec / USEC_PER_MSEC);
}

static void put_step(JsonWriter *w, const JobEvent *event) {
        json_put_string(w, "type", step_kind_to_string(event->step->kind));
        json_put_string(w, "state", step_state_to_string(event->state));
        if (event->state == STEP_READY)
                json_put_uint(w, "duration_ms", event->duration_usec / USEC_PER_MSEC);
        if (event->state != STEP_DONE)
                return;
        put_result(w, event->step_result, event->exit_code, event->duration_usec);
        if (event->signal > 0)
                json_put_int(w, "signal", event->signal);
        if (event->oom_killed)
                json_put_bool(w, "oom_killed", true);
}

static void put_job(JsonWriter *w, const Report *report, const JobEvent *event) {
        json_put_string(w, "result", job_result_to_string(event->job_result));
        json_put_uint(w, "duration_ms", event->duration_usec / USEC_PER_MSEC);
        json_put_uint(w, "engine_calls", event->n_engine_calls);
        json_open_array(w, "steps");
        for (size_t i = 0; i < report->n_steps; i++) {
                const ReportStep *step = &report->steps[i];

                json_open_object(w, NULL);
                json_put_string(w, "step", step->plan->name);
                json_put_string(w, "type", step_kind_to_string(step->plan->kind));
                json_put_string(w, "state", step_state_to_string(step->state));
                if (step->state == STEP_DONE)
                        put_result(w, step->result, step->exit_code, step->duration_usec);
                json_close(w);
        }
        json_close(w);
}

static void json_line(Report *report, const JobEvent *event) {
        _cleanup_free_ char *text = NULL;
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_string(&w, "time", stamp(report, event->realtime_usec));
        json_put_string(&w, "event", event_names[event->kind]);
        json_put_string(&w, "job", event->job_id);
        if (event->kind == JOB_EVENT_STARTED || event->kind == JOB_EVENT_FINISHED)
                json_put_string(&w, "workflow", report->options.plan->name);
        if (event->step)
                json_put_string(&w, "step", event->step->name);
        if (event->kind == JOB_EVENT_STEP_STATE && event->step)
                put_step(&w, event);
        if (event->kind == JOB_EVENT_FINISHED)
                put_job(&w, report, event);
        if (event->text)
                json_put_bytes(&w, "text", event->text, strlen(event->text));
        json_close(&w);
        if (json_finish(&w, false, &text) >= 0)
                (void) str_appendf(&report->output.buffer, "%s\n", text);
}

/* A line that belongs to no job: past the report of one. */
static void begin_line(JsonWriter *w, const char *event) {
        char time[CLOCK_STAMP_MAX];

        json_open_object(w, NULL);
        json_put_string(w, "time", clock_format_stamp(clock_realtime_usec(), time));
        json_put_string(w, "event", event);
}

static void end_line(JsonWriter *w, int fd) {
        _cleanup_free_ char *text = NULL;
        Output output;

        json_close(w);
        output_init(&output, fd, NULL);
        if (json_finish(w, false, &text) >= 0)
                (void) str_appendf(&output.buffer, "%s\n", text);
        (void) output_drain(&output);
        output_done(&output);
}

void report_pass_over(const ReportOptions *options, const char *workflow, bool is_skipped, const char *why) {
        JsonWriter w = { 0 };

        if (options->kind != REPORT_JSON)
                return;
        begin_line(&w, "workflow-passed-over");
        json_put_string(&w, "workflow", workflow);
        json_put_string(&w, "result", is_skipped ? "skipped" : "left-out");
        json_put_string(&w, "text", why);
        end_line(&w, options->fd);
}

void report_conclude(const ReportOptions *options, JobResult result, int exit_code) {
        JsonWriter w = { 0 };

        if (options->kind != REPORT_JSON)
                return;
        begin_line(&w, "run-finished");
        json_put_string(&w, "result", job_result_to_string(result));
        json_put_int(&w, "exit_code", exit_code);
        end_line(&w, options->fd);
}

/* Output comes in hundreds of thousands of lines: the one place where JSON is written without a tree. */
static const bool is_special[256] = { [0 ... 0x1f] = true, ['"'] = true, ['\\'] = true, [0x7f ... 0xff] = true };

static size_t put_special(Str *out, const char *s, size_t n, bool *is_text) {
        size_t length = utf8_length(s, n);

        if (length > 1)
                (void) str_append_n(out, s, length);
        else if (length == 0)
                (void) str_append(out, "\xef\xbf\xbd");
        else if (*s == '"' || *s == '\\')
                (void) str_appendf(out, "\\%c", *s);
        else if (*s == '\t' || *s == '\r')
                (void) str_append(out, *s == '\t' ? "\\t" : "\\r");
        else
                (void) str_appendf(out, "\\u%04x", (unsigned) (unsigned char) *s);
        *is_text &= length > 0;
        return MAX(length, (size_t) 1);
}

/* In quotes; false if it was no UTF-8. */
static bool put_string(Str *out, const char *s, size_t n) {
        bool is_text = true;

        (void) str_append_char(out, '"');
        for (size_t i = 0; i < n;) {
                size_t end = i;

                while (end < n && !is_special[(unsigned char) s[end]])
                        end++;
                (void) str_append_n(out, s + i, end - i);
                i = end;
                if (i < n)
                        i += put_special(out, s + i, n - i, &is_text);
        }
        (void) str_append_char(out, '"');
        return is_text;
}

static void put_base64(Str *out, const char *bytes, size_t n) {
        _cleanup_free_ char *text = base64_encode(bytes, n, BASE64_STANDARD);

        if (!text)
                return;
        (void) str_append(out, ",\"base64\":\"");
        (void) str_append(out, text);
        (void) str_append_char(out, '"');
}

static void put_number(Str *out, uint64_t number) {
        char digits[20];
        size_t i = sizeof(digits);

        do
                digits[--i] = (char) ('0' + number % 10);
        while (number /= 10);
        (void) str_append_n(out, digits + i, sizeof(digits) - i);
}

static const Str *get_head(ReportStep *step, const JobEvent *event) {
        Str *head = &step->head;

        if (head->n > 0)
                return head;
        (void) str_append(head, "\",\"event\":\"output\"");
        if (event->job_id) {
                (void) str_append(head, ",\"job\":");
                (void) put_string(head, event->job_id, strlen(event->job_id));
        }
        (void) str_append(head, ",\"step\":");
        (void) put_string(head, event->step->name, strlen(event->step->name));
        (void) str_appendf(head, ",\"type\":\"%s\",\"number\":", step_kind_to_string(event->step->kind));
        return head;
}

static void output_line(Report *report, const JobEvent *event) {
        Str *out = &report->output.buffer;
        const Str *head;

        if (!event->step || event->step_index >= report->n_steps)
                return;
        head = get_head(&report->steps[event->step_index], event);
        (void) str_append(out, "{\"time\":\"");
        (void) str_append(out, stamp(report, event->realtime_usec));
        (void) str_append_n(out, str_get(head), head->n);
        put_number(out, event->line_number);
        (void) str_append(out, event->stream == 2 ? ",\"stream\":\"stderr\"" : ",\"stream\":\"stdout\"");
        (void) str_append(out, event->is_partial ? ",\"partial\":true,\"line\":" : ",\"line\":");
        if (!put_string(out, event->line, event->n_line))
                put_base64(out, event->line, event->n_line);
        (void) str_append(out, "}\n");
}

static void json_event(Report *report, const JobEvent *event) {
        if (event->kind == JOB_EVENT_OUTPUT)
                output_line(report, event);
        else
                json_line(report, event);
}

const ReportClass report_json = { .event = json_event };
