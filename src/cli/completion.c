#include "cli/completion.h"

#include <string.h>

/* What an argument is called in the help says what it is. */
static const struct {
        const char *argument;
        CompletionKind kind;
} kind_rows[] = {
        { "FILE", COMPLETION_FILES },
        { "DIR", COMPLETION_DIRECTORIES },
        { "STEP", COMPLETION_STEPS },
};

CompletionKind completion_of_option(const Option *option) {
        if (option->names)
                return COMPLETION_WORDS;
        FOREACH_ROW(row, kind_rows)
                if (str_equal(option->argument, row->argument))
                        return row->kind;
        return COMPLETION_NONE;
}

CompletionKind completion_of_verb(const Verb *verb, const char **ret_words) {
        if (verb->words) {
                *ret_words = verb->words;
                return COMPLETION_WORDS;
        }
        return verb->arguments && strstr(verb->arguments, "FILE") ? COMPLETION_FILES : COMPLETION_NONE;
}

size_t completion_brief(const char *help) {
        const char *p = help;

        for (; *p && *p != '\n'; p++)
                if (*p == '.' && (p[1] == ' ' || !p[1]))
                        break;
        return (size_t) (p - help);
}
