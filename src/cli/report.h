#pragma once

/*
 * Shows what a job tells about itself, in one of four ways: live on a terminal, as plain stable lines, as JSON, or only
 * what failed.
 */

#include "cli/run-options.h"
#include "job/event.h"

typedef enum ReportKind {
        REPORT_PLAIN,
        REPORT_LIVE,  /* output scrolls, below it stands what runs just now */
        REPORT_JSON,  /* an object on each line; a job ends with the event "job-finished" */
        REPORT_QUIET, /* nothing, unless something fails */
        _REPORT_KIND_MAX,
} ReportKind;

/* How wide and high the terminal is just now. */
typedef void (*ReportSize)(unsigned *ret_columns, unsigned *ret_rows, void *userdata);

typedef struct ReportOptions {
        ReportKind kind;
        int fd;          /* borrowed */
        const Plan *plan; /* borrowed */
        bool names_workflow; /* there are several in this run */
        sd_event *event; /* NULL: the caller calls report_flush() and report_tick(), and writes wait for the reader */
        bool is_terminal; /* control characters in output are taken out */
        bool color, unicode;
        bool verbose; /* pull progress line by line, all changes */
        ReportSize size; /* NULL: ask the terminal */
        void *userdata;
} ReportOptions;

typedef struct Report Report;

/**
 * report_options_for() - the way that fits the options and what @fd is
 *
 * Live on a terminal that is not "dumb". Colours: as --color says; when "auto", on such a terminal if NO_COLOR is not
 * set (or empty). Unicode marks where the locale is UTF-8.
 */
ReportOptions report_options_for(const RunOptions *options, int fd);

/** report_new() - copies @options; 0, -ENOMEM or what the event loop says */
int report_new(const ReportOptions *options, Report **ret);

/** report_observer() - to be handed to the job; valid as long as the report */
JobObserver report_observer(Report *report);

/**
 * report_flush() - writes what has been gathered; with an event loop this happens at each turn of it. -EPIPE: nobody
 * reads any more
 */
int report_flush(Report *report);

/**
 * report_tick() - a second has passed: the live report shows how long things run; with an event loop it does so by
 * itself
 */
void report_tick(Report *report, uint64_t realtime_usec);

/**
 * report_pass_over() - tells of a workflow that has no job: it was skipped, or is left out. Only REPORT_JSON has
 * something to show
 */
void report_pass_over(const ReportOptions *options, const char *workflow, bool is_skipped, const char *why);
/** report_conclude() - how a run of several workflows, or of none, ended: its last line. Only REPORT_JSON has it */
void report_conclude(const ReportOptions *options, JobResult result, int exit_code);

/** report_free() - writes the rest, however long that takes */
Report *report_free(Report *report);
DEFINE_CLEANUP(Report *, report_free);
