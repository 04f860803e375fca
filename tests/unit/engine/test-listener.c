#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "engine/listener.h"

typedef int (*ListenerNew)(Listeners *listeners, const char *path, ListenerEvent on_event, void *userdata,
                           Listener **ret, Error **reterr);

static void count(void *userdata) {
        ++*(unsigned *) userdata;
}

/* Runs all that is due now; how often the loop woke up for it. */
static unsigned settle(sd_event *event) {
        unsigned n = 0;

        while (sd_event_run(event, 0) > 0)
                n++;
        return n;
}

typedef struct Scene {
        sd_event *event;
        Listeners *listeners;
        char *directory, *path, *other;
} Scene;

static int setup(void **state) {
        char top[] = "/tmp/podstep-listener-XXXXXX";
        Scene *scene = calloc(1, sizeof(*scene));

        assert_non_null(scene);
        assert_non_null(mkdtemp(top));
        assert_int_equal(sd_event_new(&scene->event), 0);
        assert_int_equal(listeners_new(scene->event, &scene->listeners), 0);
        scene->directory = strdup(top);
        scene->path = path_join(top, "file");
        scene->other = path_join(top, "file.new");
        *state = scene;
        return 0;
}

static int teardown(void **state) {
        Scene *scene = *state;

        assert_int_equal(file_remove_tree(scene->directory), 0);
        listeners_free(scene->listeners);
        sd_event_unref(scene->event);
        free(scene->directory);
        free(scene->path);
        free(scene->other);
        free(scene);
        return 0;
}

