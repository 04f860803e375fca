#pragma once

/*
 * A GitLab Runner's config.toml as a configuration of ours, with a report of what became of each of its settings.
 *
 * Source: GitLab Runner's "Advanced configuration" and "Docker executor" pages.
 */

#include "config/config.h"
#include "document/json.h"

#define IMPORT_RUNNERS_MAX 100

typedef enum ImportKind {
        IMPORT_MAPPED,  /* means the same here */
        IMPORT_DIFFERS, /* was taken over, but means something else in part */
        IMPORT_REFUSED, /* cannot be had here: the note says why, and what to do */
        IMPORT_IGNORED, /* has no meaning here, and needs none */
        _IMPORT_KIND_MAX,
} ImportKind;
const char *import_kind_to_string(ImportKind kind); /* "mapped", "differs", "refused", "ignored" */

typedef struct ImportNote {
        ImportKind kind;
        char *setting;  /* as in the file: "runners.docker.memory" */
        unsigned line;
        char *keys;     /* ours: "steps.memory"; NULL: none */
        char *text;     /* NULL: nothing to add */
} ImportNote;

/* One [[runners]] of the file. */
typedef struct ImportRunner {
        char *name;      /* as it is shown: without it "runner 2" */
        char *executor;
        bool is_refused; /* podstep cannot do the work of this executor: the notes say why, the config is empty */
        Config config;
        ImportNote *notes;
        size_t n_notes;
} ImportRunner;

typedef struct Import {
        ImportRunner *runners;
        size_t n_runners;
        ImportNote *notes; /* on what stands outside of them */
        size_t n_notes;
} Import;

/**
 * import_read() - reads a config.toml
 * @diags: what is wrong in it: syntax, values of the wrong kind
 *
 * Return: 0; -EBADMSG with errors in @diags; -ENOMEM.
 */
int import_read(const Source *source, DiagList *diags, Import *ret);
void import_done(Import *import);

/** import_find() - a runner by its name; NULL if there is none */
const ImportRunner *import_find(const Import *import, const char *name);
/** import_write() - the YAML of one runner, or (NULL) of all, each a document of its own. 0 or -ENOMEM */
int import_write(const Import *import, const ImportRunner *only, Str *out);
/** import_report() - what became of each setting, for people; import_report_json() for programs, with the YAML */
int import_report(const Import *import, const ImportRunner *only, const char *file, Str *out);
int import_report_json(const Import *import, const ImportRunner *only, Str *out);
