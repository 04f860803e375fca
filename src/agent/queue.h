#pragma once

/*
 * Whose turn it is among the jobs that wait. Labels share the places fairly: the one with the fewest jobs running comes
 * first, then the one that waited longest since it last began one, then the older job. Pure but for pressure_look().
 */

#include "agent/store.h"

typedef struct QueueLimits {
        unsigned jobs_max;      /* at once */
        unsigned label_max;     /* of one label; 0: no limit of its own */
        Map label_limits;       /* label to its own limit, as text; counts more */
        uint64_t disk_free_min; /* bytes below which nothing is begun; 0: whatever is left */
        /* percent of the last ten seconds in which something waited for memory; 0: whatever it is */
        unsigned memory_pressure_max;
} QueueLimits;

typedef struct QueueRunning {
        const char *label;
        uint64_t begun_usec; /* when it was started, real time */
} QueueRunning;

/**
 * queue_choose() - the next one
 * @jobs:  those that wait, oldest first
 * @is_ready: of each of them: what it depends on is done
 *
 * Return: its index, or -1 if none may begin now.
 */
ssize_t queue_choose(const QueueLimits *limits, const StoredJob *jobs, const bool *is_ready, size_t n_jobs,
                     const QueueRunning *running, size_t n_running);

typedef struct Pressure {
        uint64_t disk_free;  /* bytes; UINT64_MAX: not known */
        unsigned memory;     /* percent; 0 also where the kernel does not tell */
} Pressure;
Pressure pressure_look(const char *directory);
/** pressure_reason() - why nothing is begun; NULL: nothing speaks against it. Heap. */
char *pressure_reason(const QueueLimits *limits, const Pressure *pressure, size_t n_running);
