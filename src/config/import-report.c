#include <errno.h>
#include <string.h>

#include "config/import.h"

#define SETTING_COLUMNS 46

static bool is_wanted(const ImportRunner *runner, const ImportRunner *only) {
        return !only || runner == only;
}

static size_t count(const ImportNote *notes, size_t n, ImportKind kind) {
        size_t n_found = 0;

        for (size_t i = 0; i < n; i++)
                n_found += notes[i].kind == kind;
        return n_found;
}

static int write_runner(const ImportRunner *runner, Str *out) {
        (void) str_appendf(out, "# GitLab Runner: %s\n", runner->name);
        if (!runner->is_refused)
                return config_show(&runner->config, 0, out);
        (void) str_appendf(out, "# %s: %s\n", runner->executor, runner->notes[0].text);
        return out->error;
}

int import_write(const Import *import, const ImportRunner *only, Str *out) {
        bool is_first = true;
        int r = 0;

        for (size_t i = 0; i < import->n_runners && r == 0; i++) {
                if (!is_wanted(&import->runners[i], only))
                        continue;
                (void) str_append(out, is_first ? "" : "---\n");
                is_first = false;
                r = write_runner(&import->runners[i], out);
        }
        return r;
}

static void report_notes(const ImportNote *notes, size_t n_notes, Str *out) {
        for (size_t i = 0; i < n_notes; i++) {
                const ImportNote *note = &notes[i];
                int at = (int) strlen(note->setting);

                (void) str_appendf(out, "  %-8s %s%*s line %u", import_kind_to_string(note->kind), note->setting,
                                   at < SETTING_COLUMNS ? SETTING_COLUMNS - at : 0, "", note->line);
                if (note->keys)
                        (void) str_appendf(out, ": %s", note->keys);
                if (note->text)
                        (void) str_appendf(out, "%s %s", note->keys ? ";" : ":", note->text);
                (void) str_append_char(out, '\n');
        }
}

int import_report(const Import *import, const ImportRunner *only, const char *file, Str *out) {
        if (import->n_notes > 0)
                (void) str_appendf(out, "%s, outside of the runners:\n", file);
        report_notes(import->notes, import->n_notes, out);
        for (size_t i = 0; i < import->n_runners; i++) {
                const ImportRunner *runner = &import->runners[i];

                if (!is_wanted(runner, only))
                        continue;
                (void) str_appendf(out, "%s, %s: %zu mapped, %zu differ, %zu refused\n", file, runner->name,
                                   count(runner->notes, runner->n_notes, IMPORT_MAPPED),
                                   count(runner->notes, runner->n_notes, IMPORT_DIFFERS),
                                   count(runner->notes, runner->n_notes, IMPORT_REFUSED));
                report_notes(runner->notes, runner->n_notes, out);
        }
        return out->error;
}

static void put_notes(const ImportNote *notes, size_t n_notes, JsonWriter *w) {
        json_open_array(w, "notes");
        for (size_t i = 0; i < n_notes; i++) {
                json_open_object(w, NULL);
                json_put_string(w, "kind", import_kind_to_string(notes[i].kind));
                json_put_string(w, "setting", notes[i].setting);
                json_put_uint(w, "line", notes[i].line);
                json_put_string(w, "keys", notes[i].keys);
                json_put_string(w, "text", notes[i].text);
                json_close(w);
        }
        json_close(w);
}

static int put_runner(const ImportRunner *runner, JsonWriter *w) {
        _cleanup_str_ Str yaml = STR_INIT(STR_MAX_DEFAULT);
        int r = runner->is_refused ? 0 : config_show(&runner->config, 0, &yaml);

        json_open_object(w, NULL);
        json_put_string(w, "name", runner->name);
        json_put_string(w, "executor", runner->executor);
        if (!runner->is_refused)
                json_put_string(w, "configuration", str_get(&yaml));
        put_notes(runner->notes, runner->n_notes, w);
        json_close(w);
        return r;
}

int import_report_json(const Import *import, const ImportRunner *only, Str *out) {
        _cleanup_free_ char *text = NULL;
        JsonWriter w = { 0 };
        int r = 0;

        json_open_object(&w, NULL);
        put_notes(import->notes, import->n_notes, &w);
        json_open_array(&w, "runners");
        for (size_t i = 0; i < import->n_runners && r == 0; i++)
                if (is_wanted(&import->runners[i], only))
                        r = put_runner(&import->runners[i], &w);
        json_close(&w);
        json_close(&w);
        if (json_finish(&w, true, &text) < 0 || r < 0)
                return -ENOMEM;
        (void) str_appendf(out, "%s\n", text);
        return out->error;
}
