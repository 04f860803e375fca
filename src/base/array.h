#pragma once

/*
 * Growing arrays: a pointer and a count. Capacity is implied: the array is full whenever the count is 0 or a power of
 * two.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

/**
 * array_grow() - room for one more element
 *
 * Return: the array, moved if it had to, or NULL when memory is out (the old one stays valid).
 */
static inline void *array_grow(void *array, size_t n, size_t size) {
        size_t capacity;

        if (n > 0 && (n & (n - 1)) != 0)
                return array;
        capacity = n == 0 ? 1 : n * 2;
        if (size != 0 && capacity > SIZE_MAX / size)
                return NULL;
        return realloc(array, capacity * size);
}

/* Appends 'item' to 'array' of 'n' elements; 0 or -ENOMEM. */
#define ARRAY_APPEND(array, n, item)                                      \
        ({                                                                \
                void *_grown = array_grow((array), (n), sizeof(*(array))); \
                if (_grown) {                                             \
                        (array) = _grown;                                 \
                        (array)[(n)++] = (item);                          \
                }                                                         \
                _grown ? 0 : -ENOMEM;                                     \
        })
