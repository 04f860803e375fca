#pragma once

/* The API's server, for server.c, server-socket.c and news.c. */

#include "agent/call.h"

struct Server {
        Agent *agent;
        struct MHD_Daemon *daemon;
        int fd;
        char *path; /* of a socket that we made */
        sd_event_source *io, *timer, *turn, *gone;
        Call *waiting;
        Follower *followers;
        size_t n_connections;
        uint64_t n_requests;
};

/** news_wake() - libmicrohttpd is to look at what was resumed, at the next turn of the loop */
void news_wake(Server *server);
/** news_forget() - a call waits no more */
void news_forget(Call *call);
int news_begin(Server *server);
/** news_end() - resumes all, so that they can be ended */
void news_end(Server *server);

/** server_take_socket() - the one of podstep.socket */
int server_take_socket(Server *server, Error **reterr);
/** server_make_socket() - for our own user only; what a dead agent left at the path goes */
int server_make_socket(Server *server, const char *path, Error **reterr);
