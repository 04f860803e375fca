#include "doctor/check-internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/array.h"
#include "base/str.h"

/* From the ground up: what a later one needs is looked at by an earlier one. */
const Check checks[] = {
        { "configuration", "What is wrong in it keeps podstep from doing anything.", check_configuration },
        { "session", "Podman keeps the state of running containers in XDG_RUNTIME_DIR, and its socket is there.",
          check_session },
        { "linger",
          "Without it, systemd ends all your processes when you log out, jobs among them, and starts none at boot.",
          check_linger },
        { "userns", "A rootless container is a user namespace; where none can be made, no container starts.",
          check_userns, .of_podman = true },
        { "subuid", "The users of a container other than root get their ids on this machine from your subordinate ids.",
          check_subuid, .of_podman = true },
        { "subgid",
          "The groups of a container other than root get their ids on this machine from your subordinate ids.",
          check_subgid, .of_podman = true },
        { "idmap", "Only these two programs may give a container more ids than your own.", check_idmap_programs,
          .of_podman = true },
        { "engine", "Jobs run in containers of Podman, or of Docker.", check_engine },
        { "socket", "systemd starts Podman when a job asks for it; nothing needs to run all the time.", check_socket,
          .of_podman = true },
        { "agent", "What is submitted is run by a service that its socket starts.", check_agent, .of_podman = true },
        { "mapping", "What Podman maps decides, not what the files say: it reads them when its first container starts.",
          check_mapping, .of_podman = true },
        { "versions", "Some versions are known to lose containers, or to let them out.", check_versions },
        { "network", "Steps reach other machines, and services in a network of their own, by these programs.",
          check_network, .of_podman = true },
        { "dns",
          "In a bridge network ('--network bridge', or two services with the same port) names are told by a DNS "
          "server.",
          check_dns, .of_podman = true },
        { "cgroups",
          "Limits of memory, processes and CPU are kept by cgroups. Without them one step can take the machine.",
          check_cgroups },
        { "storage",
          "Each step is a container, so the way Podman makes their file systems is most of what a step costs.",
          check_storage },
        { "place", "Images and containers lie on this file system.", check_storage_place },
        { "workspace",
          "The workspace is an overlay over the checkout: nothing is copied, and the checkout stays as it is.",
          check_workspace },
        { "space", "A full disk fails jobs in the middle, and Podman can then not even remove containers.",
          check_space },
        { "exits",
          "The exit code of a step is read where conmon writes it: 4 ms after its end, and without any Podman running.",
          check_exits, .of_podman = true },
        { "selinux",
          "SELinux keeps containers from files that were not meant for them, even where a permission would allow it.",
          check_selinux },
        { "seccomp", "Steps run code of others; the filter takes from them what containers have no use for.",
          check_seccomp },
        { "short-names", "An image without a registry in its name, as 'alpine', comes from wherever this says.",
          check_short_names, .of_podman = true },
        { "limits", "The kernel counts these for each user; many jobs at once need more of them.", check_limits },
        { "clock", "Registries, git servers and build tools refuse or rebuild when the time is wrong.", check_clock },
        { "leftovers", "A job whose podstep was killed leaves containers and files until someone removes them.",
          check_leftovers },
};
const size_t n_checks = ELEMENTSOF(checks);

const char *level_to_string(Level level) {
        static const char *const names[_LEVEL_MAX] = { "ok", "note", "warning", "fault" };

        return level >= 0 && level < _LEVEL_MAX ? names[level] : NULL;
}

static char *format_text(Findings *findings, const char *format, va_list arguments) {
        char *text = NULL;

        if (vasprintf(&text, format, arguments) < 0) {
                findings->error = -ENOMEM;
                return NULL;
        }
        return text;
}

Finding *finding_add(Findings *findings, const Check *check, Level level, const char *format, ...) {
        Finding finding = { .check = check, .level = level, .why = level > LEVEL_OK ? check->why : NULL };
        va_list arguments;

        va_start(arguments, format);
        finding.what = format_text(findings, format, arguments);
        va_end(arguments);
        if (!finding.what)
                return NULL;
        if (ARRAY_APPEND(findings->findings, findings->n_findings, finding) < 0) {
                free(finding.what);
                findings->error = -ENOMEM;
                return NULL;
        }
        return &findings->findings[findings->n_findings - 1];
}

void finding_mend(Finding *finding, Findings *findings, bool as_root, const char *format, ...) {
        Remedy remedy = { .as_root = as_root };
        va_list arguments;

        if (!finding)
                return;
        va_start(arguments, format);
        remedy.command = format_text(findings, format, arguments);
        va_end(arguments);
        if (remedy.command && ARRAY_APPEND(finding->remedies, finding->n_remedies, remedy) < 0) {
                free(remedy.command);
                findings->error = -ENOMEM;
        }
}

void finding_advise(Finding *finding, Findings *findings, const char *format, ...) {
        va_list arguments;

        if (!finding)
                return;
        free(finding->advice);
        va_start(arguments, format);
        finding->advice = format_text(findings, format, arguments);
        va_end(arguments);
}

int checks_run(const Facts *facts, Findings *ret) {
        *ret = (Findings) { 0 };
        FOREACH_ROW(check, checks)
                if (!(check->of_podman && facts->is_docker && facts->engine_r >= 0))
                        check->run(check, facts, ret);
        return ret->error;
}

Level findings_worst(const Findings *findings) {
        Level worst = LEVEL_OK;

        for (size_t i = 0; i < findings->n_findings; i++)
                worst = MAX(worst, findings->findings[i].level);
        return worst;
}

void findings_done(Findings *findings) {
        for (size_t i = 0; i < findings->n_findings; i++) {
                Finding *finding = &findings->findings[i];

                for (size_t j = 0; j < finding->n_remedies; j++)
                        free(finding->remedies[j].command);
                free(finding->remedies);
                free(finding->what);
                free(finding->advice);
        }
        free(findings->findings);
        *findings = (Findings) { 0 };
}
