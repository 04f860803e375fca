/* One row per format; each writes a finding at a time. Whatever a file or its name holds is escaped as the format wants
 * it. */

#include "document/diag-format.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"

#define FNV_OFFSET 0xcbf29ce484222325U
#define FNV_PRIME 0x100000001b3U

const char *const diag_format_names[_DIAG_FORMAT_MAX + 1] = {
        [DIAG_FORMAT_TEXT] = "text",
        [DIAG_FORMAT_JSON] = "json",
        [DIAG_FORMAT_GITHUB] = "github",
        [DIAG_FORMAT_GITLAB] = "gitlab",
        [DIAG_FORMAT_CHECKSTYLE] = "checkstyle",
};

/* A finding, with a place in any case. */
typedef struct Finding {
        const char *path, *rule, *message, *hint;
        DiagSeverity severity;
        uint32_t line, column, end_column; /* the last one is behind what is meant */
} Finding;

typedef struct FormatClass {
        void (*begin)(DiagFormatter *formatter);
        void (*begin_file)(DiagFormatter *formatter, const char *path);
        int (*finding)(DiagFormatter *formatter, const Finding *finding);
        void (*end_file)(DiagFormatter *formatter);
        int (*end)(DiagFormatter *formatter);
} FormatClass;

static const char *severity_name(DiagSeverity severity) {
        return severity == DIAG_ERROR ? "error" : "warning";
}

/* ---- text ---- */

