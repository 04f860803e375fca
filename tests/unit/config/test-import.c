#include "golden.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "base/strv.h"
#include "config/import.h"

#define DIRECTORY "config/import"

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static char **list_files(void) {
        DIR *directory = opendir(DIRECTORY);
        const struct dirent *entry;
        char **names = NULL;

        assert_non_null(directory);
        while ((entry = readdir(directory)))
                if (str_ends_with(entry->d_name, ".toml"))
                        assert_int_equal(strv_append(&names, entry->d_name), 0);
        closedir(directory);
        qsort(names, strv_length(names), sizeof(char *), compare);
        return names;
}

static int read_file(const char *name, DiagList *diags, Str *faults, Import *ret) {
        _cleanup_free_ char *path = path_join(DIRECTORY, name);
        _cleanup_(source_freep) Source *source = NULL;
        int r;

        assert_int_equal(source_read(path, &source, NULL), 0);
        free(source->name);
        source->name = strdup("config.toml");
        r = import_read(source, diags, ret);
        diag_sort(diags);
        diag_print(diags, source, false, faults);
        return r;
}

/* What is written has to be a configuration: each document of it. */
static void check_readable(const Import *import) {
        for (size_t i = 0; i < import->n_runners; i++) {
                char directory[] = "/tmp/test-import-XXXXXX";
                _cleanup_str_ Str yaml = STR_INIT(STR_MAX_DEFAULT), faults = STR_INIT(STR_MAX_DEFAULT);
                _cleanup_free_ char *file = NULL;
                ConfigSpec spec = { "/nonexistent", "/nonexistent" };
                Config config;

                assert_non_null(mkdtemp(directory));
                spec.file = file = path_join(directory, "podstep.yaml");
                assert_int_equal(import_write(import, &import->runners[i], &yaml), 0);
                assert_int_equal(file_write(file, str_get(&yaml), yaml.n, 0600), 0);
                assert_int_equal(config_init(&config), 0);
                assert_int_equal(config_load(&spec, &config, &faults), 0);
                assert_string_equal(str_get(&faults), "");
                config_done(&config);
                assert_int_equal(file_remove_tree(directory), 0);
        }
}

/* Each file becomes a YAML and a report, or faults. */
static void test_files(void **state) {
        _cleanup_strv_ char **names = NULL;

        assert_int_equal(chdir(GOLDEN_DIRECTORY), 0);
        names = list_files();
        assert_true(strv_length(names) > 20);
        STRV_FOREACH(name, names) {
                _cleanup_(diag_list_done) DiagList diags = { 0 };
                _cleanup_(import_done) Import import = { 0 };
                _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);
                _cleanup_free_ char *golden = str_printf("%s/%.*s.txt", DIRECTORY, (int) strlen(*name) - 5, *name);
                int r = read_file(*name, &diags, &text, &import);

                print_message("case '%s'\n", *name);
                assert_int_equal(r, str_starts_with(*name, "bad-") ? -EBADMSG : 0);
                if (r == 0) {
                        assert_int_equal(import_write(&import, NULL, &text), 0);
                        (void) str_append(&text, "...\n");
                        assert_int_equal(import_report(&import, NULL, "config.toml", &text), 0);
                        check_readable(&import);
                }
                golden_check(golden, str_get(&text));
        }
}

static void test_json(void **state) {
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(import_done) Import import = { 0 };
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT), faults = STR_INIT(STR_MAX_DEFAULT);

        assert_int_equal(chdir(GOLDEN_DIRECTORY), 0);
        assert_int_equal(read_file("executors.toml", &diags, &faults, &import), 0);
        assert_int_equal(import_report_json(&import, NULL, &text), 0);
        golden_check(DIRECTORY "/executors.json", str_get(&text));
        assert_ptr_equal(import_find(&import, "cluster"), &import.runners[1]);
        assert_null(import_find(&import, "none"));
        str_clear(&text);
        assert_int_equal(import_write(&import, import_find(&import, "machines"), &text), 0);
        assert_null(strstr(str_get(&text), "---"));
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_files), cmocka_unit_test(test_json) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
