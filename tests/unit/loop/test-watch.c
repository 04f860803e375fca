#include "test-loop.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "loop/watch.h"

typedef struct Notes {
        Str story;
        unsigned n, n_lost;
        Watch *watch;
        bool frees;
} Notes;

static void on_change(Watch *watch, const char *name, uint32_t mask, void *userdata) {
        Notes *notes = userdata;

        notes->n++;
        if (mask & IN_Q_OVERFLOW) {
                assert_null(name);
                notes->n_lost++;
        } else if (notes->n < 50) {
                (void) str_appendf(&notes->story, "%s:%s ",
                                   mask & IN_CREATE        ? "new"
                                   : mask & IN_CLOSE_WRITE ? "written"
                                                           : "other",
                                   name ? name : "-");
        }
        if (notes->frees)
                notes->watch = watch_free(watch);
}

static char *make_directory(void) {
        char *path = strdup("/tmp/podstep-watch-XXXXXX");

        assert_non_null(mkdtemp(path));
        return path;
}

static void test_changes(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        _cleanup_free_ char *directory = make_directory(), *path = path_join(directory, "a");
        _cleanup_(watch_freep) Watch *watch = NULL;
        Notes notes = { .story = STR_INIT(4096) };

        assert_int_equal(watch_new(event, directory, IN_CREATE | IN_CLOSE_WRITE, on_change, &notes, &watch, NULL), 0);
        assert_int_equal(file_write(path, "x", 1, 0600), 0);
        turn_until(event, &notes.n, 2);
        assert_string_equal(str_get(&notes.story), "new:a written:a ");

        str_clear(&notes.story);
        assert_int_equal(file_remove_tree(directory), 0);
        turn_until(event, &notes.n, 3); /* IN_IGNORED: the directory is gone */
        assert_string_equal(str_get(&notes.story), "other:- ");
        str_done(&notes.story);
}

static void test_free_inside(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        _cleanup_free_ char *directory = make_directory(), *path = path_join(directory, "a");
        Notes notes = { .story = STR_INIT(4096), .frees = true };

        assert_int_equal(watch_new(event, directory, IN_CREATE | IN_CLOSE_WRITE, on_change, &notes, &notes.watch, NULL),
                         0);
        assert_int_equal(file_write(path, "x", 1, 0600), 0);
        turn_until(event, &notes.n, 1);
        turn_for(event, 5 * USEC_PER_MSEC);
        assert_int_equal(notes.n, 1);
        assert_null(notes.watch);
        assert_int_equal(file_remove_tree(directory), 0);
        str_done(&notes.story);
}

/* More changes than the kernel queues while nobody reads. */
static void test_overflow(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();
        _cleanup_free_ char *directory = make_directory(), *a = path_join(directory, "a"),
                            *b = path_join(directory, "b");
        _cleanup_(watch_freep) Watch *watch = NULL;
        _cleanup_free_ char *limit_text = NULL;
        Notes notes = { .story = STR_INIT(4096) };
        size_t n;
        long limit;

        assert_int_equal(file_read("/proc/sys/fs/inotify/max_queued_events", 100, &limit_text, &n), 0);
        limit = atol(limit_text);
        if (limit > 100000)
                skip(); /* it would take too long */
        assert_int_equal(watch_new(event, directory, IN_MOVED_TO, on_change, &notes, &watch, NULL), 0);
        assert_int_equal(file_write(a, "", 0, 0600), 0);
        for (long i = 0; i < limit + 2; i++)
                assert_int_equal(i % 2 ? rename(b, a) : rename(a, b), 0);
        turn_until(event, &notes.n_lost, 1);
        watch = watch_free(watch);
        assert_int_equal(file_remove_tree(directory), 0);
        str_done(&notes.story);
}

static void test_refused(void **state) {
        static const struct {
                const char *directory;
                int want_r;
                const char *want;
        } rows[] = {
                { "/nowhere/at/all", -ENOENT, "watching directory '/nowhere/at/all': No such file or directory" },
                { "/dev/null", -ENOTDIR, "watching directory '/dev/null': Not a directory" },
        };
        _cleanup_(sd_event_unrefp) sd_event *event = test_event();

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                Watch *watch = NULL;

                assert_int_equal(watch_new(event, row->directory, IN_CREATE, on_change, NULL, &watch, &error),
                                 row->want_r);
                assert_null(watch);
                assert_string_equal(error_message(error, 0), row->want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_changes),
                cmocka_unit_test(test_free_inside),
                cmocka_unit_test(test_overflow),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
