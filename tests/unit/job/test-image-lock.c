#include "../test-loop.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "job/image-lock.h"

typedef struct Scene {
        sd_event *event;
        char *directory, *path;
} Scene;

/* Who wants the lock. */
typedef struct Wanter {
        Seen seen; /* first: it is the userdata of both callbacks */
        unsigned n_waiting;
        ImageLock lock;
        Task *task;
} Wanter;

static int setup(void **state) {
        char directory[] = "/tmp/podstep-test-XXXXXX";
        Scene *scene = calloc(1, sizeof(*scene));

        assert_non_null(mkdtemp(directory));
        *scene = (Scene) { .event = test_event(),
                          .directory = strdup(directory),
                          .path = path_join(directory, ".lock-1") };
        *state = scene;
        return 0;
}

static int teardown(void **state) {
        Scene *scene = *state;

        sd_event_unref(scene->event);
        assert_int_equal(file_remove_tree(scene->directory), 0);
        free(scene->directory);
        free(scene->path);
        free(scene);
        return 0;
}

static void on_waiting(void *userdata) {
        Wanter *wanter = userdata;

        wanter->n_waiting++;
}

static void want(const Scene *scene, Wanter *wanter) {
        *wanter = (Wanter) { .lock = IMAGE_LOCK_NONE };
        assert_int_equal(image_lock_start(scene->event, scene->path, &wanter->lock, on_waiting, seen_done, wanter,
                                          &wanter->task),
                         0);
}

static void done(Wanter *wanter) {
        wanter->task = task_free(wanter->task);
        image_lock_release(&wanter->lock);
}

/* One after the other; each is told once that it waits, and the file is gone in the end. */
static void test_turns(void **state) {
        Scene *scene = *state;
        Wanter wanters[3];

        want(scene, &wanters[0]);
        turn_until(scene->event, &wanters[0].seen.n, 1);
        assert_int_equal(wanters[0].seen.r, 0);
        assert_int_equal(wanters[0].n_waiting, 0);
        want(scene, &wanters[1]);
        want(scene, &wanters[2]);
        turn_until(scene->event, &wanters[2].n_waiting, 1);
        turn_for(scene->event, 20 * USEC_PER_MSEC);
        assert_int_equal(wanters[1].seen.n + wanters[2].seen.n, 0);

        done(&wanters[0]);
        for (unsigned n = 0; n == 0; n = wanters[1].seen.n + wanters[2].seen.n)
                assert_true(sd_event_run(scene->event, USEC_PER_SEC) >= 0);
        turn_for(scene->event, 20 * USEC_PER_MSEC);
        assert_int_equal(wanters[1].seen.n + wanters[2].seen.n, 1);
        done(wanters[1].seen.n ? &wanters[1] : &wanters[2]);
        for (unsigned n = 0; n < 2; n = wanters[1].seen.n + wanters[2].seen.n)
                assert_true(sd_event_run(scene->event, USEC_PER_SEC) >= 0);
        for (int i = 1; i < 3; i++) {
                assert_int_equal(wanters[i].seen.r, 1);
                assert_int_equal(wanters[i].n_waiting, 1);
                done(&wanters[i]);
        }
        assert_false(file_exists(scene->path));
}

/* A process that holds it and is killed: the wait ends at once, though nobody removed the file. */
static void test_killed(void **state) {
        Scene *scene = *state;
        Wanter wanter;
        int ready[2];
        pid_t pid;
        char c;

        assert_int_equal(pipe(ready), 0);
        pid = fork();
        if (pid == 0) {
                int fd = open(scene->path, O_RDWR | O_CREAT, 0600);

                if (flock(fd, LOCK_EX) < 0 || write(ready[1], "x", 1) < 0)
                        _exit(1);
                pause();
                _exit(0);
        }
        assert_int_equal(read(ready[0], &c, 1), 1);
        want(scene, &wanter);
        turn_until(scene->event, &wanter.n_waiting, 1);
        turn_for(scene->event, 20 * USEC_PER_MSEC);
        assert_int_equal(wanter.seen.n, 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        turn_until(scene->event, &wanter.seen.n, 1);
        assert_int_equal(wanter.seen.r, 1);
        done(&wanter);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        (void) close(ready[0]);
        (void) close(ready[1]);
}

/* Who does not want it any more leaves no trace. */
static void test_drop(void **state) {
        Scene *scene = *state;
        Wanter first, second;

        want(scene, &first);
        turn_until(scene->event, &first.seen.n, 1);
        want(scene, &second);
        turn_until(scene->event, &second.n_waiting, 1);
        done(&second);
        done(&first);
        turn_for(scene->event, 5 * USEC_PER_MSEC);
        assert_int_equal(second.seen.n, 0);
        assert_false(file_exists(scene->path));
}

static void test_refused(void **state) {
        Scene *scene = *state;
        Wanter wanter;

        free(scene->path);
        scene->path = path_join(scene->directory, "missing/.lock");
        want(scene, &wanter);
        turn_until(scene->event, &wanter.seen.n, 1);
        assert_int_equal(wanter.seen.r, -ENOENT);
        assert_non_null(strstr(wanter.seen.text, "missing/.lock'"));
        done(&wanter);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
                cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_drop, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
