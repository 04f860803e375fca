#pragma once

/*
 * The way of an expression: expression-lexer.c makes tokens of the text, expression-parser.c a tree of the tokens,
 * expression-check.c gives each node a type, expression-eval.c a value. All memory is the Expression's and goes with
 * it. The first fault sticks: a function that returns NULL, false or an invalid token has set Expression.error.
 */

#include <stdint.h>

#include "base/cleanup.h"
#include "pipeline/expression.h"

typedef enum ValueType {
        VALUE_NIL,
        VALUE_BOOL,
        VALUE_INT,
        VALUE_FLOAT,
        VALUE_STRING,
        VALUE_ARRAY,
        VALUE_ANY, /* of nodes only: known when it is evaluated */
        _VALUE_TYPE_MAX,
} ValueType;
const char *value_type_name(ValueType type); /* "a string", ... */

typedef struct Value Value;
struct Value {
        ValueType type;
        union {
                bool boolean;
                int64_t integer;
                double number;
                const char *text; /* @n bytes and a NUL */
                Value *items;     /* @n of them */
        };
        size_t n;
};

#define VALUE_OF_BOOL(b) ((Value){ .type = VALUE_BOOL, .boolean = (b) })
#define VALUE_OF_INT(i) ((Value){ .type = VALUE_INT, .integer = (i) })
#define VALUE_OF_FLOAT(f) ((Value){ .type = VALUE_FLOAT, .number = (f) })

typedef enum OperatorKind {
        OPERATOR_OR,
        OPERATOR_AND,
        OPERATOR_EQUAL,
        OPERATOR_NOT_EQUAL,
        OPERATOR_LESS,
        OPERATOR_LESS_EQUAL,
        OPERATOR_GREATER,
        OPERATOR_GREATER_EQUAL,
        OPERATOR_IN,
        OPERATOR_CONTAINS,
        OPERATOR_STARTS,
        OPERATOR_ENDS,
        OPERATOR_MATCHES,
        OPERATOR_ADD,
        OPERATOR_SUBTRACT,
        OPERATOR_MULTIPLY,
        OPERATOR_DIVIDE,
        OPERATOR_MODULO,
        OPERATOR_POWER,
        OPERATOR_COALESCE,
        OPERATOR_NOT,
        OPERATOR_PUNCTUATION, /* belongs to some other construct */
        OPERATOR_UNSUPPORTED, /* the language has it, podstep has not */
        OPERATOR_FAULT,       /* neither has it */
} OperatorKind;

typedef struct Operator {
        const char *text;
        OperatorKind kind;
        int binary, unary; /* precedence; 0: it is none */
        bool is_right;     /* groups to the right */
        const char *hint;  /* what to do instead */
} Operator;

typedef enum TokenKind {
        TOKEN_END, /* of the text, and after a fault */
        TOKEN_VALUE,
        TOKEN_NAME,
        TOKEN_OPERATOR,
} TokenKind;

typedef struct Token {
        TokenKind kind;
        size_t offset, n;
        Value value;              /* TOKEN_VALUE */
        const char *name;         /* TOKEN_NAME */
        const Operator *operator; /* TOKEN_OPERATOR */
} Token;

typedef struct Expression Expression;
typedef struct Node Node;

typedef struct Function {
        const char *name;
        size_t n_arguments_min, n_arguments_max;
        ValueType arguments[3], result; /* VALUE_ANY: .call looks itself */
        bool (*call)(Expression *e, const Node *node, const Value *arguments, Value *ret);
} Function;

typedef enum NodeKind {
        NODE_VALUE,
        NODE_VARIABLE,
        NODE_UNARY,
        NODE_BINARY,
        NODE_CONDITIONAL, /* condition, then, else; of "a ?: b" the first two are the same */
        NODE_ARRAY,
        NODE_INDEX, /* array, index */
        NODE_CALL,
} NodeKind;

struct Node {
        NodeKind kind;
        size_t offset, n; /* its part of the text */
        bool is_checked;
        ValueType type;
        Value value;
        const char *name;
        const Operator *operator;
        const Function *function;
        Node **children;
        size_t n_children;
};

struct Expression {
        const char *text;
        size_t n_text, at; /* at: what is read next */
        Token token;       /* the one that is looked at */
        unsigned depth;
        size_t n_nodes, n_steps;
        const Map *values;
        size_t *work;
        void **blocks;
        size_t n_blocks, n_allocated;
        int error;
        ExpressionFault *fault;
};

/** expression_fail() - notes a fault, if it is the first; false */
bool expression_fail(Expression *e, size_t offset, size_t n, const char *hint, const char *format, ...) _printf_(5, 6);
/** expression_oom() - false */
bool expression_oom(Expression *e);
/** expression_allocate() - zeroed; NULL with a fault when it is too much */
void *expression_allocate(Expression *e, size_t n);
/** expression_text() - a copy as a value; false with a fault */
bool expression_text(Expression *e, const char *text, size_t n, Value *ret);
/** expression_spend() - counts work; false with a fault when there is none left */
bool expression_spend(Expression *e, const Node *node, size_t work);
/** expression_shown() - a part of the text for a message; "" if memory is out */
const char *expression_shown(Expression *e, size_t offset, size_t n);

/** expression_next() - reads the next token into e->token */
void expression_next(Expression *e);
/** expression_parse() - the whole text as a tree; NULL with a fault */
Node *expression_parse(Expression *e);
/** expression_check() - the type of a node; false with a fault */
bool expression_check(Expression *e, Node *node);
/** expression_binary_type() - what an operator makes of two types; false with a fault, at @node */
bool expression_binary_type(Expression *e, const Node *node, ValueType left, ValueType right, ValueType *ret);
/** expression_require() - that a node's value is of a type; false with a fault */
bool expression_require(Expression *e, const Node *node, ValueType type, ValueType wanted, const char *what);
/** expression_eval() - the value of a checked node; false with a fault */
bool expression_eval(Expression *e, const Node *node, Value *ret);
bool value_equal(const Value *a, const Value *b);

/** expression_match() - whether a regular expression of RE2 matches; false with a fault */
bool expression_match(Expression *e, const Node *node, const Value *text, const Value *pattern, bool *ret);
/** expression_check_pattern() - the same as far as it is known without a text */
bool expression_check_pattern(Expression *e, const Node *node, const Value *pattern);

/** function_find() - NULL if there is none */
const Function *function_find(const char *name);
/** function_refuse() - tells that there is none, or none here */
bool function_refuse(Expression *e, const char *name, size_t offset);
