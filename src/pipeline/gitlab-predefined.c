/* The variables that GitLab predefines, of what is known of the run. Source: GitLab, predefined_variables.md. */

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "pipeline/gitlab-internal.h"

#define SLUG_BYTES_MAX 63
#define SHORT_SHA_BYTES 8
#define TITLE_BYTES_MAX 100 /* a message whose first line is longer is its own description */
#define NAMESPACE_FALLBACK "local"
#define PROJECT_FALLBACK "project"
#define NO_SHA "0000000000000000000000000000000000000000"
#define VARIABLE_BYTES_MAX (96U * 1024) /* the kernel takes 128 KiB for one variable */

/* What the makers below look at. */
typedef struct Known {
        const Gitlab *gitlab;
        const GitlabJob *job;
        const Metadata *metadata;
        const char *directory;
        char *path, *tag, *source_branch, *target_branch;
        bool is_pull;
} Known;

char *gitlab_slug(const char *text) {
        char *slug = calloc(1, SLUG_BYTES_MAX + 1);
        size_t n = 0;

        for (; slug && *text && n < SLUG_BYTES_MAX; text++) {
                char lower = (char) tolower((unsigned char) *text);

                if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9'))
                        slug[n++] = lower;
                else if (n > 0)
                        slug[n++] = '-';
        }
        while (n > 0 && slug[n - 1] == '-')
                slug[--n] = '\0';
        return slug;
}

/* It becomes a path in the containers, so nothing is in it that a path or a mount could take amiss. */
char *gitlab_project_path(const Metadata *metadata) {
        const char *owner = metadata && !str_is_empty(metadata->repo.owner) ? metadata->repo.owner : NAMESPACE_FALLBACK;
        const char *name = metadata && !str_is_empty(metadata->repo.name) ? metadata->repo.name : PROJECT_FALLBACK;
        _cleanup_free_ char *joined = str_printf("/%s/%s", owner, name), *clean = NULL;

        for (char *c = joined; c && *c; c++)
                if (!isalnum((unsigned char) *c) && !strchr("/._-", *c))
                        *c = '-';
        clean = joined ? path_clean(joined) : NULL;
        if (!clean)
                return NULL;
        return strdup(clean[1] ? clean + 1 : NAMESPACE_FALLBACK "/" PROJECT_FALLBACK);
}

static char *copy(const char *text) {
        return strdup(text ? text : "");
}

/* A maker gives a heap string, "" if the variable does not exist, NULL if memory is out. */
typedef char *(*Maker)(const Known *known);

static char *make_sha(const Known *known) {
        return copy(known->metadata->curr.commit.sha);
}

static char *make_short_sha(const Known *known) {
        const char *sha = known->metadata->curr.commit.sha;

        return strndup(sha ? sha : "", SHORT_SHA_BYTES);
}

static char *make_before_sha(const Known *known) {
        const char *sha = known->metadata->prev.commit.sha;

        return strdup(!str_is_empty(sha) && !known->is_pull ? sha : NO_SHA);
}

static const char *ref_name(const Known *known) {
        if (!str_is_empty(known->tag))
                return known->tag;
        return known->is_pull && known->source_branch ? known->source_branch : known->metadata->curr.commit.branch;
}

static char *make_ref_name(const Known *known) {
        return copy(ref_name(known));
}

static char *make_ref_slug(const Known *known) {
        return gitlab_slug(ref_name(known) ? ref_name(known) : "");
}

static char *make_branch(const Known *known) {
        return copy(known->tag || known->is_pull ? NULL : known->metadata->curr.commit.branch);
}

static char *make_tag(const Known *known) {
        return copy(known->tag);
}

static char *make_message(const Known *known) {
        return copy(known->metadata->curr.commit.message);
}

static char *make_title(const Known *known) {
        const char *message = known->metadata->curr.commit.message;

        return strndup(message ? message : "", message ? strcspn(message, "\n") : 0);
}

static char *make_description(const Known *known) {
        const char *message = known->metadata->curr.commit.message;
        size_t n = message ? strcspn(message, "\n") : 0;

        if (n < TITLE_BYTES_MAX && message)
                message += n + strspn(message + n, "\n");
        return copy(message);
}

static char *make_author(const Known *known) {
        const MetadataCommit *commit = &known->metadata->curr.commit;

        if (!commit->author_name || !commit->author_email)
                return copy(commit->author_name);
        return str_printf("%s <%s>", commit->author_name, commit->author_email);
}

