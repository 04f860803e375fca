#include "doctor/check-internal.h"

#include "base/str.h"
#include "doctor/bus.h"

/* 'podstep run' needs none of this: so the worst of it is a warning. */
void check_agent(const Check *check, const Facts *facts, Findings *findings) {
        const UnitFacts *unit = &facts->podstep_socket;
        Finding *finding;

        if (facts->uid == 0 || !facts->has_manager)
                return; /* told by others */
        if (str_equal(facts->podstep_service.active, "failed") || str_equal(unit->active, "failed")) {
                finding = finding_add(findings, check, LEVEL_WARNING, "the agent has failed: what is submitted waits");
                finding_mend(finding, findings, false, "journalctl --user -u podstep.service -n 20");
                finding_mend(finding, findings, false, "systemctl --user restart " UNIT_PODSTEP_SOCKET);
        } else if (str_equal(unit->load, "masked") || str_equal(unit->file, "masked")) {
                finding = finding_add(findings, check, LEVEL_NOTE,
                                      UNIT_PODSTEP_SOCKET " is masked: 'podstep submit' finds no agent");
                finding_mend(finding, findings, false, "systemctl --user unmask " UNIT_PODSTEP_SOCKET);
        } else if (!str_equal(unit->load, "loaded"))
                (void) finding_add(findings, check, LEVEL_OK,
                                   "no " UNIT_PODSTEP_SOCKET
                                   ": 'podstep submit' needs an agent that you start yourself");
        else if (str_equal(facts->guard_socket.load, "not-found")) {
                finding =
                        finding_add(findings, check, LEVEL_WARNING,
                                    "there is no " UNIT_GUARD_SOCKET
                                    ": the agent can neither look at mounts, nor keep jobs from a cloud's credentials");
                finding_advise(finding, findings, "it comes with podstep.socket; install podstep again");
        } else if (str_equal(facts->guard_socket.load, "masked") || str_equal(facts->guard_socket.active, "failed")) {
                bool is_masked = str_equal(facts->guard_socket.load, "masked");

                finding = finding_add(findings, check, LEVEL_WARNING,
                                      UNIT_GUARD_SOCKET
                                      " %s: the agent can neither look at mounts, nor keep jobs from a cloud's "
                                      "credentials",
                                      is_masked ? "is masked" : "has failed");
                finding_mend(finding, findings, false,
                             is_masked ? "systemctl --user unmask " UNIT_GUARD_SOCKET
                                       : "systemctl --user restart " UNIT_GUARD_SOCKET);
        } else if (!str_equal(unit->file, "enabled") || !str_equal(unit->active, "active")) {
                finding = finding_add(findings, check, LEVEL_NOTE,
                                      UNIT_PODSTEP_SOCKET " is %s and %s: 'podstep submit' finds no agent%s",
                                      str_is_empty(unit->file) ? "of unknown state" : unit->file,
                                      unit->active ? unit->active : "unknown",
                                      str_equal(unit->active, "active") ? " after the next boot" : "");
                finding_mend(finding, findings, false, "podstep setup");
        } else
                (void) finding_add(findings, check, LEVEL_OK,
                                   UNIT_PODSTEP_SOCKET
                                   " is enabled and active: the agent runs when a job is submitted");
}
