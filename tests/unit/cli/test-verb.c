#include "golden.h"

#include <errno.h>

#include "base/strv.h"
#include "cli/doctor-options.h"
#include "cli/verbs.h"
#include "job/event.h"
#include "pipeline/policy.h"

static RunOptions *seen; /* what a verb was run with */

static int note_run(char *const *args, const void *values, int exit_code) {
        const RunOptions *options = values;

        *seen = (RunOptions) { .pull = options->pull,
                              .network = options->network,
                              .policy.trusted = options->policy.trusted,
                              .dry_run = options->dry_run };
        return exit_code + (int) strv_length(args);
}

int verb_run(const Verb *verb, char *const *args, void *values) {
        return note_run(args, values, 10);
}

int verb_plan(const Verb *verb, char *const *args, void *values) {
        return note_run(args, values, 20);
}

int verb_prune(const Verb *verb, char *const *args, void *values) {
        return note_run(args, values, 30);
}

int verb_lint(const Verb *verb, char *const *args, void *values) {
        const LintValues *lint = values;
        int r = lint_values_check(lint, NULL);

        assert_int_equal(lint->run.policy.trusted, args ? 0 : TRUST_ALL | TRUSTED_UNSET);
        return r < 0 ? EXIT_USAGE : 40 + (int) lint->format;
}

int verb_doctor(const Verb *verb, char *const *args, void *values) {
        const DoctorOptions *doctor = values;

        return 50 + doctor->json + 2 * doctor->quiet + (doctor->engine_url ? 4 : 0);
}

int verb_config(const Verb *verb, char *const *args, void *values) {
        const ConfigValues *config = values;

        return 60 + (int) strv_length(args) + config->defaults;
}

int verb_completion(const Verb *verb, char *const *args, void *values) {
        return 70 + (int) strv_length(args);
}

int verb_setup(const Verb *verb, char *const *args, void *values) {
        const DoctorOptions *setup = values;

        return 60 + setup->dry_run + 2 * setup->yes;
}

int verb_submit(const Verb *verb, char *const *args, void *values) {
        return 70 + (int) strv_length(args);
}

int verb_agent(const Verb *verb, char *const *args, void *values) {
        return 73 + (int) strv_length(args);
}

int verb_ps(const Verb *verb, char *const *args, void *values) {
        return 76 + (int) strv_length(args);
}

int verb_logs(const Verb *verb, char *const *args, void *values) {
        return 79 + (int) strv_length(args);
}

int verb_show(const Verb *verb, char *const *args, void *values) {
        return 82 + (int) strv_length(args);
}

int verb_cancel(const Verb *verb, char *const *args, void *values) {
        return 85 + (int) strv_length(args);
}

int verb_rerun(const Verb *verb, char *const *args, void *values) {
        return 88 + (int) strv_length(args);
}

int verb_info(const Verb *verb, char *const *args, void *values) {
        return 91 + (int) strv_length(args);
}

int verb_enter(const Verb *verb, char *const *args, void *values) {
        const RunOptions *options = values;

        return 100 + (int) strv_length(args) + 10 * (int) strv_length(options->command);
}

static const Program program = { "podstep", "1.2.3", PODSTEP_SUMMARY, podstep_verbs };

static void test_main(void **state) {
        static const struct {
                const char *argv[8];
                int want;
        } rows[] = {
                { { "podstep", "run" }, 10 },
                { { "podstep", "run", "a.yaml", "-v", "b.yaml" }, 12 },
                { { "podstep", "plan", "--json" }, 20 },
                { { "podstep", "prune", "-n" }, 30 },
                { { "podstep", "prune", "images", "--keep-storage", "20g" }, 31 },
                { { "podstep", "doctor" }, 50 },
                { { "podstep", "doctor", "--json", "-q", "--engine", "unix:///x" }, 57 },
                { { "podstep", "doctor", "engine" }, EXIT_USAGE },
                { { "podstep", "config" }, 60 },
                { { "podstep", "config", "--defaults", "steps.memory" }, 62 },
                { { "podstep", "setup", "-n", "--yes" }, 63 },
                { { "podstep", "setup", "--quiet" }, EXIT_USAGE },
                { { "podstep", "completion", "bash" }, 71 },
                { { "podstep", "enter", "job", "step" }, 102 },
                { { "podstep", "enter", "job", "--", "ls", "-l", "--" }, 131 },
                { { "podstep", "run", "--", "-v", "--" }, 12 },
                { { "podstep", "lint" }, 40 },
                { { "podstep", "lint", "--trusted=none", "x.yaml" }, 40 },
                { { "podstep", "lint", "--format", "gitlab", "--strict", "--plugins-privileged", "a" },
                  40 + DIAG_FORMAT_GITLAB },
                { { "podstep", "lint", "--format", "json", "--json" }, 40 + DIAG_FORMAT_JSON },
                { { "podstep", "lint", "--format", "github", "--json" }, EXIT_USAGE },
                { { "podstep", "lint", "--format", "pdf" }, EXIT_USAGE },
                { { "podstep", "run", "--pull", "never", "--network=bridge", "--trusted=network,volumes" }, 10 },
                { { "podstep", "run", "--pull", "maybe" }, EXIT_USAGE },
                { { "podstep", "run", "--network", "host" }, EXIT_USAGE },
                { { "podstep", "run", "--trusted", "everyone" }, EXIT_USAGE },
                { { "podstep", "run", "--dry-run" }, EXIT_USAGE },
                { { "podstep", "rnu" }, EXIT_USAGE },
                { { "podstep" }, EXIT_USAGE },
                { { NULL }, EXIT_USAGE },
                { { "podstep", "--version" }, 0 },
                { { "podstep", "--help" }, 0 },
                { { "podstep", "help", "run" }, 0 },
                { { "podstep", "help", "nothing" }, EXIT_USAGE },
                { { "podstep", "run", "--help" }, 0 },
        };

        FOREACH_ROW(row, rows) {
                RunOptions options = { 0 };

                seen = &options;
                assert_int_equal(verb_main(&program, (char *const *) row->argv), row->want);
                if (row->argv[1] && str_equal(row->argv[1], "run") && row->want == 10) {
                        assert_int_equal(options.pull.n, row->argv[2] ? 1 : 0);
                        assert_int_equal(options.network, row->argv[2] ? NETWORK_CHOICE_BRIDGE : NETWORK_CHOICE_UNSET);
                        assert_int_equal(options.policy.trusted,
                                         row->argv[2] ? TRUST_NETWORK | TRUST_VOLUMES : TRUSTED_UNSET);
                }
                if (row->want == 30)
                        assert_true(options.dry_run);
        }
}

