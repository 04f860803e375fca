#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holder/ask.h"
#include "holder/look.h"

#define SAID_BYTES_MAX 4096

static int run_fine(char **argv) {
        return EXIT_SUCCESS;
}

static int run_tell(char **argv) {
        for (; *argv; argv++)
                fprintf(stderr, "[%s]", *argv);
        return 3;
}

static int run_die(char **argv) {
        _exit(0);
}

static const AnswerVerb verbs[] = { { "fine", run_fine }, { "tell", run_tell }, { "die", run_die }, { NULL, NULL } };

typedef struct Place {
        char directory[64], path[108];
        int fd;
} Place;

static void place_init(Place *place) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        strcpy(place->directory, "/tmp/podstep-ask-XXXXXX");
        assert_non_null(mkdtemp(place->directory));
        (void) snprintf(place->path, sizeof(place->path), "%s/guard.sock", place->directory);
        strcpy(address.sun_path, place->path);
        place->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(place->fd >= 0);
        assert_int_equal(bind(place->fd, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(place->fd, 4), 0);
}

static void place_done(Place *place) {
        close(place->fd);
        unlink(place->path);
        rmdir(place->directory);
}

/* As systemd starts it for a connection. */
static pid_t start_guard(const Place *place) {
        pid_t pid = fork();
        int fd;

        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        fd = accept(place->fd, NULL, NULL);
        if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
                _exit(99);
        close(fd);
        _exit(answer(verbs));
}

/* In a process of its own, for its standard error. */
static int run_apart(int (*run)(char **), char *const *words, char *said) {
        char *argv[16] = { NULL };
        int fds[2], status;
        size_t n = 0;
        ssize_t k;
        pid_t pid;

        for (size_t i = 0; words[i]; i++)
                argv[i] = words[i];
        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) dup2(fds[1], STDERR_FILENO);
                close(fds[0]);
                close(fds[1]);
                _exit(run(argv));
        }
        close(fds[1]);
        while ((k = read(fds[0], said + n, SAID_BYTES_MAX - 1 - n)) > 0)
                n += (size_t) k;
        said[n] = '\0';
        close(fds[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_ask(void **state) {
        static const struct {
                const char *words[4];
                int want;
                const char *said;
        } rows[] = {
                { { "fine", "a" }, 0, "" },
                { { "tell", "a", "", "b c" }, 1, "[a][][b c]" },
                { { "other" }, 1, "" },
                { { NULL }, 1, "podstep-guard@.service cannot read the request\n" },
                { { "die" }, ASK_UNANSWERED, "podstep-guard@.service failed: see its journal\n" },
        };
        Place place;

        place_init(&place);
        FOREACH_ROW(row, rows) {
                char *argv[6] = { place.path, (char *) row->words[0], (char *) row->words[1], (char *) row->words[2],
                                  (char *) row->words[3] };
                char said[SAID_BYTES_MAX];
                pid_t guard = start_guard(&place);
                int status;

                assert_int_equal(run_apart(ask, argv, said), row->want);
                assert_string_equal(said, row->said);
                assert_int_equal(waitpid(guard, &status, 0), guard);
                assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
        place_done(&place);
}

static void test_ask_nobody(void **state) {
        char said[SAID_BYTES_MAX], *argv[] = { (char *) "/nonexistent/guard.sock", (char *) "fine", NULL };

        assert_int_equal(run_apart(ask, argv, said), 1);
        assert_string_equal(said, "the sandbox keeps the agent from it, and podstep-guard.socket does not answer: No "
                                  "such file or directory\n");
}

/* Bytes that are no request: a word without an end, and one that is too long. */
static void test_answer_nonsense(void **state) {
        static char large[70000];
        static const struct {
                const char *bytes;
                size_t n;
        } rows[] = { { "fine", 4 }, { "fine\0x", 6 }, { large, sizeof(large) } };
        Place place;

        memset(large, 'x', sizeof(large));
        place_init(&place);
        FOREACH_ROW(row, rows) {
                struct sockaddr_un address = { .sun_family = AF_UNIX };
                char said[SAID_BYTES_MAX] = "";
                pid_t guard = start_guard(&place);
                int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
                size_t n = 0;
                ssize_t k;

                strcpy(address.sun_path, place.path);
                assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
                for (size_t sent = 0; sent < row->n; sent += (size_t) k)
                        if ((k = send(fd, row->bytes + sent, row->n - sent, MSG_NOSIGNAL)) < 0)
                                break;
                (void) shutdown(fd, SHUT_WR);
                while ((k = read(fd, said + n, sizeof(said) - 1 - n)) > 0)
                        n += (size_t) k;
                close(fd);
                assert_true(n > 2 && said[n - 2] == '\0' && said[n - 1] == '1');
                assert_non_null(strstr(said, "cannot read the request"));
                assert_int_equal(waitpid(guard, &status, 0), guard);
                assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
        place_done(&place);
}

static void test_look(void **state) {
        char pid[16], device[32], inode[32], said[SAID_BYTES_MAX];
        struct stat st;

        assert_int_equal(stat("/tmp", &st), 0);
        (void) snprintf(pid, sizeof(pid), "%d", getpid());
        (void) snprintf(device, sizeof(device), "%llu", (unsigned long long) st.st_dev);
        (void) snprintf(inode, sizeof(inode), "%llu", (unsigned long long) st.st_ino);
        struct {
                char *words[10];
                int want;
                const char *said;
        } rows[] = {
                { { pid }, 0, "" },
                { { pid, (char *) "/tmp", (char *) "/host", device, inode }, 0, "" },
                { { pid, (char *) "/usr", (char *) "/host", device, inode },
                  1,
                  "volume at '/usr': '/host' was exchanged while it was being mounted\n" },
                { { pid, (char *) "/tmp", (char *) "/a", device, inode, (char *) "/none", (char *) "/b", device,
                    inode },
                  1,
                  "volume at '/none': what is mounted cannot be checked: No such file or directory\n" },
                { { pid, (char *) "/tmp", (char *) "/host", device }, 1, "" },
                { { (char *) "x" }, 1, "what is mounted cannot be checked: no number of a process\n" },
                { { NULL }, 1, "" },
        };

        FOREACH_ROW(row, rows) {
                assert_int_equal(run_apart(look, row->words, said), row->want);
                assert_string_equal(said, row->said);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ask),
                cmocka_unit_test(test_ask_nobody),
                cmocka_unit_test(test_answer_nonsense),
                cmocka_unit_test(test_look),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
