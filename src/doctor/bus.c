#include "doctor/bus.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

/* One message; the Bus may be gone afterwards. That the peer is gone is told to those who wait for its answers. */
static int process(Bus *bus) {
        int r = bus->lib->process(bus->bus, NULL);

        return MIN(r, 0);
}

static int on_io(EventSource *source, int fd, uint32_t revents, void *userdata) {
        return process(userdata);
}

static int on_time(EventSource *source, uint64_t usec, void *userdata) {
        return process(userdata);
}

static void watch(Bus *bus, int fd, int events) {
        if (fd != bus->fd || fd < 0)
                bus->io = event_source_free(bus->io);
        bus->fd = fd;
        if (fd < 0)
                return;
        if (bus->io)
                (void) event_source_set_io_events(bus->io, (uint32_t) events);
        else
                (void) event_add_io(bus->event, &bus->io, fd, (uint32_t) events, on_io, bus);
}

/* What it waits for next is known only after all that was done with it. EPOLLIN and POLLIN are the same. */
static int on_post(EventSource *source, void *userdata) {
        Bus *bus = userdata;
        uint64_t until_usec;
        int events = bus->lib->get_events(bus->bus), fd = events < 0 ? -1 : bus->lib->get_fd(bus->bus);

        watch(bus, fd, events);
        if (bus->lib->get_timeout(bus->bus, &until_usec) < 0)
                return event_source_set_enabled(bus->timer, EVENT_OFF);
        (void) event_source_set_time(bus->timer, until_usec);
        return event_source_set_enabled(bus->timer, EVENT_ONESHOT);
}

int bus_attach(EventLoop *event, const Libsystemd *lib, sd_bus *connection, Bus **ret) {
        _cleanup_(bus_freep) Bus *bus = calloc(1, sizeof(*bus));
        int r;

        if (!bus) {
                lib->close_unref(connection);
                return -ENOMEM;
        }
        *bus = (Bus) { .lib = lib, .bus = connection, .event = event_ref(event), .fd = -1 };
        r = lib->set_method_call_timeout(connection, BUS_CALL_USEC);
        if (r >= 0)
                r = event_add_time(event, &bus->timer, 0, on_time, bus);
        if (r >= 0)
                r = event_add_post(event, &bus->post, on_post, bus);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(bus);
        return 0;
}

Bus *bus_free(Bus *bus) {
        if (!bus)
                return NULL;
        event_source_free(bus->io);
        event_source_free(bus->timer);
        event_source_free(bus->post);
        bus->lib->close_unref(bus->bus);
        event_unref(bus->event);
        free(bus);
        return NULL;
}

int bus_new_call(const Bus *bus, const char *peer, const char *path, const char *interface, const char *method,
                 sd_bus_message **ret) {
        return bus->lib->message_new_method_call(bus->bus, ret, peer, path, interface, method);
}

void bus_slot_free(const Bus *bus, sd_bus_slot *slot) {
        if (slot)
                bus->lib->slot_unref(slot);
}

void bus_message_free(const Bus *bus, sd_bus_message *message) {
        if (message)
                bus->lib->message_unref(message);
}

int bus_open_system(EventLoop *event, Bus **ret) {
        const Libsystemd *lib;
        sd_bus *bus = NULL;
        int r;

        r = libsystemd_get(&lib);
        if (r >= 0)
                r = lib->open_system(&bus);
        return r < 0 ? r : bus_attach(event, lib, bus, ret);
}

static int open_private(const Libsystemd *lib, const char *socket, sd_bus **ret) {
        _cleanup_free_ char *address = str_printf("unix:path=%s", socket);
        sd_bus *bus = NULL;
        int r;

        if (!address)
                return -ENOMEM;
        r = lib->new(&bus);
        if (r >= 0)
                r = lib->set_address(bus, address);
        if (r >= 0)
                r = lib->start(bus);
        if (r < 0) {
                lib->close_unref(bus);
                return r;
        }
        *ret = bus;
        return 0;
}

int bus_open_manager(EventLoop *event, const char *runtime_directory, Bus **ret) {
        _cleanup_free_ char *socket = NULL;
        const Libsystemd *lib;
        sd_bus *bus = NULL;
        int r;

        if (str_is_empty(runtime_directory))
                return -ENOENT;
        socket = str_printf("%s/systemd/private", runtime_directory);
        if (!socket)
                return -ENOMEM;
        r = libsystemd_get(&lib);
        if (r < 0)
                return r;
        r = file_exists(socket) ? open_private(lib, socket, &bus) : -ENOENT;
        if (r < 0)
                r = lib->open_user(&bus);
        return r < 0 ? r : bus_attach(event, lib, bus, ret);
}
