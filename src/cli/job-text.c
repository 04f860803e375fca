#include "cli/job-text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cli/terminal.h"
#include "http/url.h"
#include "job/event.h"

#define DURATION_COLUMN 9

static const char *get(Json *json, const char *path) {
        const char *text = json_find_string(json, path);

        return text ? text : "";
}

/*
 * The same, for the eye: files that a job made, what an image calls its user, and errors that quote them may hold
 * anything, and come through the agent as they are.
 */
static char *shown(Json *json, const char *path) {
        const TerminalStyle style = { .unicode = utf8_is_locale() };
        Str out = STR_INIT(STR_MAX_DEFAULT);

        for (const char *line = get(json, path), *next; line; line = next) {
                next = strchr(line, '\n');
                terminal_append(&out, line, next ? (size_t) (next - line) : strlen(line), style);
                if (next)
                        (void) str_append_char(&out, '\n');
                next = next ? next + 1 : NULL;
        }
        return str_take(&out);
}

static void print_reason(FILE *file, Json *json) {
        _cleanup_free_ char *reason = shown(json, "reason");

        if (!str_is_empty(reason))
                fprintf(file, ": %s", reason);
}

static uint64_t number(Json *json, const char *path) {
        int64_t value = 0;

        (void) json_get_int(json, path, &value, NULL);
        return value < 0 ? 0 : (uint64_t) value;
}

char *job_text_path(const char *name, const char *rest) {
        Str path = STR_INIT(URL_MAX);

        (void) str_append(&path, "/v1/jobs/");
        (void) url_append_segment(&path, name);
        (void) str_append(&path, rest);
        return str_take(&path);
}

static const char *word(Json *job) {
        const char *result = json_find_string(job, "result");

        return result ? result : get(job, "state");
}

void job_text_print_submitted(Json *answer, bool quiet) {
        const char *warnings = json_find_string(answer, "warnings");
        Json *jobs = NULL;

        if (warnings)
                fputs(warnings, stderr);
        if (json_get_array(answer, "jobs", &jobs, NULL) < 0)
                return;
        for (size_t i = 0; i < json_object_array_length(jobs); i++) {
                Json *job = json_object_array_get_idx(jobs, i);
                _cleanup_free_ char *workflow = shown(job, "workflow");

                printf(quiet ? "%llu\n" : "job %llu: %s\n", (unsigned long long) number(job, "number"),
                       workflow ? workflow : "");
        }
}

static void print_end(Json *job, FILE *out) {
        fprintf(out, "job %llu: %s", (unsigned long long) number(job, "number"), word(job));
        print_reason(out, job);
        fputc('\n', out);
}

void job_text_print_end(Json *answer) {
        Json *job = NULL;

        if (json_get_object(answer, "job", &job, NULL) >= 0)
                print_end(job, stdout);
}

void job_text_print_canceling(Json *job) {
        _cleanup_free_ char *workflow = shown(job, "workflow");

        printf("job %llu: %s: canceling\n", (unsigned long long) number(job, "number"), workflow ? workflow : "");
}

static void print_duration(Json *job) {
        char text[CLOCK_DURATION_MAX];
        uint64_t msec = number(job, "duration_ms");

        printf("%-*s", DURATION_COLUMN, msec ? clock_format_duration(msec * USEC_PER_MSEC, text) : "");
}

/* "2026-11-29T13:08:32.892Z" as "2026-11-29 13:08:32" */
static void print_time(const char *stamp) {
        printf("%.10s %.8s", stamp, strlen(stamp) > 11 ? stamp + 11 : "");
}

