/*
 * Types, before anything is evaluated: so a fault shows whatever the variables are. Variables are strings. Where a type
 * is not known (elements of lists), it is checked again with the values.
 */

#include "pipeline/expression-internal.h"

#define STRINGS_HINT "variables are strings: int(NAME) makes a number, and NAME == \"5\" compares as it is"
#define BOOLEAN_HINT "compare it: NAME == \"true\""
#define NOT_HINT "'not' takes only what is next to it: not (NAME contains \"x\")"

static bool is_number(ValueType type) {
        return type == VALUE_INT || type == VALUE_FLOAT || type == VALUE_ANY;
}

static bool is_string(ValueType type) {
        return type == VALUE_STRING || type == VALUE_ANY;
}

static bool is_nil(ValueType type) {
        return type == VALUE_NIL || type == VALUE_ANY;
}

bool expression_require(Expression *e, const Node *node, ValueType type, ValueType wanted, const char *what) {
        const char *hint = wanted == VALUE_BOOL && type == VALUE_STRING  ? BOOLEAN_HINT
                           : wanted == VALUE_INT && type == VALUE_STRING ? STRINGS_HINT
                                                                         : NULL;

        if (type == wanted || type == VALUE_ANY || wanted == VALUE_ANY || (wanted == VALUE_FLOAT && type == VALUE_INT))
                return true;
        return expression_fail(e, node->offset, node->n, hint, "%s must be %s, and this is %s", what,
                               wanted == VALUE_BOOL ? "true or false" : value_type_name(wanted), value_type_name(type));
}

/* @node: of the operator */
static bool mismatch(Expression *e, const Node *node, ValueType left, ValueType right) {
        const Node *first = node->children[0];
        bool is_not =
                first->kind == NODE_UNARY && first->operator->kind == OPERATOR_NOT && first->offset == node->offset;
        bool is_mixed = (left == VALUE_STRING && is_number(right)) || (is_number(left) && right == VALUE_STRING);
        const char *hint = is_not ? NOT_HINT : is_mixed ? STRINGS_HINT : NULL;

        if (node->operator->kind == OPERATOR_IN)
                hint = "'contains' looks into a string: NAME contains \"x\"; a list is [\"a\", \"b\"]";
        return expression_fail(e, node->offset, node->n, hint, "'%s' does not go with %s and %s", node->operator->text,
                               value_type_name(left), value_type_name(right));
}

static bool is_comparable(ValueType a, ValueType b) {
        return a == b || is_nil(a) || is_nil(b) || (is_number(a) && is_number(b));
}

static ValueType type_of_numbers(ValueType left, ValueType right) {
        if (left == VALUE_ANY || right == VALUE_ANY)
                return VALUE_ANY;
        return left == VALUE_INT && right == VALUE_INT ? VALUE_INT : VALUE_FLOAT;
}

static ValueType type_of_either(ValueType a, ValueType b) {
        return a == b ? a : VALUE_ANY;
}

bool expression_binary_type(Expression *e, const Node *node, ValueType left, ValueType right, ValueType *ret) {
        bool are_numbers = is_number(left) && is_number(right), are_strings = is_string(left) && is_string(right), fits;

        *ret = VALUE_BOOL;
        switch (node->operator->kind) {
        case OPERATOR_OR:
        case OPERATOR_AND:
                return expression_require(e, node->children[0], left, VALUE_BOOL, "a condition") &&
                       expression_require(e, node->children[1], right, VALUE_BOOL, "a condition");
        case OPERATOR_EQUAL:
        case OPERATOR_NOT_EQUAL:
                fits = is_comparable(left, right);
                break;
        case OPERATOR_LESS:
        case OPERATOR_LESS_EQUAL:
        case OPERATOR_GREATER:
        case OPERATOR_GREATER_EQUAL:
                fits = are_numbers || are_strings;
                break;
        case OPERATOR_IN:
                fits = right == VALUE_ARRAY || right == VALUE_ANY;
                break;
        case OPERATOR_CONTAINS:
        case OPERATOR_STARTS:
        case OPERATOR_ENDS:
        case OPERATOR_MATCHES:
                fits = are_strings;
                break;
        case OPERATOR_ADD:
                fits = are_numbers || are_strings;
                *ret = left == VALUE_STRING || right == VALUE_STRING ? VALUE_STRING : type_of_numbers(left, right);
                break;
        case OPERATOR_SUBTRACT:
        case OPERATOR_MULTIPLY:
                fits = are_numbers;
                *ret = type_of_numbers(left, right);
                break;
        case OPERATOR_MODULO:
                fits = are_numbers && left != VALUE_FLOAT && right != VALUE_FLOAT;
                *ret = VALUE_INT;
                break;
        case OPERATOR_COALESCE:
                fits = true;
                *ret = left == VALUE_NIL ? right : type_of_either(left, right);
                break;
        default: /* a quotient, a power */
                fits = are_numbers;
                *ret = VALUE_FLOAT;
        }
        return fits || mismatch(e, node, left, right);
}