static void test_kinds(void **state) {
        static const struct {
                const char *name;
                ListenerNew listen;
                bool hears_growth;
        } rows[] = {
                { "changes", listener_new, true },
                { "whole", listener_new_whole, false },
        };
        Scene *scene = *state;

        FOREACH_ROW(row, rows) {
                _cleanup_(listener_freep) Listener *listener = NULL;
                _cleanup_close_ int fd = -1;
                unsigned n = 0;

                print_message("%s\n", row->name);
                assert_int_equal(row->listen(scene->listeners, scene->path, count, &n, &listener, NULL), 0);
                fd = open(scene->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                assert_int_equal(write(fd, "1", 1), 1);
                assert_int_equal(settle(scene->event) > 0, row->hears_growth);
                assert_int_equal(n > 0, row->hears_growth);

                n = 0;
                fd = fd_close(fd);
                assert_int_equal(settle(scene->event), 0); /* who hears it grow has heard all */
                assert_int_equal(n, 0);

                assert_int_equal(unlink(scene->path), 0);
                assert_int_equal(file_write(scene->other, "2", 1, 0600), 0);
                assert_int_equal(settle(scene->event) > 0, row->hears_growth); /* wakes for others as well */
                n = 0;
                assert_int_equal(rename(scene->other, scene->path), 0);
                (void) settle(scene->event);
                assert_int_equal(n, 1);
                assert_int_equal(unlink(scene->path), 0);
        }
}

/* Both kinds in one directory: neither takes from the other. */
static void test_side_by_side(void **state) {
        Scene *scene = *state;
        _cleanup_(listener_freep) Listener *changes = NULL, *whole = NULL;
        _cleanup_close_ int fd = -1;
        unsigned n_changes = 0, n_whole = 0;

        assert_int_equal(listener_new(scene->listeners, scene->path, count, &n_changes, &changes, NULL), 0);
        assert_int_equal(listener_new_whole(scene->listeners, scene->path, count, &n_whole, &whole, NULL), 0);
        fd = open(scene->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        (void) settle(scene->event);
        assert_int_equal(n_changes, 1);
        assert_int_equal(n_whole, 0);
        changes = listener_free(changes);
        fd = fd_close(fd);
        assert_int_equal(rename(scene->path, scene->other), 0);
        assert_int_equal(rename(scene->other, scene->path), 0);
        (void) settle(scene->event);
        assert_int_equal(n_changes, 1);
        assert_int_equal(n_whole, 1);
}

/* Who comes later adds to what the one watch tells, and takes nothing from it; each hears what is its own. */
static void test_later(void **state) {
        Scene *scene = *state;
        _cleanup_(listener_freep) Listener *whole = NULL, *changes = NULL, *again = NULL;
        _cleanup_free_ char *same = str_printf("%s/./file", scene->directory);
        _cleanup_close_ int fd = -1;
        unsigned n_changes = 0, n_whole = 0, n_again = 0;

        assert_int_equal(listener_new_whole(scene->listeners, scene->path, count, &n_whole, &whole, NULL), 0);
        assert_int_equal(listener_new(scene->listeners, scene->path, count, &n_changes, &changes, NULL), 0);
        assert_int_equal(listener_new_whole(scene->listeners, same, count, &n_again, &again, NULL), 0);
        fd = open(scene->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, "1", 1), 1);
        (void) settle(scene->event);
        assert_int_equal(n_changes, 2);
        assert_int_equal(n_whole + n_again, 0);
        fd = fd_close(fd);
        assert_int_equal(file_replace(scene->path, "2", 1, 0600), 0);
        (void) settle(scene->event);
        assert_int_equal(n_changes, 3);
        assert_int_equal(n_whole, 1);
        assert_int_equal(n_again, 1);
        whole = listener_free(whole);
        assert_int_equal(file_write(scene->path, "3", 1, 0600), 0);
        (void) settle(scene->event);
        assert_true(n_changes > 3);
        assert_int_equal(n_whole, 1);
}

/* What happens at once, in several directories, is told in one turn of the loop; each hears of its own only. */
static void test_many(void **state) {
        enum { N = 20 };
        Scene *scene = *state;
        _cleanup_free_ char *below = path_join(scene->directory, "below"), *deep = path_join(below, "file");
        _cleanup_(listener_freep) Listener *here = NULL, *there = NULL;
        unsigned n_here = 0, n_there = 0;

        assert_int_equal(file_mkdir_p(below, 0700), 0);
        assert_int_equal(listener_new_whole(scene->listeners, scene->path, count, &n_here, &here, NULL), 0);
        assert_int_equal(listener_new_whole(scene->listeners, deep, count, &n_there, &there, NULL), 0);
        for (int i = 0; i < N; i++)
                assert_int_equal(file_replace(i % 2 ? deep : scene->path, "1", 1, 0600), 0);
        assert_int_equal(settle(scene->event), 1);
        assert_int_equal(n_here, N / 2);
        assert_int_equal(n_there, N / 2);
        there = listener_free(there);
        (void) settle(scene->event); /* the end of the watch is told, too */
        assert_int_equal(file_replace(deep, "2", 1, 0600), 0);
        assert_int_equal(settle(scene->event), 0);
        assert_int_equal(file_replace(scene->path, "2", 1, 0600), 0);
        assert_int_equal(settle(scene->event), 1);
        assert_int_equal(n_here, N / 2 + 1);
        assert_int_equal(n_there, N / 2);
}

/* A directory that is removed is told of, and is another one when it is made again. */
static void test_directory_removed(void **state) {
        Scene *scene = *state;
        _cleanup_free_ char *below = path_join(scene->directory, "below"), *path = path_join(below, "file");
        _cleanup_(listener_freep) Listener *first = NULL, *second = NULL, *always = NULL;
        unsigned n_first = 0, n_second = 0, n_always = 0;

        assert_int_equal(listener_new(scene->listeners, scene->path, count, &n_always, &always, NULL), 0);
        assert_int_equal(file_mkdir_p(below, 0700), 0);
        assert_int_equal(listener_new(scene->listeners, path, count, &n_first, &first, NULL), 0);
        assert_int_equal(file_remove_tree(below), 0);
        (void) settle(scene->event);
        assert_int_equal(n_first, 1);
        assert_int_equal(file_mkdir_p(below, 0700), 0);
        assert_int_equal(listener_new(scene->listeners, path, count, &n_second, &second, NULL), 0);
        assert_int_equal(file_write(path, "1", 1, 0600), 0);
        (void) settle(scene->event);
        assert_int_equal(n_first, 1);
        assert_true(n_second > 0);
        assert_int_equal(n_always, 0);
}

/* Without anybody who listens nothing of it is left: no descriptor, no watch. */
static void test_refused(void **state) {
        static const struct {
                const char *name;
                int want;
        } rows[] = {
                { "missing/file", -ENOENT },
                { "file/below", -ENOTDIR },
        };
        Scene *scene = *state;
        int free_fd = dup(STDIN_FILENO);

        assert_int_equal(file_write(scene->path, "1", 1, 0600), 0);
        (void) close(free_fd);
        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *path = path_join(scene->directory, row->name);
                _cleanup_(error_freep) Error *error = NULL;
                Listener *listener = NULL;
                int fd;

                print_message("%s\n", row->name);
                assert_int_equal(listener_new(scene->listeners, path, count, NULL, &listener, &error), row->want);
                assert_non_null(strstr(error_message(error, 0), scene->directory));
                fd = dup(STDIN_FILENO);
                assert_int_equal(fd, free_fd);
                (void) close(fd);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
                cmocka_unit_test_setup_teardown(test_side_by_side, setup, teardown),
                cmocka_unit_test_setup_teardown(test_later, setup, teardown),
                cmocka_unit_test_setup_teardown(test_many, setup, teardown),
                cmocka_unit_test_setup_teardown(test_directory_removed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
