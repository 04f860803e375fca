#include <sys/eventfd.h>

#include "base/str.h"
#include "loop/turn.h"
#include "test-loop.h"

#define ACTORS 3
#define STORY_MAX 256

/* Its first callback does what its row says; each is told by a letter in the story. */
typedef struct Actor {
        Turn turn;
        char letter;
        const char *does;
        struct Stage *stage;
} Actor;

typedef struct Stage {
        sd_event *event;
        Actor *actors[ACTORS]; /* each by itself on the heap: who touches one that is gone is found out */
        Str story;
} Stage;

static void on_turn(void *userdata);

static Actor *actor_new(Stage *stage, char letter, const char *does) {
        Actor *actor = calloc(1, sizeof(*actor));

        assert_non_null(actor);
        *actor = (Actor) { .letter = letter, .does = does, .stage = stage };
        assert_int_equal(turn_init(&actor->turn, stage->event, on_turn, actor), 0);
        return actor;
}

static void actor_free(Actor **actor) {
        turn_done(&(*actor)->turn);
        free(*actor);
        *actor = NULL;
}

/*
 * Pairs of what and whom: "+b" posts b, ">b" as the last, "~b" lets it yield, "-b" ends it, "*b" makes it anew, "!."
 * ends the loop.
 */
static void act(Stage *stage, const char *does) {
        for (; does && does[0]; does += 2) {
                Actor **actor = &stage->actors[does[1] == '.' ? 0 : does[1] - 'a'];

                if (does[0] == '+')
                        turn_post(&(*actor)->turn);
                else if (does[0] == '>')
                        turn_post_last(&(*actor)->turn);
                else if (does[0] == '~')
                        turn_yield(&(*actor)->turn);
                else if (does[0] == '-')
                        actor_free(actor);
                else if (does[0] == '*')
                        *actor = actor_new(stage, does[1], NULL);
                else
                        assert_true(sd_event_exit(stage->event, 0) >= 0);
        }
}

static void on_turn(void *userdata) {
        Actor *actor = userdata;
        Stage *stage = actor->stage;
        const char *does = actor->does;
        char letter[] = { actor->letter, '\0' };

        actor->does = NULL;
        str_append(&stage->story, letter);
        act(stage, does); /* the actor may be gone now */
}

