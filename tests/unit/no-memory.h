#pragma once

/*
 * Each allocation fails in turn. The linker puts the functions below in the place of the real ones, in our own code:
 * link_args: no_memory_args. Libraries allocate by themselves and are not reached.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t n_left = SIZE_MAX; /* allocations that succeed before one fails; SIZE_MAX: all do */
static size_t n_made;
static bool has_failed;

/* One allocation of all, the others go on. */
static bool fails(void) {
        n_made++;
        if (n_left == SIZE_MAX || n_left-- > 0)
                return false;
        has_failed = true;
        return true;
}

#define WRAP(type, name, parameters, arguments)                                                                        \
        type __real_##name parameters;                                                                                 \
        type __wrap_##name parameters;                                                                                 \
        type __wrap_##name parameters {                                                                                \
                return fails() ? NULL : __real_##name arguments;                                                       \
        }
WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(char *, strdup, (const char *text), (text))
WRAP(char *, strndup, (const char *text, size_t n), (text, n))

int __real_vasprintf(char **ret, const char *format, va_list ap);
int __wrap_vasprintf(char **ret, const char *format, va_list ap);
int __wrap_vasprintf(char **ret, const char *format, va_list ap) {
        return fails() ? -1 : __real_vasprintf(ret, format, ap);
}
