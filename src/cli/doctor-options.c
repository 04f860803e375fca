#include "cli/doctor-options.h"

#include <unistd.h>

#define ENGINE_ROW                                                                                                     \
        {                                                                                                              \
                "engine", 0, "URL", OPTION_STRING(DoctorOptions, engine_url),                                          \
                        .group = "Options",                                                                            \
                        .help = "The engine to look at: unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST/PATH. "       \
                                "Default: the one that 'run' would use."                                               \
        }
#define OUTPUT_ROWS                                                                                                    \
        { "json", 0, NULL, OPTION_FLAG(DoctorOptions, json), .help = "A JSON object." },                               \
        { "color", 0, "WHEN", OPTION_ENUM(DoctorOptions, color), .names = run_option_color_names,                      \
          .help = "auto, always or never. Default: auto, which is on a terminal without NO_COLOR." }

const Option doctor_option_rows[] = {
        ENGINE_ROW,
        { "quiet", 'q', NULL, OPTION_FLAG(DoctorOptions, quiet), .help = "Only what is amiss: warnings and faults." },
        OUTPUT_ROWS,
        { 0 },
};

const Option setup_option_rows[] = {
        ENGINE_ROW,
        { "dry-run", 'n', NULL, OPTION_FLAG(DoctorOptions, dry_run), .help = "Only tells what would be done." },
        { "yes", 'y', NULL, OPTION_FLAG(DoctorOptions, yes), .help = "Does it without asking." },
        OUTPUT_ROWS,
        { 0 },
};

void doctor_options_done(DoctorOptions *options) {
        free(options->engine_url);
        *options = (DoctorOptions) { 0 };
}

bool doctor_options_color(const DoctorOptions *options) {
        if (options->color == COLOR_AUTO)
                return isatty(STDOUT_FILENO) && str_is_empty(getenv("NO_COLOR"));
        return options->color == COLOR_ALWAYS;
}
