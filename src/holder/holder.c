/*
 * podstep-holder: the first process of a job's pod. It holds the network namespace that the job's containers share, and
 * tells when their ports open. It runs as root of the user namespace on a bare skeleton with the host's /usr, so it may
 * use the host's C library and nothing else; podstep reads what it says from the container's log.
 *
 *   podstep-holder [HOST:PORT]...                        says "open HOST:PORT" once for each
 *   podstep-holder block PID ADDRESS...                   is no holder: see block.h; run on the host
 *   podstep-holder look PID [TARGET SOURCE DEVICE INODE]... neither: see look.h; run on the host
 *   podstep-holder ask SOCKET block|look ARGUMENT...      neither: has it done outside of the agent's sandbox, see
 *   ask.h
 *   podstep-holder guard                                  neither: what is asked there
 *   podstep-holder run PROGRAM [ARG...] [';' PROGRAM...]  is no holder: runs programs of the host, see run.h
 *   podstep-holder own UID GID PATH...                   neither: gives files to a user, see own.h
 *   podstep-holder with FILE PROGRAM [ARG...]            neither: adds variables, see with.h
 *   podstep-holder stay, podstep-holder enter ...         neither: for who looks around in a kept container, see
 *   enter.h
 *
 * An engine on another machine is sent this file and nothing else, so it is linked statically where that can be.
 *
 * Nobody tells a process when a port in its namespace opens, so it tries; here and not through the engine, where each
 * try would cost an exec.
 */

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ask.h"
#include "block.h"
#include "enter.h"
#include "holder.h"
#include "look.h"
#include "own.h"
#include "run.h"
#include "with.h"

#define TRY_INTERVAL_MSEC 15
#define CONNECT_MSEC 1000

typedef struct Target {
        const char *name; /* as given */
        char *host;
        const char *port;
        bool is_open;
} Target;

static void on_term(int signal_number) {
        _exit(0); /* the first process of a pid namespace gets no default action */
}

static bool try_address(const struct addrinfo *address) {
        int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        bool is_open = false;

        if (fd < 0)
                return false;
        if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
                is_open = true;
        else if (errno == EINPROGRESS) {
                struct pollfd p = { .fd = fd, .events = POLLOUT };
                socklen_t n = sizeof(int);
                int error = 0;

                is_open = poll(&p, 1, CONNECT_MSEC) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 &&
                          error == 0;
        }
        close(fd);
        return is_open;
}

static bool try_target(const Target *target) {
        static const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
        struct addrinfo *addresses;
        bool is_open = false;

        if (getaddrinfo(target->host, target->port, &hints, &addresses) != 0)
                return false;
        for (const struct addrinfo *a = addresses; a && !is_open; a = a->ai_next)
                is_open = try_address(a);
        freeaddrinfo(addresses);
        return is_open;
}

static int parse_target(char *argument, Target *target) {
        char *colon;

        target->name = strdup(argument);
        colon = strrchr(argument, ':');
        if (!target->name || !colon || colon == argument)
                return -1;
        *colon = '\0';
        target->host = argument;
        target->port = colon + 1;
        return 0;
}

static const AnswerVerb guard_verbs[] = { { "block", block }, { "look", look }, { NULL, NULL } };

static int guard(char **argv) {
        return answer(guard_verbs);
}

static const AnswerVerb verbs[] = {
        { "run", run_programs }, { "own", own },     { "with", with },   { "block", block },
        { "look", look },        { "ask", ask },     { "guard", guard }, { "stay", stay },
        { "enter", enter },      { NULL, NULL },
};

int main(int argc, char **argv) {
        static Target targets[HOLDER_TARGETS_MAX];
        int n_targets = argc - 1, n_open = 0;

        for (const AnswerVerb *verb = verbs; argc > 1 && verb->name; verb++)
                if (strcmp(argv[1], verb->name) == 0)
                        return verb->run(argv + 2);
        (void) signal(SIGTERM, on_term);
        (void) signal(SIGINT, on_term);
        if (n_targets > HOLDER_TARGETS_MAX)
                return EXIT_FAILURE;
        for (int i = 0; i < n_targets; i++)
                if (parse_target(argv[i + 1], &targets[i]) < 0)
                        return EXIT_FAILURE;
        printf("up\n");
        fflush(stdout);

        while (n_open < n_targets) {
                for (int i = 0; i < n_targets; i++)
                        if (!targets[i].is_open && try_target(&targets[i])) {
                                targets[i].is_open = true;
                                n_open++;
                                printf("open %s\n", targets[i].name);
                                fflush(stdout);
                        }
                if (n_open < n_targets)
                        (void) poll(NULL, 0, TRY_INTERVAL_MSEC);
        }
        for (;;)
                pause();
}
