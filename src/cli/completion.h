#pragma once

/*
 * What a shell can complete behind 'podstep': scripts, made from the rows of verbs and options, so that they know what
 * the program knows. Names of steps they ask podstep itself for ('podstep completion steps').
 */

#include "cli/verb.h"

#define COMPLETION_BYTES_MAX (1024U * 1024)

void completion_bash(const Program *program, Str *out);
void completion_zsh(const Program *program, Str *out);
void completion_fish(const Program *program, Str *out);

/* For the three: */

typedef enum CompletionKind {
        COMPLETION_NONE, /* nobody can guess it */
        COMPLETION_WORDS, /* of a list */
        COMPLETION_FILES,
        COMPLETION_DIRECTORIES,
        COMPLETION_STEPS,
} CompletionKind;

/** completion_of_option() - what its value may be */
CompletionKind completion_of_option(const Option *option);
/** completion_of_verb() - what its arguments may be; *ret_words of COMPLETION_WORDS, as text with blanks between */
CompletionKind completion_of_verb(const Verb *verb, const char **ret_words);
/** completion_brief() - how many bytes of a help text are its first sentence, without its full stop */
size_t completion_brief(const char *help);

#define FOREACH_COMPLETION_VERB(verb, program) for (const Verb *verb = (program)->verbs; verb->name; verb++)
#define FOREACH_COMPLETION_OPTION(option, verb)                                                                        \
        for (const Option *option = (verb)->options; option && option->name; option++)
