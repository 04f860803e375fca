#include "pipeline/expression.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/str.h"
#include "pipeline/expression-internal.h"

#define PART_BYTES_SHOWN 40

static const char *const type_names[_VALUE_TYPE_MAX] = {
        [VALUE_NIL] = "nil",         [VALUE_BOOL] = "a boolean", [VALUE_INT] = "a number", [VALUE_FLOAT] = "a number",
        [VALUE_STRING] = "a string", [VALUE_ARRAY] = "a list",   [VALUE_ANY] = "anything",
};

const char *value_type_name(ValueType type) {
        return type_names[type];
}

void expression_fault_done(ExpressionFault *fault) {
        free(fault->message);
        free(fault->hint);
        *fault = (ExpressionFault){ 0 };
}

bool expression_oom(Expression *e) {
        e->error = -ENOMEM;
        return false;
}

bool expression_fail(Expression *e, size_t offset, size_t n, const char *hint, const char *format, ...) {
        va_list ap;
        int r;

        if (e->error != 0)
                return false;
        e->error = -EBADMSG;
        e->fault->offset = MIN(offset, e->n_text);
        e->fault->n = MIN(n, e->n_text - e->fault->offset);
        va_start(ap, format);
        r = vasprintf(&e->fault->message, format, ap);
        va_end(ap);
        if (r < 0)
                e->fault->message = NULL;
        e->fault->hint = hint ? strdup(hint) : NULL;
        return r < 0 || (hint && !e->fault->hint) ? expression_oom(e) : false;
}

void *expression_allocate(Expression *e, size_t n) {
        void *block;

        if (n > EXPRESSION_MEMORY_MAX - e->n_allocated) {
                (void) expression_fail(e, 0, e->n_text, NULL, "the expression needs too much memory");
                return NULL;
        }
        block = calloc(1, n + 1);
        if (!block || ARRAY_APPEND(e->blocks, e->n_blocks, block) < 0) {
                free(block);
                (void) expression_oom(e);
                return NULL;
        }
        e->n_allocated += n + 1 < EXPRESSION_MEMORY_MAX - e->n_allocated ? n + 1 : n;
        return block;
}

bool expression_text(Expression *e, const char *text, size_t n, Value *ret) {
        char *copy = expression_allocate(e, n + 1);

        if (!copy)
                return false;
        if (n > 0)
                memcpy(copy, text, n);
        *ret = (Value){ .type = VALUE_STRING, .text = copy, .n = n };
        return true;
}

bool expression_spend(Expression *e, const Node *node, size_t work) {
        if (work > *e->work) {
                *e->work = 0;
                return expression_fail(e, node->offset, node->n, NULL, "the expressions up to here are too much work");
        }
        *e->work -= work;
        return true;
}

const char *expression_shown(Expression *e, size_t offset, size_t n) {
        _cleanup_free_ char *shown = str_escape(e->text + offset, n, PART_BYTES_SHOWN);
        Value copy;

        return shown && expression_text(e, shown, strlen(shown), &copy) ? copy.text : "";
}

static void done(Expression *e) {
        for (size_t i = 0; i < e->n_blocks; i++)
                free(e->blocks[i]);
        free(e->blocks);
        if (e->error != -EBADMSG)
                expression_fault_done(e->fault);
}

static bool run(Expression *e, bool *ret) {
        static const char question[] = "the result";
        Value value;
        Node *node;

        if (e->n_text > EXPRESSION_BYTES_MAX)
                return expression_fail(e, 0, e->n_text, NULL, "an expression of more than %d bytes",
                                       EXPRESSION_BYTES_MAX);
        node = expression_parse(e);
        if (!node || !expression_check(e, node) || !expression_require(e, node, node->type, VALUE_BOOL, question))
                return false;
        *ret = true;
        if (!e->values)
                return true;
        if (!expression_eval(e, node, &value) || !expression_require(e, node, value.type, VALUE_BOOL, question))
                return false;
        *ret = value.boolean;
        return true;
}

int expression_evaluate(const char *text, const Map *values, size_t *work, bool *ret, ExpressionFault *ret_fault) {
        Expression e = { .text = text, .n_text = strlen(text), .values = values, .work = work, .fault = ret_fault };
        bool holds = false;

        *ret_fault = (ExpressionFault){ 0 };
        if (run(&e, &holds))
                *ret = holds;
        done(&e);
        return e.error;
}
