#include "cli/findings-print.h"

#include <string.h>

#include "cli/options.h"

#define LEVEL_COLUMNS 9
#define ID_COLUMNS 14
#define INDENT (LEVEL_COLUMNS + ID_COLUMNS)

static const char *const level_colors[_LEVEL_MAX] = { "\033[32m", "\033[36m", "\033[33m", "\033[1;31m" };

static void print_level(Level level, FindingsStyle style, Str *out) {
        (void) str_appendf(out, "%s%-*s%s", style.color ? level_colors[level] : "", LEVEL_COLUMNS,
                           level_to_string(level), style.color ? "\033[0m" : "");
}

/* A command is never broken: it is there to be copied. */
static void print_remedies(const Finding *finding, FindingsStyle style, Str *out) {
        for (size_t i = 0; i < finding->n_remedies; i++)
                if (!str_equal(finding->remedies[i].command, style.tried))
                        (void) str_appendf(out, "%*s%c %s\n", INDENT, "", finding->remedies[i].as_root ? '#' : '$',
                                           finding->remedies[i].command);
}

static void print_finding(const Finding *finding, FindingsStyle style, Str *out) {
        print_level(finding->level, style, out);
        (void) str_appendf(out, "%-*s", ID_COLUMNS, finding->check->id);
        options_wrap(finding->what, INDENT, INDENT, out);
        if (finding->why) {
                (void) str_appendf(out, "%*s", INDENT, "");
                options_wrap(finding->why, INDENT, INDENT, out);
        }
        if (finding->level > LEVEL_OK && finding->advice) {
                (void) str_appendf(out, "%*sMend:", INDENT, "");
                options_wrap(finding->advice, INDENT, INDENT + strlen("Mend:"), out);
        }
        print_remedies(finding, style, out);
}

void findings_print(const Findings *findings, FindingsStyle style, Str *out) {
        for (size_t i = 0; i < findings->n_findings; i++)
                if (findings->findings[i].level >= style.from)
                        print_finding(&findings->findings[i], style, out);
}

static unsigned count(const Findings *findings, Level level) {
        unsigned n = 0;

        for (size_t i = 0; i < findings->n_findings; i++)
                n += findings->findings[i].level == level;
        return n;
}

static bool has_remedies(const Findings *findings, Level from) {
        for (size_t i = 0; i < findings->n_findings; i++)
                if (findings->findings[i].level >= from && findings->findings[i].n_remedies > 0)
                        return true;
        return false;
}

void findings_print_verdict(const Findings *findings, FindingsStyle style, Str *out) {
        unsigned n_faults = count(findings, LEVEL_FAULT), n_warnings = count(findings, LEVEL_WARNING);

        if (has_remedies(findings, style.from))
                (void) str_append(out, "\n$ stands before what you can do yourself, # before what root must do.\n");
        if (n_faults > 0)
                (void) str_appendf(out, "\nNo job will run: %u fault%s.\n", n_faults, n_faults == 1 ? "" : "s");
        else if (n_warnings > 0)
                (void) str_appendf(out, "\nJobs will run; %u warning%s.\n", n_warnings, n_warnings == 1 ? "" : "s");
        else if (style.from <= LEVEL_NOTE)
                (void) str_append(out, "\nAll is well: jobs will run.\n");
}

int findings_exit_code(const Findings *findings) {
        switch (findings_worst(findings)) {
        case LEVEL_FAULT:
                return 2;
        case LEVEL_WARNING:
                return 1;
        default:
                return 0;
        }
}

static void put_finding(const Finding *finding, JsonWriter *w) {
        json_open_object(w, NULL);
        json_put_string(w, "check", finding->check->id);
        json_put_string(w, "level", level_to_string(finding->level));
        json_put_string(w, "what", finding->what);
        json_put_string(w, "why", finding->why);
        json_put_string(w, "advice", finding->level > LEVEL_OK ? finding->advice : NULL);
        json_open_array(w, "commands");
        for (size_t i = 0; i < finding->n_remedies; i++) {
                json_open_object(w, NULL);
                json_put_string(w, "as", finding->remedies[i].as_root ? "root" : "user");
                json_put_string(w, "command", finding->remedies[i].command);
                json_close(w);
        }
        json_close(w);
        json_close(w);
}

void findings_put_json(const Findings *findings, JsonWriter *w) {
        static const char *const verdicts[] = { "fine", "warnings", "faults" };

        json_put_string(w, "verdict", verdicts[findings_exit_code(findings)]);
        json_open_array(w, "findings");
        for (size_t i = 0; i < findings->n_findings; i++)
                put_finding(&findings->findings[i], w);
        json_close(w);
}
