/* Judgements of the engine: whether it is there, its versions, its networks. */

#include "doctor/check-internal.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "doctor/bus.h"
#include "doctor/known-bad.h"

#define DEFAULT_REGISTRY "docker.io"

void check_engine(const Check *check, const Facts *facts, Findings *findings) {
        const EngineDetails *details = &facts->details;
        Finding *finding;

        if (facts->engine_r >= 0 && facts->is_docker) {
                finding = finding_add(findings, check, LEVEL_NOTE,
                                      "Docker %s at %s: jobs run, without pods and with ids of the whole machine",
                                      facts->engine_version, facts->engine_address);
                finding_advise(finding, findings,
                               "a Podman of your own needs no daemon and no root: 'apt install podman' or 'dnf install "
                               "podman'");
                return;
        }
        if (facts->engine_r >= 0) {
                bool is_root = facts->knows_details && !details->is_rootless;

                finding = finding_add(findings, check, is_root ? LEVEL_NOTE : LEVEL_OK, "Podman %s at %s%s",
                                      facts->engine_version, facts->engine_address, is_root ? ", as root" : "");
                if (is_root)
                        finding_advise(finding, findings,
                                       "what gets out of a container is root then; a user's own Podman is safer");
                return;
        }
        finding = finding_add(findings, check, LEVEL_FAULT, "%s",
                              facts->engine_error ? facts->engine_error : "no answer");
        if (facts->engine_r == -EPROTONOSUPPORT)
                finding_advise(finding, findings,
                               "install a newer Podman ('apt install podman' or 'dnf install podman'); see podstep(1) "
                               "for what podstep needs");
        else if (!facts->has_podman)
                finding_advise(finding, findings, "install it: 'apt install podman' or 'dnf install podman'");
        else if (facts->has_manager)
                finding_mend(finding, findings, false, "podstep setup");
}

/* Whether it comes back after the next boot. */
void check_socket(const Check *check, const Facts *facts, Findings *findings) {
        const UnitFacts *unit = &facts->podman_socket;
        Finding *finding;

        if (facts->uid == 0)
                return; /* the user's manager of root is not whose socket root's Podman has */
        if (!facts->has_manager) {
                if (!facts->has_systemd) {
                        finding = finding_add(findings, check, LEVEL_NOTE,
                                              "no systemd here: Podman must be started by hand or by something else");
                        finding_mend(finding, findings, false,
                                     "podman system service --time=0 unix://$XDG_RUNTIME_DIR/podman/podman.sock &");
                        return;
                }
                finding = finding_add(findings, check, LEVEL_WARNING, "your systemd does not answer: %s",
                                      facts->manager_error ? facts->manager_error : "not there");
                finding_advise(finding, findings, "log in as %s anew; lingering starts it at boot", facts->user);
                return;
        }
        if (str_equal(unit->load, "masked") || str_equal(unit->file, "masked")) {
                finding = finding_add(findings, check, LEVEL_WARNING, UNIT_PODMAN_SOCKET " is masked");
                finding_mend(finding, findings, false, "systemctl --user unmask " UNIT_PODMAN_SOCKET);
        } else if (!str_equal(unit->load, "loaded")) {
                finding = finding_add(findings, check, LEVEL_WARNING, "there is no " UNIT_PODMAN_SOCKET);
                finding_advise(finding, findings,
                               "it comes with the package podman (Debian before 12: with a newer one)");
        } else if (!str_equal(unit->file, "enabled") || !str_equal(unit->active, "active")) {
                finding = finding_add(findings, check, LEVEL_WARNING, UNIT_PODMAN_SOCKET " is %s and %s%s",
                                      str_is_empty(unit->file) ? "of unknown state" : unit->file,
                                      unit->active ? unit->active : "unknown",
                                      str_equal(unit->active, "active") ? ": gone after the next boot" : "");
                finding_mend(finding, findings, false, "podstep setup");
                finding_mend(finding, findings, false, "systemctl --user enable --now " UNIT_PODMAN_SOCKET);
        } else
                (void) finding_add(findings, check, LEVEL_OK, UNIT_PODMAN_SOCKET " is enabled and active");
}

void check_versions(const Check *check, const Facts *facts, Findings *findings) {
        const EngineDetails *details = &facts->details;
        const struct {
                const char *program, *version;
        } rows[] = {
                { facts->is_docker ? "docker" : "podman", details->version },
                { details->runtime, details->runtime_version },
                { "conmon", details->monitor_version },
                { details->network_backend, details->network_version },
                { "aardvark-dns", details->dns_version },
        };
        _cleanup_str_ Str told = STR_INIT(1024);
        bool is_fine = true;

        if (!facts->knows_details)
                return;
        FOREACH_ROW(row, rows) {
                if (!row->program || !row->version)
                        continue;
                (void) str_appendf(&told, "%s%s %s", told.n > 0 ? ", " : "", row->program, row->version);
                for (size_t i = 0; i < n_known_bad; i++) {
                        Finding *finding;

                        if (!known_bad_applies(&known_bad[i], row->program, row->version,
                                               details->kernel ? details->kernel : facts->kernel,
                                               facts->engine_is_local))
                                continue;
                        is_fine = false;
                        finding = finding_add(findings, check, known_bad[i].level, "%s %s: %s (%s)", row->program,
                                              row->version, known_bad[i].what, known_bad[i].source);
                        finding_advise(finding, findings, "mended in %s %s", row->program, known_bad[i].before);
                }
        }
        if (is_fine)
                (void) finding_add(findings, check, LEVEL_OK, "%s", str_get(&told));
}

