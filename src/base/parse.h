#pragma once

/*
 * Numbers, sizes, durations: the whole string, range checked. -EINVAL: not such a thing; -ERANGE: too large or too
 * small.
 */

#include <stdbool.h>
#include <stdint.h>

int parse_u64(const char *text, uint64_t *ret);
int parse_i64(const char *text, int64_t *ret);
int parse_u16(const char *text, uint16_t *ret);
/** parse_bool() - true/false, yes/no, on/off, 1/0, y/n in any case */
int parse_bool(const char *text, bool *ret);
/** parse_duration() - "90s", "1h30m", "10min", "250ms"; a bare number is seconds; result in microseconds */
int parse_duration(const char *text, uint64_t *ret_usec);
/**
 * parse_size() - "512", "64k", "64m", "2g", also KiB/MiB/GiB and a final b; powers of 1024, as podman does; in bytes
 */
int parse_size(const char *text, uint64_t *ret_bytes);
