#include "agent/queue.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"

#define PRESSURE_FILE "/proc/pressure/memory"
#define PRESSURE_BYTES_MAX 4096

static size_t count_label(const QueueRunning *running, size_t n_running, const char *label) {
        size_t n = 0;

        for (size_t i = 0; i < n_running; i++)
                n += str_equal(running[i].label, label);
        return n;
}

static uint64_t last_begun(const QueueRunning *running, size_t n_running, const char *label) {
        uint64_t last = 0;

        for (size_t i = 0; i < n_running; i++)
                if (str_equal(running[i].label, label))
                        last = MAX(last, running[i].begun_usec);
        return last;
}

static uint64_t limit_of(const QueueLimits *limits, const char *label) {
        const char *own = strmap_get(&limits->label_limits, label);
        uint64_t value = limits->label_max ? limits->label_max : UINT64_MAX;

        if (own)
                (void) parse_u64(own, &value);
        return value;
}

ssize_t queue_choose(const QueueLimits *limits, const StoredJob *jobs, const bool *is_ready, size_t n_jobs,
                     const QueueRunning *running, size_t n_running) {
        ssize_t best = -1;
        size_t best_count = 0;
        uint64_t best_last = 0;

        if (n_running >= limits->jobs_max)
                return -1;
        for (size_t i = 0; i < n_jobs; i++) {
                size_t count = count_label(running, n_running, jobs[i].label);
                uint64_t last = last_begun(running, n_running, jobs[i].label);

                if (!is_ready[i] || count >= limit_of(limits, jobs[i].label))
                        continue;
                if (best >= 0 && (count > best_count || (count == best_count && last >= best_last)))
                        continue;
                best = (ssize_t) i;
                best_count = count;
                best_last = last;
        }
        return best;
}

/* "some avg10=0.12 avg60=..." ; source: Documentation/accounting/psi.rst of Linux */
static unsigned read_memory_pressure(void) {
        _cleanup_free_ char *text = NULL;
        const char *average;
        float percent = 0;

        if (file_read(PRESSURE_FILE, PRESSURE_BYTES_MAX, &text, NULL) < 0)
                return 0;
        average = strstr(text, "some avg10=");
        return average && sscanf(average, "some avg10=%f", &percent) == 1 && percent > 0 ? (unsigned) percent : 0;
}

Pressure pressure_look(const char *directory) {
        struct statvfs fs;

        return (Pressure) { .disk_free =
                                   statvfs(directory, &fs) == 0 ? (uint64_t) fs.f_bavail * fs.f_frsize : UINT64_MAX,
                           .memory = read_memory_pressure() };
}

char *pressure_reason(const QueueLimits *limits, const Pressure *pressure, size_t n_running) {
        if (limits->disk_free_min && pressure->disk_free < limits->disk_free_min)
                return str_printf("only %llu MiB are free on the disk, %llu are wanted before a job begins",
                                  (unsigned long long) (pressure->disk_free >> 20),
                                  (unsigned long long) (limits->disk_free_min >> 20));
        /* If nothing of ours runs, the pressure is not ours, and waiting would not end it. */
        if (limits->memory_pressure_max && n_running > 0 && pressure->memory > limits->memory_pressure_max)
                return str_printf("memory is short: something waited for it %u %% of the last ten seconds",
                                  pressure->memory);
        return NULL;
}
