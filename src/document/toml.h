#pragma once

/*
 * TOML 1.0 as the tree of document/yaml.h: tables are mappings, arrays are sequences, dates keep their text as
 * YAML_TIMESTAMP. Strict: what the language refuses is an error with its place.
 *
 * Read by us because there is no C library for it that both Debian and Fedora have.
 * Source: https://toml.io/en/v1.0.0
 */

#include "document/yaml.h"

#define TOML_NODES_MAX 20000U  /* keys and values of one file */
#define TOML_DEPTH_MAX 32      /* tables in tables, arrays in arrays */

/**
 * toml_parse() - parses a Source; faults go to @diags with their place
 *
 * A fault of syntax ends the reading; of keys that are given twice and the like all are told. The root of an empty file
 * is an empty mapping.
 *
 * Return: 0; -EBADMSG when there were errors (then no document is given); -ENOMEM.
 */
int toml_parse(const Source *source, DiagList *diags, YamlDocument **ret);
