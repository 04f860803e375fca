#include "cli/lint-options.h"

#include <errno.h>

#include "base/strv.h"

const Option lint_option_rows[] = {
        { "strict", 0, NULL, OPTION_FLAG(LintValues, strict), .group = "What counts", .help = "Warnings are errors." },
        { "trusted", 0, "CLASSES", .names = run_option_trusted_names, .set = run_option_set_trusted,
          .offset = OPTION_OFFSET(LintValues, run.policy.trusted, unsigned),
          .help = "What the file may ask for beyond plain containers: network, volumes, security, all or none; several "
                  "with "
                  "commas. Default: all." },
        { "plugins-privileged", 0, "IMAGE", OPTION_LIST(LintValues, privileged_plugins),
          .help = "A plugin that the server lets run privileged. If one is named, the others that once ran so are "
                  "errors, "
                  "else warnings. May be repeated." },
        { "plugins-trusted-clone", 0, "IMAGE", OPTION_LIST(LintValues, trusted_clones),
          .help = "An image that the server trusts to clone with credentials, beside Woodpecker's own. May be "
                  "repeated." },
        { "env", 'e', "NAME=VALUE", .set = run_option_set_environment,
          .offset = OPTION_OFFSET(LintValues, run.environment, Map),
          .help = "A variable for the file's ${...} that the server sets. May be repeated." },
        { "env-file", 0, "FILE", OPTION_LIST(LintValues, run.env_files),
          .help = "The same from a file: a NAME=VALUE on each line. May be repeated." },
        { "config", 0, "FILE", OPTION_STRING(LintValues, run.config_file), .group = "Configuration",
          .help = "Reads this configuration in place of all others; what the administrator locked stays. Default: "
                  "PODSTEP_CONFIG, else all; see podstep-config(5)." },
        { "set", 0, "KEY=VALUE", OPTION_LIST(LintValues, run.settings),
          .help = "Sets a key of the configuration: lint.strict=true. May be repeated." },
        { "format", 0, "FORMAT", OPTION_ENUM(LintValues, format), .names = diag_format_names, .group = "Output",
          .help = "text, json (an object on each line), github (workflow commands), gitlab (a code quality report) or "
                  "checkstyle (XML). Default: text." },
        { "json", 0, NULL, OPTION_FLAG(LintValues, run.json), .help = "The same as '--format json'." },
        { "schema", 0, NULL, OPTION_ENUM(LintValues, schema), .names = schema_kind_names, .choice = "DIALECT",
          .help = "Prints the JSON schema of files, for editors, and checks nothing: woodpecker (the default) or "
                  "gitlab." },
        { "directory", 'C', "DIR", OPTION_STRING(LintValues, run.directory),
          .help = "The checkout to work on. Default: the top of the git work tree." },
        { "color", 0, "WHEN", OPTION_ENUM(LintValues, run.color), .names = run_option_color_names,
          .help = "auto, always or never. Default: auto, which is on a terminal without NO_COLOR." },
        { 0 },
};

void lint_values_init(LintValues *values) {
        *values = (LintValues) { .schema = LINT_NO_SCHEMA };
        run_options_init(&values->run);
        values->run.policy.trusted |= TRUST_ALL;
}

int lint_values_check(const LintValues *values, Error **reterr) {
        if (values->run.json && values->format != DIAG_FORMAT_TEXT && values->format != DIAG_FORMAT_JSON)
                return error_set(reterr, EINVAL, "'--json' and '--format %s' do not go together: choose one",
                                 diag_format_names[values->format]);
        return 0;
}

void lint_values_fill_in(LintValues *values) {
        ConfigLint *configured = &values->run.config.lint;

        values->strict |= configured->strict;
        if (!values->privileged_plugins)
                values->privileged_plugins = TAKE_PTR(configured->privileged_plugins);
        if (!values->trusted_clones)
                values->trusted_clones = TAKE_PTR(configured->trusted_clones);
}

void lint_values_done(LintValues *values) {
        run_options_done(&values->run);
        strv_free(values->privileged_plugins);
        strv_free(values->trusted_clones);
}
