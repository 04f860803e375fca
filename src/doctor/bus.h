#pragma once

/* The two D-Bus peers that matter to a user's services: logind, and the user's own systemd. */

#include "doctor/libsystemd.h"
#include "loop/event.h"

#define BUS_CALL_USEC (10 * UINT64_C(1000000)) /* longest wait for an answer */

#define BUS_LOGIND "org.freedesktop.login1"
#define BUS_SYSTEMD "org.freedesktop.systemd1"
#define BUS_SYSTEMD_PATH "/org/freedesktop/systemd1"
#define BUS_MANAGER "org.freedesktop.systemd1.Manager"

#define UNIT_PODMAN_SOCKET "podman.socket"
#define UNIT_PODSTEP_SOCKET "podstep.socket"
#define UNIT_PODSTEP_SERVICE "podstep.service"
#define UNIT_GUARD_SOCKET "podstep-guard.socket"

/* A connection on the loop. */
typedef struct Bus {
        const Libsystemd *lib;
        sd_bus *bus;
        EventLoop *event;
        EventSource *io, *timer, *post;
        int fd; /* that @io watches */
} Bus;

/** bus_open_system() - the system bus, on the loop; a negative errno if there is none */
int bus_open_system(EventLoop *event, Bus **ret);

/**
 * bus_open_manager() - the user's systemd, on the loop
 *
 * By its own socket, as systemctl --user does, so that no D-Bus daemon is needed; else by the user's bus.
 */
int bus_open_manager(EventLoop *event, const char *runtime_directory, Bus **ret);

/** bus_attach() - takes a connection onto the loop; it is closed with the Bus, and also if this fails */
int bus_attach(EventLoop *event, const Libsystemd *lib, sd_bus *connection, Bus **ret);

/** bus_free() - may be called in the callback of an answer; the slots of calls must be gone */
Bus *bus_free(Bus *bus);
DEFINE_CLEANUP(Bus *, bus_free);

/** bus_new_call() - a method call without its arguments: message_append() */
int bus_new_call(const Bus *bus, const char *peer, const char *path, const char *interface, const char *method,
                 sd_bus_message **ret);

/* What was made on a bus; both take NULL, also for @bus if there is nothing. Without its slot no answer comes. */
void bus_slot_free(const Bus *bus, sd_bus_slot *slot);
void bus_message_free(const Bus *bus, sd_bus_message *message);
