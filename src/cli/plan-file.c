#include "cli/plan-file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "document/source.h"

/* To the end of the object that begins here; where it does not end, to the end of the text. */
static size_t object_length(const char *text, size_t n) {
        bool is_string = false;
        size_t depth = 0;

        for (size_t i = 0; i < n; i++) {
                if (is_string) {
                        if (text[i] == '\\')
                                i++;
                        else
                                is_string = text[i] != '"';
                        continue;
                }
                is_string = text[i] == '"';
                depth += text[i] == '{' || text[i] == '[';
                if ((text[i] == '}' || text[i] == ']') && --depth == 0)
                        return i + 1;
        }
        return n;
}

static size_t count_blanks(const char *text, size_t n) {
        size_t i = 0;

        while (i < n && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r'))
                i++;
        return i;
}

int plan_text_put(const char *text, size_t n, JsonWriter *w, Error **reterr) {
        size_t at = count_blanks(text, n), n_plans = 0;
        int r = 0;

        json_open_array(w, "plans");
        for (; at < n && r >= 0; at += count_blanks(text + at, n - at), n_plans++) {
                _cleanup_(json_unrefp) Json *json = NULL;
                size_t n_own = text[at] == '{' ? object_length(text + at, n - at) : 0;

                if (n_own == 0)
                        return error_set(reterr, EINVAL,
                                         "expected a plan, an object of JSON, at byte %zu; 'podstep plan --json' "
                                         "makes it",
                                         at);
                r = json_parse(text + at, n_own, &json, reterr);
                if (r < 0)
                        return error_wrap(reterr, r == -ENOMEM ? r : -EINVAL, "plan %zu, which begins at byte %zu",
                                          n_plans + 1, at);
                json_put_json(w, NULL, json);
                at += n_own;
        }
        json_close(w);
        return n_plans > 0 ? 0 : error_set(reterr, EINVAL, "there is no plan in it; 'podstep plan --json' makes one");
}

int plan_file_put(const char *path, JsonWriter *w, Error **reterr) {
        bool is_input = str_equal(path, SOURCE_STDIN);
        const char *name = is_input ? SOURCE_STDIN_NAME : path;
        _cleanup_free_ char *text = NULL;
        size_t n = 0;
        int r = is_input ? file_read_fd(STDIN_FILENO, PLAN_FILE_BYTES_MAX, &text, &n)
                         : file_read(path, PLAN_FILE_BYTES_MAX, &text, &n);

        if (r == -EFBIG)
                return error_set(reterr, EFBIG, "'%s' is larger than %u MiB", name, PLAN_FILE_BYTES_MAX >> 20);
        if (r < 0) { /* a slip of who calls, whatever the kernel says of it */
                (void) error_set(reterr, -r, "cannot read '%s': %s", name, strerror(-r));
                return r == -ENOMEM ? r : -EINVAL;
        }
        r = plan_text_put(text, n, w, reterr);
        return r < 0 ? error_wrap(reterr, r, "'%s'", name) : 0;
}
