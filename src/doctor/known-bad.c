#include "doctor/known-bad.h"

#include "base/str.h"
#include "doctor/version.h"

/*
 * Holes that a distribution mends without a new version are notes: the number alone does not tell. What makes jobs fail
 * is more. Each row was looked up where it was reported, or seen in podstep's own tests.
 */
const KnownBad known_bad[] = {
        { "conmon", "2.1.9", "2.1.10", .level = LEVEL_FAULT, .what = "no container starts",
          .source = "conmon issue 475" },
        { "crun", "1.11.1", "1.11.2", .level = LEVEL_WARNING, .what = "some containers do not start",
          .source = "crun issue 1338" },
        { "crun", "1.21", "1.22", .kernel_before = "5.6", .level = LEVEL_FAULT,
          .what = "on kernels before 5.6 no container starts ('cannot resolve `null` under rootfs')",
          .source = "crun issue 1783" },
        { "runc", NULL, "1.1.12", .level = LEVEL_NOTE,
          .what = "a hostile image gets out of its container, unless your distribution has mended it",
          .source = "CVE-2024-21626" },
        { "runc", "1.1.12", "1.2.8", .level = LEVEL_NOTE,
          .what = "a hostile step gets out of its container, unless your distribution has mended it",
          .source = "CVE-2025-31133" },
        { "runc", "1.3.0", "1.3.3", .level = LEVEL_NOTE,
          .what = "a hostile step gets out of its container, unless your distribution has mended it",
          .source = "CVE-2025-31133" },
        { "podman", NULL, "4.3", .level = LEVEL_FAULT, .what = "too old for podstep", .source = "podstep" },
        { "podman", "4.3", "4.4", .level = LEVEL_NOTE,
          .what = "who may ask this Podman sees secrets in the clear ('podman inspect') while a step runs",
          .source = "podstep's own tests" },
        { "podman", NULL, "5.3", .remote_only = true, .level = LEVEL_NOTE,
          .what = "over ssh or TCP, output is attached to, and Podman refuses that now and then just after a container "
                  "ended",
          .source = "Podman pull request 23757" },
        { "aardvark-dns", NULL, "1.11", .level = LEVEL_NOTE,
          .what = "in bridge networks, names of services are now and then not found",
          .source = "aardvark-dns issue 389" },
};
const size_t n_known_bad = ELEMENTSOF(known_bad);

bool known_bad_applies(const KnownBad *row, const char *program, const char *version, const char *kernel,
                       bool is_local) {
        if (!str_equal(row->program, program) || !version || (row->remote_only && is_local))
                return false;
        if (row->kernel_before && (!kernel || version_compare(kernel, row->kernel_before) >= 0))
                return false;
        return (!row->from || version_compare(version, row->from) >= 0) && version_compare(version, row->before) < 0;
}
