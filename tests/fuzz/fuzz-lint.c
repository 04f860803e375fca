/*
 * Lint ends with findings, whatever the file; each has its place within the file, a rule and a text. What is told in
 * JSON is JSON, and in XML no mark-up of the file is left.
 */

#include "base/utf8.h"
#include "document/diag-format.h"
#include "fuzz.h"
#include "pipeline/lint.h"
#include "pipeline/policy.h"

static void check_mark(const Source *source, const Mark *mark) {
        const char *line;
        size_t n;

        if (mark->line == 0)
                return;
        require(mark->line <= source->n_lines && mark->column >= 1);
        line = source_line(source, mark->line, &n);
        require((size_t) mark->column - 1 + mark->n_columns <= utf8_columns(line, n) + 1);
}

static void check_diags(const DiagList *diags, const Source *source) {
        size_t n_errors = 0, n_warnings = 0;

        for (size_t i = 0; i < diags->n_diags; i++) {
                const Diag *diag = &diags->diags[i];

                check_mark(source, &diag->mark);
                require(*diag->message && diag->rule && *diag->rule);
                require(i == 0 || diag[-1].mark.line <= diag->mark.line);
                n_errors += diag->severity == DIAG_ERROR;
                n_warnings += diag->severity == DIAG_WARNING;
        }
        require(n_errors <= diags->n_errors && n_warnings <= diags->n_warnings);
        require(n_errors + n_warnings + diags->n_dropped >= diags->n_errors + diags->n_warnings);
}

static void check_json(const char *text, size_t n) {
        Json *json = NULL;

        require(json_parse(text, n, &json, NULL) == 0);
        json_unref(json);
}

static void check_json_lines(const char *text) {
        for (const char *end; (end = strchr(text, '\n')); text = end + 1)
                check_json(text, (size_t) (end - text));
        require(!*text);
}

/* One '<' for each element: none came from the file. */
static void check_xml(const char *text, size_t n_diags) {
        size_t n = 0;

        for (const char *c = text; *c; c++) {
                n += *c == '<';
                require((unsigned char) *c >= 0x20 || *c == '\n');
        }
        require(n == 5 + n_diags); /* <?xml>, <checkstyle>, <file>, and the ends of the last two */
}

static void check_formats(const DiagList *diags, const Source *source) {
        for (DiagFormat format = 0; format < _DIAG_FORMAT_MAX; format++) {
                _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
                DiagFormatter formatter = { .format = format, .out = &out };

                diag_format_begin(&formatter);
                require(diag_format_file(&formatter, diags, source, NULL) == 0);
                require(diag_format_end(&formatter) == 0);
                diag_formatter_done(&formatter);
                require(out.error == 0 && utf8_is_valid(str_get(&out), out.n));
                if (format == DIAG_FORMAT_GITLAB)
                        check_json(str_get(&out), out.n);
                else if (format == DIAG_FORMAT_JSON)
                        check_json_lines(str_get(&out));
                else if (format == DIAG_FORMAT_CHECKSTYLE)
                        check_xml(str_get(&out), diags->n_diags + (diags->n_dropped > 0));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static char *const images[] = { (char *) "plugins/docker", (char *) "golang:1.25", NULL };
        _cleanup_map_ Map environment = STRMAP_INIT;
        const LintOptions calls[] = {
                { .trusted = TRUST_ALL },
                { .environment = &environment, .privileged_plugins = images, .trusted_clones = images },
        };
        _cleanup_(source_freep) Source *source = NULL;
        DiagList diags = { 0 };

        require(strmap_put(&environment, "X", "one\ntwo: \"three\" é") == 0);
        if (source_new_take("ci.yml", fuzz_text(data, size), size, &source, NULL) < 0)
                return 0;
        require(woodpecker_lint(source, &calls[size % ELEMENTSOF(calls)], &diags) == 0);
        check_diags(&diags, source);
        check_formats(&diags, source);
        diag_list_done(&diags);
        return 0;
}
