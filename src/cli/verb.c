#include "cli/verb.h"

#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "cli/output.h"
#include "document/diag.h"
#include "job/event.h"

#define VERBS_MAX 50
#define HELP_BYTES_MAX (64U * 1024)
#define VERB_INDENT 14 /* where the summaries stand */

#define FOREACH_VERB(verb, verbs) for (const Verb *verb = (verbs); verb->name; verb++)

void verb_help(const Program *program, const Verb *verb, Str *out) {
        (void) str_appendf(out, "Usage: %s %s [OPTION...]%s%s\n\n", program->name, verb->name,
                           verb->arguments ? " " : "", verb->arguments ? verb->arguments : "");
        options_wrap(verb->description, 0, 0, out);
        (void) str_append_char(out, '\n');
        options_help(verb->options, out);
}

void verb_help_all(const Program *program, Str *out) {
        (void) str_appendf(out, "Usage: %s VERB [OPTION...] [ARGUMENT...]\n\n", program->name);
        options_wrap(program->summary, 0, 0, out);
        (void) str_append(out, "\nVerbs:\n");
        FOREACH_VERB(verb, program->verbs) {
                (void) str_appendf(out, "  %-*s", VERB_INDENT - 2, verb->name);
                options_wrap(verb->summary, VERB_INDENT, VERB_INDENT, out);
        }
        (void) str_appendf(out, "\n'%s VERB --help' tells more of one; '%s --version' tells the version.\n",
                           program->name, program->name);
}

static const Verb *find_verb(const Program *program, const char *name) {
        FOREACH_VERB(verb, program->verbs)
                if (str_equal(verb->name, name))
                        return verb;
        return NULL;
}

static int show(const Program *program, FILE *out, const Str *text, int exit_code) {
        int r;

        fputs(str_get(text), out);
        r = output_stdout();
        if (r < 0)
                fprintf(stderr, "%s: cannot write: %s\n", program->name, strerror(-r));
        return r < 0 ? EXIT_ENGINE : exit_code;
}

/* The verb that is meant by what other tools have, or by a slip of the fingers; NULL: who knows */
static const char *find_near(const Program *program, const char *word) {
        _cleanup_free_ char *between = str_printf(" %s ", word);
        const char *names[VERBS_MAX];
        size_t n_names = 0;

        FOREACH_VERB(verb, program->verbs) {
                if (between && verb->also && !strchr(word, ' ') && strstr(verb->also, between))
                        return verb->name;
                if (n_names < VERBS_MAX)
                        names[n_names++] = verb->name;
        }
        return diag_suggest(word, names, n_names);
}

static int refuse_verb(const Program *program, const char *word) {
        _cleanup_free_ char *shown = str_escape(word, strlen(word), 80);
        const char *near = find_near(program, word);

        fprintf(stderr, "%s: unknown verb '%s'\n", program->name, shown ? shown : "");
        if (near)
                fprintf(stderr, "   hint: did you mean '%s %s'?\n", program->name, near);
        else
                fprintf(stderr, "   hint: '%s --help' lists the verbs\n", program->name);
        return EXIT_USAGE;
}

static int help(const Program *program, const char *name) {
        _cleanup_str_ Str text = STR_INIT(HELP_BYTES_MAX);
        const Verb *verb = name ? find_verb(program, name) : NULL;

        if (name && !verb)
                return refuse_verb(program, name);
        if (verb)
                verb_help(program, verb, &text);
        else
                verb_help_all(program, &text);
        return show(program, stdout, &text, EXIT_SUCCESS);
}

/* A struct of options that cleans up after itself. */
typedef struct Values {
        const Verb *verb;
        void *values;
} Values;

static void values_done(Values *values) {
        if (values->values && values->verb->values_done)
                values->verb->values_done(values->values);
        free(values->values);
}

static int run(const Program *program, const Verb *verb, char *const *words) {
        _cleanup_(values_done) Values values = { verb, calloc(1, MAX(verb->values_size, (size_t) 1)) };
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_strv_ char **args = NULL;
        int r;

        if (!values.values) {
                fprintf(stderr, "%s: out of memory\n", program->name);
                return EXIT_ENGINE;
        }
        if (verb->values_init)
                verb->values_init(values.values);
        if (verb->has_command)
                r = options_parse_command(verb->options, words, values.values, &args,
                                          (char ***) ((char *) values.values + verb->command_offset), &error);
        else
                r = options_parse(verb->options, words, values.values, &args, &error);
        if (r == OPTIONS_HELP)
                return help(program, verb->name);
        if (r < 0) {
                fprintf(stderr, "%s %s: %s\n   hint: '%s %s --help' lists the options\n", program->name, verb->name,
                        error_message(error, r), program->name, verb->name);
                return EXIT_USAGE;
        }
        if (!verb->arguments && args) {
                fprintf(stderr, "%s %s: takes no arguments, but there is '%s'\n", program->name, verb->name, args[0]);
                return EXIT_USAGE;
        }
        return verb->run(verb, args, values.values);
}

int verb_main(const Program *program, char *const *argv) {
        const char *word = argv[0] ? argv[1] : NULL;
        const Verb *verb;

        if (!word) {
                _cleanup_str_ Str text = STR_INIT(HELP_BYTES_MAX);

                verb_help_all(program, &text);
                return show(program, stderr, &text, EXIT_USAGE);
        }
        if (str_equal(word, "--version") || str_equal(word, "-V")) {
                _cleanup_str_ Str text = STR_INIT(HELP_BYTES_MAX);

                (void) str_appendf(&text, "%s %s\n", program->name, program->version);
                return show(program, stdout, &text, EXIT_SUCCESS);
        }
        if (str_equal(word, "--help") || str_equal(word, "-h") || str_equal(word, "help"))
                return help(program, argv[2]);
        verb = find_verb(program, word);
        return verb ? run(program, verb, argv + 2) : refuse_verb(program, word);
}
