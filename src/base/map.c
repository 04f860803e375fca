#include "base/map.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define SLOTS_MIN ((size_t) 16)

static uint64_t hash(const char *key) {
        uint64_t h = 0xcbf29ce484222325U; /* FNV-1a */

        for (; *key; key++)
                h = (h ^ (unsigned char) *key) * 0x100000001b3U;
        return h ^ h >> 32;
}

/* The slot of the key, or the empty one where it would go. There is always an empty one. */
static size_t find_slot(const Map *map, const char *key, uint64_t h) {
        size_t slot = h & (map->n_slots - 1);

        for (; map->slots[slot]; slot = (slot + 1) & (map->n_slots - 1)) {
                const MapEntry *entry = &map->entries[map->slots[slot] - 1];

                if (entry->hash == h && entry->key && strcmp(entry->key, key) == 0)
                        break;
        }
        return slot;
}

/* Room for so many entries in all: half as many as there are slots, so that a slot is soon found. */
static int reserve(Map *map, size_t n) {
        size_t n_slots = MAX(map->n_slots, SLOTS_MIN);
        MapEntry *entries;
        unsigned *slots;

        if (n <= map->n_slots / 2)
                return 0;
        while (n > n_slots / 2)
                n_slots *= 2;
        entries = reallocarray(map->entries, n_slots / 2, sizeof(*entries));
        if (!entries)
                return -ENOMEM;
        map->entries = entries;
        slots = calloc(n_slots, sizeof(*slots));
        if (!slots)
                return -ENOMEM;
        free(map->slots);
        map->slots = slots;
        map->n_slots = n_slots;
        for (size_t i = 0; i < map->n_entries; i++)
                if (map->entries[i].key)
                        map->slots[find_slot(map, map->entries[i].key, map->entries[i].hash)] = (unsigned) i + 1;
        return 0;
}

static MapEntry *find(const Map *map, const char *key, uint64_t h) {
        unsigned index;

        if (map->n_slots == 0)
                return NULL;
        index = map->slots[find_slot(map, key, h)];
        return index ? &map->entries[index - 1] : NULL;
}

static void release(const Map *map, void *value) {
        if (map->free_value)
                map->free_value(value);
}

static int put_take(Map *map, const char *key, uint64_t h, void *value) {
        MapEntry *entry = find(map, key, h);
        char *copy;

        if (entry) {
                release(map, entry->value);
                entry->value = value;
                return 0;
        }
        copy = strdup(key);
        if (!copy || reserve(map, map->n_entries + 1) < 0) {
                free(copy);
                release(map, value);
                return -ENOMEM;
        }
        map->entries[map->n_entries++] = (MapEntry) { copy, value, h };
        map->slots[find_slot(map, key, h)] = (unsigned) map->n_entries;
        return 0;
}

int map_put_take(Map *map, const char *key, void *value) {
        return put_take(map, key, hash(key), value);
}

void *map_get(const Map *map, const char *key) {
        const MapEntry *entry = find(map, key, hash(key));

        return entry ? entry->value : NULL;
}

bool map_has(const Map *map, const char *key) {
        return find(map, key, hash(key));
}

bool map_remove(Map *map, const char *key) {
        MapEntry *entry = find(map, key, hash(key));

        if (!entry)
                return false;
        /* The slot keeps pointing at the removed entry, so that probing goes on past it. */
        free(TAKE_PTR(entry->key));
        release(map, TAKE_PTR(entry->value));
        return true;
}

size_t map_size(const Map *map) {
        size_t n = 0;

        MAP_FOREACH(entry, map)
                n++;
        return n;
}

void map_done(Map *map) {
        for (size_t i = 0; i < map->n_entries; i++)
                if (map->entries[i].key) {
                        free(map->entries[i].key);
                        release(map, map->entries[i].value);
                }
        free(map->entries);
        free(map->slots);
        *map = MAP_INIT(map->free_value);
}

int strmap_put(Map *map, const char *key, const char *value) {
        char *copy = strdup(value ? value : "");

        return copy ? map_put_take(map, key, copy) : -ENOMEM;
}

int strmap_putf(Map *map, const char *key, const char *format, ...) {
        char *value = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&value, format, ap) < 0)
                value = NULL;
        va_end(ap);
        return value ? map_put_take(map, key, value) : -ENOMEM;
}

int strmap_update(Map *map, const Map *from) {
        int r = from->n_entries > 0 ? reserve(map, map->n_entries + from->n_entries) : 0;

        MAP_FOREACH(entry, from)
                if (r >= 0) {
                        char *copy = strdup(entry->value);

                        r = copy ? put_take(map, entry->key, entry->hash, copy) : -ENOMEM;
                }
        return r;
}
