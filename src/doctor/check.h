#pragma once

/*
 * The checks of 'podstep doctor': rows, each a judgement of the facts. They look at nothing themselves, so what they
 * say of a machine can be tested on any.
 */

#include <errno.h>

#include "doctor/facts.h"

typedef enum Level {
        LEVEL_OK,
        LEVEL_NOTE,    /* worth to know; jobs run */
        LEVEL_WARNING, /* jobs run, but some will fail, or be slow, or are not safe */
        LEVEL_FAULT,   /* no job will run */
        _LEVEL_MAX,
        _LEVEL_INVALID = -EINVAL,
} Level;
const char *level_to_string(Level level);

/* A command that mends it. */
typedef struct Remedy {
        bool as_root;
        char *command;
} Remedy;

typedef struct Check Check;

typedef struct Finding {
        const Check *check;
        Level level;
        char *what; /* what was found */
        const char *why; /* why that matters for jobs; NULL: nothing is amiss */
        char *advice; /* the way out, in words; NULL: the remedies say it all */
        Remedy *remedies;
        size_t n_remedies;
} Finding;

typedef struct Findings {
        Finding *findings;
        size_t n_findings;
        int error; /* -ENOMEM, once that happened */
} Findings;

struct Check {
        const char *id;   /* "subuid": for people and programs */
        const char *why;  /* why it matters for jobs */
        void (*run)(const Check *check, const Facts *facts, Findings *findings);
        bool of_podman;   /* nothing that jobs need where Docker answers */
};

extern const Check checks[];
extern const size_t n_checks;

/** checks_run() - all of them, in their order. 0 or -ENOMEM; @ret is to be ended in both cases. */
int checks_run(const Facts *facts, Findings *ret);
Level findings_worst(const Findings *findings);
void findings_done(Findings *findings);

/* For the checks: */

/** finding_add() - NULL if memory is out, which the list remembers; all that takes a Finding takes NULL as well */
Finding *finding_add(Findings *findings, const Check *check, Level level, const char *format, ...) _printf_(4, 5);
/** finding_mend() - a command, for the user or for root */
void finding_mend(Finding *finding, Findings *findings, bool as_root, const char *format, ...) _printf_(4, 5);
/** finding_advise() - the way out where it is no command */
void finding_advise(Finding *finding, Findings *findings, const char *format, ...) _printf_(3, 4);
