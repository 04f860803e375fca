#include <string.h>

#include "base/utf8.h"
#include "cli/options.h"

#define HELP_INDENT 28 /* where the explanations stand */

void options_wrap(const char *text, size_t indent, size_t column, Str *out) {
        while (*text) {
                size_t n = strcspn(text, " \n"), columns = utf8_columns(text, n);

                if (column > indent && column + 1 + columns > OPTIONS_COLUMNS) {
                        (void) str_appendf(out, "\n%*s", (int) indent, "");
                        column = indent;
                } else if (column > indent) {
                        (void) str_append_char(out, ' ');
                        column++;
                }
                (void) str_append_n(out, text, n);
                column += columns;
                text += n;
                if (*text == '\n') {
                        (void) str_appendf(out, "\n%*s", (int) indent, "");
                        column = indent;
                }
                if (*text)
                        text++;
        }
        (void) str_append_char(out, '\n');
}

static void help_option(const Option *option, Str *out) {
        size_t start = out->n, column;

        if (option->letter)
                (void) str_appendf(out, "  -%c, --%s", option->letter, option->name);
        else
                (void) str_appendf(out, "      --%s", option->name);
        if (option->argument)
                (void) str_appendf(out, " %s", option->argument);
        if (option->choice)
                (void) str_appendf(out, "[=%s]", option->choice);
        column = out->n - start;
        if (column + 2 > HELP_INDENT) {
                (void) str_append_char(out, '\n');
                column = 0;
        }
        (void) str_appendf(out, "%*s", (int) (HELP_INDENT - column), "");
        options_wrap(option->help, HELP_INDENT, HELP_INDENT, out);
}

void options_help(const Option *options, Str *out) {
        for (const Option *option = options; option->name; option++) {
                if (option->group)
                        (void) str_appendf(out, "%s%s:\n", option == options ? "" : "\n", option->group);
                help_option(option, out);
        }
}
