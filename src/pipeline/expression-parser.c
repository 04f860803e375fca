/* Tokens to a tree, by the precedence of operators: as expr's parser/parser.go does it. */

#include <string.h>

#include "base/str.h"
#include "document/diag.h"
#include "pipeline/expression-internal.h"

#define LIST_MAX 100

static Node *parse(Expression *e, int precedence);

static bool is_at(const Expression *e, const char *text) {
        return e->token.kind == TOKEN_OPERATOR && strcmp(e->token.operator->text, text) == 0;
}

static const char *misspelt_hint(Expression *e, const Token *token) {
        static const char *const words[] = {
                "and", "or", "not", "in", "contains", "startsWith", "endsWith", "matches"
        };
        const char *near = token->kind == TOKEN_NAME ? diag_suggest(token->name, words, ELEMENTSOF(words)) : NULL;
        _cleanup_free_ char *hint = near ? str_printf("did you mean '%s'?", near) : NULL;
        Value copy;

        if (hint && expression_text(e, hint, strlen(hint), &copy))
                return copy.text;
        return token->kind == TOKEN_OPERATOR ? NULL : "strings stand in quotes; '==' compares";
}

/* Tells what stands there and does not belong there. NULL. */
static Node *refuse_token(Expression *e, const char *expected) {
        const Token *token = &e->token;
        const char *shown = expression_shown(e, token->offset, token->n);

        if (token->kind == TOKEN_OPERATOR && token->operator->kind == OPERATOR_UNSUPPORTED)
                (void) expression_fail(e, token->offset, token->n, token->operator->hint,
                                       "unsupported expression: podstep has no '%s'", shown);
        else if (token->kind == TOKEN_OPERATOR && token->operator->kind == OPERATOR_FAULT)
                (void) expression_fail(e, token->offset, token->n, token->operator->hint, "there is no operator '%s'",
                                       shown);
        else if (token->kind == TOKEN_END)
                (void) expression_fail(e, token->offset, 0, NULL, "the expression ends where %s is expected", expected);
        else
                (void) expression_fail(e, token->offset, token->n, misspelt_hint(e, token), "expected %s, found '%s'",
                                       expected, shown);
        return NULL;
}

static bool expect(Expression *e, const char *text) {
        char expected[8] = { '\'', text[0], '\'' };

        if (e->error != 0 || !is_at(e, text))
                return refuse_token(e, expected), false;
        expression_next(e);
        return e->error == 0;
}

static Node *make_node(Expression *e, NodeKind kind, size_t offset) {
        Node *node;

        if (e->error != 0)
                return NULL;
        if (++e->n_nodes > EXPRESSION_NODES_MAX) {
                (void) expression_fail(e, offset, 0, NULL, "an expression of more than %d parts", EXPRESSION_NODES_MAX);
                return NULL;
        }
        node = expression_allocate(e, sizeof(*node));
        if (node)
                *node = (Node){ .kind = kind, .offset = offset, .n = e->token.offset - offset };
        return node;
}

/* Up to three; NULL if one is missing. */
static Node *make_parent(Expression *e, NodeKind kind, const Operator *operator, Node * a, Node *b, Node *c) {
        Node *all[] = { a, b, c }, *node = a ? make_node(e, kind, a->offset) : NULL;
        size_t n = c ? 3 : b ? 2 : 1;

        if (!node)
                return NULL;
        node->operator= operator;
        node->children = expression_allocate(e, sizeof(all));
        if (!node->children)
                return NULL;
        memcpy(node->children, all, n * sizeof(*all));
        node->n_children = n;
        node->n = all[n - 1]->offset + all[n - 1]->n - a->offset;
        return node;
}

