#pragma once

/*
 * Between the files that import a config.toml: import (the walk), import-rows (what becomes of what), import-convert.
 */

#include "config/import.h"
#include "config/key.h"

typedef struct Importer Importer;
typedef struct ImportRow ImportRow;

#define IMPORT_TARGETS_MAX 2

struct ImportRow {
        const char *path; /* below [[runners]]; of a table: all that stands in it */
        const char *targets[IMPORT_TARGETS_MAX]; /* our keys that take the value as it is */
        /* Does it in place of that: 0, -ENOMEM. It notes what became of it. */
        int (*convert)(Importer *importer, const ImportRow *row, const YamlNode *node);
        ImportKind kind;  /* where nothing is converted */
        const char *text; /* of the note */
        bool zero_counts; /* 0, false and "" are not the same as nothing */
};

/* A feature flag; one that comes to two keys has two rows. */
typedef struct ImportFlag {
        const char *name;
        const char *key, *value; /* what it comes to if it is on; NULL: nothing */
        const char *text;
} ImportFlag;

struct Importer {
        const Source *source;
        DiagList *diags;
        ImportRunner *runner;
        const YamlNode *table; /* the runner's */
        const char *setting;   /* what is looked at: "runners.docker.memory" */
};

extern const ImportRow import_runner_rows[]; /* ended by one without a path */
extern const ImportRow import_global_rows[];
extern const ImportFlag import_flag_rows[];

/** import_put() - a value for one of our keys; a fault goes to the diags. 0, -ENOMEM */
int import_put(Importer *importer, const char *key, const YamlNode *node);
int import_put_text(Importer *importer, const char *key, const char *text, Mark mark);
/** import_note() - @keys and @text are copied and may be NULL. 0, -ENOMEM */
int import_note(Importer *importer, ImportKind kind, const YamlNode *node, const char *keys, const char *text);
/** import_is_set() - whether the runner's table has a setting: "docker.services_privileged" */
bool import_is_set(const Importer *importer, const char *path);

int import_name(Importer *importer, const ImportRow *row, const YamlNode *node);
int import_privileged(Importer *importer, const ImportRow *row, const YamlNode *node);
int import_ulimit(Importer *importer, const ImportRow *row, const YamlNode *node);
int import_network_mode(Importer *importer, const ImportRow *row, const YamlNode *node);
int import_environment(Importer *importer, const ImportRow *row, const YamlNode *node);
int import_flags(Importer *importer, const ImportRow *row, const YamlNode *node);
int import_seconds(Importer *importer, const ImportRow *row, const YamlNode *node);
int import_kilobytes(Importer *importer, const ImportRow *row, const YamlNode *node);
int import_services(Importer *importer, const ImportRow *row, const YamlNode *node);
int import_services_limit(Importer *importer, const ImportRow *row, const YamlNode *node);
int import_isolation(Importer *importer, const ImportRow *row, const YamlNode *node);
int import_shell(Importer *importer, const ImportRow *row, const YamlNode *node);
int import_image(Importer *importer, const ImportRow *row, const YamlNode *node);
int import_volumes(Importer *importer, const ImportRow *row, const YamlNode *node);
