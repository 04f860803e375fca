#include "test-loop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>

#include "base/str.h"
#include "loop/event.h"

/* What was called, in its order. */
typedef struct Story {
        Str text;
        EventSource *sources[8];
        unsigned n;
} Story;

typedef struct Part {
        Story *story;
        const char *name;
        unsigned again; /* how often it asks for another turn */
        int r;
        EventSource **drop;
        EventLoop *exit;
} Part;

static int play(Part *part, EventSource *source) {
        (void) str_appendf(&part->story->text, "%s ", part->name);
        part->story->n++;
        if (part->again > 0) {
                part->again--;
                assert_int_equal(event_source_set_enabled(source, EVENT_ONESHOT), 0);
        }
        if (part->drop)
                *part->drop = event_source_free(*part->drop);
        if (part->exit)
                (void) event_exit(part->exit, 7);
        return part->r;
}

static int on_turn(EventSource *source, void *userdata) {
        return play(userdata, source);
}

static int on_time(EventSource *source, uint64_t usec, void *userdata) {
        assert_true(usec <= clock_monotonic_usec());
        return play(userdata, source);
}

static int on_io(EventSource *source, int fd, uint32_t revents, void *userdata) {
        char byte;

        if (revents & EPOLLIN)
                (void) !read(fd, &byte, 1);
        return play(userdata, source);
}

static int on_signal(EventSource *source, const struct signalfd_siginfo *info, void *userdata) {
        assert_int_equal(info->ssi_signo, SIGUSR1);
        return play(userdata, source);
}

static Story story_begin(void) {
        return (Story) { .text = STR_INIT(10000) };
}

static void story_is(Story *story, const char *want) {
        assert_string_equal(str_get(&story->text), want);
        str_clear(&story->text);
}

static void turn_all(EventLoop *event) {
        while (event_run(event, 0) > 0)
                ;
}

static void test_order(void **state) {
        _cleanup_(event_unrefp) EventLoop *event = test_event();
        uint64_t now = clock_monotonic_usec();
        Story story = story_begin();
        Part a = { &story, "a", .again = 2 }, b = { &story, "b" }, late = { &story, "late" },
             early = { &story, "early" }, post = { &story, "post" }, never = { &story, "never" };
        EventSource *off = NULL;

        assert_int_equal(event_add_time(event, NULL, now + 1, on_time, &late), 0);
        assert_int_equal(event_add_time(event, NULL, now - 1, on_time, &early), 0);
        assert_int_equal(event_add_time(event, &off, USEC_INFINITY, on_time, &never), 0);
        assert_int_equal(event_add_defer(event, NULL, on_turn, &a), 0);
        assert_int_equal(event_add_defer(event, NULL, on_turn, &b), 0);
        assert_int_equal(event_add_post(event, NULL, on_turn, &post), 0);
        while (clock_monotonic_usec() <= now + 1)
                ;
        turn_all(event);
        /* each once before any comes again; posts when there is nothing else to do */
        story_is(&story, "a b a a post early late post ");
        event_source_free(off);
        str_done(&story.text);
}

/* Who asks for another turn for ever keeps neither descriptors nor posts waiting. */
static void test_not_starved(void **state) {
        _cleanup_(event_unrefp) EventLoop *event = test_event();
        Story story = story_begin();
        Part busy = { &story, "busy", .again = 1000 }, io = { &story, "io" }, post = { &story, "post" };
        EventSource *source = NULL;
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(write(fds[1], "x", 1), 1);
        assert_int_equal(event_add_io(event, &source, fds[0], EPOLLIN, on_io, &io), 0);
        assert_int_equal(event_add_defer(event, NULL, on_turn, &busy), 0);
        assert_int_equal(event_add_post(event, NULL, on_turn, &post), 0);
        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(event_run(event, 0), 1);
        assert_non_null(strstr(str_get(&story.text), "io "));
        assert_non_null(strstr(str_get(&story.text), "post "));
        event_source_free(source);
        close(fds[0]);
        close(fds[1]);
        str_done(&story.text);
}

