#include "cli/run-options.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/strv.h"
#include "cli/event-options.h"
#include "pipeline/metadata.h"

#define CLONE_DEPTH_MAX 1000000000U

int run_option_set_environment(const Option *option, const char *text, void *field, Error **reterr) {
        const char *equals = strchr(text, '='), *value = equals ? equals + 1 : getenv(text);
        _cleanup_free_ char *name = strndup(text, equals ? (size_t) (equals - text) : strlen(text));

        if (!name)
                return error_oom(reterr);
        if (!*name)
                return error_set(reterr, EINVAL, "'--%s' needs a name before the '='", option->name);
        if (!value)
                return error_set(reterr, EINVAL,
                                 "'--%s %s': no such variable in podstep's environment; give it a value with '%s=...'",
                                 option->name, name, name);
        return strmap_put(field, name, value) < 0 ? error_oom(reterr) : 0;
}

/* Everyone on the machine can read a command line: a value there is refused, without repeating it. */
static int set_secret_name(const Option *option, const char *text, void *field, Error **reterr) {
        const char *equals = strchr(text, '=');

        if (equals)
                return error_set(
                        reterr, EINVAL,
                        "'--%s %.*s=...': a secret must not stand on the command line; put it into the environment as "
                        "%.*s and give only its name, or use '--secrets-file'",
                        option->name, (int) (equals - text), text, (int) (equals - text), text);
        return option_set_list(option, text, field, reterr);
}

static int set_pull(const Option *option, const char *text, void *field, Error **reterr) {
        int r;

        r = pull_list_parse(text, field, reterr);
        return r < 0 ? error_wrap(reterr, r, "'--%s'", option->name) : 0;
}

int run_option_set_trusted(const Option *option, const char *text, void *field, Error **reterr) {
        int r;

        r = trust_parse(text, field, reterr);
        return r < 0 ? error_wrap(reterr, r, "'--%s'", option->name) : 0;
}

static int set_depth(const Option *option, const char *text, void *field, Error **reterr) {
        uint64_t depth;

        if (parse_u64(text, &depth) < 0 || depth == 0 || depth > CLONE_DEPTH_MAX) {
                _cleanup_free_ char *shown = str_escape(text, strlen(text), 80);

                return error_set(reterr, EINVAL, "'%s' is no value for '--%s': expected a number of commits",
                                 shown ? shown : "", option->name);
        }
        *(unsigned *) field = (unsigned) depth;
        return 0;
}

const char *const run_option_trusted_names[] = { "network", "volumes", "security", "all", "none", NULL };
static const char *const pull_names[] = { "always", "missing", "newer", "never", NULL };
static const char *const clone_from_names[] = { "checkout", "origin", NULL };
static const char *const network_names[] = { "auto", "pod", "bridge", NULL };
const char *const run_option_color_names[] = { "auto", "always", "never", NULL };

/* Rows that several verbs share; GROUP is the heading where the row is the first below it. */
#define ENGINE_ROW(heading)                                                                                            \
        { "engine", 0, "URL", OPTION_STRING(RunOptions, engine_url), .group = (heading),                               \
          .help = "Where Podman's or Docker's API is: unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST/PATH. "         \
                  "Default: CONTAINER_HOST, DOCKER_HOST, Podman's own connections, the user's socket, Docker's." }
#define DIRECTORY_ROW(heading)                                                                                         \
        { "directory", 'C', "DIR", OPTION_STRING(RunOptions, directory), .group = (heading),                           \
          .help = "The checkout to work on. Default: the top of the git work tree, else the directory of FILE." }
#define JSON_ROW(heading, text)                                                                                        \
        { "json", 0, NULL, OPTION_FLAG(RunOptions, json), .group = (heading), .help = (text) }
#define VARIABLE_ROWS                                                                                                  \
        { "env", 'e', "NAME=VALUE", .set = run_option_set_environment,                                                 \
          .offset = OPTION_OFFSET(RunOptions, environment, Map),                                                       \
          .group = "Variables and secrets",                                                                            \
          .help = "Adds a variable to all steps and to the file's ${...}. NAME alone takes the value from the "        \
                  "environment. May be repeated." },                                                                   \
        { "env-file", 0, "FILE", OPTION_LIST(RunOptions, env_files),                                                   \
          .help = "Adds the variables of a file: a NAME=VALUE on each line. May be repeated." },                       \
        { "secret", 0, "NAME", .set = set_secret_name, .offset = OPTION_OFFSET(RunOptions, secret_names, char **),     \
          .help = "Makes the environment variable NAME a secret that steps can use with from_secret. May be "          \
                  "repeated." },                                                                                       \
        { "secrets-file", 0, "FILE", OPTION_LIST(RunOptions, secrets_files),                                           \
          .help = "Secrets of a file: a NAME=VALUE on each line. May be repeated." }
