#include <string.h>

#include "cli/completion.h"

static void put_text(const char *text, size_t n, Str *out) {
        (void) str_append_char(out, '\'');
        for (size_t i = 0; i < n; i++) {
                if (text[i] == '\'' || text[i] == '\\')
                        (void) str_append_char(out, '\\');
                (void) str_append_char(out, text[i]);
        }
        (void) str_append_char(out, '\'');
}

static void put_action(CompletionKind kind, const char *const *names, Str *out) {
        switch (kind) {
        case COMPLETION_WORDS:
                (void) str_append(out, " -f -a '");
                for (; *names; names++)
                        (void) str_appendf(out, "%s%s", *names, names[1] ? " " : "");
                (void) str_append(out, "'");
                break;
        case COMPLETION_FILES:
                (void) str_append(out, " -F");
                break;
        case COMPLETION_DIRECTORIES:
                (void) str_append(out, " -f -a '(__fish_complete_directories)'");
                break;
        case COMPLETION_STEPS:
                (void) str_append(out, " -f -a '(podstep completion steps 2>/dev/null)'");
                break;
        case COMPLETION_NONE:
                (void) str_append(out, " -f");
        }
}

static void put_option(const Verb *verb, const Option *option, Str *out) {
        (void) str_appendf(out, "complete -c podstep -n '__fish_seen_subcommand_from %s' -l %s", verb->name,
                           option->name);
        if (option->letter)
                (void) str_appendf(out, " -s %c", option->letter);
        if (option->argument) {
                (void) str_append(out, " -r");
                put_action(completion_of_option(option), option->names, out);
        }
        (void) str_append(out, " -d ");
        put_text(option->help, completion_brief(option->help), out);
        (void) str_append_char(out, '\n');
}

void completion_fish(const Program *program, Str *out) {
        (void) str_append(
                out, "# fish completion for podstep(1); made by 'podstep completion fish'\n\ncomplete -c podstep -f\n");
        FOREACH_COMPLETION_VERB(verb, program) {
                const char *words[2] = { NULL };
                CompletionKind kind = completion_of_verb(verb, &words[0]);

                (void) str_appendf(out, "\ncomplete -c podstep -n __fish_use_subcommand -a %s -d ", verb->name);
                put_text(verb->summary, strlen(verb->summary), out);
                (void) str_append_char(out, '\n');
                if (kind != COMPLETION_NONE) {
                        (void) str_appendf(out, "complete -c podstep -n '__fish_seen_subcommand_from %s'", verb->name);
                        put_action(kind, words, out);
                        (void) str_append_char(out, '\n');
                }
                FOREACH_COMPLETION_OPTION(option, verb)
                        put_option(verb, option, out);
        }
}
