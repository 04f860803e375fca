#pragma once

/*
 * 'when.evaluate': a subset of expr-lang (v1.17), as Woodpecker evaluates it. Variables are strings, those that are not
 * set are empty. There are: true, false, nil, numbers, strings ('..', "..", `..`), lists; == != < <= > >=, && || ! and
 * or not, contains startsWith endsWith matches in (and 'not' before them), + - * / % **, ?: and ??, [index], and the
 * functions of expression-function.c. What else the language has is an error that says so. Letters are those of ASCII
 * for lower() and upper(). Pure; depth, size and work are bounded.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/map.h"

#define EXPRESSION_BYTES_MAX 10000
#define EXPRESSION_DEPTH_MAX 100
#define EXPRESSION_NODES_MAX 2000
#define EXPRESSION_STEPS_MAX 20000
#define EXPRESSION_MEMORY_MAX (4U * 1024 * 1024)

typedef struct ExpressionFault {
        char *message, *hint; /* hint: NULL if there is none */
        size_t offset, n;     /* which part of the text is meant, in bytes */
} ExpressionFault;

void expression_fault_done(ExpressionFault *fault);

/**
 * expression_evaluate() - whether it holds
 * @values: the variables; NULL: nothing is known, it is only checked, and *ret is true
 * @work:   counts down by what was done
 *
 * Return: 0; -EBADMSG with the fault; -ENOMEM.
 */
int expression_evaluate(const char *text, const Map *values, size_t *work, bool *ret, ExpressionFault *ret_fault);