static bool check_unary(Expression *e, Node *node, ValueType operand) {
        if (node->operator->kind == OPERATOR_NOT) {
                node->type = VALUE_BOOL;
                if (operand == VALUE_BOOL || operand == VALUE_ANY)
                        return true;
                return expression_fail(
                        e, node->offset, node->n, node->operator->text[0] == 'n' ? NOT_HINT : BOOLEAN_HINT,
                        "'%s' needs true or false, and this is %s", node->operator->text, value_type_name(operand));
        }
        node->type = operand;
        return is_number(operand) ||
               expression_fail(e, node->offset, node->n, operand == VALUE_STRING ? STRINGS_HINT : NULL,
                               "'%s' needs a number, and this is %s", node->operator->text, value_type_name(operand));
}

static bool check_call(Expression *e, Node *node) {
        const Function *function = node->function;

        node->type = function->result;
        if (node->n_children < function->n_arguments_min || node->n_children > function->n_arguments_max)
                return expression_fail(e, node->offset, node->n, NULL, "%s() takes %zu%s, not %zu", function->name,
                                       function->n_arguments_min,
                                       function->n_arguments_min == function->n_arguments_max ? " arguments"
                                                                                              : " or more arguments",
                                       node->n_children);
        for (size_t i = 0; i < node->n_children; i++)
                if (!expression_require(e, node->children[i], node->children[i]->type, function->arguments[i],
                                        "the argument"))
                        return false;
        return true;
}

static bool check_binary(Expression *e, Node *node) {
        const Node *pattern = node->children[1];

        if (!expression_binary_type(e, node, node->children[0]->type, pattern->type, &node->type))
                return false;
        if (node->operator->kind == OPERATOR_MATCHES && pattern->kind == NODE_VALUE && pattern->type == VALUE_STRING)
                return expression_check_pattern(e, pattern, &pattern->value);
        return true;
}

static bool check_node(Expression *e, Node *node) {
        Node **children = node->children;

        switch (node->kind) {
        case NODE_VALUE:
                node->type = node->value.type;
                return true;
        case NODE_VARIABLE:
                node->type = VALUE_STRING;
                return true;
        case NODE_UNARY:
                return check_unary(e, node, children[0]->type);
        case NODE_BINARY:
                return check_binary(e, node);
        case NODE_CONDITIONAL:
                node->type = type_of_either(children[1]->type, children[2]->type);
                return expression_require(e, children[0], children[0]->type, VALUE_BOOL, "a condition");
        case NODE_ARRAY:
                node->type = VALUE_ARRAY;
                return true;
        case NODE_INDEX:
                node->type = VALUE_ANY;
                return expression_require(e, children[0], children[0]->type, VALUE_ARRAY, "what has elements") &&
                       expression_require(e, children[1], children[1]->type, VALUE_INT, "the number of an element");
        case NODE_CALL:
                return check_call(e, node);
        }
        return false;
}

bool expression_check(Expression *e, Node *node) {
        if (node->is_checked)
                return true;
        for (size_t i = 0; i < node->n_children; i++)
                if (!expression_check(e, node->children[i]))
                        return false;
        node->is_checked = true;
        return check_node(e, node);
}