static void test_io(void **state) {
        _cleanup_(event_unrefp) EventLoop *event = test_event();
        Story story = story_begin();
        Part part = { &story, "io" };
        EventSource *source = NULL;
        int fds[2], file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(event_add_io(event, &source, fds[0], EPOLLIN, on_io, &part), 0);
        assert_int_equal(event_run(event, 0), 0);
        assert_int_equal(write(fds[1], "xyz", 3), 3);
        assert_int_equal(event_run(event, 0), 1);
        assert_int_equal(event_source_set_enabled(source, EVENT_OFF), 0);
        assert_int_equal(event_run(event, 0), 0);
        assert_int_equal(event_source_set_enabled(source, EVENT_ONESHOT), 0);
        turn_all(event);
        assert_int_equal(event_source_get_enabled(source), EVENT_OFF);
        assert_int_equal(event_source_set_io_events(source, EPOLLOUT), 0);
        assert_int_equal(event_source_set_enabled(source, EVENT_ON), 0);
        assert_int_equal(event_run(event, 0), 0);
        story_is(&story, "io io ");

        part.r = -EIO; /* disables it */
        assert_int_equal(event_source_set_io_events(source, EPOLLIN), 0);
        turn_all(event);
        assert_int_equal(event_source_get_enabled(source), EVENT_OFF);
        story_is(&story, "io ");

        event_source_own_fd(source);
        source = event_source_free(source);
        assert_true(fcntl(fds[0], F_GETFD) < 0);
        assert_int_equal(event_add_io(event, &source, file, EPOLLIN, on_io, &part), -EPERM);
        assert_null(source);
        close(fds[1]);
        close(file);
        str_done(&story.text);
}

static void test_time(void **state) {
        _cleanup_(event_unrefp) EventLoop *event = test_event();
        Story story = story_begin();
        Part part = { &story, "time" };
        EventSource *source = NULL;
        uint64_t began = clock_monotonic_usec();

        assert_int_equal(event_add_time_relative(event, &source, USEC_INFINITY, on_time, &part), 0);
        assert_int_equal(event_run(event, 0), 0);
        assert_int_equal(event_source_set_time(source, 0), 0);
        assert_int_equal(event_source_set_time(source, USEC_INFINITY), 0); /* the last word counts */
        assert_int_equal(event_run(event, 0), 0);
        assert_int_equal(event_source_set_time_relative(source, 3 * USEC_PER_MSEC), 0);
        turn_until(event, &story.n, 1);
        assert_true(clock_monotonic_usec() >= began + 3 * USEC_PER_MSEC);
        assert_int_equal(event_source_get_enabled(source), EVENT_OFF);
        assert_int_equal(event_source_set_time(source, 0), 0); /* changes the time, and does not enable */
        assert_int_equal(event_run(event, 0), 0);
        assert_int_equal(event_source_set_enabled(source, EVENT_ONESHOT), 0);
        assert_int_equal(event_run(event, 0), 1);
        assert_int_equal(event_run(event, 2 * USEC_PER_MSEC), 0);
        story_is(&story, "time time ");
        event_source_free(source);
        str_done(&story.text);
}

static void test_signal(void **state) {
        _cleanup_(event_unrefp) EventLoop *event = test_event();
        Story story = story_begin();
        Part part = { &story, "signal" };
        sigset_t signals;

        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGUSR1);
        assert_int_equal(sigprocmask(SIG_BLOCK, &signals, NULL), 0);
        assert_int_equal(event_add_signal(event, NULL, SIGUSR1, on_signal, &part), 0);
        assert_int_equal(event_run(event, 0), 0);
        assert_int_equal(raise(SIGUSR1), 0);
        turn_all(event);
        story_is(&story, "signal ");
        str_done(&story.text);
}

/* In its own callback, and one that is ready and would be next. */
static void test_drop(void **state) {
        _cleanup_(event_unrefp) EventLoop *event = test_event();
        Story story = story_begin();
        Part first = { &story, "first", .drop = &story.sources[1] }, second = { &story, "second" },
             self = { &story, "self", .drop = &story.sources[2] };

        assert_int_equal(event_add_defer(event, &story.sources[0], on_turn, &first), 0);
        assert_int_equal(event_add_defer(event, &story.sources[1], on_turn, &second), 0);
        assert_int_equal(event_add_defer(event, &story.sources[2], on_turn, &self), 0);
        turn_all(event);
        story_is(&story, "first self ");
        assert_null(story.sources[2]);
        event_source_free(story.sources[0]);
        str_done(&story.text);
}

static void test_exit(void **state) {
        EventLoop *event = test_event();
        Story story = story_begin();
        Part first = { &story, "first", .exit = event }, second = { &story, "second" };
        EventSource *kept = NULL;

        assert_int_equal(event_add_defer(event, NULL, on_turn, &first), 0);
        assert_int_equal(event_add_defer(event, &kept, on_turn, &second), 0);
        assert_false(event_is_over(event));
        assert_int_equal(event_loop(event), 7);
        assert_true(event_is_over(event));
        story_is(&story, "first ");
        event_unref(event);
        assert_ptr_equal(event_source_get_loop(kept), event); /* a source keeps its loop */
        event_source_free(kept);
        str_done(&story.text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),       cmocka_unit_test(test_not_starved), cmocka_unit_test(test_io),
                cmocka_unit_test(test_time),        cmocka_unit_test(test_signal),      cmocka_unit_test(test_drop),
                cmocka_unit_test(test_exit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
