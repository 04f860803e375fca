#pragma once

/*
 * lint.c reads the file and calls the others: lint-step.c for each entry of 'steps', 'services' and 'clone',
 * lint-workflow.c for the whole, lint-event.c for all about events, lint-variable.c for the text before it is parsed.
 */

#include "document/yaml.h"
#include "pipeline/lint.h"
#include "pipeline/woodpecker-matrix.h"

#define LINT_NAME_BYTES_MAX 128

typedef enum LintSection {
        LINT_CLONE,
        LINT_SERVICES,
        LINT_STEPS,
        _LINT_SECTION_MAX,
} LintSection;

/* A place in the file that was looked at. */
typedef struct LintCursor {
        uint32_t line, column; /* 0: none yet */
        size_t offset;         /* in the line */
} LintCursor;

typedef struct Lint {
        const LintOptions *options;
        const Source *source;
        const YamlNode *root; /* a map */
        DiagList *diags;
        Map seen;              /* "rule line column" of each finding: what is merged into many places is told once */
        Map plain_images;      /* no plugins that were privileged once */
        Map service_values;    /* plain values of the environment of services; borrowed */
        bool has_event_filter; /* the workflow's own 'when' says for which events it is ... */
        unsigned events;       /* ... and these are they, as bits */
        Map step_events;       /* the same of each step, by name: one more than the bits */
        LintCursor cursor;
        int error; /* -ENOMEM sticks */
} Lint;

/* An entry of a section. */
typedef struct LintContainer {
        LintSection section;
        const YamlNode *node; /* a map */
        Mark mark;
        char *name;       /* as it may be shown */
        const char *noun; /* "step" */
} LintContainer;

/** lint_add() - notes a finding, unless this rule has one there; NULL as of diag_add() */
Diag *lint_add(Lint *lint, DiagSeverity severity, const char *rule, Mark mark, const char *format, ...) _printf_(5, 6);

/** lint_is_variable() - whether a value depends on '${}' */
bool lint_is_variable(Lint *lint, const YamlNode *node);

/** lint_get() - a key's value if it is there and not empty; else NULL */
const YamlNode *lint_get(const YamlNode *mapping, const char *key);

/** lint_is_true() - whether a value is there and means true */
bool lint_is_true(const YamlNode *node);

void lint_workflow(Lint *lint);
void lint_note_service(Lint *lint, const LintContainer *container);
void lint_container(Lint *lint, const LintContainer *container);

/** lint_event_workflow() - reads the workflow's own 'when'; lint_event_note() - that of a step, of all before any is
 * checked */
void lint_event_workflow(Lint *lint);
void lint_event_note(Lint *lint, const LintContainer *container);
void lint_event_check(Lint *lint, const LintContainer *container);

/* A '$' of the text and the name behind it. */
typedef struct LintVariable {
        size_t offset, n; /* of the whole: "${NAME", "$NAME" */
        char *name;
        bool is_braced;   /* "${": podstep and Woodpecker put a value there */
        bool has_default; /* or stands in the default of another one */
        bool is_comment;
} LintVariable;

typedef struct LintVariables {
        LintVariable *variables;
        size_t n_variables;
        Map values;  /* for woodpecker_parse(): those of the options, and something for each other name */
        Map unknown; /* the names for which that is a mere placeholder */
} LintVariables;

/** lint_variables_find() - all of a text: 0 or -ENOMEM */
int lint_variables_find(const Source *source, const LintOptions *options, LintVariables *ret);
/** lint_variables_know() - the axes of a matrix are known */
void lint_variables_know(LintVariables *variables, const Matrix *matrix);
/** lint_variables_report() - deprecated ones, unknown ones, those that are not known in time */
void lint_variables_report(Lint *lint, const LintVariables *variables);
/** lint_variables_decide() - whether some text depends on a variable of which nothing is known */
bool lint_variables_decide(const LintVariables *variables, const char *text, size_t n);
void lint_variables_done(LintVariables *variables);
