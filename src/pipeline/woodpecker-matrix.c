#include "pipeline/woodpecker-matrix.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/str.h"
#include "pipeline/key.h"

#define VALUE_BYTES_SHOWN 40

typedef struct Axis {
        const YamlPair *pair;
        size_t n_values;
        size_t stride; /* combinations until it takes its next value */
} Axis;

static int refuse_type(const YamlNode *node, const char *what, const char *expected, DiagList *diags) {
        diag_add(diags, DIAG_ERROR, "type", node->mark, "matrix: %s: expected %s, found %s", what, expected,
                 yaml_kind_name(node->kind));
        return -EBADMSG;
}

static int refuse_values(const YamlNode *node, DiagList *diags) {
        Diag *diag = diag_add(diags, DIAG_ERROR, "type", node->mark,
                              "matrix: the values of an axis: expected a list, found %s", yaml_kind_name(node->kind));

        if (yaml_is_scalar(node) && !strchr(node->text, '\n'))
                diag_set_hint(diag, "a single value is a list too: '[%s]'", node->text);
        return -EBADMSG;
}

/* It becomes the name of a variable. */
static int check_name(const YamlNode *key, DiagList *diags) {
        if (key->n_text > 0 && !memchr(key->text, '\0', key->n_text) && !strchr(key->text, '='))
                return 0;
        diag_add(diags, DIAG_ERROR, "variable", key->mark,
                 "matrix: the name of an axis is the name of a variable: it cannot be empty or hold '=' or NUL");
        return -EBADMSG;
}

static int check_value(const YamlNode *value, const char *axis, DiagList *diags) {
        if (value->kind == YAML_NULL)
                return 0;
        if (!key_check_text(value, axis, diags))
                return -EBADMSG;
        if (value->n_text <= MATRIX_VALUE_BYTES_MAX)
                return 0;
        diag_add(diags, DIAG_ERROR, "too-large", value->mark, "matrix: a value has more than %d bytes",
                 MATRIX_VALUE_BYTES_MAX);
        return -EBADMSG;
}

/* Nothing is an empty text, as go-yaml reads it. */
static const char *value_text(const YamlNode *value) {
        return value->kind == YAML_NULL ? "" : value->text;
}

static int add_combination(Matrix *matrix, Map **ret) {
        Map empty = STRMAP_INIT;

        if (ARRAY_APPEND(matrix->combinations, matrix->n_combinations, empty) < 0)
                return -ENOMEM;
        *ret = &matrix->combinations[matrix->n_combinations - 1];
        return 0;
}

static int read_row(const YamlNode *row, DiagList *diags, Map *combination) {
        int r = 0;

        if (row->kind != YAML_MAPPING)
                return refuse_type(row, "a row of 'include'", "a map of axes to values", diags);
        for (size_t i = 0; i < row->n_pairs && r == 0; i++) {
                r = check_name(row->pairs[i].key, diags);
                if (r == 0)
                        r = check_value(row->pairs[i].value, row->pairs[i].key->text, diags);
                if (r == 0)
                        r = strmap_put(combination, row->pairs[i].key->text, value_text(row->pairs[i].value));
        }
        return r;
}

/* Exactly these rows; other axes do not count. */
static int read_include(const YamlNode *matrix_node, const YamlNode *include, DiagList *diags, Matrix *ret) {
        bool has_faults = false;
        Map *combination;
        int r = 0;

        if (include->kind != YAML_SEQUENCE)
                return refuse_type(include, "'include'", "a list of maps", diags);
        if (include->n_items > MATRIX_ROWS_MAX) {
                diag_add(diags, DIAG_ERROR, "too-many", include->mark, "matrix: more than %d rows", MATRIX_ROWS_MAX);
                return -EBADMSG;
        }
        for (size_t i = 0; i < matrix_node->n_pairs; i++)
                if (matrix_node->pairs[i].value != include)
                        diag_add(diags, DIAG_WARNING, "matrix", matrix_node->pairs[i].key->mark,
                                 "matrix: beside 'include' this axis has no effect");
        for (size_t i = 0; i < include->n_items && (r == 0 || r == -EBADMSG); i++) {
                r = add_combination(ret, &combination);
                if (r == 0)
                        r = read_row(include->items[i], diags, combination);
                has_faults |= r == -EBADMSG;
        }
        return r == -ENOMEM ? r : has_faults ? -EBADMSG : 0;
}

static int check_axis(const YamlPair *pair, DiagList *diags) {
        int r = check_name(pair->key, diags);

        if (pair->value->kind == YAML_NULL)
                return r;
        if (pair->value->kind != YAML_SEQUENCE)
                return refuse_values(pair->value, diags);
        for (size_t i = 0; i < pair->value->n_items && r == 0; i++)
                r = check_value(pair->value->items[i], pair->key->text, diags);
        return r;
}

