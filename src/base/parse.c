#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* Leading digits; *text is moved behind them. */
static int take_digits(const char **text, uint64_t *ret) {
        const char *s = *text;
        uint64_t value = 0;

        if (!isdigit((unsigned char) *s))
                return -EINVAL;
        for (; isdigit((unsigned char) *s); s++) {
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t) (*s - '0'), &value))
                        return -ERANGE;
        }
        *text = s;
        *ret = value;
        return 0;
}

int parse_u64(const char *text, uint64_t *ret) {
        uint64_t value;
        int r;

        r = take_digits(&text, &value);
        if (r < 0)
                return r;
        if (*text)
                return -EINVAL;
        *ret = value;
        return 0;
}

int parse_i64(const char *text, int64_t *ret) {
        bool negative = *text == '-';
        uint64_t value;
        int r;

        r = parse_u64(text + negative, &value);
        if (r < 0)
                return r;
        if (value > (uint64_t) INT64_MAX + negative)
                return -ERANGE;
        *ret = negative ? (int64_t) (0 - value) : (int64_t) value;
        return 0;
}

int parse_u16(const char *text, uint16_t *ret) {
        uint64_t value;
        int r;

        r = parse_u64(text, &value);
        if (r < 0)
                return r;
        if (value > UINT16_MAX)
                return -ERANGE;
        *ret = (uint16_t) value;
        return 0;
}

int parse_bool(const char *text, bool *ret) {
        static const char *const yes[] = { "true", "yes", "on", "1", "y" };
        static const char *const no[] = { "false", "no", "off", "0", "n" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
                if (strcasecmp(text, yes[i]) == 0)
                        return *ret = true, 0;
                if (strcasecmp(text, no[i]) == 0)
                        return *ret = false, 0;
        }
        return -EINVAL;
}

typedef struct Unit {
        const char *name;
        uint64_t factor;
} Unit;

/* The unit that the text starts with: the longest name that fits. Moves the text behind it. */
static const Unit *take_unit(const char **text, const Unit *units, size_t n_units) {
        const Unit *best = NULL;

        for (size_t i = 0; i < n_units; i++) {
                size_t n = strlen(units[i].name);

                if (strncasecmp(*text, units[i].name, n) == 0 && (!best || n > strlen(best->name)))
                        best = &units[i];
        }
        if (best)
                *text += strlen(best->name);
        return best;
}

int parse_duration(const char *text, uint64_t *ret_usec) {
        static const Unit units[] = {
                { "us", 1 },
                { "ms", USEC_PER_MSEC },
                { "s", USEC_PER_SEC },
                { "sec", USEC_PER_SEC },
                { "m", USEC_PER_MIN },
                { "min", USEC_PER_MIN },
                { "h", 60 * USEC_PER_MIN },
                { "d", 24 * 60 * USEC_PER_MIN },
        };
        uint64_t total = 0, value;
        int r;

        if (parse_u64(text, &value) == 0) {
                if (__builtin_mul_overflow(value, USEC_PER_SEC, &total))
                        return -ERANGE;
                *ret_usec = total;
                return 0;
        }
        do {
                const Unit *unit;

                r = take_digits(&text, &value);
                if (r < 0)
                        return r;
                unit = take_unit(&text, units, ELEMENTSOF(units));
                if (!unit)
                        return -EINVAL;
                if (__builtin_mul_overflow(value, unit->factor, &value) || __builtin_add_overflow(total, value, &total))
                        return -ERANGE;
                while (*text == ' ')
                        text++;
        } while (*text);
        *ret_usec = total;
        return 0;
}

int parse_size(const char *text, uint64_t *ret_bytes) {
        static const Unit units[] = {
                { "b", 1 },         { "k", 1U << 10 },   { "kb", 1U << 10 },  { "kib", 1U << 10 }, { "m", 1U << 20 },
                { "mb", 1U << 20 }, { "mib", 1U << 20 }, { "g", 1U << 30 },   { "gb", 1U << 30 },  { "gib", 1U << 30 },
        };
        const Unit *unit = &units[0];
        uint64_t value;
        int r;

        r = take_digits(&text, &value);
        if (r < 0)
                return r;
        if (*text)
                unit = take_unit(&text, units, ELEMENTSOF(units));
        if (!unit || *text)
                return -EINVAL;
        if (__builtin_mul_overflow(value, unit->factor, &value))
                return -ERANGE;
        *ret_bytes = value;
        return 0;
}
