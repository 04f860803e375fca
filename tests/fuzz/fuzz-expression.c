/*
 * A fault has words and lies within the text; what is fine without values is true then; the same text gives the same
 * answer.
 */

#include <errno.h>

#include "base/map.h"
#include "fuzz.h"
#include "pipeline/expression.h"

#define WORK 2000000U

static int evaluate(const char *text, const Map *values, bool *ret) {
        ExpressionFault fault;
        size_t work = WORK;
        int r;

        r = expression_evaluate(text, values, &work, ret, &fault);
        require(r == 0 || r == -EBADMSG);
        require((r < 0) == (fault.message != NULL));
        require(r < 0 || !fault.hint);
        require(!fault.message || *fault.message);
        require(fault.offset <= strlen(text) && fault.n <= strlen(text) - fault.offset);
        require(work <= WORK);
        expression_fault_done(&fault);
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_map_ Map values = STRMAP_INIT;
        _cleanup_free_ char *text = fuzz_text(data, size), *both = NULL;
        bool checked = false, first = false, second = true;
        int r;

        require(strmap_put(&values, "A", "a") == 0);
        require(strmap_put(&values, "CI_COMMIT_TAG", "v1.2.3") == 0);
        require(strmap_put(&values, "BAD", "\xff\xc3") == 0);
        r = evaluate(text, NULL, &checked);
        require(r < 0 || checked);
        if (evaluate(text, &values, &first) < 0)
                return 0;
        require(r == 0); /* whatever can be evaluated is well typed */
        require(evaluate(text, &values, &second) == 0 && first == second);
        require(asprintf(&both, "not (\n%s\n)", text) >= 0);
        if (evaluate(both, &values, &second) == 0)
                require(first != second);
        return 0;
}
