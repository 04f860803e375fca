/* Values. What was checked with types is checked again where they were not known. */

#include <gnu/lib-names.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/library.h"
#include "pipeline/expression-internal.h"

static double number_of(const Value *value) {
        return value->type == VALUE_INT ? (double) value->integer : value->number;
}

static bool is_number(const Value *value) {
        return value->type == VALUE_INT || value->type == VALUE_FLOAT;
}

bool value_equal(const Value *a, const Value *b) {
        if (a->type == VALUE_INT && b->type == VALUE_INT)
                return a->integer == b->integer;
        if (is_number(a) && is_number(b))
                return number_of(a) == number_of(b);
        if (a->type != b->type)
                return false;
        if (a->type == VALUE_BOOL)
                return a->boolean == b->boolean;
        if (a->type == VALUE_STRING)
                return a->n == b->n && memcmp(a->text, b->text, a->n) == 0;
        for (size_t i = 0; a->type == VALUE_ARRAY && i < a->n; i++)
                if (i >= b->n || !value_equal(&a->items[i], &b->items[i]))
                        return false;
        return a->type == VALUE_NIL || a->n == b->n;
}

/* Below, at or above 0, of two strings or two numbers; false if they cannot be compared (NaN). */
static bool compare(const Value *a, const Value *b, int *ret) {
        double x, y;

        if (a->type == VALUE_STRING) {
                *ret = memcmp(a->text, b->text, MIN(a->n, b->n));
                if (*ret == 0)
                        *ret = a->n < b->n ? -1 : a->n > b->n;
                return true;
        }
        if (a->type == VALUE_INT && b->type == VALUE_INT) {
                *ret = a->integer < b->integer ? -1 : a->integer > b->integer;
                return true;
        }
        x = number_of(a), y = number_of(b);
        *ret = x < y ? -1 : x > y;
        return !isnan(x) && !isnan(y);
}

static bool is_ordered(OperatorKind kind, const Value *a, const Value *b) {
        int order;

        if (!compare(a, b, &order))
                return false;
        return kind == OPERATOR_LESS         ? order < 0
               : kind == OPERATOR_LESS_EQUAL ? order <= 0
               : kind == OPERATOR_GREATER    ? order > 0
                                             : order >= 0;
}

static bool is_in(const Value *value, const Value *list) {
        for (size_t i = 0; i < list->n; i++)
                if (value_equal(value, &list->items[i]))
                        return true;
        return false;
}

static bool has_text(OperatorKind kind, const Value *text, const Value *part) {
        if (part->n > text->n)
                return false;
        if (kind == OPERATOR_CONTAINS)
                return memmem(text->text, text->n, part->text, part->n) != NULL;
        return memcmp(text->text + (kind == OPERATOR_ENDS ? text->n - part->n : 0), part->text, part->n) == 0;
}

/* Whole numbers wrap, as Go's do. */
static Value calculate_whole(OperatorKind kind, int64_t a, int64_t b) {
        uint64_t x = (uint64_t) a, y = (uint64_t) b;

        return VALUE_OF_INT((int64_t) (kind == OPERATOR_ADD ? x + y : kind == OPERATOR_SUBTRACT ? x - y : x * y));
}

/* pow() is all that there is of libm: it is loaded for who calculates a power, not for every job. */
static bool calculate_power(Expression *e, const Node *node, double x, double y, Value *ret) {
        static const char *const names[] = { "pow" };
        _cleanup_(error_freep) Error *error = NULL;
        LibraryFunction function;
        int r;

        r = library_load(LIBM_SO, "powers", names, ELEMENTSOF(names), &function, &error);
        if (r < 0)
                return expression_fail(e, node->offset, node->n, NULL, "%s", error_message(error, r));
        *ret = VALUE_OF_FLOAT(((typeof(pow) *) function)(x, y));
        return true;
}

