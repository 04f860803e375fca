#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/strv.h"
#include "cli/config-import.h"
#include "cli/configure.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "job/event.h"

static int print(const Str *text) {
        int r;

        fputs(str_get(text), stdout);
        r = output_stdout();
        if (r < 0)
                log_error("cannot write the configuration: %s", strerror(-r));
        return r < 0 ? EXIT_ENGINE : 0;
}

static int show(const ConfigValues *values, const char *key) {
        _cleanup_(config_done) Config config = { 0 };
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_(error_freep) Error *error = NULL;
        unsigned flags = (values->defaults ? CONFIG_SHOW_DEFAULTS : 0U) | (values->run.json ? CONFIG_SHOW_JSON : 0U);
        int r, code = configure_load(&values->run, &config);

        if (code != 0)
                return code;
        r = key ? config_show_key(&config, key, flags, &out, &error) : config_show(&config, flags, &out);
        if (r < 0) {
                log_error("%s%s", error_message(error, r),
                          r == -EINVAL ? "\n   hint: 'podstep config --defaults' lists the keys" : "");
                return r == -EINVAL ? EXIT_USAGE : EXIT_ENGINE;
        }
        if (out.n == 0 && !key)
                (void) str_append(&out, "# nothing is set; 'podstep config --defaults' shows what could be\n");
        return print(&out);
}

static int print_schema(void) {
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_free_ char *text = NULL;

        if (config_schema(&text) < 0 || str_append(&out, text) < 0) {
                log_error("out of memory");
                return EXIT_ENGINE;
        }
        return print(&out);
}

/* Options that are of one of the two only. */
static int check(const ConfigValues *values, bool imports, char *const *args) {
        const char *lone = values->runner ? "--runner" : values->output ? "--output" : NULL;

        if (imports && strv_length(args) != 2)
                log_error("'podstep config import' takes one FILE: a GitLab Runner's config.toml");
        else if (!imports && strv_length(args) > 1)
                log_error("one KEY at a time, but there is also '%s'", args[1]);
        else if (values->schema && args)
                log_error("'--schema' stands alone: it is that of all keys");
        else if (!imports && lone)
                log_error("'%s' alone does nothing: it is of 'podstep config import'", lone);
        else
                return 0;
        return EXIT_USAGE;
}

int verb_config(const Verb *verb, char *const *args, void *data) {
        const ConfigValues *values = data;
        bool imports = args && str_equal(args[0], "import");
        int code = check(values, imports, args);

        if (code != 0)
                return code;
        if (values->schema)
                return print_schema();
        return imports ? config_import(values, args[1]) : show(values, args ? args[0] : NULL);
}