static void append_count(Str *out, size_t n, const char *noun) {
        (void) str_appendf(out, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

static int text_end(DiagFormatter *f) {
        append_count(f->out, f->n_files, "file");
        (void) str_append(f->out, " checked: ");
        if (f->n_errors + f->n_warnings == 0)
                (void) str_append(f->out, "nothing found");
        if (f->n_errors > 0)
                append_count(f->out, f->n_errors, "error");
        if (f->n_errors > 0 && f->n_warnings > 0)
                (void) str_append(f->out, ", ");
        if (f->n_warnings > 0)
                append_count(f->out, f->n_warnings, "warning");
        return str_append_char(f->out, '\n');
}

/* ---- json ---- */

static int json_finding(DiagFormatter *f, const Finding *finding) {
        _cleanup_free_ char *text = NULL;
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_string(&w, "file", finding->path);
        json_put_uint(&w, "line", finding->line);
        json_put_uint(&w, "column", finding->column);
        json_put_uint(&w, "end_column", finding->end_column);
        json_put_string(&w, "severity", severity_name(finding->severity));
        json_put_string(&w, "rule", finding->rule);
        json_put_string(&w, "message", finding->message);
        json_put_string(&w, "hint", finding->hint);
        json_close(&w);
        if (json_finish(&w, false, &text) < 0)
                return -ENOMEM;
        (void) str_append(f->out, text);
        return str_append_char(f->out, '\n');
}

/* ---- github: https://docs.github.com/actions/reference/workflow-commands-for-github-actions ---- */

/* @is_property: ":" and "," end a property */
static void append_github(Str *out, const char *text, bool is_property) {
        for (; *text; text++) {
                unsigned char c = (unsigned char) *text;

                if (c == '%' || c == '\r' || c == '\n' || (is_property && (c == ':' || c == ',')))
                        (void) str_appendf(out, "%%%02X", c);
                else if (c < 0x20 || c == 0x7f)
                        (void) str_appendf(out, "\\x%02x", c);
                else
                        (void) str_append_char(out, (char) c);
        }
}

static int github_finding(DiagFormatter *f, const Finding *finding) {
        (void) str_appendf(f->out, "::%s file=", severity_name(finding->severity));
        append_github(f->out, finding->path, true);
        (void) str_appendf(f->out, ",line=%u,col=%u,endColumn=%u,title=", finding->line, finding->column,
                           finding->end_column);
        append_github(f->out, finding->rule, true);
        (void) str_append(f->out, "::");
        append_github(f->out, finding->message, false);
        if (finding->hint) {
                append_github(f->out, "\nhint: ", false);
                append_github(f->out, finding->hint, false);
        }
        return str_append_char(f->out, '\n');
}

/* ---- gitlab: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format ---- */

static void gitlab_begin(DiagFormatter *f) {
        json_open_array(&f->json, NULL);
}

static uint64_t hash(uint64_t h, const char *text) {
        do
                h = (h ^ (unsigned char) *text) * FNV_PRIME;
        while (*text++);
        return h;
}

/* The same while lines come and go above it: what is found twice in a file is numbered. */
static int make_fingerprint(DiagFormatter *f, const Finding *finding, char ret[static 17]) {
        uint64_t h = hash(hash(hash(FNV_OFFSET, finding->path), finding->rule), finding->message);
        size_t n;

        (void) snprintf(ret, 17, "%016llx", (unsigned long long) h);
        n = (size_t) map_get(&f->fingerprints, ret);
        if (map_put_take(&f->fingerprints, ret, (void *) (n + 1)) < 0)
                return -ENOMEM;
        (void) snprintf(ret, 17, "%016llx", (unsigned long long) ((h ^ n) * FNV_PRIME));
        return 0;
}

static int gitlab_finding(DiagFormatter *f, const Finding *finding) {
        _cleanup_free_ char *description = NULL;
        char fingerprint[17];

        description =
                finding->hint ? str_printf("%s; hint: %s", finding->message, finding->hint) : strdup(finding->message);
        if (!description || make_fingerprint(f, finding, fingerprint) < 0)
                return -ENOMEM;
        json_open_object(&f->json, NULL);
        json_put_string(&f->json, "description", description);
        json_put_string(&f->json, "check_name", finding->rule);
        json_put_string(&f->json, "fingerprint", fingerprint);
        json_put_string(&f->json, "severity", finding->severity == DIAG_ERROR ? "major" : "minor");
        json_open_object(&f->json, "location");
        json_put_string(&f->json, "path", finding->path);
        json_open_object(&f->json, "lines");
        json_put_uint(&f->json, "begin", finding->line);
        json_close(&f->json);
        json_close(&f->json);
        json_close(&f->json);
        return f->json.error;
}

static int gitlab_end(DiagFormatter *f) {
        _cleanup_free_ char *text = NULL;

        json_close(&f->json);
        if (json_finish(&f->json, true, &text) < 0)
                return -ENOMEM;
        (void) str_append(f->out, text);
        return str_append_char(f->out, '\n');
}

/* ---- checkstyle ---- */

/* What XML 1.0 has no place for, escaped or not, becomes U+FFFD. */
static bool is_xml(const char *text, size_t k) {
        unsigned char c = (unsigned char) *text;

        if (k == 1)
                return (c >= 0x20 && c != 0x7f) || c == '\t' || c == '\n' || c == '\r';
        return k > 0 && memcmp(text, "\xef\xbf\xbe", k) != 0 && memcmp(text, "\xef\xbf\xbf", k) != 0;
}

static void append_xml(Str *out, const char *text) {
        size_t n = strlen(text);

        for (size_t i = 0, k; i < n; i += MAX(k, 1U)) {
                k = utf8_length(text + i, n - i);
                if (!is_xml(text + i, k))
                        (void) str_append(out, "\xef\xbf\xbd");
                else if (k == 1 && strchr("&<>\"'\t\n\r", text[i]))
                        (void) str_appendf(out, "&#%d;", text[i]);
                else
                        (void) str_append_n(out, text + i, k);
        }
}

static void append_attribute(Str *out, const char *name, const char *value) {
        (void) str_appendf(out, " %s=\"", name);
        append_xml(out, value);
        (void) str_append_char(out, '"');
}

static void checkstyle_begin(DiagFormatter *f) {
        (void) str_append(f->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">\n");
}

static void checkstyle_begin_file(DiagFormatter *f, const char *path) {
        (void) str_append(f->out, "  <file");
        append_attribute(f->out, "name", path);
        (void) str_append(f->out, ">\n");
}

static int checkstyle_finding(DiagFormatter *f, const Finding *finding) {
        (void) str_appendf(f->out, "    <error line=\"%u\" column=\"%u\"", finding->line, finding->column);
        append_attribute(f->out, "severity", severity_name(finding->severity));
        (void) str_append(f->out, " message=\"");
        append_xml(f->out, finding->message);
        if (finding->hint) {
                append_xml(f->out, "; hint: ");
                append_xml(f->out, finding->hint);
        }
        (void) str_append_char(f->out, '"');
        append_attribute(f->out, "source", finding->rule);
        return str_append(f->out, "/>\n");
}

static void checkstyle_end_file(DiagFormatter *f) {
        (void) str_append(f->out, "  </file>\n");
}

static int checkstyle_end(DiagFormatter *f) {
        return str_append(f->out, "</checkstyle>\n");
}

static const FormatClass classes[_DIAG_FORMAT_MAX] = {
        [DIAG_FORMAT_TEXT] = { .end = text_end },
        [DIAG_FORMAT_JSON] = { .finding = json_finding },
        [DIAG_FORMAT_GITHUB] = { .finding = github_finding },
        [DIAG_FORMAT_GITLAB] = { .begin = gitlab_begin, .finding = gitlab_finding, .end = gitlab_end },
        [DIAG_FORMAT_CHECKSTYLE] = { .begin = checkstyle_begin,
                                     .begin_file = checkstyle_begin_file,
                                     .finding = checkstyle_finding,
                                     .end_file = checkstyle_end_file,
                                     .end = checkstyle_end },
};

void diag_format_begin(DiagFormatter *f) {
        f->fingerprints = MAP_INIT(NULL);
        if (classes[f->format].begin)
                classes[f->format].begin(f);
}

static int add_finding(DiagFormatter *f, const Diag *diag, const char *path) {
        bool has_place = diag->mark.line > 0;
        Finding finding = {
                .path = path,
                .rule = diag->rule,
                .message = diag->message,
                .hint = diag->hint,
                .severity = diag->severity,
                .line = has_place ? diag->mark.line : 1,
                .column = has_place ? diag->mark.column : 1,
        };

        finding.end_column = finding.column + (has_place ? diag->mark.n_columns : 0);
        return classes[f->format].finding(f, &finding);
}

/* What was not kept must not be lost on who only reads the findings. */
static int add_dropped(DiagFormatter *f, const DiagList *list, const char *path) {
        char message[80];
        Diag diag = { .severity = list->n_errors > 0 ? DIAG_ERROR : DIAG_WARNING,
                      .rule = "not-shown",
                      .message = message };

        (void) snprintf(message, sizeof(message), "%zu more findings are not shown", list->n_dropped);
        return add_finding(f, &diag, path);
}

int diag_format_file(DiagFormatter *f, const DiagList *list, const Source *source, const char *path) {
        const FormatClass *class = &classes[f->format];
        int r = 0;

        f->n_files++;
        f->n_errors += list->n_errors;
        f->n_warnings += list->n_warnings;
        if (!class->finding) {
                diag_print(list, source, f->color, f->out);
                return f->out->error;
        }
        if (!path)
                path = source->name;
        if (class->begin_file)
                class->begin_file(f, path);
        for (size_t i = 0; i < list->n_diags && r == 0; i++)
                r = add_finding(f, &list->diags[i], path);
        if (r == 0 && list->n_dropped > 0)
                r = add_dropped(f, list, path);
        if (class->end_file)
                class->end_file(f);
        return r;
}

int diag_format_end(DiagFormatter *f) {
        return classes[f->format].end ? classes[f->format].end(f) : 0;
}

void diag_formatter_done(DiagFormatter *f) {
        json_writer_done(&f->json);
        map_done(&f->fingerprints);
}
