/* Values of one word: from text, and to text. */

#include "config/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/strv.h"

#define NANO UINT64_C(1000000000)
#define CPUS_MAX 1000000U
#define SCORE_MAX 1000
#define SMALL_MAX 1000000U

static bool is_unlimited(const char *text) {
        return str_equal(text, "unlimited") || str_equal(text, "-1");
}

static int parse_text(const ConfigKey *key, const char *text, void *field) {
        char *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        free(*(char **) field);
        *(char **) field = copy;
        return 0;
}

static int parse_flag(const ConfigKey *key, const char *text, void *field) {
        return parse_bool(text, field);
}

static int parse_choice(const ConfigKey *key, const char *text, void *field) {
        bool is_true;
        int r = parse_bool(text, &is_true);

        if (r >= 0)
                *(PolicyChoice *) field = is_true ? POLICY_YES : POLICY_NO;
        return r;
}

static int parse_word(const ConfigKey *key, const char *text, void *field) {
        for (int i = 0; key->words[i]; i++)
                if (str_equal(key->words[i], text)) {
                        *(int *) field = i;
                        return 0;
                }
        return -EINVAL;
}

static int parse_bytes(const ConfigKey *key, const char *text, void *field) {
        return parse_size(text, field);
}

static int parse_bytes_or_none(const ConfigKey *key, const char *text, void *field) {
        uint64_t bytes;
        int r = is_unlimited(text) ? 0 : parse_size(text, &bytes);

        if (r < 0 || (!is_unlimited(text) && bytes > INT64_MAX))
                return r < 0 ? r : -ERANGE;
        *(int64_t *) field = is_unlimited(text) ? -1 : (int64_t) bytes;
        return 0;
}

static int parse_count(const ConfigKey *key, const char *text, void *field) {
        return parse_u64(text, field);
}

static int parse_count_or_none(const ConfigKey *key, const char *text, void *field) {
        int64_t count;
        int r = is_unlimited(text) ? 0 : parse_i64(text, &count);

        if (r < 0 || (!is_unlimited(text) && count < 0))
                return r < 0 ? r : -ERANGE;
        *(int64_t *) field = is_unlimited(text) ? -1 : count;
        return 0;
}

static int parse_score(const ConfigKey *key, const char *text, void *field) {
        int64_t number;
        int r = parse_i64(text, &number);

        if (r < 0 || number < -SCORE_MAX || number > SCORE_MAX)
                return r < 0 ? r : -ERANGE;
        *(int *) field = (int) number;
        return 0;
}

static int parse_small(const ConfigKey *key, const char *text, void *field) {
        uint64_t number;
        int r = parse_u64(text, &number);

        if (r < 0 || number > SMALL_MAX)
                return r < 0 ? r : -ERANGE;
        *(unsigned *) field = (unsigned) number;
        return 0;
}

/* "2", "0.5", "1.25": exactly, whatever the locale; also "1/2", which GitLab Runner takes. */
static int parse_cpus(const ConfigKey *key, const char *text, void *field) {
        const char *c = text;
        uint64_t whole = 0, part = 0, unit = NANO;

        for (; isdigit((unsigned char) *c); c++)
                if ((whole = whole * 10 + (uint64_t) (*c - '0')) > CPUS_MAX)
                        return -ERANGE;
        if (c == text && *c != '.')
                return -EINVAL;
        if (*c == '/') {
                uint64_t divisor;

                if (parse_u64(c + 1, &divisor) < 0 || divisor == 0)
                        return -EINVAL;
                *(uint64_t *) field = whole * NANO / divisor;
                return 0;
        }
        if (*c == '.') {
                if (!isdigit((unsigned char) *++c))
                        return -EINVAL;
                for (; isdigit((unsigned char) *c); c++)
                        part += (uint64_t) (*c - '0') * (unit /= 10);
        }
        *(uint64_t *) field = whole * NANO + part;
        return *c ? -EINVAL : 0;
}

static int parse_time(const ConfigKey *key, const char *text, void *field) {
        return parse_duration(text, field);
}

static int parse_time_or_none(const ConfigKey *key, const char *text, void *field) {
        if (!str_equal(text, "off") && text[0] != '-')
                return parse_duration(text, field);
        *(uint64_t *) field = USEC_INFINITY;
        return str_equal(text, "off") || is_unlimited(text) ? 0 : -EINVAL;
}

static int parse_microseconds(const ConfigKey *key, const char *text, void *field) {
        uint64_t usec;
        int r = parse_u64(text, &usec);

        if (r == -EINVAL)
                r = parse_duration(text, &usec);
        if (r < 0 || usec > INT64_MAX)
                return r < 0 ? r : -ERANGE;
        *(int64_t *) field = (int64_t) usec;
        return 0;
}

static int parse_limit(const ConfigKey *key, const char *text, void *field) {
        Policy *policy = container_of(field, Policy, services_max);
        int r = is_unlimited(text) ? 0 : parse_small(key, text, field);

        if (r >= 0)
                policy->limit_services = !is_unlimited(text);
        return r;
}

/* ---- to text ---- */

static char *format_text(const ConfigKey *key, const void *field) {
        const char *text = *(char *const *) field;

        return text ? strdup(text) : NULL;
}

static char *format_word(const ConfigKey *key, const void *field) {
        return strdup(key->words[*(const int *) field]);
}

