#include "ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX 65536 /* some mounts with their paths */
#define WORDS_MAX 1024
#define ANSWER_BYTES_MAX 16384
#define SECONDS_MAX 25 /* of silence: a service is started for it, be the machine as busy as it likes */

static int fail(const char *what, int status) {
        fprintf(stderr, "%s: %s\n", what, errno == EAGAIN ? "it takes too long" : strerror(errno));
        return status;
}

/* A queue that nobody takes anything from is not nobody. */
static int fail_to_connect(void) {
        return fail("the sandbox keeps the agent from it, and podstep-guard.socket does not answer",
                    errno == EAGAIN ? ASK_UNANSWERED : EXIT_FAILURE);
}

static void set_patience(int fd) {
        const struct timeval patience = { .tv_sec = SECONDS_MAX };

        (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        (void) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

/* To the end; -1 with errno, E2BIG if it does not fit. */
static ssize_t read_all(int fd, char *buffer, size_t size) {
        size_t n = 0;
        ssize_t k;

        while ((k = read(fd, buffer + n, size - n)) != 0) {
                if (k < 0 && errno != EINTR)
                        return -1;
                n += k > 0 ? (size_t) k : 0;
                if (n == size) {
                        errno = E2BIG;
                        return -1;
                }
        }
        return (ssize_t) n;
}

static int send_words(int fd, char *const *words) {
        for (; *words; words++) {
                const char *at = *words;
                size_t left = strlen(at) + 1;

                while (left > 0) {
                        ssize_t k = send(fd, at, left, MSG_NOSIGNAL);

                        if (k < 0 && errno != EINTR)
                                return -1;
                        at += k > 0 ? k : 0;
                        left -= k > 0 ? (size_t) k : 0;
                }
        }
        return shutdown(fd, SHUT_WR);
}

int ask(char **argv) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char said[ANSWER_BYTES_MAX];
        ssize_t n;
        int fd;

        if (!argv[0] || strlen(argv[0]) >= sizeof(address.sun_path)) {
                fprintf(stderr, "no socket\n");
                return EXIT_FAILURE;
        }
        memcpy(address.sun_path, argv[0], strlen(argv[0]));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return fail("making a socket", ASK_UNANSWERED);
        set_patience(fd);
        if (connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return fail_to_connect();
        if (send_words(fd, argv + 1) < 0)
                return fail("asking podstep-guard@.service", ASK_UNANSWERED);
        n = read_all(fd, said, sizeof(said));
        if (n < 0)
                return fail("what podstep-guard@.service answers", ASK_UNANSWERED);
        close(fd);
        if (n < 2 || said[n - 2] != '\0' || said[n - 1] < '0' || said[n - 1] > '9') {
                fprintf(stderr, "podstep-guard@.service failed: see its journal\n");
                return ASK_UNANSWERED;
        }
        (void) fwrite(said, 1, (size_t) n - 2, stderr);
        return said[n - 1] - '0';
}

static int split(char *request, size_t n, char **words) {
        size_t n_words = 0;

        for (size_t i = 0; i < n; i += strlen(request + i) + 1) {
                if (n_words == WORDS_MAX)
                        return -1;
                words[n_words++] = request + i;
        }
        words[n_words] = NULL;
        return n > 0 && request[n - 1] == '\0' ? 0 : -1;
}

/* The socket's mode says the same; this does not depend on it. */
static int is_own_user(int fd) {
        struct ucred peer;
        socklen_t n = sizeof(peer);

        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && peer.uid == geteuid();
}

int answer(const AnswerVerb *verbs) {
        static char request[REQUEST_BYTES_MAX + 1], *words[WORDS_MAX + 1];
        int status = EXIT_FAILURE;
        ssize_t n;

        if (!is_own_user(STDIN_FILENO))
                return EXIT_FAILURE;
        set_patience(STDIN_FILENO);
        n = read_all(STDIN_FILENO, request, REQUEST_BYTES_MAX);
        if (n < 0 || split(request, (size_t) n, words) < 0) {
                fprintf(stderr, "podstep-guard@.service cannot read the request\n");
                words[0] = NULL;
        }
        for (const AnswerVerb *verb = verbs; words[0] && verb->name; verb++)
                if (strcmp(words[0], verb->name) == 0)
                        status = verb->run(words + 1);
        /* What it said went to the same socket before, as standard error is not buffered. */
        (void) printf("%c%d", '\0', status == EXIT_SUCCESS ? 0 : 1);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
