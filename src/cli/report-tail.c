#include <string.h>

#include "cli/report-internal.h"

ReportTail *report_tail_free(ReportTail *tail) {
        if (!tail)
                return NULL;
        for (size_t i = 0; i < REPORT_TAIL_LINES; i++)
                str_done(&tail->lines[i]);
        free(tail);
        return NULL;
}

static ReportTail *tail_new(void) {
        ReportTail *tail = calloc(1, sizeof(*tail));

        for (size_t i = 0; tail && i < REPORT_TAIL_LINES; i++)
                tail->lines[i] = STR_INIT(REPORT_TAIL_LINE_BYTES_MAX);
        return tail;
}

void report_tail_add(ReportStep *step, const JobEvent *event) {
        ReportTail *tail = step->tail;
        size_t slot, n;

        if (!tail)
                tail = step->tail = tail_new();
        if (!tail)
                return; /* only a convenience */
        if (!tail->is_partial) {
                slot = tail->n_lines++ % REPORT_TAIL_LINES;
                str_clear(&tail->lines[slot]);
                tail->is_cut[slot] = false;
        }
        slot = (tail->n_lines - 1) % REPORT_TAIL_LINES;
        n = MIN(event->n_line, REPORT_TAIL_LINE_BYTES_MAX - tail->lines[slot].n);
        (void) str_append_n(&tail->lines[slot], event->line, n);
        tail->is_cut[slot] |= n < event->n_line;
        tail->is_partial = event->is_partial;
}

void report_tail_print(const Report *report, const ReportTail *tail, Str *out) {
        size_t n = MIN(tail->n_lines, (size_t) REPORT_TAIL_LINES);

        for (size_t i = tail->n_lines - n; i < tail->n_lines; i++) {
                const Str *line = &tail->lines[i % REPORT_TAIL_LINES];

                (void) str_append(out, "  | ");
                terminal_append(out, str_get(line), line->n, report->style);
                (void) str_append(out, tail->is_cut[i % REPORT_TAIL_LINES] ? "...\n" : "\n");
        }
}
