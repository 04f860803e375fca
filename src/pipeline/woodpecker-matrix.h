#pragma once

/*
 * 'matrix': one file becomes several workflows, each with its own values of the axes. Source:
 * pipeline/frontend/yaml/matrix/matrix.go.
 */

#include "base/map.h"
#include "document/yaml.h"

#define MATRIX_COMBINATIONS_MAX 27 /* of a product: the server makes no more, whatever its constants say */
#define MATRIX_AXES_MAX 12         /* the same: further ones have no value */
#define MATRIX_ROWS_MAX 256        /* of 'include', for which the server has no limit */
#define MATRIX_VALUE_BYTES_MAX 4096
#define MATRIX_NAME_BYTES_MAX 200 /* of a combination as it is shown */

/* Map[]: from axis to value, in the order in which the file has them. */
typedef struct Matrix {
        Map *combinations;
        size_t n_combinations; /* 0: there is no matrix, or it is empty */
} Matrix;

/**
 * matrix_read() - all combinations
 * @node: the value of 'matrix'; NULL: there is none
 *
 * What is beyond the server's limits is cut off, with a warning.
 *
 * Return: 0; -EBADMSG with the faults in @diags; -ENOMEM.
 */
int matrix_read(const YamlNode *node, DiagList *diags, Matrix *ret);
void matrix_done(Matrix *matrix);

/** matrix_format() - a combination for people: "GO=1.21, DB=pg"; NULL if memory is out */
char *matrix_format(const Map *combination);
