#include "cli/layers.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/git-url.h"
#include "pipeline/policy.h"

static int fill(char **field, const char *value) {
        return *field ? 0 : metadata_set(field, value);
}

static int read_file(const char *path, Metadata *metadata, Error **reterr) {
        _cleanup_free_ char *text = NULL;
        size_t n;
        int r;

        r = file_read(path, METADATA_BYTES_MAX, &text, &n);
        if (r < 0)
                return error_set(reterr, -r, "cannot read '%s': %s", path, strerror(-r));
        r = metadata_from_json(text, n, metadata, reterr);
        return r < 0 ? error_wrap(reterr, r, "'%s'", path) : 0;
}

/* What a user says of the event, by options or by variables. */
typedef struct Choice {
        const char *event, *branch, *source_branch, *tag, *cron;
} Choice;

/* A choice that only makes sense with one event chooses that one, too. */
static const char *implied_event(const Choice *choice) {
        return choice->event           ? choice->event
               : choice->tag           ? "tag"
               : choice->cron          ? "cron"
               : choice->source_branch ? "pull_request"
                                       : NULL;
}

/* "SOURCE:TARGET" of what is chosen and, for the rest, of what was there. */
static int set_refspec(MetadataCommit *commit, const char *source, const char *target) {
        _cleanup_free_ char *old_source = NULL, *old_target = NULL, *refspec = NULL;

        if (metadata_split_refspec(commit->refspec, &old_source, &old_target) < 0)
                return -ENOMEM;
        refspec = str_printf("%s:%s",
                             source       ? source
                             : old_source ? old_source
                                          : "",
                             target       ? target
                             : old_target ? old_target
                                          : "");
        return refspec ? metadata_set(&commit->refspec, refspec) : -ENOMEM;
}

static int choose(Metadata *metadata, const Choice *choice) {
        MetadataCommit *commit = &metadata->curr.commit;
        int r = metadata_set(&metadata->curr.event, implied_event(choice));

        if (r >= 0)
                r = metadata_set(&metadata->curr.cron, choice->cron);
        if (r >= 0)
                r = metadata_set(&commit->branch, choice->branch);
        if (r >= 0 && (choice->source_branch || (choice->branch && commit->refspec)))
                r = set_refspec(commit, choice->source_branch, choice->branch);
        if (r >= 0 && choice->branch && commit->ref && str_starts_with(commit->ref, "refs/heads/")) {
                free(commit->ref); /* of another branch */
                commit->ref = NULL;
        }
        if (r >= 0 && choice->tag) {
                _cleanup_free_ char *ref = str_printf("refs/tags/%s", choice->tag);

                r = ref ? metadata_set(&commit->ref, ref) : -ENOMEM;
        }
        return r;
}

static int apply_options(const RunOptions *options, Metadata *metadata) {
        Choice choice = {
                .event = options->event,
                .branch = options->branch,
                .source_branch = options->source_branch,
                .tag = options->tag,
                .cron = options->cron,
        };

        metadata->repo.trusted_network |= options->policy.trusted & TRUST_NETWORK;
        metadata->repo.trusted_volumes |= options->policy.trusted & TRUST_VOLUMES;
        metadata->repo.trusted_security |= options->policy.trusted & TRUST_SECURITY;
        return choose(metadata, &choice);
}

static const char *given(const Map *environment, const char *name) {
        const char *value = strmap_get(environment, name);

        return str_is_empty(value) ? NULL : value;
}

/* "OWNER/NAME", where the parts are not given themselves. */
static int apply_repo(const char *repo, Metadata *metadata) {
        const char *slash = repo ? strrchr(repo, '/') : NULL;
        _cleanup_free_ char *owner = slash ? strndup(repo, (size_t) (slash - repo)) : NULL;
        int r;

        if (!repo)
                return 0;
        if (slash && !owner)
                return -ENOMEM;
        r = metadata_set(&metadata->repo.owner, owner);
        return r < 0 ? r : metadata_set(&metadata->repo.name, slash ? slash + 1 : repo);
}