#define STEP_ROWS                                                                                                      \
        { "step", 0, "STEP", OPTION_LIST(RunOptions, step_names), .group = "What runs",                                \
          .help = "Only this step and what it needs. May be repeated." },                                              \
        { "from", 0, "STEP", OPTION_STRING(RunOptions, from), .help = "This step and what comes after it." },          \
        { "trusted", 0, "CLASSES", .names = run_option_trusted_names, .set = run_option_set_trusted,                   \
          .offset = OPTION_OFFSET(RunOptions, policy.trusted, unsigned),                                               \
          .help = "What the file may ask for beyond plain containers: network, volumes, security, or all; several "    \
                  "with commas." }

#define CONFIG_ROWS(heading)                                                                                           \
        { "config", 0, "FILE", OPTION_STRING(RunOptions, config_file), .group = (heading),                             \
          .help = "Reads this configuration in place of all others; what the administrator locked stays. Default: "    \
                  "PODSTEP_CONFIG, else all; see podstep-config(5)." },                                                \
        { "set", 0, "KEY=VALUE", OPTION_LIST(RunOptions, settings),                                                    \
          .help = "Sets a key of the configuration: steps.memory=2g. May be repeated." }
#define CLONE_ROW                                                                                                      \
        { "clone", 0, NULL, OPTION_FLAG(RunOptions, clone),                                                            \
          .help = "Steps see a fresh clone of the commit and nothing else: fetched by the workflow's 'clone' steps, "  \
                  "or, where it has none, by git of this machine." }
#define EVENT_ROWS                                                                                                     \
        { "event", 0, "EVENT", .names = metadata_events, .set = event_option_set,                                      \
          .offset = OPTION_OFFSET(RunOptions, event, char *),                                                          \
          .group = "Event and commit",                                                                                 \
          .help = "What the run is for: push, pull_request, pull_request_closed, pull_request_metadata, tag, "         \
                  "release, deployment, cron or manual. Default: manual." },                                           \
        { "branch", 0, "NAME", OPTION_STRING(RunOptions, branch),                                                      \
          .help = "The branch; of a pull request the one it goes to. Default: the current one; for a pull request "    \
                  "the default one." },                                                                                \
        { "source-branch", 0, "NAME", OPTION_STRING(RunOptions, source_branch),                                        \
          .help = "The branch a pull request comes from; implies one. Default: the current one." },                    \
        { "tag", 0, "NAME", OPTION_STRING(RunOptions, tag),                                                            \
          .help = "The tag; implies the event tag. Default for tag and release: one that points at the commit." },     \
        { "cron", 0, "NAME", OPTION_STRING(RunOptions, cron),                                                          \
          .help = "The name of the cron job; implies the event cron." },                                               \
        { "base", 0, "REVISION", .set = event_option_set_revision, .offset = OPTION_OFFSET(RunOptions, base, char *),  \
          .help = "Files count as changed that differ from where this branch or commit was left. Default: the "        \
                  "previous commit. What is not committed counts, too." },                                             \
        { "metadata-file", 0, "FILE", OPTION_STRING(RunOptions, metadata_file),                                        \
          .help = "Takes repository, commit and event from a file of Woodpecker's own format. The options above and "  \
                  "CI_* variables given count more, what git knows counts less." }

#define TIME_ROWS                                                                                                      \
        { "timeout", 0, "DURATION", OPTION_DURATION(RunOptions, timeout_usec),                                         \
          .help = "Ends the whole run after this time: 90s, 10min, 1h30m. Default: 1h." },                             \
        { "service-timeout", 0, "DURATION", OPTION_DURATION(RunOptions, service_timeout_usec),                         \
          .help = "How long a service may take until it is ready. Default: 60s." },                                    \
        { "grace", 0, "DURATION", OPTION_DURATION(RunOptions, grace_usec),                                             \
          .help = "What a step gets between TERM and KILL when it is stopped. Default: 20s." }

