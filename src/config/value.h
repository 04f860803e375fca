#pragma once

/* Between value.c (values of one word) and value-list.c (lists and maps, and which of all it is). */

#include "config/key.h"

typedef struct ConfigScalar {
        const char *name;     /* for the manual */
        const char *expected; /* for messages; NULL: one of the key's words */
        int (*parse)(const ConfigKey *key, const char *text, void *field); /* 0, -EINVAL, -ERANGE, -ENOMEM */
        char *(*format)(const ConfigKey *key, const void *field); /* NULL: nothing is set, or no memory */
        size_t size;
} ConfigScalar;

extern const ConfigScalar config_scalars[_CONFIG_TYPE_MAX]; /* without parse where the type is a list or a map */

/** config_format_duration() - "1h30min", as the parser takes it; NULL if memory is out */
char *config_format_duration(uint64_t usec);