static bool calculate(Expression *e, const Node *node, const Value *a, const Value *b, Value *ret) {
        OperatorKind kind = node->operator->kind;
        double x = number_of(a), y = number_of(b);

        if (kind == OPERATOR_POWER)
                return calculate_power(e, node, x, y, ret);
        if (kind == OPERATOR_MODULO && b->integer == 0)
                return expression_fail(e, node->offset, node->n, NULL, "a division by zero");
        if (kind == OPERATOR_MODULO)
                *ret = VALUE_OF_INT(b->integer == -1 ? 0 : a->integer % b->integer);
        else if (kind == OPERATOR_DIVIDE)
                *ret = VALUE_OF_FLOAT(y == 0 ? (x == 0 || isnan(x) ? NAN : copysign(INFINITY, x) * copysign(1, y))
                                             : x / y);
        else if (a->type == VALUE_INT && b->type == VALUE_INT)
                *ret = calculate_whole(kind, a->integer, b->integer);
        else
                *ret = VALUE_OF_FLOAT(kind == OPERATOR_ADD ? x + y : kind == OPERATOR_SUBTRACT ? x - y : x * y);
        return true;
}

static bool join(Expression *e, const Value *a, const Value *b, Value *ret) {
        char *text = expression_allocate(e, a->n + b->n + 1);

        if (!text)
                return false;
        memcpy(text, a->text, a->n);
        memcpy(text + a->n, b->text, b->n);
        *ret = (Value){ .type = VALUE_STRING, .text = text, .n = a->n + b->n };
        return true;
}

static bool apply(Expression *e, const Node *node, const Value *a, const Value *b, Value *ret) {
        OperatorKind kind = node->operator->kind;
        bool holds = false;
        ValueType type;

        if (!expression_binary_type(e, node, a->type, b->type, &type) || !expression_spend(e, node, a->n + b->n + 1))
                return false;
        switch (kind) {
        case OPERATOR_EQUAL:
        case OPERATOR_NOT_EQUAL:
                holds = value_equal(a, b) == (kind == OPERATOR_EQUAL);
                break;
        case OPERATOR_LESS:
        case OPERATOR_LESS_EQUAL:
        case OPERATOR_GREATER:
        case OPERATOR_GREATER_EQUAL:
                holds = is_ordered(kind, a, b);
                break;
        case OPERATOR_IN:
                holds = is_in(a, b);
                break;
        case OPERATOR_CONTAINS:
        case OPERATOR_STARTS:
        case OPERATOR_ENDS:
                holds = has_text(kind, a, b);
                break;
        case OPERATOR_MATCHES:
                if (!expression_match(e, node, a, b, &holds))
                        return false;
                break;
        default:
                return a->type == VALUE_STRING ? join(e, a, b, ret) : calculate(e, node, a, b, ret);
        }
        *ret = VALUE_OF_BOOL(holds);
        return true;
}

static bool eval_bool(Expression *e, const Node *node, const char *what, Value *ret) {
        return expression_eval(e, node, ret) && expression_require(e, node, ret->type, VALUE_BOOL, what);
}

/* The right side of 'and', 'or' and '??' is evaluated only if it decides. */
static bool eval_binary(Expression *e, const Node *node, Value *ret) {
        const Node *left = node->children[0], *right = node->children[1];
        OperatorKind kind = node->operator->kind;
        Value a, b;

        if (kind == OPERATOR_AND || kind == OPERATOR_OR) {
                if (!eval_bool(e, left, "a condition", ret))
                        return false;
                return ret->boolean == (kind == OPERATOR_OR) || eval_bool(e, right, "a condition", ret);
        }
        if (kind == OPERATOR_COALESCE)
                return expression_eval(e, left, ret) && (ret->type != VALUE_NIL || expression_eval(e, right, ret));
        return expression_eval(e, left, &a) && expression_eval(e, right, &b) && apply(e, node, &a, &b, ret);
}