static int apply_environment(const Map *environment, Metadata *metadata) {
        const char *target = given(environment, "CI_COMMIT_TARGET_BRANCH"),
                   *branch = given(environment, "CI_COMMIT_BRANCH");
        Choice choice = {
                .event = given(environment, "CI_PIPELINE_EVENT"),
                .branch = branch ? branch : target,
                .source_branch = given(environment, "CI_COMMIT_SOURCE_BRANCH"),
                .tag = given(environment, "CI_COMMIT_TAG"),
        };
        int r = choose(metadata, &choice);

        if (r >= 0)
                r = apply_repo(given(environment, "CI_REPO"), metadata);
        return r < 0 ? r : metadata_from_environment(environment, metadata);
}

static int fill_commit(const GitCommit *from, MetadataCommit *to) {
        int r = fill(&to->sha, from->sha);

        if (r >= 0)
                r = fill(&to->message, from->message);
        if (r >= 0)
                r = fill(&to->author_name, from->author_name);
        if (r >= 0)
                r = fill(&to->author_email, from->author_email);
        if (to->timestamp == 0)
                to->timestamp = from->timestamp;
        return r;
}

/* git speaks of the commit that is checked out; what else may be described is none of its business. */
static bool is_same_commit(const char *described, const GitCommit *commit) {
        return !described || str_equal(described, commit->sha);
}

static int fill_commits(GitFacts *facts, Metadata *metadata) {
        MetadataPipeline *curr = &metadata->curr, *prev = &metadata->prev;
        int r = 0;

        if (!is_same_commit(curr->commit.sha, &facts->head))
                return 0;
        if (!curr->commit.changed_files)
                curr->commit.changed_files = TAKE_PTR(facts->changed_files);
        r = fill_commit(&facts->head, &curr->commit);
        return r >= 0 && is_same_commit(prev->commit.sha, &facts->previous)
                       ? fill_commit(&facts->previous, &prev->commit)
                       : r;
}

static const char *forge_type(const char *host) {
        static const struct {
                const char *host, *type;
        } rows[] = {
                { "github.com", "github" }, { "gitlab.com", "gitlab" },       { "codeberg.org", "forgejo" },
                { "gitea.com", "gitea" },   { "bitbucket.org", "bitbucket" },
        };

        FOREACH_ROW(row, rows)
                if (str_equal(row->host, host))
                        return row->type;
        return NULL;
}

static int fill_from_url(const GitUrl *url, const char *forge, Metadata *metadata) {
        const struct {
                char **field;
                const char *value;
        } rows[] = {
                { &metadata->repo.name, url->name },
                { &metadata->repo.owner, url->owner },
                { &metadata->repo.forge_url, url->page },
                { &metadata->repo.clone_url, url->clone },
                { &metadata->repo.clone_url_ssh, url->clone_ssh },
                { &metadata->forge.type, forge_type(url->host) },
                { &metadata->forge.url, forge },
        };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(rows) && r >= 0; i++)
                r = fill(rows[i].field, rows[i].value);
        return r;
}

static int fill_repo(const GitFacts *facts, const char *checkout, Metadata *metadata) {
        _cleanup_(git_url_done) GitUrl url = { 0 };
        _cleanup_free_ char *forge = NULL;
        bool is_other = metadata->repo.name || metadata->repo.clone_url; /* then parts of two would be mixed */
        int r = facts->remote_url && !is_other ? git_url_parse(facts->remote_url, &url) : 0;

        if (r == -ENOMEM || (forge_type(url.host) && !(forge = str_printf("https://%s", url.host))))
                return -ENOMEM;
        r = fill_from_url(&url, forge, metadata);
        if (r >= 0)
                r = fill(&metadata->repo.name, path_base(checkout));
        if (r >= 0)
                r = fill(&metadata->repo.default_branch, facts->default_branch);
        return r < 0 ? r : fill(&metadata->repo.default_branch, "main");
}

