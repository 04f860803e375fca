#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile pid_t child;
static volatile sig_atomic_t is_stopped;

/* The first process of a pid namespace is not ended by a signal: what it runs is. */
static void on_stop(int signal_number) {
        is_stopped = signal_number;
        if (child > 0)
                (void) kill(child, signal_number);
}

static void show(char **argv) {
        printf("+");
        for (; *argv; argv++)
                printf(" %s", *argv);
        printf("\n");
        fflush(stdout);
}

/* Blocked, a signal waits until there is somebody to hand it on to. */
static void block_stop(bool does_block) {
        sigset_t set;

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGINT);
        (void) sigprocmask(does_block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void become(char **argv) {
        (void) signal(SIGTERM, SIG_DFL);
        (void) signal(SIGINT, SIG_DFL);
        block_stop(false);
        execvp(argv[0], argv);
        fprintf(stderr, "cannot start '%s': %s\n", argv[0], strerror(errno));
        _exit(127);
}

static int run(char **argv) {
        pid_t pid, ended;
        int status;

        show(argv);
        block_stop(true);
        pid = child = is_stopped ? -1 : fork();
        if (pid == 0)
                become(argv);
        block_stop(false);
        if (is_stopped && pid < 0)
                return 128 + is_stopped;
        if (pid < 0) {
                fprintf(stderr, "cannot start '%s': %s\n", argv[0], strerror(errno));
                return EXIT_FAILURE;
        }
        /* Whatever else ends has lost its parent and comes to us. */
        do
                ended = wait(&status);
        while (ended != pid && (ended > 0 || errno == EINTR));
        child = 0;
        if (ended != pid)
                return EXIT_FAILURE;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int run_programs(char **argv) {
        int status = EXIT_SUCCESS;

        (void) signal(SIGTERM, on_stop);
        (void) signal(SIGINT, on_stop);
        while (*argv && status == EXIT_SUCCESS && !is_stopped) {
                char **end = argv;

                while (*end && strcmp(*end, ";") != 0)
                        end++;
                if (*end)
                        *end++ = NULL;
                if (*argv)
                        status = run(argv);
                argv = end;
        }
        return status == EXIT_SUCCESS && *argv ? 128 + is_stopped : status;
}
