#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static int log_level = LOG_WARNING;

void log_set_level(int level) {
        log_level = level;
}

bool log_is_enabled(int level) {
        return level <= log_level;
}

void log_write(int level, const char *format, ...) {
        static const char *const names[] = {
                [LOG_EMERG] = "error",     [LOG_ALERT] = "error", [LOG_CRIT] = "error", [LOG_ERR] = "error",
                [LOG_WARNING] = "warning", [LOG_NOTICE] = "note", [LOG_INFO] = "info",  [LOG_DEBUG] = "debug",
        };
        char *text = NULL;
        va_list ap;

        if (!log_is_enabled(level))
                return;
        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        fprintf(stderr, "podstep: %s: %s\n", names[level], text ? text : "out of memory");
        free(text);
}
