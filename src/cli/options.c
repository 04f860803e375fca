#include "cli/options.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/strv.h"
#include "document/diag.h"

#define OPTIONS_MAX 100
#define OPTION_VALUE_SHOWN_MAX 80

#define FOREACH_OPTION(option, options) for (const Option *option = (options); option->name; option++)

typedef struct Parser {
        const Option *options;
        char *const *next;
        void *values;
        char **args;
        Error **reterr;
} Parser;

int option_set_flag(const Option *option, const char *text, void *field, Error **reterr) {
        *(bool *) field = true;
        return 0;
}

int option_set_string(const Option *option, const char *text, void *field, Error **reterr) {
        char *copy;

        if (!*text)
                return error_set(reterr, EINVAL, "'--%s' needs a value, not an empty text", option->name);
        copy = strdup(text);
        if (!copy)
                return error_oom(reterr);
        free(*(char **) field);
        *(char **) field = copy;
        return 0;
}

int option_set_list(const Option *option, const char *text, void *field, Error **reterr) {
        if (!*text)
                return error_set(reterr, EINVAL, "'--%s' needs a value, not an empty text", option->name);
        return strv_append(field, text) < 0 ? error_oom(reterr) : 0;
}

static int refuse(const Option *option, const char *text, Error **reterr, const char *expected) {
        _cleanup_free_ char *shown = str_escape(text, strlen(text), OPTION_VALUE_SHOWN_MAX);

        return error_set(reterr, EINVAL, "'%s' is no value for '--%s': expected %s", shown ? shown : "", option->name,
                         expected);
}

int option_set_duration(const Option *option, const char *text, void *field, Error **reterr) {
        uint64_t usec;

        if (parse_duration(text, &usec) < 0 || usec == 0)
                return refuse(option, text, reterr, "a duration such as 90s, 10min or 1h30m");
        *(uint64_t *) field = usec;
        return 0;
}

int option_set_enum(const Option *option, const char *text, void *field, Error **reterr) {
        _cleanup_free_ char *expected = NULL;
        int value = 0;

        STRV_FOREACH(name, (char *const *) option->names) {
                if (str_equal(*name, text)) {
                        *(int *) field = value;
                        return 0;
                }
                value++;
        }
        expected = strv_join((char *const *) option->names, ", ");
        return refuse(option, text, reterr, expected ? expected : option->argument);
}

static const Option *find_option(const Option *options, const char *name, size_t n) {
        FOREACH_OPTION(option, options)
                if (strlen(option->name) == n && memcmp(option->name, name, n) == 0)
                        return option;
        return NULL;
}

static const Option *find_letter(const Option *options, char letter) {
        FOREACH_OPTION(option, options)
                if (letter && option->letter == letter)
                        return option;
        return NULL;
}

static int refuse_unknown(const Parser *parser, const char *name, size_t n) {
        _cleanup_free_ char *shown = str_escape(name, n, OPTION_VALUE_SHOWN_MAX), *word = strndup(name, n);
        const char *names[OPTIONS_MAX] = { "help" }, *near;
        size_t n_names = 1;

        if (!shown || !word)
                return error_oom(parser->reterr);
        FOREACH_OPTION(option, parser->options)
                if (n_names < OPTIONS_MAX)
                        names[n_names++] = option->name;
        near = diag_suggest(word, names, n_names);
        if (near)
                return error_set(parser->reterr, EINVAL, "unknown option '--%s'; did you mean '--%s'?", shown, near);
        return error_set(parser->reterr, EINVAL, "unknown option '--%s'", shown);
}

static int set_value(const Parser *parser, const Option *option, const char *text) {
        return option->set(option, text, (char *) parser->values + option->offset, parser->reterr);
}

/* Where the value does not stand in the same word it is the next one. */
static int set_next(Parser *parser, const Option *option) {
        if (!*parser->next)
                return error_set(parser->reterr, EINVAL, "'--%s' needs a value: %s", option->name, option->argument);
        return set_value(parser, option, *parser->next++);
}

static int parse_long(Parser *parser, const char *word) {
        const char *equals = strchrnul(word, '=');
        size_t n = (size_t) (equals - word);
        const Option *option = find_option(parser->options, word, n);

        if (!option)
                return n == 4 && memcmp(word, "help", n) == 0 ? OPTIONS_HELP : refuse_unknown(parser, word, n);
        if (option->argument)
                return *equals ? set_value(parser, option, equals + 1) : set_next(parser, option);
        if (option->choice)
                return set_value(parser, option, *equals ? equals + 1 : option->names[0]);
        if (*equals)
                return error_set(parser->reterr, EINVAL, "'--%s' takes no value", option->name);
        return set_value(parser, option, NULL);
}

static int parse_letters(Parser *parser, const char *letters) {
        int r = 0;

        for (; r == 0 && *letters; letters++) {
                const Option *option = find_letter(parser->options, *letters);

                if (!option && *letters == 'h')
                        return OPTIONS_HELP;
                if (!option) {
                        _cleanup_free_ char *shown = str_escape(letters, 1, OPTION_VALUE_SHOWN_MAX);

                        return error_set(parser->reterr, EINVAL, "unknown option '-%s'", shown ? shown : "");
                }
                if (option->argument)
                        return letters[1] ? set_value(parser, option, letters + 1 + (letters[1] == '='))
                                          : set_next(parser, option);
                r = set_value(parser, option, NULL);
        }
        return r;
}

static int parse_word(Parser *parser, const char *word) {
        if (str_starts_with(word, "--"))
                return parse_long(parser, word + 2);
        if (word[0] == '-' && word[1])
                return parse_letters(parser, word + 1);
        return strv_append(&parser->args, word) < 0 ? error_oom(parser->reterr) : 0;
}

static int parse_all(Parser *parser, char ***rest) {
        int r = OPTIONS_PARSED;

        while (r == OPTIONS_PARSED && *parser->next) {
                const char *word = *parser->next++;

                if (!str_equal(word, "--")) {
                        r = parse_word(parser, word);
                        continue;
                }
                for (; r == OPTIONS_PARSED && *parser->next; parser->next++)
                        r = strv_append(rest, *parser->next) < 0 ? error_oom(parser->reterr) : 0;
        }
        return r;
}

int options_parse(const Option *options, char *const *args, void *values, char ***ret_args, Error **reterr) {
        Parser parser = { .options = options, .next = args, .values = values, .reterr = reterr };
        int r = parse_all(&parser, &parser.args);

        if (r == OPTIONS_PARSED)
                *ret_args = TAKE_PTR(parser.args);
        strv_free(parser.args);
        return r;
}

int options_parse_command(const Option *options, char *const *args, void *values, char ***ret_args, char ***ret_command,
                          Error **reterr) {
        Parser parser = { .options = options, .next = args, .values = values, .reterr = reterr };
        _cleanup_strv_ char **command = NULL;
        int r = parse_all(&parser, &command);

        if (r == OPTIONS_PARSED) {
                *ret_args = TAKE_PTR(parser.args);
                *ret_command = TAKE_PTR(command);
        }
        strv_free(parser.args);
        return r;
}
