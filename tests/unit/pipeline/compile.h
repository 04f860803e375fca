#pragma once

/* Text to plan, for tests that begin with a file. */

#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "pipeline/woodpecker.h"

/* NULL if there were errors; then @messages (may be NULL) holds them, one a line, with hints behind them. */
static inline Plan *compile(const char *text, const WoodpeckerContext *context, Str *messages) {
        _cleanup_(source_freep) Source *source = NULL;
        DiagList diags = { 0 };
        Plan *plan = NULL;
        int r;

        assert_int_equal(source_new_take("test.yaml", strdup(text), strlen(text), &source, NULL), 0);
        r = woodpecker_compile(source, context ? context : &(WoodpeckerContext) { 0 }, &diags, &plan);
        assert_int_equal(r, diags.n_errors > 0 ? -EBADMSG : 0);
        assert_int_equal(r == 0, plan != NULL);
        for (size_t i = 0; messages && i < diags.n_diags; i++)
                (void) str_appendf(messages, "%s%s%s\n", diags.diags[i].message, diags.diags[i].hint ? "; " : "",
                                   diags.diags[i].hint ? diags.diags[i].hint : "");
        diag_list_done(&diags);
        return plan;
}

/* Of a text that must be right. */
static inline Plan *compile_fine(const char *text) {
        _cleanup_str_ Str messages = STR_INIT(64U * 1024);
        Plan *plan = compile(text, NULL, &messages);

        print_message("%s", str_get(&messages));
        assert_non_null(plan);
        return plan;
}
