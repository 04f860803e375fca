#pragma once

/* Time in microseconds. Monotonic for durations and deadlines, real time for stamps that people or containers see. */

#include <stdint.h>

#define NSEC_PER_USEC UINT64_C(1000)
#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MIN (60 * USEC_PER_SEC)
#define USEC_INFINITY UINT64_MAX

uint64_t clock_monotonic_usec(void);
uint64_t clock_realtime_usec(void);

#define CLOCK_DURATION_MAX 32
/** clock_format_duration() - "0.3s", "2s", "12s", "4m 09s", "2h 05m"; returns the buffer */
const char *clock_format_duration(uint64_t usec, char buffer[static CLOCK_DURATION_MAX]);

#define CLOCK_STAMP_MAX 32
/** clock_format_stamp() - real time as RFC 3339 in UTC with milliseconds; returns the buffer */
const char *clock_format_stamp(uint64_t realtime_usec, char buffer[static CLOCK_STAMP_MAX]);
