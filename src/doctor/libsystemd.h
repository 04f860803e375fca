#pragma once

/*
 * libsystemd's D-Bus, loaded when it is needed: its libraries take a millisecond of CPU in each process, which is a
 * fifth of what a job may cost that asks nobody over D-Bus.
 */

#include <systemd/sd-bus.h>

#include "base/error.h"

#define LIBSYSTEMD_FUNCTIONS(F)                                                                                     \
        F(call_async) F(call_method_async) F(close_unref) F(error_get_errno) F(get_events) F(get_fd) F(get_timeout) \
        F(match_signal_async) F(message_append) F(message_enter_container) F(message_get_error)                     \
        F(message_is_method_error) F(message_new_method_call) F(message_read) F(message_unref) F(new) F(open_system) \
        F(open_user) F(process) F(set_address) F(set_method_call_timeout) F(slot_unref) F(start)

typedef struct Libsystemd {
#define LIBSYSTEMD_MEMBER(name) typeof(sd_bus_##name) *name;
        LIBSYSTEMD_FUNCTIONS(LIBSYSTEMD_MEMBER)
#undef LIBSYSTEMD_MEMBER
} Libsystemd;

/** libsystemd_get() - loads it the first time; -ENOPKG if it is not installed. It stays till the end. */
int libsystemd_get(const Libsystemd **ret);
