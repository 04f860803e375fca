/*
 * A file of the configuration: what is shown of it can be read, and is shown the same way then. Faults are safe to
 * print.
 */

#include <errno.h>

#include "base/utf8.h"
#include "config/load-internal.h"
#include "fuzz.h"

static void check_faults(const Str *faults) {
        require(utf8_is_valid(str_get(faults), faults->n));
        for (size_t i = 0; i < faults->n; i++)
                require(faults->bytes[i] == '\n' || (unsigned char) faults->bytes[i] >= 0x20);
}

/* The text of what was read; NULL if there were faults. */
static char *read_and_show(char *text, size_t n) {
        _cleanup_str_ Str faults = STR_INIT(STR_MAX_DEFAULT), out = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_(config_done) Config config = { 0 };
        ConfigLoader loader = { .config = &config, .faults = &faults, .is_admin = true };

        require(config_init(&config) == 0);
        if (source_new_take("podstep\x1b.yaml", text, n, &source, NULL) < 0)
                return NULL;
        require(config_read_source(&loader, source) == 0);
        require((loader.n_errors == 0) == (faults.n == 0) || loader.n_errors == 0); /* warnings are no errors */
        check_faults(&faults);
        require(config_show(&config, CONFIG_SHOW_JSON, &out) == 0);
        str_clear(&out);
        require(config_show(&config, 0, &out) == 0);
        return loader.n_errors == 0 ? strdup(str_get(&out)) : NULL;
}

/* Up to the places where values come from. */
static void require_same(const char *a, const char *b) {
        Str texts[2] = { STR_INIT(STR_MAX_DEFAULT), STR_INIT(STR_MAX_DEFAULT) };
        const char *inputs[2] = { a, b };

        for (size_t i = 0; i < 2; i++)
                for (const char *line = inputs[i]; *line;) {
                        size_t n = strcspn(line, "\n");
                        const char *comment = memmem(line, n, "# podstep", strlen("# podstep"));

                        (void) str_append_n(&texts[i], line, comment ? (size_t) (comment - line) : n);
                        line += n + 1;
                }
        require(str_equal(str_get(&texts[0]), str_get(&texts[1])));
        str_done(&texts[0]);
        str_done(&texts[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *first = read_and_show(fuzz_text(data, size), size), *second = NULL;

        if (!first)
                return 0;
        second = read_and_show(strdup(first), strlen(first));
        require(second);
        require_same(first, second);
        return 0;
}
