#pragma once

/*
 * The JSON schemas (draft-07) of workflow files, for editors: made of the same tables that the parsers read files by.
 */

typedef enum SchemaKind {
        SCHEMA_WOODPECKER,
        SCHEMA_GITLAB,
        _SCHEMA_MAX,
} SchemaKind;
extern const char *const schema_kind_names[]; /* ended by NULL */

/** schema_to_json() - the text, with a newline behind it: 0 or -ENOMEM */
int schema_to_json(SchemaKind kind, char **ret);