/* "2026-01-31T12:00:00+00:00" */
static char *format_time(int64_t seconds) {
        time_t when = (time_t) seconds;
        char text[64];
        struct tm tm;

        if (seconds <= 0 || !gmtime_r(&when, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S+00:00", &tm) == 0)
                return strdup("");
        return strdup(text);
}

static char *make_timestamp(const Known *known) {
        return format_time(known->metadata->curr.commit.timestamp);
}

static char *make_created_at(const Known *known) {
        return format_time(known->metadata->curr.created);
}

static char *make_source(const Known *known) {
        static const struct {
                const char *event, *source;
        } rows[] = {
                { "push", "push" }, { "tag", "push" }, { "release", "push" }, { "cron", "schedule" },
                { "manual", "web" }, { "deployment", "api" },
        };

        if (known->is_pull)
                return strdup("merge_request_event");
        FOREACH_ROW(row, rows)
                if (str_equal(row->event, known->metadata->curr.event))
                        return strdup(row->source);
        return strdup("web");
}

static char *format_number(int64_t number) {
        return str_printf("%lld", (long long) (number > 0 ? number : 1));
}

static char *make_pipeline_number(const Known *known) {
        return format_number(known->metadata->curr.number);
}

static char *make_job_number(const Known *known) {
        return format_number((int64_t) (known->job - known->gitlab->jobs) + 1);
}

static char *make_project_id(const Known *known) {
        return format_number(known->metadata->repo.id);
}

static char *make_path(const Known *known) {
        return copy(known->path);
}

static char *make_path_slug(const Known *known) {
        return gitlab_slug(known->path);
}

static char *make_project_name(const Known *known) {
        return strdup(path_base(known->path));
}

static char *make_namespace(const Known *known) {
        const char *slash = strrchr(known->path, '/');

        return strndup(known->path, slash ? (size_t) (slash - known->path) : 0);
}

static char *make_root_namespace(const Known *known) {
        return strndup(known->path, strcspn(known->path, "/"));
}

static char *make_project_url(const Known *known) {
        return copy(known->metadata->repo.forge_url);
}

static char *make_repository_url(const Known *known) {
        return copy(known->metadata->repo.clone_url);
}

static char *make_default_branch(const Known *known) {
        return copy(known->metadata->repo.default_branch);
}

static char *make_visibility(const Known *known) {
        return strdup(known->metadata->repo.is_private ? "private" : "public");
}

static char *make_project_dir(const Known *known) {
        return copy(known->directory);
}

static char *make_job_name(const Known *known) {
        return strdup(known->job->name);
}

static char *make_job_slug(const Known *known) {
        return gitlab_slug(known->job->name);
}

static char *make_job_stage(const Known *known) {
        return copy(known->job->stage != SIZE_MAX ? known->gitlab->stages[known->job->stage] : NULL);
}

static char *make_job_manual(const Known *known) {
        return strdup(known->job->when == GITLAB_MANUAL ? "true" : "");
}

/* Scheme, host and port of the project's page: the parts of "https://host:port". */
static char *server_part(const Known *known, bool has_scheme, bool has_port) {
        const char *url = known->metadata->repo.forge_url, *host = url ? strstr(url, "://") : NULL;
        size_t n;

        if (!host)
                return strdup("");
        host += strlen("://");
        n = strcspn(host, has_port ? "/" : "/:");
        return has_scheme ? strndup(url, (size_t) (host - url) + n) : strndup(host, n);
}

static char *make_server_url(const Known *known) {
        return server_part(known, true, true);
}

static char *make_server_fqdn(const Known *known) {
        return server_part(known, false, true);
}

static char *make_server_host(const Known *known) {
        return server_part(known, false, false);
}

static char *make_server_protocol(const Known *known) {
        const char *url = known->metadata->repo.forge_url;

        return url && strstr(url, "://") ? strndup(url, strcspn(url, ":")) : strdup("");
}

static char *make_api_url(const Known *known) {
        _cleanup_free_ char *url = server_part(known, true, true);

        if (!url || !*url)
                return TAKE_PTR(url);
        return str_printf("%s/api/v4", url);
}

/* Where gitlab.com has it, and where most who run a server of their own put it. */
static char *make_registry(const Known *known) {
        _cleanup_free_ char *host = server_part(known, false, false);

        if (!host || !*host)
                return TAKE_PTR(host);
        return str_printf("registry.%s", host);
}

static char *make_registry_image(const Known *known) {
        _cleanup_free_ char *registry = make_registry(known);
        char *image;

        if (!registry || !*registry)
                return TAKE_PTR(registry);
        image = str_printf("%s/%s", registry, known->path);
        for (char *c = image; c && *c; c++)
                *c = (char) tolower((unsigned char) *c);
        return image;
}

static char *make_user_name(const Known *known) {
        return copy(known->metadata->curr.author);
}

static char *make_user_email(const Known *known) {
        return copy(known->metadata->curr.commit.author_email);
}

static char *make_request_number(const Known *known) {
        const char *ref = known->is_pull ? known->metadata->curr.commit.ref : NULL;

        ref = ref ? ref + strcspn(ref, "0123456789") : "";
        return strndup(ref, strspn(ref, "0123456789"));
}

static char *make_source_branch(const Known *known) {
        return copy(known->is_pull ? known->source_branch : NULL);
}

static char *make_target_branch(const Known *known) {
        return copy(known->is_pull ? known->target_branch : NULL);
}

/* clang-format off */
static const struct {
        const char *name, *text;
        Maker make;
} predefined[] = {
        { "CI", "true" },
        { "GITLAB_CI", "true" },
        { "CI_SERVER", "yes" },
        { "CI_SERVER_NAME", "GitLab" },
        { "CI_BUILDS_DIR", GITLAB_BUILDS_DIRECTORY },
        { "CI_CONCURRENT_ID", "0" },
        { "CI_CONCURRENT_PROJECT_ID", "0" },
        { "CI_DISPOSABLE_ENVIRONMENT", "true" },
        { "CI_NODE_TOTAL", "1" },
        { "CI_CONFIG_PATH", ".gitlab-ci.yml" },
        { "CI_COMMIT_REF_PROTECTED", "false" },
        { "CI_RUNNER_DESCRIPTION", "podstep" },
        { "CI_COMMIT_SHA", .make = make_sha },
        { "CI_COMMIT_SHORT_SHA", .make = make_short_sha },
        { "CI_COMMIT_BEFORE_SHA", .make = make_before_sha },
        { "CI_COMMIT_REF_NAME", .make = make_ref_name },
        { "CI_COMMIT_REF_SLUG", .make = make_ref_slug },
        { "CI_COMMIT_BRANCH", .make = make_branch },
        { "CI_COMMIT_TAG", .make = make_tag },
        { "CI_COMMIT_MESSAGE", .make = make_message },
        { "CI_COMMIT_TITLE", .make = make_title },
        { "CI_COMMIT_DESCRIPTION", .make = make_description },
        { "CI_COMMIT_AUTHOR", .make = make_author },
        { "CI_COMMIT_TIMESTAMP", .make = make_timestamp },
        { "CI_DEFAULT_BRANCH", .make = make_default_branch },
        { "CI_PIPELINE_SOURCE", .make = make_source },
        { "CI_PIPELINE_ID", .make = make_pipeline_number },
        { "CI_PIPELINE_IID", .make = make_pipeline_number },
        { "CI_PIPELINE_CREATED_AT", .make = make_created_at },
        { "CI_JOB_ID", .make = make_job_number },
        { "CI_JOB_NAME", .make = make_job_name },
        { "CI_JOB_NAME_SLUG", .make = make_job_slug },
        { "CI_JOB_STAGE", .make = make_job_stage },
        { "CI_JOB_MANUAL", .make = make_job_manual },
        { "CI_PROJECT_DIR", .make = make_project_dir },
        { "CI_PROJECT_ID", .make = make_project_id },
        { "CI_PROJECT_NAME", .make = make_project_name },
        { "CI_PROJECT_TITLE", .make = make_project_name },
        { "CI_PROJECT_NAMESPACE", .make = make_namespace },
        { "CI_PROJECT_ROOT_NAMESPACE", .make = make_root_namespace },
        { "CI_PROJECT_PATH", .make = make_path },
        { "CI_PROJECT_PATH_SLUG", .make = make_path_slug },
        { "CI_PROJECT_URL", .make = make_project_url },
        { "CI_PROJECT_VISIBILITY", .make = make_visibility },
        { "CI_REPOSITORY_URL", .make = make_repository_url },
        { "CI_SERVER_URL", .make = make_server_url },
        { "CI_SERVER_HOST", .make = make_server_host },
        { "CI_SERVER_FQDN", .make = make_server_fqdn },
        { "CI_SERVER_PROTOCOL", .make = make_server_protocol },
        { "CI_API_V4_URL", .make = make_api_url },
        { "CI_REGISTRY", .make = make_registry },
        { "CI_REGISTRY_IMAGE", .make = make_registry_image },
        { "CI_MERGE_REQUEST_IID", .make = make_request_number },
        { "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", .make = make_source_branch },
        { "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", .make = make_target_branch },
        { "GITLAB_USER_NAME", .make = make_user_name },
        { "GITLAB_USER_EMAIL", .make = make_user_email },
};
/* clang-format on */

static int put_all(const Known *known, GitlabVariables *variables) {
        const GitlabVariable kind = { .is_known = true };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(predefined) && r == 0; i++) {
                _cleanup_free_ char *made = predefined[i].make ? predefined[i].make(known) : NULL;
                const char *value = predefined[i].make ? made : predefined[i].text;

                if (!value)
                        return -ENOMEM;
                if (*value && strlen(value) <= VARIABLE_BYTES_MAX)
                        r = gitlab_variables_put(variables, predefined[i].name, value, &kind);
        }
        return r;
}

int gitlab_predefined(const Gitlab *gl, const GitlabJob *job, const char *directory, GitlabVariables *variables) {
        static const char tags[] = "refs/tags/";
        static const Metadata nothing = { 0 };
        const Metadata *metadata = gl->context->metadata ? gl->context->metadata : &nothing;
        const char *ref = metadata->curr.commit.ref;
        Known known = {
                .gitlab = gl,
                .job = job,
                .metadata = metadata,
                .directory = directory,
                .path = gitlab_project_path(gl->context->metadata),
                .tag = ref && str_starts_with(ref, tags) ? (char *) ref + strlen(tags) : NULL,
                .is_pull = metadata_event_is_pull(metadata->curr.event),
        };
        int r = known.path ? metadata_split_refspec(metadata->curr.commit.refspec, &known.source_branch,
                                                    &known.target_branch)
                           : -ENOMEM;

        if (r == 0)
                r = put_all(&known, variables);
        free(known.path);
        free(known.source_branch);
        free(known.target_branch);
        return r;
}