static void test_order(void **state) {
        static const struct {
                const char *name, *posts, *does[ACTORS];
                const char *first, *all; /* the story after the first turn of the loop, and when nothing is left */
        } rows[] = {
                { "in the order of posting", "+c+a+b", { NULL }, "cab", "cab" },
                { "once, however often it was posted", "+a+b+a", { NULL }, "ab", "ab" },
                { "what is posted meanwhile comes behind", "+a+b", { "+c+b", NULL, NULL }, "abc", "abc" },
                { "again, once it runs", "+a+b", { "+a+a", NULL, NULL }, "aba", "aba" },
                { "ended before", "+a+b+c-b", { NULL }, "ac", "ac" },
                { "the first, the last and the only one ended", "+a-a+b+c-c", { NULL }, "b", "b" },
                { "ended by another", "+a+b+c", { "-b", NULL, NULL }, "ac", "ac" },
                { "ended by itself", "+a+b", { "+a-a", NULL, NULL }, "ab", "ab" },
                { "all are ended", "+a+b+c", { "-a-b-c", NULL, NULL }, "a", "a" },
                { "all are ended, and one begins", "+a+b+c", { "-a-b-c*b+b", NULL, NULL }, "ab", "ab" },
                { "one that comes last", ">a+b", { NULL, "+c", NULL }, "bca", "bca" },
                { "two that come last", ">a>b+c", { NULL }, "cab", "cab" },
                { "last, and posting", ">a+b", { "+c>a+b", NULL, NULL }, "bacba", "bacba" },
                { "last, behind one that yields", ">a+b~c", { NULL }, "b", "bca" },
                { "it was to be last, and is ended", ">a+b>c-a", { NULL }, "bc", "bc" },
                { "one that yields", "~a+b", { NULL }, "ab", "ab" },
                { "one that yields behind another", "+a~b+c", { NULL }, "a", "abc" },
                { "yielding in its callback", "+a+b", { "~a", "+c", NULL }, "ab", "abac" },
                { "it was to yield, and is ended", "+a~b+c", { "-b", NULL, NULL }, "ac", "ac" },
                { "the loop is ended", "+a+b", { "+c!.", NULL, NULL }, "a", "a" },
                { "nothing was posted", "", { NULL }, "", "" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                Stage stage = { .event = event, .story = STR_INIT(STORY_MAX) };
                bool is_ended = false;

                print_message("case '%s'\n", row->name);
                for (unsigned i = 0; i < ACTORS; i++)
                        stage.actors[i] = actor_new(&stage, (char) ('a' + i), row->does[i]);
                act(&stage, row->posts);
                assert_string_equal(str_get(&stage.story), ""); /* never inside the call */
                assert_true(sd_event_run(event, 0) >= 0);
                assert_string_equal(str_get(&stage.story), row->first);
                for (unsigned i = 0; i < TEST_DUE_TURNS_MAX && !is_ended; i++)
                        is_ended = sd_event_run(event, 0) <= 0 || sd_event_get_state(event) == SD_EVENT_FINISHED;
                assert_true(is_ended); /* a loop that turns without work would burn the processor */
                assert_string_equal(str_get(&stage.story), row->all);
                for (unsigned i = 0; i < ACTORS; i++)
                        if (stage.actors[i])
                                actor_free(&stage.actors[i]);
                str_done(&stage.story);
        }
}

typedef struct Endless {
        Turn turn;
        void (*again)(Turn *turn);
        unsigned n; /* callbacks */
        unsigned n_before; /* until the descriptor was seen to be ready; 0: not yet */
} Endless;

static void on_endless(void *userdata) {
        Endless *endless = userdata;

        endless->n++;
        endless->again(&endless->turn);
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Endless *endless = userdata;

        endless->n_before = endless->n;
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

/* Work that never ends keeps nothing else from its turn. */
static void test_fair(void **state) {
        static const struct {
                void (*again)(Turn *turn);
                unsigned a_turn; /* so many callbacks in one turn of the loop */
        } rows[] = {
                { turn_post, TURN_BATCH_MAX },
                { turn_yield, 1 },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(sd_event_unrefp) sd_event *event = test_event();
                _cleanup_(sd_event_source_disable_unrefp) sd_event_source *source = NULL;
                _cleanup_close_ int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
                Endless endless = { .again = row->again };

                assert_int_equal(turn_init(&endless.turn, event, on_endless, &endless), 0);
                turn_post(&endless.turn);
                for (unsigned i = 1; i <= 10; i++) {
                        assert_true(sd_event_run(event, 0) > 0);
                        assert_int_equal(endless.n, i * row->a_turn);
                }
                endless.n = 0;
                assert_true(sd_event_add_io(event, &source, fd, EPOLLIN, on_ready, &endless) >= 0);
                for (unsigned i = 0; i < 10 && endless.n_before == 0; i++)
                        assert_true(sd_event_run(event, 0) > 0);
                assert_in_range(endless.n_before, 1, 2 * row->a_turn);
                turn_done(&endless.turn);
                assert_int_equal(sd_event_run(event, 0), 0);
        }
}

static void count(void *userdata) {
        ++*(unsigned *) userdata;
}

/* Each loop has its own, also beside another, and one that comes where another was. */
static void test_loops(void **state) {
        unsigned n_one = 0, n_two = 0;

        for (unsigned i = 1; i <= 3; i++) {
                _cleanup_(sd_event_unrefp) sd_event *one = test_event(), *two = test_event();
                Turn first = { 0 }, second = { 0 }, last = { 0 };

                assert_int_equal(turn_init(&first, one, count, &n_one), 0);
                assert_int_equal(turn_init(&second, two, count, &n_two), 0);
                turn_post(&first);
                turn_post(&second);
                assert_true(sd_event_run(one, 0) > 0);
                assert_int_equal(n_one, 2 * i - 1);
                assert_int_equal(n_two, i - 1);
                assert_true(sd_event_run(two, 0) > 0);
                assert_int_equal(n_two, i);
                turn_done(&second);
                assert_int_equal(turn_init(&last, one, count, &n_one), 0);
                turn_done(&first); /* the loop's first, but not its last */
                turn_post(&last);
                assert_true(sd_event_run(one, 0) > 0);
                assert_int_equal(n_one, 2 * i);
                assert_int_equal(sd_event_run(one, 0), 0);
                two = sd_event_unref(two);
                one = sd_event_unref(one); /* its Turn keeps it */
                turn_post(&last);
                turn_done(&last);
        }
}

static void test_zeroed(void **state) {
        Turn turn = { 0 };

        turn_post(&turn);
        turn_yield(&turn);
        turn_post_last(&turn);
        turn_done(&turn);
        turn_done(&turn);
        assert_false(turn.is_posted);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_fair),
                cmocka_unit_test(test_loops),
                cmocka_unit_test(test_zeroed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