/* What stands behind @node's bracket, which has been read, as far as @end. */
static Node *parse_list(Expression *e, Node *node, const char *end) {
        Node *items[LIST_MAX];
        size_t n = 0;

        while (node && e->error == 0 && !is_at(e, end)) {
                if (n > 0 && !expect(e, ","))
                        return NULL;
                if (n > 0 && is_at(e, end)) /* a comma behind the last */
                        break;
                if (n == ELEMENTSOF(items)) {
                        (void) expression_fail(e, node->offset, 1, NULL, "a list of more than %zu elements", n);
                        return NULL;
                }
                items[n] = parse(e, 0);
                if (!items[n++])
                        return NULL;
        }
        if (!node)
                return NULL;
        node->n = e->token.offset + e->token.n - node->offset;
        if (!expect(e, end))
                return NULL;
        node->children = expression_allocate(e, n * sizeof(*items));
        if (!node->children)
                return NULL;
        memcpy(node->children, items, n * sizeof(*items));
        node->n_children = n;
        return node;
}

static Node *parse_call(Expression *e, const Token *name) {
        Node *node;

        expression_next(e);
        node = make_node(e, NODE_CALL, name->offset);
        if (!node)
                return NULL;
        node->function = function_find(name->name);
        if (!node->function)
                return function_refuse(e, name->name, name->offset), NULL;
        return parse_list(e, node, ")");
}

static Node *parse_name(Expression *e) {
        Token token = e->token;
        Node *node;

        expression_next(e);
        if (is_at(e, "("))
                return parse_call(e, &token);
        node = make_node(e, NODE_VARIABLE, token.offset);
        if (node) {
                node->name = token.name;
                node->n = token.n;
        }
        return node;
}

static Node *parse_value(Expression *e) {
        Token token = e->token;
        Node *node;

        expression_next(e);
        node = make_node(e, NODE_VALUE, token.offset);
        if (node) {
                node->value = token.value;
                node->n = token.n;
        }
        return node;
}

/* "NAME[1:3]": a part of a string, where an element is taken here. NULL. */
static Node *refuse_slice(Expression *e) {
        (void) expression_fail(e, e->token.offset, e->token.n, "a condition on a part: 'startsWith', 'matches'",
                               "unsupported expression: podstep has no slices '[a:b]'");
        return NULL;
}

/* Elements behind a value: "split(NAME, ".")[0]". */
static Node *parse_elements(Expression *e, Node *node) {
        while (node && is_at(e, "[")) {
                Node *index;

                expression_next(e);
                if (is_at(e, ":"))
                        return refuse_slice(e);
                index = parse(e, 0);
                if (index && e->error == 0 && is_at(e, ":"))
                        return refuse_slice(e);
                node = index ? make_parent(e, NODE_INDEX, NULL, node, index, NULL) : NULL;
                if (!node)
                        return NULL;
                node->n = e->token.offset + e->token.n - node->offset;
                if (!expect(e, "]"))
                        return NULL;
        }
        return node;
}

static Node *parse_unary(Expression *e) {
        Token token = e->token;
        Node *operand, *node;

        expression_next(e);
        operand = parse(e, token.operator->unary);
        node = operand ? make_parent(e, NODE_UNARY, token.operator, operand, NULL, NULL) : NULL;
        if (node) {
                node->n += node->offset - token.offset;
                node->offset = token.offset;
        }
        return node;
}

static Node *parse_brackets(Expression *e) {
        size_t offset = e->token.offset;
        bool is_array = is_at(e, "[");
        Node *node;

        expression_next(e);
        if (is_array)
                return parse_list(e, make_node(e, NODE_ARRAY, offset), "]");
        node = parse(e, 0);
        return node && expect(e, ")") ? node : NULL;
}

static Node *parse_primary(Expression *e) {
        if (e->error != 0)
                return NULL;
        if (e->token.kind == TOKEN_OPERATOR && e->token.operator->unary> 0)
                return parse_unary(e);
        if (is_at(e, "(") || is_at(e, "["))
                return parse_elements(e, parse_brackets(e));
        if (e->token.kind == TOKEN_NAME)
                return parse_elements(e, parse_name(e));
        if (e->token.kind == TOKEN_VALUE)
                return parse_elements(e, parse_value(e));
        return refuse_token(e, "a value");
}

