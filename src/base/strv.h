#pragma once

/* Lists of strings, ended by NULL. NULL is an empty list. */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

size_t strv_length(char *const *list);
char **strv_free(char **list);
DEFINE_CLEANUP(char **, strv_free);
#define _cleanup_strv_ _cleanup_(strv_freep)

/** strv_append() - appends a copy; 0 or -ENOMEM */
int strv_append(char ***list, const char *item);
/** strv_append_take() - appends the string itself; it is freed if memory is out (or it is NULL): 0 or -ENOMEM */
int strv_append_take(char ***list, char *item);
/** strv_copy() - NULL for an empty list; check with strv_length() where want of memory matters */
int strv_copy(char *const *list, char ***ret);
bool strv_contains(char *const *list, const char *item);
/** strv_join() - NULL if memory is out */
char *strv_join(char *const *list, const char *separator);
/** strv_split() - at every occurrence of the character; empty parts are kept. 0 or -ENOMEM */
int strv_split(const char *text, char separator, char ***ret);

#define STRV_FOREACH(item, list) for (char *const *item = (list); item && *item; item++)
