#pragma once

/*
 * Between schema.c, which writes tables of keys, and schema-value.c and schema-gitlab.c, which write what their values
 * may be.
 */

#include "document/schema.h"
#include "pipeline/key.h"
#include "pipeline/schema.h"

/* What the row of a key does not tell: the form of its value. */
typedef struct SchemaShape {
        const KeyTable *const *table;
        const char *name;
        SchemaPut put;
} SchemaShape;

/* A definition of the schema: a table of keys, or what @put writes. */
typedef struct SchemaDefinition {
        const char *name;
        const KeyTable *const *table;
        unsigned place;
        const char *required; /* a key that must be there, or NULL */
        SchemaPut put;        /* instead of a table */
} SchemaDefinition;

/* ended by one without a table */
extern const SchemaShape *const schema_woodpecker_shapes, *const schema_gitlab_shapes;
extern const SchemaDefinition *const schema_gitlab_definitions;                        /* by one without a name */

void schema_put_value(JsonWriter *w, const SchemaShape *of, const KeyTable *table, const Key *key);
void schema_put_scalars_by_name(JsonWriter *w);