static bool is_order(const Operator *operator) {
        return operator->kind >= OPERATOR_LESS && operator->kind <= OPERATOR_GREATER_EQUAL;
}

/* "1 < a < 3" is "1 < a and a < 3" */
static Node *parse_order(Expression *e, Node *left) {
        static const Operator both = { "and", OPERATOR_AND, .binary = 15 };
        Node *all = NULL;

        while (e->token.kind == TOKEN_OPERATOR && is_order(e->token.operator)) {
                const Operator *operator= e->token.operator;
                Node *right, *node;

                expression_next(e);
                right = parse(e, operator->binary + 1);
                node = right ? make_parent(e, NODE_BINARY, operator, left, right, NULL) : NULL;
                all = node && all ? make_parent(e, NODE_BINARY, &both, all, node, NULL) : node;
                if (!all)
                        return NULL;
                left = right;
        }
        return all;
}

/* "not in", "not contains", ... */
static bool may_be_negated(const Operator *operator) {
        return operator->kind >= OPERATOR_IN && operator->kind <= OPERATOR_MATCHES;
}

static Node *parse_binary(Expression *e, Node *left, const Operator *operator, const Operator * negation) {
        Node *right, *node;

        expression_next(e);
        right = parse(e, operator->is_right ? operator->binary : operator->binary + 1);
        node = right ? make_parent(e, NODE_BINARY, operator, left, right, NULL) : NULL;
        return node && negation ? make_parent(e, NODE_UNARY, negation, node, NULL, NULL) : node;
}

static Node *parse_operators(Expression *e, Node *left, int precedence) {
        const Operator *previous = NULL;

        while (left && e->error == 0 && e->token.kind == TOKEN_OPERATOR) {
                const Operator *operator= e->token.operator, * negation = NULL;
                Token before = e->token;
                size_t at = e->at;

                if (operator->kind == OPERATOR_NOT && operator->text[0] == 'n') {
                        negation = operator;
                        expression_next(e);
                        if (e->token.kind != TOKEN_OPERATOR || !may_be_negated(e->token.operator))
                                return refuse_token(e, "'in', 'contains', 'startsWith', 'endsWith' or 'matches'");
                        operator= e->token.operator;
                }
                if (operator->binary == 0 || operator->binary<precedence) {
                        e->token = before;
                        e->at = at;
                        return left;
                }
                if (previous && previous->kind == OPERATOR_COALESCE && operator->kind != OPERATOR_COALESCE) {
                        (void) expression_fail(e, before.offset, before.n, "put one of them in parentheses",
                                               "'%s' and '%s' cannot be mixed", previous->text, operator->text);
                        return NULL;
                }
                left = is_order(operator) ? parse_order(e, left) : parse_binary(e, left, operator, negation);
                previous = operator;
        }
        return e->error == 0 ? left : NULL;
}

/* "a ? b : c", and "a ?: c" */
static Node *parse_conditional(Expression *e, Node *node) {
        while (node && is_at(e, "?")) {
                Node *first = node, *second;

                expression_next(e);
                if (!is_at(e, ":"))
                        first = parse(e, 0);
                if (!first || !expect(e, ":"))
                        return NULL;
                second = parse(e, 0);
                node = second ? make_parent(e, NODE_CONDITIONAL, NULL, node, first, second) : NULL;
        }
        return node;
}

static Node *parse(Expression *e, int precedence) {
        Node *node;

        if (++e->depth > EXPRESSION_DEPTH_MAX) {
                (void) expression_fail(e, e->token.offset, e->token.n, NULL, "nested too deep");
                return NULL;
        }
        node = parse_operators(e, parse_primary(e), precedence);
        if (precedence == 0)
                node = parse_conditional(e, node);
        e->depth--;
        return node;
}

Node *expression_parse(Expression *e) {
        Node *node;

        expression_next(e);
        node = parse(e, 0);
        if (!node || e->error != 0)
                return NULL;
        return e->token.kind == TOKEN_END ? node : refuse_token(e, "an operator or the end");
}
