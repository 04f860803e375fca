#pragma once

/*
 * What every fuzz target includes. A target checks a property of the code, not only that it does not crash; it keeps no
 * state between two inputs. With -Dfuzzing=true libFuzzer drives it, otherwise replay.c.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert() it stays with -Db_ndebug=true. */
#define require(condition)                                                                       \
        do {                                                                                     \
                if (!(condition)) {                                                              \
                        fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
                        abort();                                                                 \
                }                                                                                \
        } while (0)

/* The input as a heap string with a NUL behind it, so that the sanitizer sees each byte that is read beyond. */
static inline char *fuzz_text(const uint8_t *data, size_t size) {
        char *text = malloc(size + 1);

        require(text);
        memcpy(text, data, size);
        text[size] = '\0';
        return text;
}
