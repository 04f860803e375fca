#pragma once

/*
 * Strings to pointers: ordered by insertion, found by hash. Keys are copied. Values are owned if a free function is
 * given.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

typedef void (*MapFree)(void *value);

typedef struct MapEntry {
        char *key; /* NULL: removed */
        void *value;
        uint64_t hash; /* of the key */
} MapEntry;

typedef struct Map {
        MapEntry *entries;
        size_t n_entries; /* removed ones included */
        unsigned *slots;  /* entry index + 1; 0: empty */
        size_t n_slots;
        MapFree free_value;
} Map;

#define MAP_INIT(f) ((Map) { .free_value = (f) })
/* A map from string to string that owns its values. */
#define STRMAP_INIT MAP_INIT(free)

/** map_put_take() - sets; replaces an older value in its place. Takes the value, also on failure: 0 or -ENOMEM */
int map_put_take(Map *map, const char *key, void *value);
void *map_get(const Map *map, const char *key);
bool map_has(const Map *map, const char *key);
/** map_remove() - true if it was there */
bool map_remove(Map *map, const char *key);
size_t map_size(const Map *map);
void map_done(Map *map);
#define _cleanup_map_ _cleanup_(map_done)

#define MAP_FOREACH(entry, map)                                                                                 \
        for (const MapEntry *entry = (map)->entries, *_end = entry ? entry + (map)->n_entries : NULL; entry < _end; \
             entry++)                                                                                           \
                if (entry->key)

/* The same for strings. */
int strmap_put(Map *map, const char *key, const char *value);
int strmap_putf(Map *map, const char *key, const char *format, ...) _printf_(3, 4);
static inline const char *strmap_get(const Map *map, const char *key) {
        return map_get(map, key);
}
/** strmap_update() - puts all of @from into @map */
int strmap_update(Map *map, const Map *from);
