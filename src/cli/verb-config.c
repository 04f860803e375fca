#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/strv.h"
#include "cli/config-options.h"
#include "cli/configure.h"
#include "cli/verbs.h"
#include "job/event.h"

static int print(const Str *text) {
        if (fputs(str_get(text), stdout) >= 0 && fflush(stdout) == 0)
                return 0;
        log_error("cannot write the configuration: %s", strerror(errno));
        return EXIT_ENGINE;
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
                log_error("%s", error_message(error, r));
                return r == -EINVAL ? EXIT_USAGE : EXIT_ENGINE;
        }
        if (out.n == 0 && !key)
                (void) str_append(&out, "# nothing is set; 'podstep config --defaults' shows what could be\n");
        return print(&out);
}

int verb_config(const Verb *verb, char *const *args, void *data) {
        const ConfigValues *values = data;

        if (strv_length(args) > 1) {
                log_error("one KEY at a time, but there is also '%s'", args[1]);
                return EXIT_USAGE;
        }
        return show(values, args ? args[0] : NULL);
}
