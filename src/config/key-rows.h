#pragma once

/* For the tables: type and place of a field of OWNER in one word; does not compile if the field is of another type. */

#include "config/key.h"

#define FIELD(f, T) \
        (offsetof(OWNER, f) + 0 * sizeof(char[1 - 2 * !__builtin_types_compatible_p(typeof(((OWNER *) 0)->f), T)]))
#define TEXT(f) CONFIG_TEXT, FIELD(f, char *)
#define BOOL(f) CONFIG_BOOL, FIELD(f, bool)
#define CHOICE(f) CONFIG_CHOICE, FIELD(f, PolicyChoice)
#define WORD(f) CONFIG_WORD, offsetof(OWNER, f) + 0 * sizeof(char[1 - 2 * (sizeof(((OWNER *) 0)->f) != sizeof(int))])
#define SIZE(f) CONFIG_SIZE, FIELD(f, uint64_t)
#define SIZE_OR_NONE(f) CONFIG_SIZE_OR_NONE, FIELD(f, int64_t)
#define COUNT(f) CONFIG_COUNT, FIELD(f, uint64_t)
#define COUNT_OR_NONE(f) CONFIG_COUNT_OR_NONE, FIELD(f, int64_t)
#define NUMBER(f) CONFIG_NUMBER, FIELD(f, int)
#define SMALL(f) CONFIG_SMALL, FIELD(f, unsigned)
#define CPUS(f) CONFIG_CPUS, FIELD(f, uint64_t)
#define DURATION(f) CONFIG_DURATION, FIELD(f, uint64_t)
#define DURATION_OR_NONE(f) CONFIG_DURATION_OR_NONE, FIELD(f, uint64_t)
#define MICROSECONDS(f) CONFIG_MICROSECONDS, FIELD(f, int64_t)
#define TEXTS(f) CONFIG_TEXTS, FIELD(f, char **)
#define PULLS(f) CONFIG_PULLS, FIELD(f, PullList)
#define TRUST(f) CONFIG_TRUST, FIELD(f, unsigned)
#define MAP(f) CONFIG_MAP, FIELD(f, Map)