const Option run_option_rows[] = {
        STEP_ROWS,
        TIME_ROWS,
        EVENT_ROWS,
        VARIABLE_ROWS,
        ENGINE_ROW("Engine"),
        { "remote", 0, NULL, OPTION_FLAG(RunOptions, remote),
          .help = "Treats the engine as one of another machine: the checkout is sent to it, and what changed is "
                  "fetched back, even if it could see the files." },
        { "pull", 0, "POLICY", .names = pull_names, .set = set_pull,
          .offset = OPTION_OFFSET(RunOptions, pull, PullList),
          .help = "When to pull images, whatever the file says: always, missing, newer or never. Several with commas "
                  "are tried in this order; the same one twice is a second try." },
        { "authfile", 0, "FILE", OPTION_STRING(RunOptions, authfile),
          .help = "Registry logins, as 'podman login' writes them. Default: images.auth_file, else the files that "
                  "Podman and Docker use." },
        { "network", 0, "KIND", OPTION_ENUM(RunOptions, network), .names = network_names,
          .help = "pod: all containers share one network; bridge: each has its own address. Default: auto, a pod "
                  "where containers run side by side, unless two use the same port." },
        DIRECTORY_ROW("Workspace"),
        { "write", 0, NULL, OPTION_FLAG(RunOptions, write),
          .help = "Steps write into the checkout itself. Else it stays as it is." },
        { "clean", 0, NULL, OPTION_FLAG(RunOptions, clean),
          .help = "Steps see a fresh copy of what git tracks, without other files." },
        CLONE_ROW,
        { "clone-from", 0, "PLACE", OPTION_ENUM(RunOptions, clone_from), .names = clone_from_names,
          .help = "checkout: git takes the commit from the checkout's own repository, without a network; origin: from "
                  "where that came from. Default: checkout." },
        { "clone-depth", 0, "NUMBER", .set = set_depth, .offset = OPTION_OFFSET(RunOptions, clone_depth, unsigned),
          .help = "So many commits of the history. Default: all." },
        { "export", 0, "PATTERN", OPTION_LIST(RunOptions, exports),
          .help = "Copies what matches out of the workspace in the end: a path, a directory or a pattern such as "
                  "'dist/*.tar.gz'. May be repeated." },
        { "export-to", 0, "DIR", OPTION_STRING(RunOptions, export_directory),
          .help = "Where to. Default: the checkout." },
        { "keep", 0, NULL, OPTION_FLAG(RunOptions, keep),
          .help = "After a failure leaves the containers in place for a day, for looking at with 'podstep enter'." },
        CONFIG_ROWS("Configuration"),
        JSON_ROW("Output", "One JSON object on each line; the last one is the result."),
        { "quiet", 'q', NULL, OPTION_FLAG(RunOptions, quiet), .help = "Shows only what failed, with its last lines." },
        { "verbose", 'v', NULL, OPTION_FLAG(RunOptions, verbose), .help = "Also tells what podstep does." },
        { "color", 0, "WHEN", OPTION_ENUM(RunOptions, color), .names = run_option_color_names,
          .help = "auto, always or never. Default: auto, which is on a terminal without NO_COLOR." },
        { 0 },
};

