#include "config/import.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/strv.h"
#include "config/import-internal.h"
#include "config/load-internal.h"
#include "document/toml.h"

#define SETTING_SHOWN_MAX 200
#define OF_RUNNER "runners."

const char *import_kind_to_string(ImportKind kind) {
        static const char *const names[_IMPORT_KIND_MAX] = { "mapped", "differs", "refused", "ignored" };

        return names[kind];
}

static void note_done(ImportNote *note) {
        free(note->setting);
        free(note->keys);
        free(note->text);
}

static void notes_free(ImportNote *notes, size_t n_notes) {
        for (size_t i = 0; i < n_notes; i++)
                note_done(&notes[i]);
        free(notes);
}

void import_done(Import *import) {
        for (size_t i = 0; i < import->n_runners; i++) {
                ImportRunner *runner = &import->runners[i];

                free(runner->name);
                free(runner->executor);
                config_done(&runner->config);
                notes_free(runner->notes, runner->n_notes);
        }
        free(import->runners);
        notes_free(import->notes, import->n_notes);
        *import = (Import) { 0 };
}

int import_note(Importer *importer, ImportKind kind, const YamlNode *node, const char *keys, const char *text) {
        ImportNote note = {
                .kind = kind,
                .setting = str_escape(importer->setting, strlen(importer->setting), SETTING_SHOWN_MAX),
                .line = node->mark.line,
                .keys = keys ? strdup(keys) : NULL,
                .text = text ? strdup(text) : NULL,
        };

        if (note.setting && (note.keys || !keys) && (note.text || !text) &&
            ARRAY_APPEND(importer->runner->notes, importer->runner->n_notes, note) == 0)
                return 0;
        note_done(&note);
        return -ENOMEM;
}

int import_put(Importer *importer, const char *key, const YamlNode *node) {
        ConfigLoader loader = { .config = &importer->runner->config };
        ConfigSlot slot;
        bool is_found = config_slot_find(key, strlen(key), &slot);

        assert(is_found);
        return config_put(&loader, &slot, node, CONFIG_FILE, importer->source->name, importer->diags);
}

int import_put_text(Importer *importer, const char *key, const char *text, Mark mark) {
        YamlNode node = { .kind = YAML_STRING, .mark = mark, .text = (char *) text, .n_text = strlen(text) };

        return import_put(importer, key, &node);
}

bool import_is_set(const Importer *importer, const char *path) {
        const YamlNode *node = importer->table;

        for (const char *word = path; node && *word;) {
                size_t n = strcspn(word, ".");
                char name[CONFIG_NAME_MAX] = "";

                memcpy(name, word, MIN(n, sizeof(name) - 1));
                node = yaml_get(node, name);
                word += n + (word[n] == '.');
        }
        return node;
}

/* Go cannot tell it from nothing. */
static bool is_zero(const YamlNode *node) {
        switch (node->kind) {
        case YAML_BOOL:
                return !node->boolean;
        case YAML_INT:
                return node->integer == 0;
        case YAML_STRING:
                return node->n_text == 0;
        case YAML_SEQUENCE:
                return node->n_items == 0;
        case YAML_MAPPING:
                return node->n_pairs == 0;
        default:
                return false;
        }
}

static char *join_targets(const ImportRow *row) {
        return row->targets[0] ? str_printf("%s%s%s", row->targets[0], row->targets[1] ? ", " : "",
                                            row->targets[1] ? row->targets[1] : "")
                               : NULL;
}

static int apply(Importer *importer, const ImportRow *row, const YamlNode *node) {
        _cleanup_free_ char *keys = join_targets(row);
        int r = 0;

        if ((is_zero(node) && !row->zero_counts) || (row->kind == IMPORT_IGNORED && !row->text))
                return 0;
        if (row->targets[0] && !keys)
                return -ENOMEM;
        if (row->convert)
                return row->convert(importer, row, node);
        for (size_t i = 0; i < IMPORT_TARGETS_MAX && row->targets[i] && r == 0; i++)
                r = import_put(importer, row->targets[i], node);
        return r < 0 ? r : import_note(importer, row->kind, node, keys, row->text);
}

