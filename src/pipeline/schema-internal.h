#pragma once

/* Between schema.c, which writes tables of keys, and schema-value.c, which writes what their values may be. */

#include "document/json.h"
#include "pipeline/key.h"
#include "pipeline/schema.h"

/* Writes what belongs into an object of the schema that is open. */
typedef void (*SchemaPut)(JsonWriter *w);

void schema_put_value(JsonWriter *w, const KeyTable *table, const Key *key);
void schema_put_scalar(JsonWriter *w);
void schema_put_scalars_by_name(JsonWriter *w);
