#pragma once

/*
 * Options are rows. From them come the parser, the help of a verb and the "did you mean"; no name is written a second
 * time. "--name value", "--name=value", "-n value", "-nvalue", "-abc"; options and arguments in any order, "--" ends
 * the options.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/map.h"
#include "base/str.h"

#define OPTIONS_COLUMNS 80 /* of the help */

typedef struct Option Option;

/*
 * Puts the value of an option into its field; @text is NULL for a flag. Negative with an Error that says what was
 * expected.
 */
typedef int (*OptionSet)(const Option *option, const char *text, void *field, Error **reterr);

struct Option {
        const char *name; /* without the dashes */
        char letter;      /* 0: none */
        const char *argument; /* what it takes, in the help; NULL: it is a flag */
        const char *choice;   /* what a flag may have behind a '=': one of .names, the first without it; else NULL */
        OptionSet set;
        size_t offset; /* of its field */
        const char *help;
        const char *group; /* a heading in the help; NULL: the same as the row before */
        const char *const *names; /* of option_set_enum(), and what a shell completes; ended by NULL */
};

int option_set_flag(const Option *option, const char *text, void *field, Error **reterr);
int option_set_string(const Option *option, const char *text, void *field, Error **reterr); /* the last one counts */
int option_set_list(const Option *option, const char *text, void *field, Error **reterr);   /* repeatable */
int option_set_duration(const Option *option, const char *text, void *field, Error **reterr);
int option_set_enum(const Option *option, const char *text, void *field, Error **reterr);

/* The offset of a field; does not compile if the field is of another type than the setter writes. */
#define OPTION_OFFSET(T, field, type) \
        (offsetof(T, field) + 0 * sizeof(char[1 - 2 * !__builtin_types_compatible_p(typeof(((T *) 0)->field), type)]))
#define OPTION_FLAG(T, field) .set = option_set_flag, .offset = OPTION_OFFSET(T, field, bool)
#define OPTION_STRING(T, field) .set = option_set_string, .offset = OPTION_OFFSET(T, field, char *)
#define OPTION_LIST(T, field) .set = option_set_list, .offset = OPTION_OFFSET(T, field, char **)
#define OPTION_DURATION(T, field) .set = option_set_duration, .offset = OPTION_OFFSET(T, field, uint64_t)
#define OPTION_ENUM(T, field)                                                                                          \
        .set = option_set_enum,                                                                                        \
        .offset = offsetof(T, field) + 0 * sizeof(char[1 - 2 * (sizeof(((T *) 0)->field) != sizeof(int))])

typedef enum OptionsResult {
        OPTIONS_PARSED,
        OPTIONS_HELP, /* --help or -h */
} OptionsResult;

/**
 * options_parse() - reads the command line of a verb
 * @options:  rows, ended by one without a name
 * @args:     what follows the verb, ended by NULL
 * @values:   the struct that the rows fill in
 * @ret_args: what is no option, in its order; the list is the caller's
 *
 * Return: OPTIONS_PARSED, OPTIONS_HELP (then the rest was not read), -EINVAL with an Error to show, or -ENOMEM.
 */
int options_parse(const Option *options, char *const *args, void *values, char ***ret_args, Error **reterr);

/** options_parse_command() - the same, but what follows "--" is a command line of its own; NULL: there is none */
int options_parse_command(const Option *options, char *const *args, void *values, char ***ret_args, char ***ret_command,
                          Error **reterr);

/** options_help() - the rows for people, OPTIONS_COLUMNS wide */
void options_help(const Option *options, Str *out);

/**
 * options_wrap() - words, broken to lines of OPTIONS_COLUMNS; all lines but the first are indented; a newline in the
 * text stays
 */
void options_wrap(const char *text, size_t indent, size_t column, Str *out);
