#pragma once

/* What the ways of reporting share: how things stand, the last lines of each step, and the words for it. */

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/terminal.h"

#define REPORT_NAME_COLUMNS_MAX 40
#define REPORT_TAIL_LINES 10
#define REPORT_TAIL_LINE_BYTES_MAX 1000
#define REPORT_CHANGES_SHOWN_MAX 20
#define REPORT_HEAD_BYTES_MAX 4096 /* six times a name of PLAN_NAME_BYTES_MAX, and the id of the job */
#define REPORT_NOTES_BYTES_MAX (64U * 1024)

/* The last lines of a step, kept until it is known to have succeeded. */
typedef struct ReportTail {
        Str lines[REPORT_TAIL_LINES]; /* a ring */
        bool is_cut[REPORT_TAIL_LINES];
        size_t n_lines;  /* all that ever came */
        bool is_partial; /* the last one goes on */
} ReportTail;

typedef struct ReportStep {
        const PlanStep *plan;
        char *name; /* safe to show */
        StepState state;
        StepResult result;
        int exit_code, signal;
        bool oom_killed;
        uint64_t since_usec;    /* real time at which it began what it does */
        uint64_t duration_usec; /* once done */
        char *text;     /* why */
        char *progress; /* of its pull */
        ReportTail *tail;
        Str head; /* json: what all its lines of output have in common */
} ReportStep;

typedef struct ReportClass {
        void (*event)(Report *report, const JobEvent *event); /* how things stand is noted already */
        void (*flush)(Report *report); /* may be NULL; before the output is written */
        void (*tick)(Report *report);  /* may be NULL */
} ReportClass;

extern const ReportClass report_plain, report_live, report_json, report_quiet;

struct Report {
        const ReportClass *class;
        ReportOptions options;
        TerminalStyle style;
        ReportStep *steps; /* as in the plan */
        size_t n_steps;
        bool is_parallel; /* output of several may be mixed: lines carry the name */
        bool is_finished;
        uint64_t now_usec; /* real time of the last event or tick */
        uint64_t started_usec;
        size_t n_changes;
        Output output;
        sd_event_source *post, *timer;

        size_t open_step; /* plain: whose line has no end yet; n_steps: none */
        Str scroll;       /* live: lines that go above the status */
        Str status;       /* live: what stands below them on the screen, and how wide each line of it is */
        size_t *drawn;
        size_t n_drawn;
        bool is_stale; /* live: something happened since it was drawn */
        Str notes; /* quiet: kept for the case of failure */

        char stamp[40]; /* json: the time as last written, and which millisecond that was */
        uint64_t stamp_msec;
};

/* report-tail.c */
ReportTail *report_tail_free(ReportTail *tail);
void report_tail_add(ReportStep *step, const JobEvent *event);
/** report_tail_print() - each line after "  | " */
void report_tail_print(const Report *report, const ReportTail *tail, Str *out);

/* report-words.c */
typedef enum ReportColor { REPORT_NO_COLOR, REPORT_GREEN, REPORT_RED, REPORT_YELLOW, REPORT_DIM } ReportColor;
const char *report_color(const Report *report, ReportColor color);
const char *report_color_end(const Report *report, ReportColor color);
void report_put(const Report *report, ReportColor color, Str *out, const char *format, ...) _printf_(4, 5);
typedef struct ReportMark {
        const char *text;
        ReportColor color;
} ReportMark;
ReportMark report_mark(const Report *report, const ReportStep *step);
bool report_step_is_bad(const ReportStep *step);
bool report_step_is_ignored(const ReportStep *step); /* bad, but the workflow goes on */
/** report_duration() - as clock_format_duration(), but what is over at once in milliseconds */
const char *report_duration(uint64_t usec, char buffer[static CLOCK_DURATION_MAX]);
/** report_end_to_text() - "failed with exit code 3 after 1.2s" */
void report_end_to_text(const ReportStep *step, Str *out);
/** report_exit_to_text() - "exit code 127: command not found" */
void report_exit_to_text(const ReportStep *step, Str *out);
/** report_job_to_text() - "failed after 2.0s: 1 of 3 steps failed" */
void report_job_to_text(const Report *report, const JobEvent *event, Str *out);
/** report_text() - of others, made safe to show */
void report_text(const Report *report, const char *text, Str *out);

/* report-plain.c: the lines that the live report shows, too */
void report_line(Report *report, const JobEvent *event, Str *out);
void report_output_line(Report *report, const JobEvent *event, Str *out);

/* report-summary.c */
void report_summary(const Report *report, const JobEvent *event, Str *out);
void report_failures(const Report *report, Str *out);
void report_result(const Report *report, const JobEvent *event, Str *out);
