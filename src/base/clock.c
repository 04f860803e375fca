#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t now_usec(clockid_t id) {
        struct timespec ts;

        (void) clock_gettime(id, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

uint64_t clock_monotonic_usec(void) {
        return now_usec(CLOCK_MONOTONIC);
}

uint64_t clock_realtime_usec(void) {
        return now_usec(CLOCK_REALTIME);
}

const char *clock_format_duration(uint64_t usec, char buffer[static CLOCK_DURATION_MAX]) {
        uint64_t sec = usec / USEC_PER_SEC, tenths = usec / (USEC_PER_SEC / 10);

        if (sec < 10 && sec > 0 && usec % USEC_PER_SEC == 0) /* as people write it: a limit, most likely */
                (void) snprintf(buffer, CLOCK_DURATION_MAX, "%us", (unsigned) sec);
        else if (sec < 10)
                (void) snprintf(buffer, CLOCK_DURATION_MAX, "%u.%us", (unsigned) (tenths / 10),
                                (unsigned) (tenths % 10));
        else if (sec < 60)
                (void) snprintf(buffer, CLOCK_DURATION_MAX, "%us", (unsigned) sec);
        else if (sec < 3600)
                (void) snprintf(buffer, CLOCK_DURATION_MAX, "%um %02us", (unsigned) (sec / 60), (unsigned) (sec % 60));
        else
                (void) snprintf(buffer, CLOCK_DURATION_MAX, "%lluh %02um", (unsigned long long) (sec / 3600),
                                (unsigned) (sec / 60 % 60));
        return buffer;
}

const char *clock_format_stamp(uint64_t realtime_usec, char buffer[static CLOCK_STAMP_MAX]) {
        time_t sec = (time_t) (realtime_usec / USEC_PER_SEC);
        struct tm tm;
        size_t n;

        (void) gmtime_r(&sec, &tm);
        n = strftime(buffer, CLOCK_STAMP_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
        (void) snprintf(buffer + n, CLOCK_STAMP_MAX - n, ".%03uZ", (unsigned) (realtime_usec / USEC_PER_MSEC % 1000));
        return buffer;
}