static char *format_bytes(const ConfigKey *key, const void *field) {
        static const struct {
                unsigned shift;
                const char *suffix;
        } units[] = { { 30, "g" }, { 20, "m" }, { 10, "k" }, { 0, "" } };
        uint64_t bytes = *(const uint64_t *) field;

        FOREACH_ROW(unit, units)
                if (bytes >> unit->shift > 0 && bytes >> unit->shift << unit->shift == bytes)
                        return str_printf("%" PRIu64 "%s", bytes >> unit->shift, unit->suffix);
        return strdup("0");
}

static char *format_bytes_or_none(const ConfigKey *key, const void *field) {
        return *(const int64_t *) field < 0 ? strdup("unlimited") : format_bytes(key, field);
}

static char *format_cpus(const ConfigKey *key, const void *field) {
        uint64_t nano = *(const uint64_t *) field;
        char *text = str_printf("%" PRIu64 ".%09" PRIu64, nano / NANO, nano % NANO);
        size_t n = text ? strlen(text) : 0;

        while (n > 0 && text[n - 1] == '0')
                text[--n] = '\0';
        if (n > 0 && text[n - 1] == '.')
                text[n - 1] = '\0';
        return text;
}

char *config_format_duration(uint64_t usec) {
        static const struct {
                uint64_t usec;
                const char *suffix;
        } units[] = { { 60 * USEC_PER_MIN, "h" },
                      { USEC_PER_MIN, "min" },
                      { USEC_PER_SEC, "s" },
                      { USEC_PER_MSEC, "ms" },
                      { 1, "us" } };
        Str out = STR_INIT(CONFIG_NAME_MAX);

        FOREACH_ROW(unit, units)
                if (usec >= unit->usec) {
                        (void) str_appendf(&out, "%" PRIu64 "%s", usec / unit->usec, unit->suffix);
                        usec %= unit->usec;
                }
        return str_take(&out);
}

static char *format_time(const ConfigKey *key, const void *field) {
        uint64_t usec = *(const uint64_t *) field;

        return usec == 0 ? strdup("0") : usec == USEC_INFINITY ? strdup("off") : config_format_duration(usec);
}

static char *format_limit(const ConfigKey *key, const void *field) {
        const Policy *policy = container_of(field, const Policy, services_max);

        return policy->limit_services ? str_printf("%u", policy->services_max) : strdup("unlimited");
}

static char *format_count_or_none(const ConfigKey *key, const void *field) {
        int64_t count = *(const int64_t *) field;

        return count < 0 ? strdup("unlimited") : str_printf("%" PRIi64, count);
}

static char *format_count(const ConfigKey *key, const void *field) {
        return str_printf("%" PRIu64, *(const uint64_t *) field);
}

static char *format_small(const ConfigKey *key, const void *field) {
        return str_printf("%u", *(const unsigned *) field);
}

static char *format_score(const ConfigKey *key, const void *field) {
        return str_printf("%d", *(const int *) field);
}

static char *format_flag(const ConfigKey *key, const void *field) {
        return strdup(*(const bool *) field ? "true" : "false");
}

static char *format_choice(const ConfigKey *key, const void *field) {
        PolicyChoice choice = *(const PolicyChoice *) field;

        return choice == POLICY_UNSET ? NULL : strdup(choice == POLICY_YES ? "true" : "false");
}

#define BYTES_WORDS "a size such as 512m or 2g"
#define TIME_WORDS "a duration such as 90s, 10min or 1h30m"

const ConfigScalar config_scalars[_CONFIG_TYPE_MAX] = {
        [CONFIG_TEXT] = { "a text", parse_text, format_text, sizeof(char *) },
        [CONFIG_BOOL] = { "true or false", parse_flag, format_flag, sizeof(bool) },
        [CONFIG_CHOICE] = { "true or false", parse_choice, format_choice, sizeof(PolicyChoice) },
        [CONFIG_WORD] = { NULL, parse_word, format_word, sizeof(int) },
        [CONFIG_SIZE] = { BYTES_WORDS, parse_bytes, format_bytes, sizeof(uint64_t) },
        [CONFIG_SIZE_OR_NONE] = { BYTES_WORDS ", or unlimited", parse_bytes_or_none, format_bytes_or_none,
                                  sizeof(int64_t) },
        [CONFIG_COUNT] = { "a whole number", parse_count, format_count, sizeof(uint64_t) },
        [CONFIG_COUNT_OR_NONE] = { "a whole number, or unlimited", parse_count_or_none,
                                   format_count_or_none, sizeof(int64_t) },
        [CONFIG_NUMBER] = { "a whole number from -1000 to 1000", parse_score, format_score, sizeof(int) },
        [CONFIG_SMALL] = { "a whole number up to 1000000", parse_small, format_small, sizeof(unsigned) },
        [CONFIG_CPUS] = { "a number of CPUs such as 2 or 0.5", parse_cpus, format_cpus, sizeof(uint64_t) },
        [CONFIG_DURATION] = { TIME_WORDS, parse_time, format_time, sizeof(uint64_t) },
        [CONFIG_DURATION_OR_NONE] = { TIME_WORDS ", or off", parse_time_or_none, format_time, sizeof(uint64_t) },
        [CONFIG_MICROSECONDS] = { "a duration such as 50ms, or microseconds", parse_microseconds, format_time,
                                  sizeof(int64_t) },
        [CONFIG_LIMIT] = { "a whole number, or unlimited", parse_limit, format_limit, sizeof(unsigned) },
};
