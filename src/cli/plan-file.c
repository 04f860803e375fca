#include "cli/plan-file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "document/source.h"
#include "pipeline/workflows.h"

static int put_plans(JsonSequence *sequence, JsonWriter *w, Error **reterr) {
        size_t n_plans = 0;
        int r;

        for (; json_sequence_peek(sequence) >= 0; n_plans++) {
                _cleanup_(json_unrefp) Json *json = NULL;

                if (json_sequence_peek(sequence) != '{')
                        return error_set(reterr, EINVAL,
                                         "expected a plan, an object of JSON, at byte %zu; 'podstep plan --json' "
                                         "makes it",
                                         json_sequence_offset(sequence));
                if (n_plans == WORKFLOWS_MAX)
                        return error_set(reterr, EINVAL, "more than %d plans are more than one submission can have",
                                         WORKFLOWS_MAX);
                r = json_sequence_next(sequence, &json, reterr);
                if (r < 0)
                        return error_wrap(reterr, r, "plan %zu", n_plans + 1);
                json_put_json(w, NULL, json);
        }
        return n_plans > 0 ? 0 : error_set(reterr, EINVAL, "there is no plan in it; 'podstep plan --json' makes one");
}

int plan_text_put(const char *text, size_t n, JsonWriter *w, Error **reterr) {
        _cleanup_(json_sequence_done) JsonSequence sequence;
        int r = json_sequence_init(&sequence, text, n, reterr);

        json_open_array(w, "plans");
        if (r >= 0)
                r = put_plans(&sequence, w, reterr);
        json_close(w);
        return r == -EBADMSG ? -EINVAL : r;
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