static int fill_system(Metadata *metadata) {
        struct utsname host = { 0 };
        int64_t now = (int64_t) (clock_realtime_usec() / USEC_PER_SEC);
        int r;

        (void) uname(&host);
        r = fill(&metadata->sys.name, "woodpecker"); /* what scripts and plugins look for */
        if (r >= 0)
                r = fill(&metadata->sys.host, host.nodename);
        if (metadata->curr.created == 0)
                metadata->curr.created = now;
        if (metadata->curr.started == 0)
                metadata->curr.started = now;
        return r;
}

static int fill_pull_request(Metadata *metadata, const char *current) {
        MetadataCommit *commit = &metadata->curr.commit;
        _cleanup_free_ char *source = NULL, *target = NULL;
        int r;

        if (metadata_split_refspec(commit->refspec, &source, &target) < 0)
                return -ENOMEM;
        r = fill(&commit->branch, target);
        if (r >= 0)
                r = fill(&commit->branch, metadata->repo.default_branch);
        if (r >= 0 && (str_is_empty(source) || str_is_empty(target)))
                r = set_refspec(commit, str_is_empty(source) ? current : NULL,
                                str_is_empty(target) ? commit->branch : NULL);
        return r < 0 ? r : fill(&commit->ref, "refs/pull/0/head"); /* no forge has that number */
}

bool layers_want_tag(const Metadata *metadata) {
        return str_equal(metadata->curr.event, "tag") || str_equal(metadata->curr.event, "release");
}

/* Branch and ref are of one piece, and which there are depends on the event. */
static int fill_ref(Metadata *metadata, const GitFacts *facts) {
        MetadataCommit *commit = &metadata->curr.commit;
        const char *current = facts->branch ? facts->branch : metadata->repo.default_branch;
        _cleanup_free_ char *ref = NULL;
        int r;

        if (metadata_event_is_pull(metadata->curr.event))
                return fill_pull_request(metadata, current);
        r = fill(&commit->branch, current);
        if (r < 0)
                return r;
        if (layers_want_tag(metadata) && facts->tag && !(commit->ref && str_starts_with(commit->ref, "refs/tags/"))) {
                ref = str_printf("refs/tags/%s", facts->tag);
                return ref ? metadata_set(&commit->ref, ref) : -ENOMEM;
        }
        ref = str_printf("refs/heads/%s", commit->branch);
        return ref ? fill(&commit->ref, ref) : -ENOMEM;
}

static int fill_pipeline(Metadata *metadata) {
        MetadataPipeline *curr = &metadata->curr;
        const char *tag = curr->commit.ref + strlen("refs/tags/");
        _cleanup_free_ char *page = NULL;
        int r = fill(&curr->author, curr->commit.author_name);

        if (r >= 0 && str_starts_with(curr->commit.ref, "refs/tags/"))
                r = fill(&curr->release_title, tag);
        if (r < 0 || !metadata->repo.forge_url || !curr->commit.sha)
                return r;
        page = str_printf("%s/commit/%s", metadata->repo.forge_url, curr->commit.sha);
        return page ? fill(&curr->forge_url, page) : -ENOMEM;
}

int layers_make(const DescribeSpec *spec, GitFacts *facts, Metadata *metadata, Error **reterr) {
        const RunOptions *options = spec->options;
        int r = options->metadata_file ? read_file(options->metadata_file, metadata, reterr) : 0;

        if (r < 0)
                return r;
        if (options->base) /* what the file says of it is of another one */
                metadata->curr.commit.changed_files = strv_free(metadata->curr.commit.changed_files);
        r = apply_options(options, metadata);
        if (r >= 0)
                r = apply_environment(spec->environment, metadata);
        if (r >= 0)
                r = fill(&metadata->curr.event, "manual");
        if (r >= 0)
                r = fill_commits(facts, metadata);
        if (r >= 0)
                r = fill_repo(facts, spec->checkout, metadata);
        if (r >= 0)
                r = fill_ref(metadata, facts);
        if (r >= 0)
                r = fill_pipeline(metadata);
        if (r >= 0)
                r = fill_system(metadata);
        return r < 0 ? error_oom(reterr) : 0;
}