static int compare_axes(const void *a, const void *b) {
        return strcmp(((const Axis *) a)->pair->key->text, ((const Axis *) b)->pair->key->text);
}

/* By name, the last one varying fastest; returns how many combinations there are, as far as that can be counted. */
static size_t lay_out(Axis *axes, size_t n_axes) {
        size_t n = 1;

        qsort(axes, n_axes, sizeof(*axes), compare_axes);
        for (size_t i = n_axes; i-- > 0;) {
                axes[i].stride = n;
                if (__builtin_mul_overflow(n, axes[i].n_values, &n))
                        n = SIZE_MAX;
        }
        return n;
}

static const YamlNode *axis_value(const Axis *axis, size_t combination) {
        return axis->pair->value->items[combination / axis->stride % axis->n_values];
}

static void warn_cut(const YamlNode *node, size_t n_axes, size_t n_combinations, DiagList *diags) {
        if (n_combinations > MATRIX_COMBINATIONS_MAX)
                diag_add(diags, DIAG_WARNING, "matrix", node->mark,
                         "matrix: of its combinations only the first %d run, as on Woodpecker's server",
                         MATRIX_COMBINATIONS_MAX);
        if (n_axes > MATRIX_AXES_MAX)
                diag_add(diags, DIAG_WARNING, "matrix", node->mark,
                         "matrix: of its axes only the first %d by name have values, as on Woodpecker's server",
                         MATRIX_AXES_MAX);
}

/* In the order of the file, for people. */
static int fill_combination(const YamlNode *node, const Axis *axes, size_t n_axes, size_t index, Map *combination) {
        int r = 0;

        for (size_t i = 0; i < node->n_pairs && r == 0; i++)
                for (size_t k = 0; k < MIN(n_axes, (size_t) MATRIX_AXES_MAX) && r == 0; k++)
                        if (axes[k].pair == &node->pairs[i])
                                r = strmap_put(combination, axes[k].pair->key->text,
                                               value_text(axis_value(&axes[k], index)));
        return r;
}

static int make_product(const YamlNode *node, DiagList *diags, Matrix *ret) {
        _cleanup_free_ Axis *axes = calloc(node->n_pairs + 1, sizeof(*axes));
        size_t n_axes = 0, n;
        bool has_faults = false;
        Map *combination;
        int r = 0;

        if (!axes)
                return -ENOMEM;
        for (size_t i = 0; i < node->n_pairs; i++) {
                const YamlPair *pair = &node->pairs[i];

                has_faults |= check_axis(pair, diags) < 0;
                if (pair->value->n_items > 0)
                        axes[n_axes++] = (Axis){ pair, pair->value->n_items, 1 };
        }
        if (has_faults || n_axes == 0)
                return has_faults ? -EBADMSG : 0;
        n = lay_out(axes, n_axes);
        warn_cut(node, n_axes, n, diags);
        for (size_t i = 0; i < MIN(n, (size_t) MATRIX_COMBINATIONS_MAX) && r == 0; i++) {
                r = add_combination(ret, &combination);
                if (r == 0)
                        r = fill_combination(node, axes, n_axes, i, combination);
        }
        return r;
}

int matrix_read(const YamlNode *node, DiagList *diags, Matrix *ret) {
        const YamlNode *include;

        *ret = (Matrix){ 0 };
        if (!node || node->kind == YAML_NULL)
                return 0;
        if (node->kind != YAML_MAPPING) {
                diag_add(diags, DIAG_ERROR, "type", node->mark, "matrix: expected a map of axes to lists, found %s",
                         yaml_kind_name(node->kind));
                return -EBADMSG;
        }
        include = yaml_get(node, "include");
        if (include && include->kind != YAML_NULL && include->n_items + include->n_pairs > 0)
                return read_include(node, include, diags, ret);
        return make_product(node, diags, ret);
}

void matrix_done(Matrix *matrix) {
        for (size_t i = 0; i < matrix->n_combinations; i++)
                map_done(&matrix->combinations[i]);
        free(matrix->combinations);
        *matrix = (Matrix){ 0 };
}

char *matrix_format(const Map *combination) {
        _cleanup_str_ Str all = STR_INIT(STR_MAX_DEFAULT);

        MAP_FOREACH(entry, combination) {
                const char *value = entry->value;
                _cleanup_free_ char *name = str_escape(entry->key, strlen(entry->key), VALUE_BYTES_SHOWN),
                                    *shown = str_escape(value, strlen(value), VALUE_BYTES_SHOWN);

                if (!name || !shown)
                        return NULL;
                (void) str_appendf(&all, "%s%s=%s", all.n > 0 ? ", " : "", name, shown);
        }
        return all.error ? NULL : str_escape(str_get(&all), all.n, MATRIX_NAME_BYTES_MAX);
}
