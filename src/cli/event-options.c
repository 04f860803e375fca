#include "cli/event-options.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "cli/run-options.h"
#include "document/diag.h"
#include "pipeline/metadata.h"

#define VALUE_SHOWN_MAX 80

int event_option_set(const Option *option, const char *text, void *field, Error **reterr) {
        char *const *events = (char *const *) metadata_events;
        _cleanup_free_ char *expected = NULL, *shown = NULL;
        const char *near;

        if (strv_contains(events, text))
                return option_set_string(option, text, field, reterr);
        expected = strv_join(events, ", ");
        shown = str_escape(text, strlen(text), VALUE_SHOWN_MAX);
        near = diag_suggest(text, metadata_events, strv_length(events));
        return error_set(reterr, EINVAL, "'%s' is no value for '--%s': expected one of %s%s%s%s", shown ? shown : "",
                         option->name, expected ? expected : "", near ? "; did you mean '" : "", near ? near : "",
                         near ? "'?" : "");
}

int event_option_set_revision(const Option *option, const char *text, void *field, Error **reterr) {
        if (*text == '-' || strstr(text, "..")) {
                _cleanup_free_ char *shown = str_escape(text, strlen(text), VALUE_SHOWN_MAX);

                return error_set(reterr, EINVAL, "'%s' is no value for '--%s': expected a branch, tag or commit",
                                 shown ? shown : "", option->name);
        }
        return option_set_string(option, text, field, reterr);
}

static bool has_tag(const char *event) {
        return str_equal(event, "tag") || str_equal(event, "release") || str_equal(event, "deployment");
}

static bool has_cron(const char *event) {
        return str_equal(event, "cron");
}

int event_options_check(const RunOptions *options, Error **reterr) {
        const struct {
                const char *name, *value;
                bool (*goes_with)(const char *event);
                const char *events;
        } rows[] = {
                { "tag", options->tag, has_tag, "tag, release or deployment" },
                { "cron", options->cron, has_cron, "cron" },
                { "source-branch", options->source_branch, metadata_event_is_pull, "pull_request" },
        };
        const char *seen = NULL;

        FOREACH_ROW(row, rows) {
                if (!row->value)
                        continue;
                if (options->event && !row->goes_with(options->event))
                        return error_set(reterr, EINVAL, "'--%s' does not go with '--event %s': expected '--event' %s",
                                         row->name, options->event, row->events);
                if (!options->event && seen)
                        return error_set(reterr, EINVAL,
                                         "'--%s' and '--%s' are of different events: say which with '--event'", seen,
                                         row->name);
                seen = row->name;
        }
        return 0;
}