static bool eval_unary(Expression *e, const Node *node, Value *ret) {
        if (node->operator->kind == OPERATOR_NOT) {
                if (!eval_bool(e, node->children[0], "what is negated", ret))
                        return false;
                ret->boolean = !ret->boolean;
                return true;
        }
        if (!expression_eval(e, node->children[0], ret))
                return false;
        if (!is_number(ret))
                return expression_require(e, node, ret->type, VALUE_INT, "what has a sign");
        if (node->operator->kind == OPERATOR_SUBTRACT)
                *ret = ret->type == VALUE_INT ? calculate_whole(OPERATOR_SUBTRACT, 0, ret->integer)
                                              : VALUE_OF_FLOAT(-ret->number);
        return true;
}

static bool eval_all(Expression *e, const Node *node, Value **ret) {
        *ret = expression_allocate(e, (node->n_children + 1) * sizeof(Value));
        for (size_t i = 0; *ret && i < node->n_children; i++)
                if (!expression_eval(e, node->children[i], &(*ret)[i]))
                        return false;
        return *ret != NULL;
}

static bool eval_call(Expression *e, const Node *node, Value *ret) {
        size_t work = 1;
        Value *arguments;

        if (!eval_all(e, node, &arguments))
                return false;
        for (size_t i = 0; i < node->n_children; i++) {
                work += arguments[i].n;
                if (!expression_require(e, node->children[i], arguments[i].type, node->function->arguments[i],
                                        "the argument"))
                        return false;
        }
        return expression_spend(e, node, work) && node->function->call(e, node, arguments, ret);
}

static bool eval_index(Expression *e, const Node *node, Value *ret) {
        Value list, index;

        if (!expression_eval(e, node->children[0], &list) ||
            !expression_require(e, node->children[0], list.type, VALUE_ARRAY, "what has elements") ||
            !expression_eval(e, node->children[1], &index) ||
            !expression_require(e, node->children[1], index.type, VALUE_INT, "the number of an element"))
                return false;
        if (index.integer < 0 && index.integer >= -(int64_t) list.n)
                index.integer += (int64_t) list.n; /* from the end */
        if (index.integer < 0 || index.integer >= (int64_t) list.n)
                return expression_fail(e, node->children[1]->offset, node->children[1]->n, NULL,
                                       "there is no element %lld in a list of %zu", (long long) index.integer, list.n);
        *ret = list.items[index.integer];
        return true;
}

static bool eval_conditional(Expression *e, const Node *node, Value *ret) {
        const Node *const *children = (const Node *const *) node->children;
        Value condition;

        if (!eval_bool(e, children[0], "a condition", &condition))
                return false;
        if (condition.boolean && children[0] == children[1]) {
                *ret = condition;
                return true;
        }
        return expression_eval(e, children[condition.boolean ? 1 : 2], ret);
}

static bool eval_node(Expression *e, const Node *node, Value *ret) {
        const char *text;
        Value *items;

        switch (node->kind) {
        case NODE_VALUE:
                *ret = node->value;
                return true;
        case NODE_VARIABLE:
                text = strmap_get(e->values, node->name);
                *ret = (Value){ .type = VALUE_STRING, .text = text ? text : "", .n = text ? strlen(text) : 0 };
                return true;
        case NODE_UNARY:
                return eval_unary(e, node, ret);
        case NODE_BINARY:
                return eval_binary(e, node, ret);
        case NODE_CONDITIONAL:
                return eval_conditional(e, node, ret);
        case NODE_ARRAY:
                if (!eval_all(e, node, &items))
                        return false;
                *ret = (Value){ .type = VALUE_ARRAY, .items = items, .n = node->n_children };
                return true;
        case NODE_INDEX:
                return eval_index(e, node, ret);
        case NODE_CALL:
                return eval_call(e, node, ret);
        }
        return false;
}

bool expression_eval(Expression *e, const Node *node, Value *ret) {
        *ret = (Value){ 0 };
        if (++e->n_steps > EXPRESSION_STEPS_MAX)
                return expression_fail(e, node->offset, node->n, NULL, "the expression is too much work");
        return eval_node(e, node, ret);
}
