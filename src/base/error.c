#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct Error {
        int number; /* negative errno */
        char *message;
};

static Error oom = { .number = -ENOMEM, .message = (char *) "out of memory" };

Error *error_free(Error *error) {
        if (!error || error == &oom)
                return NULL;
        free(error->message);
        free(error);
        return NULL;
}

int error_oom(Error **reterr) {
        if (reterr) {
                error_free(*reterr);
                *reterr = &oom;
        }
        return -ENOMEM;
}

static int error_replace(Error **reterr, int number, char *message) {
        Error *error;

        error = message ? malloc(sizeof(*error)) : NULL;
        if (!error) {
                free(message);
                (void) error_oom(reterr);
                return number;
        }
        *error = (Error) { .number = number, .message = message };
        error_free(*reterr);
        *reterr = error;
        return number;
}

int error_set(Error **reterr, int errnum, const char *format, ...) {
        char *message = NULL;
        va_list ap;

        if (!reterr)
                return -errnum;
        va_start(ap, format);
        if (vasprintf(&message, format, ap) < 0)
                message = NULL;
        va_end(ap);
        return error_replace(reterr, -errnum, message);
}

int error_wrap(Error **reterr, int r, const char *format, ...) {
        _cleanup_free_ char *doing = NULL;
        char *message = NULL;
        va_list ap;

        if (!reterr || *reterr == &oom)
                return r;
        va_start(ap, format);
        if (vasprintf(&doing, format, ap) < 0)
                doing = NULL;
        va_end(ap);
        if (doing && asprintf(&message, "%s: %s", doing, error_message(*reterr, r)) < 0)
                message = NULL;
        (void) error_replace(reterr, r, message);
        return r;
}

Error *error_copy(const Error *error) {
        Error *copy = NULL;

        if (!error || error == &oom)
                return (Error *) error;
        (void) error_set(&copy, -error->number, "%s", error->message);
        return copy;
}

const char *error_message(const Error *error, int r) {
        if (error)
                return error->message;
        return strerror(r < 0 ? -r : r);
}

int error_number(const Error *error) {
        return error ? error->number : 0;
}
