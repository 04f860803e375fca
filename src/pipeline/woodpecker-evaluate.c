/* Expressions of a workflow file: their faults are told where they are in it. */

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "pipeline/expression.h"
#include "pipeline/woodpecker-internal.h"

#define TEXT_BYTES_SHOWN 100

/* Whether a scalar's text stands in the file as it is, on one line; then *ret is where. */
static bool find_text(const Source *source, const YamlNode *node, Mark *ret) {
        size_t n, at = 0;
        const char *line = source_line(source, node->mark.line, &n);

        for (uint32_t column = 1; column < node->mark.column && at < n; column++)
                at += MAX(utf8_length(line + at, n - at), 1U);
        *ret = node->mark;
        if (at < n && strchr("'\"", line[at]))
                at++, ret->column++;
        return at <= n && node->n_text <= n - at && memcmp(line + at, node->text, node->n_text) == 0;
}

/* At its place, or else with the words that it is about. */
static void add_fault(Woodpecker *wp, const YamlNode *node, const ExpressionFault *fault) {
        const char *part = node->text + fault->offset;
        _cleanup_free_ char *shown = str_escape(part, fault->n, TEXT_BYTES_SHOWN);
        Mark mark;
        Diag *diag;

        if (find_text(wp->source, node, &mark)) {
                mark.column += (uint32_t) utf8_columns(node->text, fault->offset);
                mark.n_columns = (uint32_t) MAX(utf8_columns(part, fault->n), 1U);
                diag = WOODPECKER_ERROR(wp, "expression", mark, "%s", fault->message);
        } else if (fault->n > 0)
                diag = WOODPECKER_ERROR(wp, "expression", node->mark, "%s, at '%s'", fault->message,
                                        shown ? shown : "");
        else
                diag = WOODPECKER_ERROR(wp, "expression", node->mark, "%s", fault->message);
        if (fault->hint)
                diag_set_hint(diag, "%s", fault->hint);
}

int woodpecker_evaluate(Woodpecker *wp, const YamlNode *node, bool *ret) {
        const Map *values = wp->context->is_lint ? NULL : &wp->values;
        ExpressionFault fault;
        int r;

        r = expression_evaluate(node->text, values, &wp->work, ret, &fault);
        if (r == -EBADMSG)
                add_fault(wp, node, &fault);
        expression_fault_done(&fault);
        return r == -EBADMSG ? 0 : r;
}