void job_text_print_list(Json *answer, bool quiet) {
        Json *jobs = NULL;

        if (json_get_array(answer, "jobs", &jobs, NULL) < 0)
                return;
        if (!quiet)
                printf("%6s  %-9s %-20s %-*s %-16s %s\n", "JOB", "STATE", "CREATED (UTC)", DURATION_COLUMN - 1, "TIME",
                       "LABEL", "WORKFLOW");
        for (size_t i = 0; i < json_object_array_length(jobs); i++) {
                Json *job = json_object_array_get_idx(jobs, i);
                _cleanup_free_ char *label = shown(job, "label"), *workflow = shown(job, "workflow");

                if (quiet) {
                        printf("%llu\n", (unsigned long long) number(job, "number"));
                        continue;
                }
                printf("%6llu  %-9s ", (unsigned long long) number(job, "number"), word(job));
                print_time(get(job, "created"));
                printf("  ");
                print_duration(job);
                printf("%-16s %s\n", label ? label : "", workflow ? workflow : "");
        }
}

static void print_step(Json *step) {
        _cleanup_free_ char *name = shown(step, "step");
        int64_t code = -1;

        (void) json_get_int(step, "exit_code", &code, NULL);
        printf("  %-10s ", *get(step, "result") ? get(step, "result") : get(step, "state"));
        print_duration(step);
        printf("%s", name ? name : "");
        if (code > 0)
                printf(" (exit code %lld)", (long long) code);
        print_reason(stdout, step);
        putchar('\n');
}

static void print_note(Json *note) {
        const char *kind = get(note, "kind");
        _cleanup_free_ char *step = shown(note, "step"), *text = shown(note, "text");

        if (str_equal(kind, "finished") || str_equal(kind, "started"))
                return;
        printf("  %s: %s%s%s\n", kind, step ? step : "", str_is_empty(step) ? "" : ": ", text ? text : "");
}

static void print_each(Json *answer, const char *key, void (*print)(Json *item)) {
        Json *list = NULL;

        if (json_get_array(answer, key, &list, NULL) < 0)
                return;
        for (size_t i = 0; i < json_object_array_length(list); i++)
                print(json_object_array_get_idx(list, i));
}

void job_text_print_job(Json *answer) {
        _cleanup_free_ char *workflow = NULL, *label = NULL;
        Json *job = NULL;

        if (json_get_object(answer, "job", &job, NULL) < 0)
                return;
        workflow = shown(job, "workflow");
        label = shown(job, "label");
        printf("job %llu: %s\n", (unsigned long long) number(job, "number"), workflow ? workflow : "");
        printf("  id         %s\n  state      %s", get(job, "id"), word(job));
        print_reason(stdout, job);
        putchar('\n');
        if (!str_is_empty(label))
                printf("  label      %s\n", label);
        printf("  created    ");
        print_time(get(job, "created"));
        if (*get(job, "started")) {
                printf("\n  started    ");
                print_time(get(job, "started"));
        }
        if (*get(job, "ended")) {
                printf("\n  ended      ");
                print_time(get(job, "ended"));
                printf("  ");
                print_duration(job);
        }
        printf("\nsteps:\n");
        print_each(answer, "steps", print_step);
        print_each(answer, "notes", print_note);
}

/* ---- following ---- */

static int on_chunk(const char *bytes, size_t n, void *userdata) {
        return fwrite(bytes, 1, n, stdout) == n && fflush(stdout) == 0 ? 0 : -EPIPE;
}

static int exit_code_of(Json *job) {
        for (JobResult result = 0; result < _JOB_RESULT_MAX; result++)
                if (str_equal(job_result_to_string(result), get(job, "result")))
                        return job_result_exit_code(result);
        return EXIT_ENGINE;
}

int job_text_follow(Client *client, const char *id, bool json, int *ret_code, Error **reterr) {
        _cleanup_free_ char *log =
                job_text_path(id, json ? "/log?follow=true&format=json" : "/log?follow=true&format=prefixed");
        _cleanup_free_ char *path = job_text_path(id, "");
        _cleanup_(json_unrefp) Json *answer = NULL;
        Json *job = NULL;
        int r = log && path ? client_stream(client, log, on_chunk, NULL, reterr) : error_oom(reterr);

        if (r >= 0)
                r = client_call(client, "GET", path, NULL, &answer, reterr);
        if (r >= 0)
                r = json_get_object(answer, "job", &job, reterr);
        if (r < 0)
                return r;
        if (json)
                puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        else
                print_end(job, stderr);
        *ret_code = exit_code_of(job);
        return 0;
}
