#include "test.h"

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
                (void) settle(scene->event);
                assert_int_equal(n > 0, !row->hears_growth); /* who hears it grow has heard all */

                assert_int_equal(unlink(scene->path), 0);
                assert_int_equal(file_write(scene->other, "2", 1, 0600), 0);
                (void) settle(scene->event);
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
        (void) settle(scene->event);
        assert_int_equal(n_changes, 1);
        assert_int_equal(n_whole, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
                cmocka_unit_test_setup_teardown(test_side_by_side, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
