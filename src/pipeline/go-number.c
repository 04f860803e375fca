#include "pipeline/go-number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

#define FLOAT_DIGITS_MAX 17 /* always enough to tell one double from another */
#define FLOAT_BYTES_MAX 400

/* The shortest digits that read back as the same number: number = 0.DIGITS * 10^point. */
typedef struct Digits {
        char digits[FLOAT_DIGITS_MAX + 1];
        int n, point;
        bool is_negative;
} Digits;

static Digits shortest_digits(double number) {
        Digits d = { .is_negative = signbit(number) };
        uint64_t exponent = 0;
        char text[64];
        const char *c;

        for (int precision = 0; precision < FLOAT_DIGITS_MAX; precision++) {
                (void) snprintf(text, sizeof(text), "%.*e", precision, fabs(number));
                if (strtod(text, NULL) == fabs(number))
                        break;
        }
        for (c = text; *c && *c != 'e'; c++)
                if (isdigit((unsigned char) *c))
                        d.digits[d.n++] = *c;
        assert(*c == 'e');
        (void) parse_u64(c + 2, &exponent);
        d.point = (c[1] == '-' ? -(int) exponent : (int) exponent) + 1;
        while (d.n > 1 && d.digits[d.n - 1] == '0')
                d.n--;
        return d;
}

static char *format_plain(const Digits *d) {
        _cleanup_str_ Str out = STR_INIT(FLOAT_BYTES_MAX);

        if (d->is_negative)
                (void) str_append_char(&out, '-');
        if (d->point <= 0)
                (void) str_append(&out, "0.");
        for (int i = d->point; i < 0; i++)
                (void) str_append_char(&out, '0');
        for (int i = 0; i < MAX(d->n, d->point); i++) {
                if (i == d->point && i > 0)
                        (void) str_append_char(&out, '.');
                (void) str_append_char(&out, i < d->n ? d->digits[i] : '0');
        }
        return str_take(&out);
}

static char *format_exponent(const Digits *d, int n_exponent_digits) {
        return str_printf("%s%c%s%.*se%c%0*d", d->is_negative ? "-" : "", d->digits[0], d->n > 1 ? "." : "", d->n - 1,
                          d->digits + 1, d->point > 0 ? '+' : '-', n_exponent_digits, abs(d->point - 1));
}

char *go_format_float(double number) {
        Digits d;

        if (isnan(number))
                return strdup("NaN");
        if (isinf(number))
                return strdup(number > 0 ? "+Inf" : "-Inf");
        d = shortest_digits(number);
        return d.point < -3 || d.point > 6 ? format_exponent(&d, 2) : format_plain(&d);
}

char *go_format_json_float(double number) {
        Digits d = shortest_digits(number);

        if (number == 0 || (d.point > -6 && d.point <= 21))
                return format_plain(&d);
        return format_exponent(&d, d.point > 0 ? 2 : 1);
}

/* A number of 1 to @n_max digits; moves the text behind it. */
static bool take_number(const char **text, size_t n_max, unsigned *ret) {
        size_t n = 0;

        *ret = 0;
        for (; isdigit((unsigned char) **text) && n < n_max; n++)
                *ret = *ret * 10 + (unsigned) (*(*text)++ - '0');
        return n > 0;
}

static bool take_char(const char **text, const char *accepted) {
        if (!**text || !strchr(accepted, **text))
                return false;
        (*text)++;
        return true;
}

char *go_format_time(const char *text) {
        unsigned year, month, day, hour = 0, minute = 0, second = 0, zone_hour = 0, zone_minute = 0;
        const char *c = text, *fraction = "";
        size_t n_fraction = 0;
        char sign = '+';

        if (!take_number(&c, 4, &year) || !take_char(&c, "-") || !take_number(&c, 2, &month) || !take_char(&c, "-") ||
            !take_number(&c, 2, &day))
                return strdup(text);
        if (take_char(&c, "Tt ")) {
                if (!take_number(&c, 2, &hour) || !take_char(&c, ":") || !take_number(&c, 2, &minute) ||
                    !take_char(&c, ":") || !take_number(&c, 2, &second))
                        return strdup(text);
                if (*c == '.') {
                        fraction = c;
                        n_fraction = 1 + strspn(c + 1, "0123456789");
                        c += n_fraction;
                        while (n_fraction > 0 && strchr(".0", fraction[n_fraction - 1]))
                                n_fraction--;
                }
                if (*c == '+' || *c == '-') {
                        sign = *c++;
                        if (!take_number(&c, 2, &zone_hour) || !take_char(&c, ":") || !take_number(&c, 2, &zone_minute))
                                return strdup(text);
                } else
                        (void) take_char(&c, "Z");
        }
        if (*c)
                return strdup(text);
        if (zone_hour == 0 && zone_minute == 0)
                return str_printf("%04u-%02u-%02uT%02u:%02u:%02u%.*sZ", year, month, day, hour, minute, second,
                                  (int) n_fraction, fraction);
        return str_printf("%04u-%02u-%02uT%02u:%02u:%02u%.*s%c%02u:%02u", year, month, day, hour, minute, second,
                          (int) n_fraction, fraction, sign, zone_hour, zone_minute);
}
