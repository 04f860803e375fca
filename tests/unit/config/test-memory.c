/*
 * Each allocation fails in turn: the answer is -ENOMEM, or
 * all went well without it; nothing leaks.
 */

#include "test.h"
#include "no-memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "config/import.h"
#include "config/load-internal.h"

static Config config;

static int load(void) {
        static const char *const variables[] = { "PODSTEP_STEPS_CAP_ADD=A,B", "DOCKER_HOST=tcp://x:1",
                                                 "PODSTEP_JOBS_LABELS={a: b}",
                                                 "WOODPECKER_BACKEND_DOCKER_APPARMOR_PROFILE=x", NULL };
        static const char *const settings[] = { "steps.tmpfs=/a=b", NULL };
        _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
        ConfigSpec spec = { "config/layers/vendor", "config/layers/system", "config/layers/user",
                            .environment = (char *const *) variables, .settings = (char *const *) settings };
        int r = config_init(&config);

        if (r >= 0)
                r = config_load(&spec, &config, &faults);
        config_done(&config);
        return r;
}

static int show(void) {
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);

        return config_show(&config, CONFIG_SHOW_DEFAULTS, &out);
}

static Source *source;

static int import(void) {
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT), report = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(import_done) Import read = { 0 };
        int r = import_read(source, &diags, &read);

        if (r >= 0)
                r = import_write(&read, NULL, &out);
        return r < 0 ? r : import_report(&read, NULL, "config.toml", &report);
}

static void try_all(int (*run)(void)) {
        for (unsigned n = 0;; n++) {
                int r;

                has_failed = false;
                n_left = n;
                r = run();
                n_left = SIZE_MAX;
                if (!has_failed) {
                        print_message("%u allocations\n", n);
                        assert_int_equal(r, 0);
                        return;
                }
                if (r != 0 && r != -ENOMEM) /* a message that is lost is no failure, a wrong one is */
                        print_message("allocation %u\n", n);
                assert_true(r == 0 || r == -ENOMEM);
        }
}

static void test_load(void **state) {
        try_all(load);
}

static void test_show(void **state) {
        _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT);
        ConfigSpec spec = { "config/layers/vendor", "config/layers/system", "config/layers/user" };

        assert_int_equal(config_init(&config), 0);
        assert_int_equal(config_load(&spec, &config, &faults), 0);
        try_all(show);
        config_done(&config);
}

static void test_import(void **state) {
        assert_int_equal(source_read("config/import/all.toml", &source, NULL), 0);
        try_all(import);
        source = source_free(source);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_load),
                cmocka_unit_test(test_show),
                cmocka_unit_test(test_import),
        };

        return chdir(GOLDEN_DIRECTORY) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
