#include "test-loop.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <systemd/sd-bus.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "doctor/bus.h"
#include "doctor/setup.h"

static UnitFacts unit(const char *load, const char *active, const char *file) {
        return (UnitFacts) { (char *) load, (char *) active, (char *) file };
}

static void test_plan(void **state) {
        const struct {
                Facts facts;
                const char *want; /* steps; one that only starts a unit in parentheses */
        } rows[] = {
#define SOUND .uid = 1000, .has_logind = true, .has_manager = true, .lingers = ANSWER_YES
                { { SOUND, .podman_socket = unit("loaded", "active", "enabled"),
                    .podstep_socket = unit("not-found", "inactive", "") },
                  "" },
                { { SOUND, .podman_socket = unit("loaded", "active", "disabled") }, "podman.socket " },
                { { SOUND, .podman_socket = unit("loaded", "inactive", "enabled") }, "(podman.socket) " },
                { { SOUND, .podman_socket = unit("loaded", "inactive", "static") }, "(podman.socket) " },
                { { SOUND, .podman_socket = unit("loaded", "active", "static") }, "" },
                { { SOUND, .podman_socket = unit("masked", "inactive", "masked") }, "" },
                { { SOUND, .podman_socket = unit("not-found", "inactive", "") }, "" },
                { { SOUND, .podman_socket = unit("loaded", "failed", "disabled"),
                    .podstep_socket = unit("loaded", "inactive", "disabled") },
                  "podman.socket podstep.socket " },
                { { .uid = 1000, .has_logind = true, .lingers = ANSWER_NO }, "linger " },
                { { .uid = 1000, .has_logind = false, .lingers = ANSWER_NO }, "" },
                { { .uid = 1000, .has_logind = true, .lingers = ANSWER_UNKNOWN }, "" },
                { { .uid = 0,
                    .has_logind = true,
                    .has_manager = true,
                    .lingers = ANSWER_NO,
                    .podman_socket = unit("loaded", "inactive", "disabled") },
                  "" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str got = STR_INIT(1000);
                SetupPlan plan;

                setup_plan(&row->facts, &plan);
                for (size_t i = 0; i < plan.n_steps; i++)
                        (void) str_appendf(&got, plan.steps[i].is_unit && !plan.steps[i].enables ? "(%s) " : "%s ",
                                           plan.steps[i].name);
                print_message("case '%s'\n", row->want);
                assert_string_equal(str_get(&got), row->want);
                setup_plan_done(&plan);
        }
}

/* A systemd of our own at the private socket: plays what a real one answers, and tells what it was asked. */
typedef struct FakeSystemd {
        sd_event *event;
        sd_event_source *listener;
        sd_bus *bus;
        char *directory;
        Str asked;
        const char *enable_error, *result; /* NULL: none; of the job */
} FakeSystemd;

static int on_call(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        FakeSystemd *fake = userdata;
        const char *member = sd_bus_message_get_member(message);

        if (!sd_bus_message_is_method_call(message, BUS_MANAGER, NULL))
                return 0;
        (void) str_appendf(&fake->asked, "%s ", member);
        if (str_equal(member, "EnableUnitFiles") && fake->enable_error)
                return sd_bus_reply_method_errorf(message, fake->enable_error, "the words of systemd\033[31m");
        if (str_equal(member, "EnableUnitFiles"))
                return sd_bus_reply_method_return(message, "ba(sss)", 1, 0);
        if (str_equal(member, "StartUnit")) {
                assert_true(sd_bus_reply_method_return(message, "o", "/job/7") >= 0);
                assert_true(sd_bus_emit_signal(fake->bus, BUS_SYSTEMD_PATH, BUS_MANAGER, "JobRemoved", "uoss", 6,
                                               "/job/6", "other.socket", "failed") >= 0);
                return sd_bus_emit_signal(fake->bus, BUS_SYSTEMD_PATH, BUS_MANAGER, "JobRemoved", "uoss", 7, "/job/7",
                                          UNIT_PODMAN_SOCKET, fake->result);
        }
        return sd_bus_reply_method_return(message, NULL);
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        FakeSystemd *fake = userdata;
        int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        sd_id128_t id;

        assert_true(connection >= 0);
        assert_true(sd_id128_randomize(&id) >= 0);
        assert_true(sd_bus_new(&fake->bus) >= 0);
        assert_true(sd_bus_set_fd(fake->bus, connection, connection) >= 0);
        assert_true(sd_bus_set_server(fake->bus, 1, id) >= 0);
        assert_true(sd_bus_add_filter(fake->bus, NULL, on_call, fake) >= 0);
        assert_true(sd_bus_start(fake->bus) >= 0);
        return sd_bus_attach_event(fake->bus, fake->event, 0);
}

static void fake_open(FakeSystemd *fake, sd_event *event) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char directory[] = "/tmp/podstep-setup-XXXXXX";
        _cleanup_free_ char *below = NULL;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        assert_non_null(mkdtemp(directory));
        fake->event = event;
        fake->asked = STR_INIT(1000);
        fake->directory = strdup(directory);
        below = str_printf("%s/systemd", directory);
        assert_int_equal(file_mkdir_p(below, 0700), 0);
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/private", below);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 8), 0);
        assert_true(sd_event_add_io(event, &fake->listener, fd, EPOLLIN, on_connection, fake) >= 0);
        assert_true(sd_event_source_set_io_fd_own(fake->listener, true) >= 0);
}

static void fake_done(FakeSystemd *fake) {
        sd_bus_close_unref(fake->bus);
        sd_event_source_disable_unref(fake->listener);
        assert_int_equal(file_remove_tree(fake->directory), 0);
        free(fake->directory);
        str_done(&fake->asked);
}

static void test_units(void **state) {
        static const struct {
                const char *file, *enable_error, *result;
                const char *want_asked;
                SetupState want;
                const char *want_reason;
        } rows[] = {
                { "disabled", NULL, "done", "EnableUnitFiles Reload Subscribe StartUnit ", SETUP_DONE, NULL },
                { "enabled", NULL, "done", "Subscribe StartUnit ", SETUP_DONE, NULL },
                { "enabled", NULL, "failed", "Subscribe StartUnit ", SETUP_FAILED,
                  "starting podman.socket ended with 'failed'" },
                { "disabled", "org.freedesktop.DBus.Error.AccessDenied", "done", "EnableUnitFiles ", SETUP_FAILED,
                  "the words of systemd\\x1b[31m" },
        };

        FOREACH_ROW(row, rows) {
                FakeSystemd fake = { .enable_error = row->enable_error, .result = row->result };
                sd_event *event = test_event();
                Facts facts = { .uid = 1000, .has_manager = true, .lingers = ANSWER_YES,
                                .podman_socket = unit("loaded", "inactive", row->file) };
                Seen seen = { 0 };
                SetupPlan plan;
                Task *task = NULL;

                print_message("case %s, %s\n", row->file, row->result);
                fake_open(&fake, event);
                facts.runtime_directory = fake.directory;
                setup_plan(&facts, &plan);
                assert_int_equal(plan.n_steps, 1);
                assert_int_equal(setup_start(event, &facts, &plan, seen_done, &seen, &task), 0);
                turn_until(event, &seen.n, 1);
                assert_int_equal(seen.r, 0);
                assert_string_equal(str_get(&fake.asked), row->want_asked);
                assert_int_equal(plan.steps[0].state, row->want);
                if (row->want_reason)
                        assert_string_equal(plan.steps[0].reason, row->want_reason);
                task_free(task);
                setup_plan_done(&plan);
                fake_done(&fake);
                sd_event_unref(event);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan),
                cmocka_unit_test(test_units),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
