/*
 * A duration or size that is taken is the same when it is written in the smallest unit; what is refused leaves no
 * trace.
 */

#include <errno.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "fuzz.h"

static void check_duration(const char *text) {
        _cleanup_free_ char *written = NULL;
        char buffer[CLOCK_DURATION_MAX];
        uint64_t usec = 7, again;
        int r;

        r = parse_duration(text, &usec);
        require(r == 0 || r == -EINVAL || r == -ERANGE);
        if (r < 0) {
                require(usec == 7);
                return;
        }
        written = str_printf("%lluus", (unsigned long long) usec);
        require(written && parse_duration(written, &again) == 0 && again == usec);
        require(strlen(clock_format_duration(usec, buffer)) < CLOCK_DURATION_MAX);
}

static void check_size(const char *text) {
        _cleanup_free_ char *written = NULL, *longer = str_printf("0%s", text);
        uint64_t bytes = 7, again;
        int r;

        r = parse_size(text, &bytes);
        require(r == 0 || r == -EINVAL || r == -ERANGE);
        if (r < 0) {
                require(bytes == 7);
                return;
        }
        written = str_printf("%llub", (unsigned long long) bytes);
        require(written && parse_size(written, &again) == 0 && again == bytes);
        require(longer && parse_size(longer, &again) == 0 && again == bytes);
}

static void check_numbers(const char *text) {
        uint64_t number = 0, again = 1;
        int64_t signed_number = 0;
        uint16_t small = 0;

        if (parse_u16(text, &small) == 0)
                require(parse_u64(text, &number) == 0 && number == small);
        if (parse_u64(text, &number) == 0) {
                _cleanup_free_ char *written = str_printf("%llu", (unsigned long long) number);

                require(written && parse_u64(written, &again) == 0 && again == number);
                if (number <= INT64_MAX)
                        require(parse_i64(text, &signed_number) == 0 && (uint64_t) signed_number == number);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);

        check_duration(text);
        check_size(text);
        check_numbers(text);
        return 0;
}
