#pragma once

/* What may stand behind 'podstep run', 'plan' and 'prune'. */

#include "cli/options.h"
#include "config/config.h"

/* in policy.trusted until configure(): no option says it; the rest is the verb's default */
#define TRUSTED_UNSET (1U << 31)

typedef enum CloneSource {
        CLONE_FROM_CHECKOUT, /* its own repository: needs no network */
        CLONE_FROM_ORIGIN,
} CloneSource;

typedef struct RunOptions {
        char *config_file; /* --config; NULL: all of them */
        char **settings;   /* --set: "KEY=VALUE" */
        Config config;     /* after configure(): what has no other place here */

        char *engine_url; /* NULL: look for one */
        bool remote;      /* taken for another machine's */
        char *directory;  /* the checkout; NULL: find it */

        Map environment;  /* --env; of "--env NAME" the value from our own environment */
        char **env_files;
        char **secret_names; /* values are in our environment */
        char **secrets_files;
        char **step_names;
        char *from;
        uint64_t timeout_usec, service_timeout_usec, grace_usec; /* 0: the default */
        PullList pull; /* n 0: as the file says */
        char *authfile; /* registry logins; NULL: the usual files */
        NetworkChoice network;
        Policy policy; /* what the operator set; --trusted is a part of it */

        /* which event the run is for; NULL: see cli/describe.h */
        char *event, *branch, *source_branch, *tag, *cron, *base, *metadata_file;

        bool write, clean, clone, keep;
        CloneSource clone_from;
        unsigned clone_depth; /* 0: all */
        char **exports;
        char *export_directory;

        bool json, dot, quiet, verbose;
        ColorMode color;

        bool dry_run, all;
        uint64_t older_than_usec;    /* of what is pruned; 0: any age */
        uint64_t keep_storage_bytes; /* UINT64_MAX: no quota */

        char *label, *socket, *git, *ref, *plan; /* of 'submit' */
        bool wait, upload;

        char **command; /* of 'enter' */
        bool no_terminal;
} RunOptions;

extern const Option run_option_rows[];
extern const Option plan_option_rows[];
extern const Option prune_option_rows[];
extern const Option submit_option_rows[];
extern const Option enter_option_rows[];

/* For the rows of other verbs. */
extern const char *const run_option_color_names[], *const run_option_trusted_names[];
int run_option_set_environment(const Option *option, const char *text, void *field, Error **reterr);
int run_option_set_trusted(const Option *option, const char *text, void *field, Error **reterr);

void run_options_init(RunOptions *options);
/** run_options_check() - what cannot go together; -EINVAL with the Error */
int run_options_check(const RunOptions *options, Error **reterr);
/** run_options_done() - wipes values, too: people do pass passwords with --env */
void run_options_done(RunOptions *options);
