#pragma once

/*
 * What is known of a run beside its files: repository, commit, event, system. In layers: what git tells, what a
 * metadata file of Woodpecker's own format says, what the user says; each sets its fields over those before. From the
 * whole come the CI_* variables. Everything in it is owned by it. Source: Woodpecker, pipeline/frontend/metadata.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/map.h"

#define METADATA_BYTES_MAX (8U * 1024 * 1024)    /* of a file */
#define METADATA_FILES_MAX 500                   /* more changed files are in no variable, as on the server */
#define METADATA_VARIABLE_BYTES_MAX (96U * 1024) /* the kernel takes 128 KiB for one variable */

typedef struct MetadataCommit {
        char *sha;
        char *ref;     /* "refs/heads/main" */
        char *refspec; /* of pull requests, "SOURCE:TARGET" */
        char *branch;  /* of pull requests, the one they go to */
        char *message;
        char *author_name, *author_email;
        char *milestone;
        char **changed_files, **labels;
        int64_t timestamp; /* here and below: seconds since 1970 */
        bool draft;
} MetadataCommit;

typedef struct MetadataPipeline {
        int64_t number, parent, rerun_count;
        int64_t created, started, finished;
        char *status, *event;
        char **event_reason;
        char *forge_url;
        char *target, *task; /* of a deployment */
        char *cron;          /* name of the cron job */
        char *release_title;
        char *author, *avatar;
        bool is_prerelease;
        MetadataCommit commit;
} MetadataPipeline;

typedef struct Metadata {
        char *id;
        struct {
                int64_t id, org_id;
                char *name, *owner, *remote_id;
                char *forge_url, *clone_url, *clone_url_ssh, *default_branch;
                bool is_private, trusted_network, trusted_volumes, trusted_security;
        } repo;
        MetadataPipeline curr, prev;
        struct {
                char *name;
                int64_t number;
                Map matrix;
        } workflow;
        struct {
                char *name;
                int64_t number;
        } step;
        struct {
                char *name, *host, *url, *platform, *version;
        } sys;
        struct {
                char *type, *url;
        } forge;
} Metadata;

void metadata_init(Metadata *metadata);
void metadata_done(Metadata *metadata);

/**
 * metadata_from_json() - sets what the text holds; a field that is missing or null stays as it was
 *
 * Unknown fields are ignored.
 *
 * Return: 0; -EBADMSG with an Error that names the field; -ENOMEM.
 */
int metadata_from_json(const char *text, size_t n, Metadata *metadata, Error **reterr);

/**
 * metadata_from_environment() - sets what the user's CI_* variables say; those that hold nothing readable are skipped
 *
 * Return: 0 or -ENOMEM.
 */
int metadata_from_environment(const Map *environment, Metadata *metadata);

/** metadata_to_environment() - puts all CI_* variables that are known before a step runs. 0 or -ENOMEM */
int metadata_to_environment(const Metadata *metadata, Map *environment);

/* The events that Woodpecker knows, ended by NULL. */
extern const char *const metadata_events[];
bool metadata_event_is_pull(const char *event); /* NULL: no */

/** metadata_set() - a copy into a field; an empty @value leaves it as it was. 0 or -ENOMEM */
int metadata_set(char **field, const char *value);

/** metadata_split_refspec() - "SOURCE:TARGET"; other forms leave both NULL. 0 or -ENOMEM */
int metadata_split_refspec(const char *refspec, char **ret_source, char **ret_target);
