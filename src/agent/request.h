#pragma once

/*
 * What is submitted: workflows as text, or plans that were made elsewhere; variables, secrets, where the files are, and
 * how it shall run. It is kept as it came; the plan is made of it anew whenever a job is started or taken up, which
 * gives the same plan each time, judged by the rules of then.
 */

#include "base/str.h"
#include "document/json.h"
#include "job/job.h"
#include "pipeline/policy.h"
#include "pipeline/workflows.h"

#define REQUEST_BYTES_MAX (16U * 1024 * 1024)
#define REQUEST_WORKFLOWS_MAX 200
#define REQUEST_PLANS_MAX WORKFLOWS_MAX

typedef enum SourceKind {
        SOURCE_NONE,      /* an empty workspace */
        SOURCE_DIRECTORY, /* of this machine */
        SOURCE_GIT,       /* fetched by a step */
        SOURCE_UPLOAD,    /* an archive that was sent before */
        _SOURCE_KIND_MAX,
} SourceKind;

typedef struct Request {
        Json *json; /* all strings are borrowed from it */
        Map environment, secrets;
        Map variables; /* of GitLab's jobs: count more than their file */
        const char *label;
        SourceKind source;
        const char *path;           /* SOURCE_DIRECTORY */
        const char *url, *commit, *ref; /* SOURCE_GIT */
        const char *upload;         /* SOURCE_UPLOAD */
        WorkspaceMode workspace;
        SandboxChoice sandbox;
        PullList pull;
        unsigned trusted, clone_depth;
        uint64_t timeout_usec, service_timeout_usec, grace_usec;
        bool keep;
        char **steps, **changed_files;
        const char *from, *cron;
        bool has_plans; /* in the place of workflows */
        size_t plan;    /* of a stored one: which of its plans the job is */
} Request;

/**
 * request_parse() - -EINVAL with a sentence about what is wrong
 * @secrets: JSON of the secrets where they were stored apart; NULL: they are in @text
 */
int request_parse(const char *text, size_t n, const char *secrets, Request *ret, Error **reterr);
void request_done(Request *request);

/** request_to_json() - to be stored, without the secrets; @from: replaces that option, if it is not NULL */
int request_to_json(const Request *request, size_t plan, const char *from, char **ret);
/** request_secrets_to_json() - NULL: there are none */
int request_secrets_to_json(const Request *request, char **ret);

/**
 * request_compile() - all plans, each behind those that it depends on
 * @operator:    the operator's rules; what the request trusts is added
 * @faults:      faults and warnings with their places, for people
 * @ret_refused: it is the policy that says no
 *
 * Return: 0; -EINVAL: it cannot run, see @faults or the Error; -ENOMEM.
 */
int request_compile(const Request *request, const Policy *operator, Plan *** ret, size_t *ret_n, Str *faults,
                    bool *ret_refused, Error **reterr);

/** request_fill_spec() - how the job shall run. @directory: the checkout of what is no directory of its own */
void request_fill_spec(const Request *request, const char *directory, JobSpec *spec);
