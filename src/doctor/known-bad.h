#pragma once

/* Versions of what jobs stand on that are known to fail, and why. */

#include "doctor/check.h"

typedef struct KnownBad {
        const char *program;      /* "podman", "crun", "runc", "conmon", "aardvark-dns" */
        const char *from, *before; /* bad is from <= version < before; NULL: from the first on */
        const char *kernel_before; /* only on older kernels; NULL: on all */
        bool remote_only;          /* only where the engine is reached from another machine or user */
        Level level;
        const char *what;   /* "no container starts" */
        const char *source; /* who says so */
} KnownBad;

extern const KnownBad known_bad[];
extern const size_t n_known_bad;

/** known_bad_applies() - whether this row is about that version. A NULL kernel fits none that needs one. */
bool known_bad_applies(const KnownBad *row, const char *program, const char *version, const char *kernel,
                       bool is_local);
