#pragma once

/*
 * A string that grows up to a named maximum. The first failure sticks: build the whole string, check once.
 * Bytes may be anything; there is always a NUL behind them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

typedef struct Str {
        char *bytes; /* NULL while empty; see str_get() */
        size_t n, allocated, max;
        int error; /* 0, -ENOMEM or -E2BIG */
} Str;

#define STR_INIT(maximum) ((Str) { .max = (maximum) })
#define STR_MAX_DEFAULT (64U * 1024 * 1024)

int str_append(Str *s, const char *text);
int str_append_n(Str *s, const void *bytes, size_t n);
int str_append_char(Str *s, char c);
int str_append_texts(Str *s, const char *const *texts, size_t n);
/** str_append_all() - texts one behind the other: str_append_all(&s, a, ": ", b); NULL is nothing */
#define STR_TEXTS(...) ((const char *const[]) { __VA_ARGS__ })
#define str_append_all(s, ...) str_append_texts((s), STR_TEXTS(__VA_ARGS__), ELEMENTSOF(STR_TEXTS(__VA_ARGS__)))
int str_appendf(Str *s, const char *format, ...) _printf_(2, 3);

/** str_get() - the text so far, "" when empty; borrowed */
const char *str_get(const Str *s);

/** str_take() - the text as a heap string of the caller's; NULL if building it failed. The Str is empty again. */
char *str_take(Str *s);

/** str_clear() - empty again, memory kept; also forgets a failure */
void str_clear(Str *s);

/** str_drop_front() - removes the first n bytes */
void str_drop_front(Str *s, size_t n);

void str_done(Str *s);
#define _cleanup_str_ _cleanup_(str_done)

bool str_equal(const char *a, const char *b); /* both may be NULL */
bool str_starts_with(const char *text, const char *prefix);
bool str_ends_with(const char *text, const char *suffix);
static inline bool str_is_empty(const char *text) {
        return !text || !*text;
}

/** str_printf() - asprintf() with a usable answer: NULL if memory is out */
char *str_printf(const char *format, ...) _printf_(1, 2);

/**
 * str_escape() - for messages: control characters and invalid UTF-8 as \xNN, cut at @max_bytes with "..."; NULL if
 * memory is out
 */
char *str_escape(const char *text, size_t n, size_t max_bytes);
