/* A GitLab Runner's config.toml: what is imported is a configuration that can be read; the report is safe to print. */

#include <errno.h>

#include "base/utf8.h"
#include "config/import.h"
#include "config/load-internal.h"
#include "fuzz.h"

static void check_printable(const Str *text) {
        require(text->error == 0 && utf8_is_valid(str_get(text), text->n));
        for (size_t i = 0; i < text->n; i++)
                require(text->bytes[i] == '\n' || (unsigned char) text->bytes[i] >= 0x20);
}

static void check_runner(const Import *import, const ImportRunner *runner) {
        _cleanup_str_ Str yaml = STR_INIT(STR_MAX_DEFAULT), faults = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_(source_freep) Source *source = NULL;
        Config config;
        ConfigLoader loader = { .config = &config, .faults = &faults };

        require(import_write(import, runner, &yaml) == 0);
        check_printable(&yaml);
        require(source_new_take("podstep.yaml", strdup(str_get(&yaml)), yaml.n, &source, NULL) == 0);
        require(config_init(&config) == 0);
        require(config_read_source(&loader, source) == 0 && loader.n_errors == 0);
        config_done(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT), json = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_(import_done) Import import = { 0 };
        int r;

        if (source_new_take("config.toml", fuzz_text(data, size), size, &source, NULL) < 0)
                return 0;
        r = import_read(source, &diags, &import);
        require((r == 0) == (diags.n_errors == 0));
        if (r == 0) {
                require(import_report(&import, NULL, "config.toml", &text) == 0);
                require(import_report_json(&import, NULL, &json) == 0);
        }
        for (size_t i = 0; i < import.n_runners; i++)
                check_runner(&import, &import.runners[i]);
        diag_sort(&diags);
        diag_print(&diags, source, false, &text);
        check_printable(&text);
        return 0;
}
