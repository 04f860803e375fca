#pragma once

/* Ownership by scope: whoever declares an owner writes how it ends, on the same line. */

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _must_check_ __attribute__((warn_unused_result))

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define container_of(ptr, type, member) ((type *) ((char *) (ptr) -offsetof(type, member)))

/* Hands the pointer on and forgets it, so that its cleanup does nothing. */
#define TAKE_PTR(ptr)                       \
        ({                                  \
                typeof(ptr) *_pp = &(ptr);  \
                typeof(ptr) _p = *_pp;      \
                *_pp = NULL;                \
                _p;                         \
        })

#define TAKE_FD(fd)          \
        ({                   \
                int *_f = &(fd); \
                int _v = *_f;    \
                *_f = -1;        \
                _v;              \
        })

/* Makes T_freep() out of 'T *t_free(T *)', for _cleanup_(). */
#define DEFINE_CLEANUP(type, func)                  \
        static inline void func##p(type *p) {       \
                if (*p)                             \
                        *p = func(*p);              \
        }                                           \
        struct func##_cleanup_defined

static inline void freep(void *p) {
        free(*(void **) p);
}
#define _cleanup_free_ _cleanup_(freep)

static inline void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}
#define _cleanup_close_ _cleanup_(closep)

/* Closes and gives -1 back: fd = fd_close(fd); */
static inline int fd_close(int fd) {
        if (fd >= 0)
                close(fd);
        return -1;
}

/* Walks a static table of rows; 'row' is a const pointer. */
#define FOREACH_ROW(row, rows) \
        for (const typeof((rows)[0]) *row = (rows); row < (rows) + ELEMENTSOF(rows); row++)
