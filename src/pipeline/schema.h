#pragma once

/* The JSON schema (draft-07) of workflow files, for editors: made of the same tables that the parser reads files by. */

/** schema_to_json() - the text, with a newline behind it: 0 or -ENOMEM */
int schema_to_json(char **ret);
