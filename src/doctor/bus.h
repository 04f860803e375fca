#pragma once

/* The two D-Bus peers that matter to a user's services: logind, and the user's own systemd. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define BUS_CALL_USEC (10 * UINT64_C(1000000)) /* longest wait for an answer */

#define BUS_LOGIND "org.freedesktop.login1"
#define BUS_SYSTEMD "org.freedesktop.systemd1"
#define BUS_SYSTEMD_PATH "/org/freedesktop/systemd1"
#define BUS_MANAGER "org.freedesktop.systemd1.Manager"

#define UNIT_PODMAN_SOCKET "podman.socket"
#define UNIT_PODSTEP_SOCKET "podstep.socket"
#define UNIT_PODSTEP_SERVICE "podstep.service"
#define UNIT_GUARD_SOCKET "podstep-guard.socket"

/** bus_open_system() - the system bus, on the loop; a negative errno if there is none */
int bus_open_system(sd_event *event, sd_bus **ret);

/**
 * bus_open_manager() - the user's systemd, on the loop
 *
 * By its own socket, as systemctl --user does, so that no D-Bus daemon is needed; else by the user's bus.
 */
int bus_open_manager(sd_event *event, const char *runtime_directory, sd_bus **ret);