static void test_values(void **state) {
        static const struct {
                const char *args[6];
                int want_r;
                const char *want;
        } rows[] = {
                { { "-e", "A=1", "--env=A=2", "--env", "B=x=y", "-eC=" }, 0, "A=2 B=x=y C= " },
                { { "--env", "PODSTEP_TEST_SET" }, 0, "PODSTEP_TEST_SET=yes " },
                { { "--env", "PODSTEP_TEST_UNSET" },
                  -EINVAL,
                  "'--env PODSTEP_TEST_UNSET': no such variable in podstep's environment; give it a value with "
                  "'PODSTEP_TEST_UNSET=...'" },
                { { "--env", "=x" }, -EINVAL, "'--env' needs a name before the '='" },
                { { "--secret", "TOKEN=abc" },
                  -EINVAL,
                  "'--secret TOKEN=...': a secret must not stand on the command line; put it into the environment as "
                  "TOKEN and give only its name, or use '--secrets-file'" },
                { { "--write", "--clean" },
                  -EINVAL,
                  "'--write' and '--clean' do not go together: a clean copy is thrown away in the end; use "
                  "'--export'" },
                { { "--json", "-q" }, -EINVAL, "'--json' and '--quiet' do not go together: choose one" },
                { { "--export-to", "x" }, -EINVAL, "'--export-to' alone does nothing: it needs an '--export PATTERN'" },
                { { "--export-to", "x", "--export", "y" }, 0, "" },
        };

        setenv("PODSTEP_TEST_SET", "yes", 1);
        FOREACH_ROW(row, rows) {
                _cleanup_(run_options_done) RunOptions options;
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_str_ Str got = STR_INIT(1000);
                _cleanup_strv_ char **args = NULL;
                const char *words[7] = { 0 };
                int r;

                memcpy(words, row->args, sizeof(row->args));
                run_options_init(&options);
                r = options_parse(run_option_rows, (char *const *) words, &options, &args, &error);
                if (r >= 0)
                        r = run_options_check(&options, &error);
                assert_int_equal(r, row->want_r);
                MAP_FOREACH(entry, &options.environment)
                        (void) str_appendf(&got, "%s=%s ", entry->key, (const char *) entry->value);
                assert_string_equal(r < 0 ? error_message(error, r) : str_get(&got), row->want);
        }
}

/* The text of each option is freed with the others: a sanitizer tells. */
static void test_freed(void **state) {
        static const Option *const tables[] = { run_option_rows, plan_option_rows, prune_option_rows,
                                                submit_option_rows, enter_option_rows };

        FOREACH_ROW(table, tables)
                for (const Option *option = *table; option->name; option++) {
                        _cleanup_(run_options_done) RunOptions options;

                        run_options_init(&options);
                        if (option->set == option_set_string || option->set == option_set_list)
                                assert_int_equal(
                                        option->set(option, "text", (char *) &options + option->offset, NULL), 0);
                }
}

static void test_help(void **state) {
        _cleanup_str_ Str all = STR_INIT(10000);

        verb_help_all(&program, &all);
        golden_check("help/podstep", str_get(&all));
        for (const Verb *verb = podstep_verbs; verb->name; verb++) {
                _cleanup_str_ Str out = STR_INIT(20000);
                _cleanup_free_ char *name = str_printf("help/%s", verb->name);

                verb_help(&program, verb, &out);
                golden_check(name, str_get(&out));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_main),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_freed),
                cmocka_unit_test(test_help),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
