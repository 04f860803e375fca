#include "cli/completion.h"

/*
 * Bash takes '--option=value' apart into three words. Paths and names of steps may hold blanks, so they come line by
 * line and are quoted where they are put in.
 */
static const char head[] =
        "# bash completion for podstep(1); made by 'podstep completion bash'\n"
        "\n"
        "_podstep_words() {\n"
        "        mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$2\")\n"
        "}\n"
        "\n"
        "_podstep_paths() {\n"
        "        compopt -o filenames 2>/dev/null\n"
        "        mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$2\")\n"
        "}\n"
        "\n"
        "_podstep_steps() {\n"
        "        local step\n"
        "        while IFS= read -r step; do\n"
        "                [[ $step != \"$1\"* ]] || COMPREPLY+=(\"$(printf %q \"$step\")\")\n"
        "        done < <(\"${COMP_WORDS[0]}\" completion steps 2>/dev/null)\n"
        "}\n"
        "\n"
        "_podstep() {\n"
        "        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
        "        COMPREPLY=()\n"
        "        if [[ $cur == = ]]; then\n"
        "                cur=\n"
        "        elif [[ $prev == = ]]; then\n"
        "                prev=${COMP_WORDS[COMP_CWORD-2]}\n"
        "        fi\n";

static void put_verbs(const Program *program, Str *out) {
        FOREACH_COMPLETION_VERB(verb, program)
                (void) str_appendf(out, "%s ", verb->name);
}

static void put_action(CompletionKind kind, const char *const *names, Str *out) {
        switch (kind) {
        case COMPLETION_WORDS:
                (void) str_append(out, "_podstep_words \"");
                for (; *names; names++)
                        (void) str_appendf(out, "%s%s", *names, names[1] ? " " : "");
                (void) str_append(out, "\" \"$cur\"");
                break;
        case COMPLETION_FILES:
                (void) str_append(out, "_podstep_paths -f \"$cur\"");
                break;
        case COMPLETION_DIRECTORIES:
                (void) str_append(out, "_podstep_paths -d \"$cur\"");
                break;
        case COMPLETION_STEPS:
                (void) str_append(out, "_podstep_steps \"$cur\"");
                break;
        case COMPLETION_NONE:
                (void) str_append(out, ":");
        }
}

static void put_option_value(const Option *option, Str *out) {
        (void) str_appendf(out, "                --%s", option->name);
        if (option->letter)
                (void) str_appendf(out, " | -%c", option->letter);
        (void) str_append(out, ") ");
        put_action(completion_of_option(option), option->names, out);
        (void) str_append(out, " ;;\n");
}

static void put_verb(const Verb *verb, Str *out) {
        const char *words[2] = { NULL };
        CompletionKind kind = completion_of_verb(verb, &words[0]);

        (void) str_appendf(out, "        %s)\n                case $prev in\n", verb->name);
        FOREACH_COMPLETION_OPTION(option, verb)
                if (option->argument)
                        put_option_value(option, out);
        (void) str_append(out, "                *)\n                        if [[ $cur == -* ]]; then\n"
                               "                                _podstep_words \"");
        FOREACH_COMPLETION_OPTION(option, verb)
                (void) str_appendf(out, "--%s ", option->name);
        (void) str_append(out, "--help\" \"$cur\"\n                        else\n                                ");
        put_action(kind, words, out);
        (void) str_append(
                out,
                "\n                        fi\n                        ;;\n                esac\n                ;;\n");
}

void completion_bash(const Program *program, Str *out) {
        (void) str_append(out, head);
        (void) str_append(out, "        if [[ $COMP_CWORD -eq 1 ]]; then\n                _podstep_words \"");
        put_verbs(program, out);
        (void) str_append(out, "help --help --version\" \"$cur\"\n                return\n        fi\n        case "
                               "${COMP_WORDS[1]} in\n"
                               "        help) _podstep_words \"");
        put_verbs(program, out);
        (void) str_append(out, "\" \"$cur\" ;;\n");
        FOREACH_COMPLETION_VERB(verb, program)
                put_verb(verb, out);
        (void) str_append(out, "        esac\n}\n\ncomplete -F _podstep podstep\n");
}
