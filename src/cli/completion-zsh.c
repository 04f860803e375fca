#include <string.h>

#include "cli/completion.h"

/* A text inside '...' of the shell, where _arguments and _describe take brackets and colons for their own. */
static void put_text(const char *text, size_t n, Str *out) {
        for (size_t i = 0; i < n; i++)
                if (text[i] == '\'')
                        (void) str_append(out, "'\\''");
                else {
                        if (strchr("[]:\\", text[i]))
                                (void) str_append_char(out, '\\');
                        (void) str_append_char(out, text[i]);
                }
}

static void put_action(CompletionKind kind, const char *const *names, Str *out) {
        switch (kind) {
        case COMPLETION_WORDS:
                (void) str_append(out, "(");
                for (; *names; names++)
                        (void) str_appendf(out, "%s%s", *names, names[1] ? " " : "");
                (void) str_append(out, ")");
                break;
        case COMPLETION_FILES:
                (void) str_append(out, "_files");
                break;
        case COMPLETION_DIRECTORIES:
                (void) str_append(out, "_files -/");
                break;
        case COMPLETION_STEPS:
                (void) str_append(out, "_podstep_steps");
                break;
        case COMPLETION_NONE:
                (void) str_append(out, " ");
        }
}

/* One spec for each spelling: '--name=' takes its value in the same word and in the next. */
static void put_spelling(const Option *option, const char *spelling, Str *out) {
        bool is_repeatable = strstr(option->help, "repeated") != NULL;

        (void) str_appendf(out, " \\\n                        '%s%s[", is_repeatable ? "*" : "", spelling);
        put_text(option->help, completion_brief(option->help), out);
        (void) str_append_char(out, ']');
        if (option->argument) {
                (void) str_append_char(out, ':');
                put_text(option->argument, strlen(option->argument), out);
                (void) str_append_char(out, ':');
                put_action(completion_of_option(option), option->names, out);
        }
        (void) str_append_char(out, '\'');
}

static void put_option(const Option *option, Str *out) {
        char spelling[4] = { '-', option->letter, option->argument ? '+' : '\0', '\0' };
        _cleanup_free_ char *name = str_printf("--%s%s", option->name, option->argument ? "=" : "");

        if (option->letter)
                put_spelling(option, spelling, out);
        if (name)
                put_spelling(option, name, out);
}

static void put_verb(const Verb *verb, Str *out) {
        const char *words[2] = { NULL };
        CompletionKind kind = completion_of_verb(verb, &words[0]);

        (void) str_appendf(out, "        %s)\n                _arguments -s", verb->name);
        FOREACH_COMPLETION_OPTION(option, verb)
                put_option(option, out);
        (void) str_append(out, " \\\n                        '--help[tells what it does]'");
        if (kind != COMPLETION_NONE) {
                (void) str_append(out, " \\\n                        '*: :");
                put_action(kind, words, out);
                (void) str_append_char(out, '\'');
        }
        (void) str_append(out, "\n                ;;\n");
}

void completion_zsh(const Program *program, Str *out) {
        (void) str_append(out, "#compdef podstep\n"
                               "# zsh completion for podstep(1); made by 'podstep completion zsh'\n"
                               "\n"
                               "_podstep_steps() {\n"
                               "        local -a steps\n"
                               "        steps=(${(f)\"$(_call_program steps podstep completion steps 2>/dev/null)\"})\n"
                               "        compadd -a steps\n"
                               "}\n"
                               "\n"
                               "_podstep() {\n"
                               "        local -a verbs\n"
                               "        verbs=(\n");
        FOREACH_COMPLETION_VERB(verb, program) {
                (void) str_appendf(out, "                '%s:", verb->name);
                put_text(verb->summary, strlen(verb->summary), out);
                (void) str_append(out, "'\n");
        }
        (void) str_append(out, "        )\n"
                               "        if (( CURRENT == 2 )); then\n"
                               "                _describe verb verbs\n"
                               "                return\n"
                               "        fi\n"
                               "        shift words\n"
                               "        (( CURRENT-- ))\n"
                               "        case $words[1] in\n"
                               "        help) _describe verb verbs ;;\n");
        FOREACH_COMPLETION_VERB(verb, program)
                put_verb(verb, out);
        (void) str_append(out, "        esac\n}\n\n_podstep \"$@\"\n");
}
