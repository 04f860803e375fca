#pragma once

/*
 * What is known of a user's set-up: read from files, asked over D-Bus and from the engine, and judged by nobody here.
 * The checks (doctor/check.h) take it as it is, so a test can make any machine it wants.
 */

#include <sys/types.h>

#include "engine/engine.h"

/* A range of subordinate ids: a line of /etc/subuid or /etc/subgid. */
typedef struct IdRange {
        char *owner; /* a name, or a number in text */
        uint64_t start, count;
} IdRange;

typedef struct IdRanges {
        IdRange *ranges;
        size_t n_ranges;
        unsigned n_bad_lines;
} IdRanges;

typedef enum ProgramPower {
        PROGRAM_MISSING,
        PROGRAM_PLAIN,  /* neither setuid nor with file capabilities */
        PROGRAM_NOSUID, /* it is, but its file system is mounted nosuid */
        PROGRAM_ABLE,
} ProgramPower;

/* A unit of the user's systemd; words as systemctl shows them, NULL: not known. */
typedef struct UnitFacts {
        char *load;   /* "loaded", "not-found", "masked" */
        char *active; /* "active", "inactive", "failed" */
        char *file;   /* "enabled", "disabled", "static"; "" if there is none */
} UnitFacts;

/* Where something is kept. */
typedef struct PlaceFacts {
        char *path;   /* NULL: not known */
        char *seen;   /* the part of it that exists; what follows is of that */
        uint64_t kind; /* statfs(2) f_type; 0: could not be looked at */
        /* total_inodes 0: the file system has no such limit */
        uint64_t free_bytes, total_bytes, free_inodes, total_inodes;
        int xattr_errno; /* of trying a user.* attribute: 0 works; -1 not tried */
} PlaceFacts;

typedef enum Answer { ANSWER_UNKNOWN, ANSWER_NO, ANSWER_YES } Answer;

#define NUMBER_UNKNOWN (-1) /* of a setting under /proc/sys that is not there */

typedef struct Facts {
        char *root; /* where the files are looked for; "" but in tests */
        uint64_t now_usec, build_usec; /* real time; when this podstep was built */

        char **config_files; /* of podstep's configuration, those that are there */
        char *config_faults; /* in it, as they are shown; NULL or "": none */
        bool config_is_broken; /* they are more than warnings */

        /* the user */
        uid_t uid;
        char *user, *home, *state_directory;
        char *runtime_directory; /* XDG_RUNTIME_DIR; NULL: not set */
        bool runtime_exists;
        uid_t runtime_uid;
        mode_t runtime_mode;
        bool has_systemd, has_logind, has_manager; /* the system's; answers; the user's own answers */
        char *manager_error;
        Answer lingers;
        UnitFacts podman_socket, podstep_socket, podstep_service, guard_socket;
        IdRanges subuid, subgid;
        bool ids_elsewhere; /* nsswitch.conf names another source of subordinate ids than files */
        ProgramPower newuidmap, newgidmap;

        /* the kernel */
        char *kernel;
        bool has_cgroup2;            /* alone at /sys/fs/cgroup */
        char **controllers;          /* delegated to the user's manager, or else given to our own cgroup */
        bool knows_controllers;
        int64_t user_namespaces_max, userns_clone, apparmor_restricts, inotify_instances_max, inotify_watches_max,
                keys_max;
        bool has_podman_profile; /* AppArmor's, which lets podman make user namespaces */
        Answer selinux_enforces;
        Answer clock_is_synchronized;

        /* the engine */
        int engine_r; /* of looking for it: 0, or a negative errno */
        char *engine_error;
        char *engine_address, *engine_version;
        bool is_docker, engine_is_local, knows_details;
        EngineDetails details;
        char *exits_directory; /* of conmon; NULL: there is none */
        int exits_errno;       /* 0: it can be read */
        bool has_podman;       /* installed */
        PlaceFacts storage, state;
        char *short_name_mode; /* of registries.conf; NULL: the default */
        unsigned n_jobs, n_dead_jobs, n_kept_jobs; /* directories of jobs */
} Facts;
void facts_done(Facts *facts);

typedef struct FactsSpec {
        const char *state_directory;
        const char *engine_url; /* NULL: look for one */
} FactsSpec;

/**
 * facts_start() - finds out everything, at once
 *
 * What cannot be found out is a fact as well: done with 0, or -ENOMEM. @ret is the caller's to end, whatever happens:
 * facts_done().
 */
int facts_start(sd_event *event, const FactsSpec *spec, Facts *ret, TaskDone done, void *userdata, Task **ret_task);

/* The parts, for tests: facts->root, user and state_directory are set before. 0 or -ENOMEM. */
int facts_read_user(Facts *facts);
int facts_read_kernel(Facts *facts);
/** facts_read_places() - when the engine is known: it tells where its storage is */
int facts_read_places(Facts *facts);
/** id_ranges_parse() - the text of /etc/subuid; lines that are none are counted */
int id_ranges_parse(const char *text, IdRanges *ret);
void id_ranges_done(IdRanges *ranges);
