#include "cli/config-options.h"

const Option config_option_rows[] = {
        { "defaults", 0, NULL, OPTION_FLAG(ConfigValues, defaults), .group = "What is shown",
          .help = "Also the keys that nobody set." },
        { "json", 0, NULL, OPTION_FLAG(ConfigValues, run.json),
          .help = "A JSON object: the files that were read, and each value with its origin. Of one KEY its value "
                  "alone." },
        { "schema", 0, NULL, OPTION_FLAG(ConfigValues, schema),
          .help = "Prints the JSON schema of the configuration's files, for editors, and shows nothing else." },
        { "config", 0, "FILE", OPTION_STRING(ConfigValues, run.config_file), .group = "Configuration",
          .help = "Reads this configuration in place of all others; what the administrator locked stays. Default: "
                  "PODSTEP_CONFIG, else all; see podstep-config(5)." },
        { "set", 0, "KEY=VALUE", OPTION_LIST(ConfigValues, run.settings),
          .help = "Sets a key of the configuration: steps.memory=2g. May be repeated." },
        { "runner", 0, "NAME", OPTION_STRING(ConfigValues, runner), .group = "Import",
          .help = "The one of several [[runners]] to import." },
        { "output", 'o', "FILE", OPTION_STRING(ConfigValues, output),
          .help = "Writes the imported configuration there, not to standard output. There must be no such file yet." },
        { "color", 0, "WHEN", OPTION_ENUM(ConfigValues, run.color), .names = run_option_color_names, .group = "Other",
          .help = "auto, always or never." },
        { 0 },
};

void config_values_init(ConfigValues *values) {
        *values = (ConfigValues) { 0 };
        run_options_init(&values->run);
}

void config_values_done(ConfigValues *values) {
        run_options_done(&values->run);
        free(values->runner);
        free(values->output);
}
