#pragma once

/*
 * What podstep says of itself, as opposed to what a job prints: to standard error, or as journal levels when a service.
 */

#include <stdbool.h>
#include <syslog.h>

#include "base/cleanup.h"

/** log_set_level() - lowest urgency shown; LOG_WARNING unless set */
void log_set_level(int level);
bool log_is_enabled(int level);
void log_write(int level, const char *format, ...) _printf_(2, 3);

#define log_debug(...) (log_is_enabled(LOG_DEBUG) ? log_write(LOG_DEBUG, __VA_ARGS__) : (void) 0)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERR, __VA_ARGS__)
