#include "doctor/bus.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

static int attach(sd_event *event, sd_bus *bus, sd_bus **ret) {
        int r;

        r = sd_bus_set_method_call_timeout(bus, BUS_CALL_USEC);
        if (r >= 0)
                r = sd_bus_attach_event(bus, event, 0);
        if (r < 0) {
                sd_bus_close_unref(bus);
                return r;
        }
        *ret = bus;
        return 0;
}

int bus_open_system(sd_event *event, sd_bus **ret) {
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        return r < 0 ? r : attach(event, bus, ret);
}

static int open_private(const char *socket, sd_bus **ret) {
        _cleanup_free_ char *address = str_printf("unix:path=%s", socket);
        sd_bus *bus = NULL;
        int r;

        if (!address)
                return -ENOMEM;
        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0) {
                sd_bus_unref(bus);
                return r;
        }
        *ret = bus;
        return 0;
}

int bus_open_manager(sd_event *event, const char *runtime_directory, sd_bus **ret) {
        _cleanup_free_ char *socket = NULL;
        sd_bus *bus = NULL;
        int r = -ENOENT;

        if (str_is_empty(runtime_directory))
                return -ENOENT;
        socket = str_printf("%s/systemd/private", runtime_directory);
        if (!socket)
                return -ENOMEM;
        if (file_exists(socket))
                r = open_private(socket, &bus);
        if (r < 0)
                r = sd_bus_open_user(&bus);
        return r < 0 ? r : attach(event, bus, ret);
}