const Option submit_option_rows[] = {
        { "plan", 0, "FILE", OPTION_STRING(RunOptions, plan), .group = "What",
          .help = "Plans that 'podstep plan --json' made, in the place of workflows; - is standard input. Secrets that "
                  "they hold are given as for workflows." },
        { "label", 0, "LABEL", OPTION_STRING(RunOptions, label), .group = "Queue",
          .help = "The queue is fair between labels: a team, a repository. Default: none, which is a label of its "
                  "own." },
        { "wait", 'w', NULL, OPTION_FLAG(RunOptions, wait),
          .help = "Shows the log until the job is done, and ends with the exit code that 'run' would have." },
        { "socket", 0, "PATH", OPTION_STRING(RunOptions, socket),
          .help = "Where the agent listens. Default: PODSTEP_SOCKET, else $XDG_RUNTIME_DIR/podstep/podstep.sock." },
        STEP_ROWS,
        TIME_ROWS,
        EVENT_ROWS,
        VARIABLE_ROWS,
        { "pull", 0, "POLICY", .set = set_pull, .offset = OPTION_OFFSET(RunOptions, pull, PullList), .group = "Engine",
          .help = "When to pull images, whatever the file says: always, missing, newer or never." },
        { "network", 0, "KIND", OPTION_ENUM(RunOptions, network), .names = network_names,
          .help = "pod, bridge or auto; see 'run'. Default: auto." },
        { "git", 0, "URL", OPTION_STRING(RunOptions, git), .group = "Workspace",
          .help = "Not this checkout, but a commit of the repository there: its workflows, and a clone of it for the "
                  "steps." },
        { "ref", 0, "NAME", OPTION_STRING(RunOptions, ref),
          .help = "Which branch or tag of it. Default: its default branch." },
        { "upload", 0, NULL, OPTION_FLAG(RunOptions, upload),
          .help = "Sends the checkout as it is now to the agent. Else it is read when the job runs." },
        DIRECTORY_ROW(NULL),
        { "write", 0, NULL, OPTION_FLAG(RunOptions, write),
          .help = "Steps write into the checkout itself. Else it stays as it is." },
        { "clean", 0, NULL, OPTION_FLAG(RunOptions, clean),
          .help = "Steps see a fresh copy of what git tracks, without other files." },
        CLONE_ROW,
        { "keep", 0, NULL, OPTION_FLAG(RunOptions, keep),
          .help = "After a failure leaves the containers in place, for looking at with 'podstep enter', until the "
                  "agent's '--keep-time' is over." },
        CONFIG_ROWS("Configuration"),
        JSON_ROW("Output", "JSON: the jobs, then with '--wait' what they print, and how they ended."),
        { "quiet", 'q', NULL, OPTION_FLAG(RunOptions, quiet), .help = "Only the numbers of the jobs." },
        { 0 },
};

const Option plan_option_rows[] = {
        STEP_ROWS,
        EVENT_ROWS,
        VARIABLE_ROWS,
        CONFIG_ROWS("Configuration"),
        JSON_ROW("Other", "The plan for programs. Values of secrets are not in it."),
        { "dot", 0, NULL, OPTION_FLAG(RunOptions, dot),
          .help = "The graph of all workflows and steps, for Graphviz: podstep plan --dot | dot -Tsvg >plan.svg" },
        DIRECTORY_ROW(NULL),
        CLONE_ROW,
        { "color", 0, "WHEN", OPTION_ENUM(RunOptions, color), .names = run_option_color_names,
          .help = "auto, always or never." },
        { 0 },
};

static int set_size(const Option *option, const char *text, void *field, Error **reterr) {
        _cleanup_free_ char *shown = NULL;

        if (parse_size(text, field) >= 0)
                return 0;
        shown = str_escape(text, strlen(text), 80);
        return error_set(reterr, EINVAL, "'%s' is no value for '--%s': expected a size such as 500m or 20g",
                         shown ? shown : "", option->name);
}

const Option prune_option_rows[] = {
        ENGINE_ROW("Options"),
        CONFIG_ROWS(NULL),
        { "dry-run", 'n', NULL, OPTION_FLAG(RunOptions, dry_run), .help = "Only tells what would be removed." },
        { "all", 'a', NULL, OPTION_FLAG(RunOptions, all),
          .help = "Also what 'run --keep' left in place. What a running podstep uses is never removed." },
        { "older-than", 0, "DURATION", OPTION_DURATION(RunOptions, older_than_usec),
          .help = "Of images only those not used for so long, of caches those made before: 48h, 14d." },
        { "keep-storage", 0, "SIZE", .set = set_size, .offset = OPTION_OFFSET(RunOptions, keep_storage_bytes, uint64_t),
          .help = "Leaves images that podstep fetched up to this size, those used last: 20g." },
        JSON_ROW(NULL, "A JSON object: what was removed, or would be, and the sizes before and after."),
        { "verbose", 'v', NULL, OPTION_FLAG(RunOptions, verbose), .help = "Also tells what podstep does." },
        { 0 },
};

