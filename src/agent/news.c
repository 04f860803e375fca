/* Clients that wait until something changes, and those that follow a log: suspended until there is news for them. */

#include <poll.h>

#include "agent/server-internal.h"

#define GONE_EVERY_USEC (30 * USEC_PER_SEC) /* looks whether clients that wait are still there */

/* While something waits, and only then. */
static void watch_gone(Server *server) {
        if (sd_event_source_get_enabled(server->gone, NULL) > 0)
                return;
        (void) sd_event_source_set_time_relative(server->gone, GONE_EVERY_USEC);
        (void) sd_event_source_set_enabled(server->gone, SD_EVENT_ONESHOT);
}

int call_wait(Call *call) {
        if (!call->waits) {
                call->waits = true;
                call->next_waiting = call->server->waiting;
                call->server->waiting = call;
        }
        MHD_suspend_connection(call->connection);
        watch_gone(call->server);
        return MHD_YES;
}

void news_wake(Server *server) {
        /* It drives all that the loop has to know of; see on_turn(). */
        (void) sd_event_source_set_enabled(server->turn, SD_EVENT_ONESHOT);
}

void news_forget(Call *call) {
        for (Call **p = &call->server->waiting; *p; p = &(*p)->next_waiting)
                if (*p == call) {
                        *p = call->next_waiting;
                        break;
                }
        call->waits = false;
}

void server_changed(Server *server) {
        while (server->waiting) {
                Call *call = server->waiting;

                news_forget(call);
                MHD_resume_connection(call->connection);
        }
        news_wake(server);
}

void server_add_follower(Server *server, Follower *follower) {
        follower->next = server->followers;
        server->followers = follower;
}

void server_remove_follower(Server *server, Follower *follower) {
        for (Follower **p = &server->followers; *p; p = &(*p)->next)
                if (*p == follower) {
                        *p = follower->next;
                        return;
                }
}

void server_suspend_follower(Server *server, Follower *follower) {
        follower->is_suspended = true;
        MHD_suspend_connection(follower->connection);
        watch_gone(server);
}

/* One that only ended its own direction still reads: that is no POLLHUP. */
static bool is_gone(struct MHD_Connection *connection) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        struct pollfd p = { .fd = info ? info->connect_fd : -1 };

        return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR | POLLNVAL);
}

size_t server_end_gone(Server *server) {
        size_t n = 0;

        for (Call *call = server->waiting, *next; call; call = next) {
                next = call->next_waiting;
                if (!is_gone(call->connection))
                        continue;
                call->is_gone = true;
                news_forget(call);
                MHD_resume_connection(call->connection);
                n++;
        }
        for (Follower *follower = server->followers; follower; follower = follower->next)
                if (follower->is_suspended && is_gone(follower->connection)) {
                        follower->is_gone = true;
                        follower->is_suspended = false;
                        MHD_resume_connection(follower->connection);
                        n++;
                }
        if (n > 0)
                news_wake(server);
        return n;
}

static bool has_waiting(const Server *server) {
        for (const Follower *follower = server->followers; follower; follower = follower->next)
                if (follower->is_suspended)
                        return true;
        return server->waiting;
}

/*
 * libmicrohttpd does not look at connections that are suspended: they would pile up, and an agent would never be idle.
 */
static int on_gone(sd_event_source *source, uint64_t usec, void *userdata) {
        Server *server = userdata;

        (void) server_end_gone(server);
        if (has_waiting(server))
                watch_gone(server);
        return 0;
}

void server_log_grown(Server *server, const char *id) {
        for (Follower *follower = server->followers; follower; follower = follower->next)
                if (follower->is_suspended && str_equal(follower->id, id)) {
                        follower->is_suspended = false;
                        MHD_resume_connection(follower->connection);
                }
        news_wake(server);
}

int news_begin(Server *server) {
        int r = sd_event_add_time_relative(server->agent->event, &server->gone, CLOCK_MONOTONIC, 0, USEC_PER_SEC,
                                           on_gone, server);

        return r < 0 ? r : sd_event_source_set_enabled(server->gone, SD_EVENT_OFF);
}

void news_end(Server *server) {
        server->gone = sd_event_source_disable_unref(server->gone);
        for (Follower *follower = server->followers; follower; follower = follower->next)
                if (follower->is_suspended)
                        MHD_resume_connection(follower->connection); /* only then it can be ended */
        while (server->waiting) {
                Call *call = server->waiting;

                news_forget(call);
                MHD_resume_connection(call->connection);
        }
}
