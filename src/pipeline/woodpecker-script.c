/* The script that runs a step's commands. Its bytes are Woodpecker's: users' own entrypoints decode and run it. */

#include "pipeline/woodpecker.h"

#include <ctype.h>
#include <string.h>

#include "base/strv.h"

#define SCRIPT_BYTES_MAX (16U * 1024 * 1024)

/* Source: pipeline/backend/common/script_posix.go. */
static const char setup[] =
        "\n"
        "if [ -n \"$CI_NETRC_MACHINE\" ]; then\n"
        "cat <<EOF > $HOME/.netrc\n"
        "machine $CI_NETRC_MACHINE\n"
        "login $CI_NETRC_USERNAME\n"
        "password $CI_NETRC_PASSWORD\n"
        "EOF\n"
        "chmod 0600 $HOME/.netrc\n"
        "fi\n"
        "unset CI_NETRC_USERNAME\n"
        "unset CI_NETRC_PASSWORD\n"
        "unset CI_SCRIPT\n";

static bool is_plain(const char *text) {
        for (const char *c = text; *c; c++)
                if (!isalnum((unsigned char) *c) && !strchr("_@%+=:,./-", *c))
                        return false;
        return *text;
}

/* As shellescape.Quote() does it. */
static void append_quoted(Str *out, const char *text) {
        if (is_plain(text)) {
                (void) str_append(out, text);
                return;
        }
        (void) str_append_char(out, '\'');
        for (size_t n; *text; text += n) {
                n = (size_t) (strchrnul(text, '\'') - text);
                (void) str_append_n(out, text, n);
                if (text[n]) {
                        (void) str_append(out, "'\"'\"'");
                        n++;
                }
        }
        (void) str_append_char(out, '\'');
}

char *woodpecker_script(char *const *commands, const char *directory) {
        _cleanup_str_ Str out = STR_INIT(SCRIPT_BYTES_MAX);

        (void) str_append(&out, setup);
        (void) str_appendf(&out, "mkdir -p \"%s\"\ncd \"%s\"\n", directory, directory);
        STRV_FOREACH(command, commands) {
                (void) str_append(&out, "\necho + ");
                append_quoted(&out, *command);
                (void) str_append_char(&out, '\n');
                (void) str_append(&out, *command);
                (void) str_append_char(&out, '\n');
        }
        return str_take(&out);
}
