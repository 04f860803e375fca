#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/doctor-options.h"
#include "cli/examine.h"
#include "cli/findings-print.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "job/event.h"

#define OUTPUT_MAX (1024U * 1024)

static int print_text(const Findings *findings, const DoctorOptions *options) {
        _cleanup_str_ Str text = STR_INIT(OUTPUT_MAX);
        FindingsStyle style = { .color = doctor_options_color(options),
                                .from = options->quiet ? LEVEL_WARNING : LEVEL_OK };

        findings_print(findings, style, &text);
        findings_print_verdict(findings, style, &text);
        fputs(str_get(&text), stdout);
        return text.error < 0 ? text.error : output_stdout();
}

static int print_json(const Findings *findings) {
        _cleanup_free_ char *text = NULL;
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        findings_put_json(findings, &w);
        json_close(&w);
        if (json_finish(&w, true, &text) < 0)
                return -ENOMEM;
        puts(text);
        return output_stdout();
}

static int print(const Findings *findings, const DoctorOptions *options) {
        int r = options->json ? print_json(findings) : print_text(findings, options);

        if (r >= 0)
                return findings_exit_code(findings);
        log_error("cannot write what was found: %s", error_message(NULL, r));
        return EXIT_ENGINE;
}

int verb_doctor(const Verb *verb, char *const *args, void *values) {
        const DoctorOptions *options = values;
        _cleanup_(error_freep) Error *error = NULL;
        Findings findings = { 0 };
        Facts facts = { 0 };
        int r, exit_code;

        r = examine(options, &facts, &findings, &error);
        exit_code = r < 0 ? EXIT_ENGINE : print(&findings, options);
        if (r < 0)
                log_error("%s", error_message(error, r));
        findings_done(&findings);
        facts_done(&facts);
        return exit_code;
}
