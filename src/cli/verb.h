#pragma once

/* The words that may follow 'podstep': rows, with their options, their help and what they run. */

#include "cli/options.h"

typedef struct Verb Verb;

struct Verb {
        const char *name;
        const char *arguments; /* "[FILE...]"; NULL: none */
        const char *words;     /* what an argument may be, with blanks between; NULL: anything */
        const char *also;      /* what other tools call it, with blanks around each; only a hint comes of it */
        const char *summary;   /* one line, for the list of verbs */
        const char *description; /* some sentences, for its own help */
        const Option *options;

        bool has_command;      /* what follows "--" is one, */
        size_t command_offset; /* and goes into this field of the values */

        size_t values_size; /* of the struct that the options fill in */
        void (*values_init)(void *values);
        void (*values_done)(void *values);
        /* @args: what is no option. Returns the exit code of podstep. */
        int (*run)(const Verb *verb, char *const *args, void *values);
};

typedef struct Program {
        const char *name, *version, *summary;
        const Verb *verbs; /* ended by one without a name */
} Program;

/**
 * verb_main() - finds the verb, reads its options, runs it
 *
 * Also: no verb, 'help [VERB]', '--help', '--version', 'VERB --help'. What is wrong with the command line goes to
 * standard error.
 *
 * Return: the exit code; EXIT_USAGE for a wrong command line.
 */
int verb_main(const Program *program, char *const *argv);

void verb_help(const Program *program, const Verb *verb, Str *out);
void verb_help_all(const Program *program, Str *out);
