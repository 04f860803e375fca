#pragma once

/* Pieces of a JSON schema (draft-07), for who makes one from tables: each writes into an object that is open. */

#include "document/json.h"

typedef void (*SchemaPut)(JsonWriter *w);

/** schema_begin() - opens the schema; schema_finish() closes it: its text, with a newline behind it. 0 or -ENOMEM */
void schema_begin(JsonWriter *w, const char *title);
int schema_finish(JsonWriter *w, char **ret);

/** schema_put_doc() - a description: "``image``" and "`Images`_" are reST, editors show Markdown */
void schema_put_doc(JsonWriter *w, const char *doc);
/** schema_put_words() - "type" or "enum" with a list of words */
void schema_put_words(JsonWriter *w, const char *key, const char *const *words);
void schema_put_scalar(JsonWriter *w); /* text, number, true or false */
void schema_put_bool(JsonWriter *w);
void schema_put_bool_word(JsonWriter *w); /* as YAML 1.1 has them */
void schema_put_object(JsonWriter *w);
void schema_put_array(JsonWriter *w);

/** schema_put_ref() - one of the schema's definitions; or a list or a map of it */
void schema_put_ref(JsonWriter *w, const char *definition);
void schema_put_list_of(JsonWriter *w, const char *definition);
void schema_put_map_of(JsonWriter *w, const char *definition);
/** schema_put_any_of() - { "anyOf": [A, B] }: each of @puts, which end with NULL, writes one */
void schema_put_any_of(JsonWriter *w, const SchemaPut *puts);
#define SCHEMA_PUT_ANY_OF(w, ...) schema_put_any_of((w), (const SchemaPut[]) { __VA_ARGS__, NULL })
