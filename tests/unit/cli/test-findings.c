#include "golden.h"

#include "cli/findings-print.h"

static const Check fine = { "session", "never shown", NULL },
                   linger = { "linger", "Without it, systemd ends all your processes when you log out.", NULL },
                   engine = { "engine", "Jobs run in containers of Podman.", NULL };

static void fill(Findings *findings, unsigned n) {
        Finding *finding;

        (void) finding_add(findings, &fine, LEVEL_OK, "/run/user/%d", 1000);
        if (n > 1) {
                finding = finding_add(findings, &linger, LEVEL_WARNING, "off: jobs end when you log out");
                finding_mend(finding, findings, false, "podstep setup");
                finding_mend(finding, findings, true,
                             "loginctl enable-linger a-user-with-a-name-so-long-that-the-line-would-be-broken");
        }
        if (n > 2) {
                finding = finding_add(findings, &engine, LEVEL_FAULT,
                                      "no Podman engine found; tried unix:///run/user/1000/podman/podman.sock (there "
                                      "is no such socket)");
                finding_advise(finding, findings, "install it: 'apt install podman'");
        }
}

static void test_print(void **state) {
        static const struct {
                unsigned n;
                FindingsStyle style;
                const char *golden;
                int want_exit;
        } rows[] = {
                { 1, { .from = LEVEL_OK }, "doctor/fine", 0 },
                { 1, { .from = LEVEL_WARNING }, "doctor/fine-quiet", 0 },
                { 2, { .from = LEVEL_WARNING }, "doctor/warnings-quiet", 1 },
                { 3, { .from = LEVEL_OK }, "doctor/faults", 2 },
                { 3, { .from = LEVEL_OK, .color = true }, "doctor/faults-color", 2 },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str out = STR_INIT(10000);
                Findings findings = { 0 };

                fill(&findings, row->n);
                findings_print(&findings, row->style, &out);
                findings_print_verdict(&findings, row->style, &out);
                golden_check(row->golden, str_get(&out));
                assert_int_equal(findings_exit_code(&findings), row->want_exit);
                findings_done(&findings);
        }
}

/* The longest name of a check does not touch what was found. */
static void test_columns(void **state) {
        for (size_t i = 0; i < n_checks; i++) {
                _cleanup_str_ Str out = STR_INIT(10000);
                Findings findings = { 0 };
                const char *line;

                (void) finding_add(&findings, &checks[i], LEVEL_OK, "found");
                findings_print(&findings, (FindingsStyle) { .from = LEVEL_OK }, &out);
                print_message("check '%s'\n", checks[i].id);
                line = strstr(str_get(&out), checks[i].id);
                assert_non_null(line);
                assert_int_equal(line[strlen(checks[i].id)], ' ');
                findings_done(&findings);
        }
}

static void test_json(void **state) {
        _cleanup_free_ char *text = NULL;
        Findings findings = { 0 };
        JsonWriter w = { 0 };

        fill(&findings, 3);
        json_open_object(&w, NULL);
        findings_put_json(&findings, &w);
        json_close(&w);
        assert_int_equal(json_finish(&w, true, &text), 0);
        golden_check("doctor/faults.json", text);
        findings_done(&findings);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_print),
                cmocka_unit_test(test_columns),
                cmocka_unit_test(test_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
