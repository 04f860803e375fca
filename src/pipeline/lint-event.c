/* Rules about events: those for which a step does not say, and those for which it misses what it needs. */

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "pipeline/lint-internal.h"
#include "pipeline/metadata.h"

/* A bit for each of metadata_events; what is none of them is the parser's to tell. */
typedef unsigned Events;
#define EVENTS_ALL UINT32_MAX

static Events event_bit(const char *name) {
        for (size_t i = 0; metadata_events[i]; i++)
                if (strcmp(metadata_events[i], name) == 0)
                        return 1U << i;
        return 0;
}

static Events events_of_part(const YamlNode *part) {
        const YamlNode *event = lint_get(part, "event");
        Events events = 0;

        if (!event)
                return EVENTS_ALL;
        if (yaml_is_scalar(event))
                return event_bit(event->text);
        for (size_t i = 0; i < event->n_items; i++)
                if (yaml_is_scalar(event->items[i]))
                        events |= event_bit(event->items[i]->text);
        return events;
}

/* The events for which some part of a 'when' may hold. */
static Events events_of(const YamlNode *when) {
        Events events = 0;

        if (!when || (when->kind != YAML_MAPPING && when->n_items == 0))
                return EVENTS_ALL;
        if (when->kind == YAML_MAPPING)
                return events_of_part(when);
        for (size_t i = 0; i < when->n_items; i++)
                events |= events_of_part(when->items[i]);
        return events;
}

/* The first part of a 'when' that holds for each event; NULL: none, or there are no parts. */
static const YamlNode *part_without_event(const YamlNode *when) {
        if (!when || yaml_is_scalar(when))
                return NULL;
        if (when->kind == YAML_MAPPING)
                return lint_get(when, "event") ? NULL : when;
        for (size_t i = 0; i < when->n_items; i++)
                if (!lint_get(when->items[i], "event"))
                        return when->items[i];
        return NULL;
}

static bool has_parts(const YamlNode *when) {
        return when && (when->kind == YAML_MAPPING || when->n_items > 0);
}

void lint_event_workflow(Lint *lint) {
        const YamlNode *when = yaml_get(lint->root, "when");

        lint->events = events_of(when);
        lint->has_event_filter = has_parts(when) && !part_without_event(when);
}

void lint_event_note(Lint *lint, const LintContainer *container) {
        Events events = events_of(yaml_get(container->node, "when"));

        /* One more, as a Map's NULL says that nothing is there. */
        if (map_put_take(&lint->step_events, container->name, (void *) ((uintptr_t) events + 1)) < 0)
                lint->error = -ENOMEM;
}

static void check_filter(Lint *lint, const LintContainer *container) {
        const YamlNode *when = yaml_get(container->node, "when"), *part = part_without_event(when);
        Diag *diag;

        if (lint->has_event_filter)
                return;
        if (!has_parts(when)) {
                diag = lint_add(
                        lint, DIAG_WARNING, "no-event-filter", container->mark,
                        "step '%s' has no 'when' with an 'event', and neither has the workflow: it runs at each event",
                        container->name);
                diag_set_hint(diag, "add 'when: {event: push}', or what is meant, to it or to the entire workflow");
        } else if (part) {
                diag = lint_add(lint, DIAG_WARNING, "no-event-filter", part->mark,
                                "this part of the 'when' of step '%s' has no 'event': it holds at each event",
                                container->name);
                diag_set_hint(diag, "add an 'event' to all parts of the 'when', or to the entire workflow");
        }
}

static char *event_names(Events events) {
        _cleanup_strv_ char **names = NULL;

        for (size_t i = 0; metadata_events[i]; i++)
                if ((events & 1U << i) && strv_append(&names, metadata_events[i]) < 0)
                        return NULL;
        return strv_join(names, "', '");
}

/* @need: a name, or a map of a name and whether it may be missing */
static void check_need(Lint *lint, const LintContainer *container, const YamlNode *need) {
        const YamlNode *name = need->kind == YAML_MAPPING ? lint_get(need, "name") : need;
        const YamlNode *optional = yaml_get(need, "optional");
        _cleanup_free_ char *missing = NULL, *shown = NULL;
        uintptr_t found;
        Events events;
        Diag *diag;

        if (!name || !yaml_is_scalar(name) || (optional && lint_is_true(optional)))
                return;
        shown = str_escape(name->text, name->n_text, LINT_NAME_BYTES_MAX);
        found = shown ? (uintptr_t) map_get(&lint->step_events, shown) : 0;
        if (found == 0)
                return;
        events = lint->events & events_of(yaml_get(container->node, "when")) & ~(Events) (found - 1);
        missing = event_names(events);
        if (str_is_empty(missing))
                return;
        diag = lint_add(lint, DIAG_WARNING, "left-out-step", name->mark,
                        "step '%s' needs '%s', which is left out at '%s': the workflow cannot run then",
                        container->name, shown, missing);
        diag_set_hint(diag, "give both the same events, or write '{name: %s, optional: true}'", shown);
}

static void check_needs(Lint *lint, const LintContainer *container) {
        const YamlNode *needs = lint_get(container->node, "depends_on");

        if (!needs)
                return;
        if (needs->kind != YAML_SEQUENCE)
                check_need(lint, container, needs);
        for (size_t i = 0; i < needs->n_items; i++)
                check_need(lint, container, needs->items[i]);
}

void lint_event_check(Lint *lint, const LintContainer *container) {
        check_filter(lint, container);
        check_needs(lint, container);
}