static const ImportRow *find_row(const ImportRow *rows, const char *path) {
        for (const ImportRow *row = rows; row->path; row++)
                if (str_equal(row->path, path))
                        return row;
        return NULL;
}

static bool is_parent(const ImportRow *rows, const char *path) {
        size_t n = strlen(path);

        for (const ImportRow *row = rows; row->path; row++)
                if (strncmp(row->path, path, n) == 0 && row->path[n] == '.')
                        return true;
        return false;
}

/* GitLab Runner passes over what it does not know; whoever wrote it meant something. */
static int note_unknown(Importer *importer, const ImportRow *rows, const char *path, const YamlNode *node) {
        const char *names[CONFIG_KEYS_MAX], *near;
        _cleanup_free_ char *text = NULL;
        size_t n = 0;

        for (const ImportRow *row = rows; row->path && n < ELEMENTSOF(names); row++)
                names[n++] = row->path;
        near = diag_suggest(path, names, n);
        text = near ? str_printf("there is no such setting; did you mean '%s'?", near)
                    : strdup("there is no such setting");
        return text ? import_note(importer, IMPORT_REFUSED, node, NULL, text) : -ENOMEM;
}

/* All that stands in a table, and in those in it, by rows. */
static int walk(Importer *importer, const ImportRow *rows, const char *prefix, const char *shown_prefix,
                const YamlNode *table) {
        int r = 0;

        for (size_t i = 0; i < table->n_pairs && r == 0; i++) {
                const YamlNode *key = table->pairs[i].key, *value = table->pairs[i].value;
                _cleanup_free_ char *path = str_printf("%s%s%s", prefix, *prefix ? "." : "", key->text),
                                    *shown = path ? str_printf("%s%s", shown_prefix, path) : NULL;
                const ImportRow *row = path ? find_row(rows, path) : NULL;
                YamlNode node = *value;

                if (!shown)
                        return -ENOMEM;
                if (!yaml_is_scalar(value))
                        node.mark = key->mark;
                importer->setting = shown;
                if (row)
                        r = apply(importer, row, &node);
                else if (value->kind == YAML_MAPPING && is_parent(rows, path))
                        r = walk(importer, rows, path, shown_prefix, value);
                else
                        r = note_unknown(importer, rows, path, &node);
        }
        return r;
}

/* What GitLab Runner does where the file says nothing, and podstep does not. */
static int add_defaults(Importer *importer) {
        static const struct {
                const char *unless; /* the file says it itself; NULL: it cannot */
                const char *setting, *key, *value, *text;
        } rows[] = {
                { "docker.pull_policy", OF_RUNNER "docker.pull_policy", "images.pull", "always",
                  "GitLab Runner's default" },
                { NULL, OF_RUNNER "docker", "images.retries", "2", "GitLab Runner tries pulls three times" },
        };
        int r = 0;

        FOREACH_ROW(row, rows) {
                if (r < 0 || (row->unless && import_is_set(importer, row->unless)))
                        continue;
                importer->setting = row->setting;
                r = import_put_text(importer, row->key, row->value, importer->table->mark);
                if (r >= 0)
                        r = import_note(importer, IMPORT_MAPPED, importer->table, row->key, row->text);
        }
        return r;
}

/* NULL: podstep can do the work of this executor. */
static const char *judge_executor(const char *executor) {
        static const struct {
                const char *name, *why;
        } rows[] = {
                { "docker", NULL },
                { "docker-autoscaler", NULL },
                { "docker+machine", NULL },
                { "docker-windows", "podstep runs Linux containers only: jobs for Windows containers stay with GitLab "
                                    "Runner on Windows" },
                { "kubernetes", "podstep runs jobs with Podman or Docker on this machine, not on Kubernetes" },
                { "shell", "podstep runs jobs in containers only, never in a shell of this machine" },
        };

        FOREACH_ROW(row, rows)
                if (str_equal(row->name, executor))
                        return row->why;
        return "podstep runs jobs in containers of Podman or Docker only";
}

static const char *text_of(const YamlNode *table, const char *key) {
        const YamlNode *node = yaml_get(table, key);

        return node && node->kind == YAML_STRING && node->n_text > 0 && strlen(node->text) == node->n_text ? node->text
                                                                                                           : NULL;
}

