#pragma once

/* From a plan to JSON, and back. */

#include "test.h"

#include <string.h>

#include "pipeline/plan.h"

/* What plan_to_json() printed is read, and prints the same. */
static inline Plan *read_again(const char *text, const Map *secrets, bool pretty) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(json_unrefp) Json *json = NULL;
        _cleanup_free_ char *again = NULL;
        PlanReading reading = { .secrets = secrets, .path = "plan" };
        Plan *plan = NULL;
        int r;

        assert_int_equal(json_parse(text, strlen(text), &json, NULL), 0);
        r = plan_from_json(json, &reading, &plan, &error);
        if (r < 0)
                print_message("%s\n", error_message(error, r));
        assert_int_equal(r, 0);
        assert_int_equal(plan_to_json(plan, pretty, &again), 0);
        assert_string_equal(again, text);
        return plan;
}