const Option enter_option_rows[] = {
        { "env", 'e', "NAME=VALUE", .set = run_option_set_environment,
          .offset = OPTION_OFFSET(RunOptions, environment, Map), .group = "Options",
          .help = "Adds a variable, also one that was a secret. NAME alone takes the value from the environment. May "
                  "be repeated." },
        { "env-file", 0, "FILE", OPTION_LIST(RunOptions, env_files),
          .help = "Adds the variables of a file: a NAME=VALUE on each line. May be repeated." },
        { "no-terminal", 'T', NULL, OPTION_FLAG(RunOptions, no_terminal),
          .help = "Makes no terminal in the container, also where podstep has one." },
        { "quiet", 'q', NULL, OPTION_FLAG(RunOptions, quiet), .help = "Tells nothing before the shell begins." },
        { "verbose", 'v', NULL, OPTION_FLAG(RunOptions, verbose), .help = "Also tells what podstep does." },
        { "engine", 0, "URL", OPTION_STRING(RunOptions, engine_url), .group = "Where",
          .help = "Where the engine's API is, as for 'podstep run'. Default: where the job ran." },
        { "socket", 0, "PATH", OPTION_STRING(RunOptions, socket),
          .help = "Where the agent listens. Default: PODSTEP_SOCKET, else $XDG_RUNTIME_DIR/podstep/podstep.sock." },
        CONFIG_ROWS(NULL),
        { 0 },
};

void run_options_init(RunOptions *options) {
        *options = (RunOptions) { .environment = STRMAP_INIT,
                                 .keep_storage_bytes = UINT64_MAX,
                                 .color = COLOR_UNSET,
                                 .network = NETWORK_CHOICE_UNSET };
        policy_init(&options->policy);
        options->policy.trusted = TRUSTED_UNSET;
}

int run_options_check(const RunOptions *options, Error **reterr) {
        static const char planned[] = "it counts when the plan is made";
        const struct {
                bool a, b;
                const char *name_a, *name_b, *why;
        } rows[] = {
                { options->write, options->clean, "write", "clean",
                  "a clean copy is thrown away in the end; use '--export'" },
                { options->write, options->clone, "write", "clone",
                  "a clone is thrown away in the end; use '--export'" },
                { options->clean, options->clone, "clean", "clone", "choose one" },
                { options->clone_from != CLONE_FROM_CHECKOUT, !options->clone, "clone-from", NULL,
                  "it needs '--clone'" },
                { options->clone_depth > 0, !options->clone, "clone-depth", NULL, "it needs '--clone'" },
                { options->json, options->quiet, "json", "quiet", "choose one" },
                { options->json, options->dot, "json", "dot", "choose one" },
                { options->quiet, options->verbose, "quiet", "verbose", "choose one" },
                { options->step_names, options->from, "step", "from", "choose one" },
                { options->git, options->directory, "git", "directory", "choose one" },
                { options->git, options->write, "git", "write", "there is no checkout to write to" },
                { options->git, options->clean, "git", "clean", "it is a clone anyway" },
                { options->git, options->upload, "git", "upload", "there is no checkout to send" },
                { options->upload, options->write, "upload", "write", "what is sent is thrown away in the end" },
                { options->ref, !options->git, "ref", NULL, "it needs '--git URL'" },
                { options->plan, options->environment.n_entries > 0, "plan", "env", planned },
                { options->plan, options->env_files, "plan", "env-file", planned },
                { options->plan, options->event, "plan", "event", planned },
                { options->plan, options->cron, "plan", "cron", planned },
                { options->export_directory, !options->exports, "export-to", NULL, "it needs an '--export PATTERN'" },
        };

        FOREACH_ROW(row, rows) {
                if (row->a && row->b && row->name_b)
                        return error_set(reterr, EINVAL, "'--%s' and '--%s' do not go together: %s", row->name_a,
                                         row->name_b, row->why);
                if (row->a && row->b)
                        return error_set(reterr, EINVAL, "'--%s' alone does nothing: %s", row->name_a, row->why);
        }
        return event_options_check(options, reterr);
}

void run_options_done(RunOptions *options) {
        MAP_FOREACH(entry, &options->environment)
                explicit_bzero(entry->value, strlen(entry->value));
        map_done(&options->environment);
        strv_free(options->env_files);
        strv_free(options->secret_names);
        strv_free(options->secrets_files);
        strv_free(options->step_names);
        strv_free(options->exports);
        policy_done(&options->policy);
        config_done(&options->config);
        free(options->config_file);
        strv_free(options->settings);
        free(options->engine_url);
        free(options->authfile);
        free(options->label);
        free(options->plan);
        free(options->git);
        free(options->ref);
        free(options->socket);
        strv_free(options->command);
        free(options->directory);
        free(options->from);
        free(options->event);
        free(options->branch);
        free(options->source_branch);
        free(options->tag);
        free(options->cron);
        free(options->base);
        free(options->metadata_file);
        free(options->export_directory);
        run_options_init(options);
}