void check_network(const Check *check, const Facts *facts, Findings *findings) {
        const EngineDetails *details = &facts->details;
        const char *command = details->network_command ? details->network_command : "slirp4netns";
        const char *path = str_equal(command, "pasta") ? details->pasta : details->slirp4netns;
        bool is_fine = true;
        Finding *finding;

        if (!facts->knows_details)
                return;
        if (details->is_rootless && str_is_empty(path)) {
                is_fine = false;
                finding = finding_add(findings, check, LEVEL_FAULT,
                                      "%s is not installed: no container with a network starts", command);
                finding_advise(finding, findings, "it is in the package %s",
                               str_equal(command, "pasta") ? "passt" : command);
        }
        if (str_equal(details->network_backend, "cni")) {
                is_fine = false;
                finding = finding_add(findings, check, LEVEL_WARNING,
                                      "the network back end is CNI: services have no names in bridge networks");
                finding_advise(finding, findings,
                               "install netavark and aardvark-dns, then (this removes all images and containers):");
                finding_mend(finding, findings, false, "podman system reset");
        }
        if (is_fine)
                (void) finding_add(findings, check, LEVEL_OK, "%s%s%s",
                                   details->network_backend ? details->network_backend : "unknown",
                                   details->is_rootless ? ", " : "", details->is_rootless ? command : "");
}

/* Podman 4 does not tell; then the places are looked at where distributions put it. */
static bool has_dns(const Facts *facts) {
        static const char *const paths[] = {
                "/usr/lib/podman/aardvark-dns",
                "/usr/libexec/podman/aardvark-dns",
                "/usr/local/lib/podman/aardvark-dns",
                "/usr/local/libexec/podman/aardvark-dns",
        };

        if (facts->details.dns_version)
                return true;
        FOREACH_ROW(path, paths) {
                _cleanup_free_ char *whole = str_printf("%s%s", facts->root ? facts->root : "", *path);

                if (whole && file_exists(whole))
                        return true;
        }
        return false;
}

void check_dns(const Check *check, const Facts *facts, Findings *findings) {
        Finding *finding;

        if (!facts->knows_details || str_equal(facts->details.network_backend, "cni"))
                return;
        if (has_dns(facts))
                (void) finding_add(findings, check, LEVEL_OK, "aardvark-dns%s%s", facts->details.dns_version ? " " : "",
                                   facts->details.dns_version ? facts->details.dns_version : "");
        else if (facts->engine_is_local) {
                finding = finding_add(findings, check, LEVEL_NOTE,
                                      "aardvark-dns is not installed; only bridge networks need it");
                finding_advise(finding, findings, "it is in the package aardvark-dns");
        }
}

/*
 * podstep itself takes docker.io, as Woodpecker does, so the job is not at risk; people who try its image by hand are.
 */
void check_short_names(const Check *check, const Facts *facts, Findings *findings) {
        char *const *registries = facts->details.search_registries;
        _cleanup_free_ char *list = strv_join(registries, ", ");
        Finding *finding;

        if (!facts->knows_details || !list)
                return;
        if (strv_length(registries) == 0 ||
            (strv_length(registries) == 1 && str_equal(registries[0], DEFAULT_REGISTRY))) {
                (void) finding_add(findings, check, LEVEL_OK, "'alpine' is " DEFAULT_REGISTRY "'s in podstep%s",
                                   strv_length(registries) == 0 ? "; 'podman run' knows only its own list of such names"
                                                                : " and in 'podman run'");
                return;
        }
        finding = finding_add(findings, check, LEVEL_NOTE,
                              "'alpine' is " DEFAULT_REGISTRY "'s in podstep, but 'podman run' looks at %s%s%s%s", list,
                              facts->short_name_mode ? " (short-name-mode " : "",
                              facts->short_name_mode ? facts->short_name_mode : "", facts->short_name_mode ? ")" : "");
        finding_advise(finding, findings,
                       "write whole names in workflows, or set unqualified-search-registries = [\"" DEFAULT_REGISTRY
                       "\"] in %s/.config/containers/registries.conf",
                       facts->home);
}

void check_exits(const Check *check, const Facts *facts, Findings *findings) {
        Finding *finding;

        if (facts->engine_r < 0 || !facts->engine_is_local)
                return;
        if (facts->exits_directory && facts->exits_errno == 0)
                (void) finding_add(findings, check, LEVEL_OK, "%s", facts->exits_directory);
        else if (facts->exits_directory) {
                finding = finding_add(findings, check, LEVEL_WARNING, "%s cannot be read: %s", facts->exits_directory,
                                      strerror(facts->exits_errno));
                finding_advise(finding, findings,
                               "Podman makes it for its own user with mode 0750: someone changed that");
        } else if (facts->details.n_containers == 0)
                (void) finding_add(findings, check, LEVEL_OK,
                                   "not there yet: Podman makes it with its first container");
        else {
                finding = finding_add(findings, check, LEVEL_NOTE,
                                      "conmon's exit files are not at their usual place: steps end 0.1 to 0.4 s later");
                finding_advise(finding, findings,
                               "remove tmp_dir from containers.conf, or --tmpdir from where Podman is started");
        }
}
