/* Judgement of podstep's own configuration. */

#include "doctor/check-internal.h"

#include <string.h>

#include "base/str.h"
#include "base/strv.h"

void check_configuration(const Check *check, const Facts *facts, Findings *findings) {
        _cleanup_free_ char *files = strv_join(facts->config_files, ", ");
        Finding *finding;

        if (!str_is_empty(facts->config_faults)) {
                /* The first line says where; 'podstep config' shows all of it. */
                finding = finding_add(findings, check, facts->config_is_broken ? LEVEL_FAULT : LEVEL_WARNING, "%.*s",
                                      (int) strcspn(facts->config_faults, "\n"), facts->config_faults);
                finding_mend(finding, findings, false, "podstep config");
        } else
                (void) finding_add(findings, check, LEVEL_OK, "%s", str_is_empty(files) ? "none" : files);
}