static int read_runner(Importer *importer, size_t index) {
        const char *name = text_of(importer->table, "name"), *executor = text_of(importer->table, "executor"), *why;
        ImportRunner *runner = importer->runner;
        const YamlNode *node = yaml_get(importer->table, "executor");
        int r;

        runner->name = name ? str_escape(name, strlen(name), SETTING_SHOWN_MAX) : str_printf("runner %zu", index + 1);
        executor = executor ? executor : "docker"; /* documents leave it out */
        runner->executor = str_escape(executor, strlen(executor), SETTING_SHOWN_MAX);
        r = runner->name && runner->executor ? config_init(&runner->config) : -ENOMEM;
        if (r < 0)
                return r;
        why = judge_executor(runner->executor);
        importer->setting = OF_RUNNER "executor";
        if (why) {
                runner->is_refused = true;
                return import_note(importer, IMPORT_REFUSED, node ? node : importer->table, NULL, why);
        }
        if (!str_equal(runner->executor, "docker"))
                r = import_note(importer, IMPORT_DIFFERS, node, NULL,
                                "jobs run on this machine; none are made for them");
        if (r == 0)
                r = walk(importer, import_runner_rows, "", OF_RUNNER, importer->table);
        return r == 0 ? add_defaults(importer) : r;
}

static int add_runner(const Source *source, DiagList *diags, const YamlNode *table, Import *import) {
        ImportRunner empty = { 0 };
        Importer importer = { .source = source, .diags = diags, .table = table };

        if (table->kind != YAML_MAPPING || import->n_runners == IMPORT_RUNNERS_MAX) {
                diag_add(diags, DIAG_ERROR, "type", table->mark,
                         table->kind != YAML_MAPPING ? "runners: expected tables, [[runners]]"
                                                     : "more than 100 runners");
                return 0;
        }
        if (ARRAY_APPEND(import->runners, import->n_runners, empty) < 0)
                return -ENOMEM;
        importer.runner = &import->runners[import->n_runners - 1];
        return read_runner(&importer, import->n_runners - 1);
}

/* A single [runners.docker] without its [[runners]] is how documents show a part of a file. */
static int read_runners(const Source *source, DiagList *diags, const YamlNode *runners, Import *import) {
        int r = 0;

        if (runners->kind != YAML_SEQUENCE)
                return add_runner(source, diags, runners, import);
        for (size_t i = 0; i < runners->n_items && r == 0; i++)
                r = add_runner(source, diags, runners->items[i], import);
        return r;
}

static int read_root(const Source *source, DiagList *diags, const YamlNode *root, Import *import) {
        ImportRunner global = { 0 };
        Importer importer = { .source = source, .diags = diags, .runner = &global, .table = root };
        int r = 0;

        for (size_t i = 0; i < root->n_pairs && r == 0; i++) {
                YamlNode part = { .kind = YAML_MAPPING, .pairs = &root->pairs[i], .n_pairs = 1 };

                if (str_equal(root->pairs[i].key->text, "runners"))
                        r = read_runners(source, diags, root->pairs[i].value, import);
                else
                        r = walk(&importer, import_global_rows, "", "", &part);
        }
        import->notes = global.notes;
        import->n_notes = global.n_notes;
        if (r == 0 && import->n_runners == 0)
                diag_add(diags, DIAG_ERROR, "value", (Mark) { 1, 1, 0 },
                         "there is no [[runners]] in it: this is no configuration of GitLab Runner");
        return r;
}

int import_read(const Source *source, DiagList *diags, Import *ret) {
        _cleanup_(yaml_document_freep) YamlDocument *document = NULL;
        _cleanup_(import_done) Import import = { 0 };
        int r;

        r = toml_parse(source, diags, &document);
        if (r == 0)
                r = read_root(source, diags, document->root, &import);
        if (r < 0)
                return r;
        if (diags->n_errors > 0)
                return -EBADMSG;
        *ret = import;
        import = (Import) { 0 };
        return 0;
}

const ImportRunner *import_find(const Import *import, const char *name) {
        for (size_t i = 0; i < import->n_runners; i++)
                if (str_equal(import->runners[i].name, name))
                        return &import->runners[i];
        return NULL;
}
