#include "golden.h"

#include "base/strv.h"
#include "cli/layers.h"

/* What git is made to say: a branch, a tag, a remote; and the user: options, variables, a file. "NAME=VALUE" is what
 * must come of it. */
typedef struct Case {
        const char *name;
        GitFacts facts;
        RunOptions options;
        const char *variables[6]; /* "NAME", "VALUE", ... */
        const char *file;
        const char *want[8];
} Case;

#define HEAD .head = { .sha = (char *) "aa", .author_name = (char *) "Anna", .message = (char *) "say", .timestamp = 5 }
#define BRANCH(b) .branch = (char *) (b)
#define TEXT(t) (char *) (t)

// clang-format off
static const Case cases[] = {
        { "nothing is known", .want = { "CI_REPO=checkout", "CI_PIPELINE_EVENT=manual", "CI_COMMIT_BRANCH=main", "CI_COMMIT_REF=refs/heads/main",
                                        "CI_REPO_DEFAULT_BRANCH=main", "CI_COMMIT_SHA", "CI=woodpecker", "CI_PIPELINE_FILES=[]" } },
        { "git knows", { HEAD, BRANCH("dev"), .previous = { .sha = TEXT("bb") }, .default_branch = TEXT("trunk"),
          .remote_url = TEXT("git@github.com:anna/hello.git") },
          .want = { "CI_COMMIT_SHA=aa", "CI_COMMIT_BRANCH=dev", "CI_PREV_COMMIT_SHA=bb", "CI_REPO_DEFAULT_BRANCH=trunk", "CI_REPO=anna/hello",
                    "CI_FORGE_TYPE=github", "CI_PIPELINE_AUTHOR=Anna", "CI_PIPELINE_FORGE_URL=https://github.com/anna/hello/commit/aa" } },
        { "a remote on no known forge", { HEAD, .remote_url = TEXT("https://git.test/g/s/n") },
          .want = { "CI_REPO=g/s/n", "CI_REPO_OWNER=g/s", "CI_REPO_NAME=n", "CI_FORGE_TYPE", "CI_FORGE_URL", "CI_REPO_CLONE_SSH_URL=git@git.test:g/s/n.git" } },
        { "a remote that is no URL", { HEAD, .remote_url = TEXT("ext::sh -c x") }, .want = { "CI_REPO=checkout", "CI_REPO_CLONE_URL" } },
        { "detached", { HEAD, .default_branch = TEXT("trunk") }, .want = { "CI_COMMIT_BRANCH=trunk", "CI_COMMIT_REF=refs/heads/trunk" } },

        { "--event push", { BRANCH("dev") }, { .event = TEXT("push") }, .want = { "CI_PIPELINE_EVENT=push", "CI_COMMIT_REF=refs/heads/dev", "CI_COMMIT_TAG" } },
        { "--branch", { BRANCH("dev") }, { .branch = TEXT("rel") }, .want = { "CI_COMMIT_BRANCH=rel", "CI_COMMIT_REF=refs/heads/rel" } },
        { "--tag", { BRANCH("dev"), .tag = TEXT("v0") }, { .tag = TEXT("v1") },
          .want = { "CI_PIPELINE_EVENT=tag", "CI_COMMIT_REF=refs/tags/v1", "CI_COMMIT_TAG=v1", "CI_COMMIT_BRANCH=dev" } },
        { "--event tag", { BRANCH("dev"), .tag = TEXT("v0") }, { .event = TEXT("tag") }, .want = { "CI_COMMIT_TAG=v0" } },
        { "--event tag without one", { BRANCH("dev") }, { .event = TEXT("tag") }, .want = { "CI_COMMIT_TAG", "CI_COMMIT_REF=refs/heads/dev" } },
        { "--event push at a tag", { BRANCH("dev"), .tag = TEXT("v0") }, { .event = TEXT("push") }, .want = { "CI_COMMIT_TAG" } },
        { "--event release --tag", { BRANCH("dev") }, { .event = TEXT("release"), .tag = TEXT("v1") },
          .want = { "CI_COMMIT_TAG=v1", "CI_PIPELINE_RELEASE_TITLE=v1", "CI_PIPELINE_RELEASE_PRE=false" } },
        { "--event deployment --tag", { BRANCH("dev") }, { .event = TEXT("deployment"), .tag = TEXT("v1") },
          .want = { "CI_PIPELINE_EVENT=deployment", "CI_COMMIT_TAG=v1" } },
        { "--cron", { BRANCH("dev") }, { .cron = TEXT("nightly") }, .want = { "CI_PIPELINE_EVENT=cron", "CI_COMMIT_REF=refs/heads/dev" } },
        { "--event pull_request", { BRANCH("dev"), .default_branch = TEXT("trunk") }, { .event = TEXT("pull_request") },
          .want = { "CI_COMMIT_BRANCH=trunk", "CI_COMMIT_SOURCE_BRANCH=dev", "CI_COMMIT_TARGET_BRANCH=trunk", "CI_COMMIT_REFSPEC=dev:trunk",
                    "CI_COMMIT_REF=refs/pull/0/head", "CI_COMMIT_PULL_REQUEST=0" } },
        { "--event pull_request --branch", { BRANCH("dev") }, { .event = TEXT("pull_request"), .branch = TEXT("rel") },
          .want = { "CI_COMMIT_BRANCH=rel", "CI_COMMIT_REFSPEC=dev:rel" } },
        { "--source-branch", { BRANCH("dev") }, { .source_branch = TEXT("fix") },
          .want = { "CI_PIPELINE_EVENT=pull_request", "CI_COMMIT_REFSPEC=fix:main", "CI_COMMIT_BRANCH=main" } },
        { "--source-branch --branch", { BRANCH("dev") }, { .source_branch = TEXT("fix"), .branch = TEXT("rel") },
          .want = { "CI_COMMIT_REFSPEC=fix:rel", "CI_COMMIT_BRANCH=rel" } },
        { "--trusted", .options = { .policy.trusted = 3 }, .want = { "CI_REPO_TRUSTED_NETWORK=true", "CI_REPO_TRUSTED_VOLUMES=true", "CI_REPO_TRUSTED_SECURITY=false",
                                                              "CI_REPO_TRUSTED=false" } },

        { "variables count more than options", { BRANCH("dev") }, { .event = TEXT("push"), .branch = TEXT("rel") },
          .variables = { "CI_PIPELINE_EVENT", "tag", "CI_COMMIT_TAG", "v9", "CI_REPO", "o/n" },
          .want = { "CI_PIPELINE_EVENT=tag", "CI_COMMIT_REF=refs/tags/v9", "CI_COMMIT_TAG=v9", "CI_COMMIT_BRANCH=rel", "CI_REPO=o/n", "CI_REPO_OWNER=o" } },
        { "a variable moves the ref", { BRANCH("dev") }, .variables = { "CI_COMMIT_BRANCH", "rel" }, .want = { "CI_COMMIT_REF=refs/heads/rel" } },
        { "a ref that is given", { BRANCH("dev") }, .variables = { "CI_COMMIT_REF", "refs/tags/v3" }, .want = { "CI_COMMIT_TAG=v3", "CI_COMMIT_BRANCH=dev" } },
        { "a pull request of variables", { BRANCH("dev") },
          .variables = { "CI_PIPELINE_EVENT", "pull_request", "CI_COMMIT_TARGET_BRANCH", "rel", "CI_COMMIT_REF", "refs/pull/7/head" },
          .want = { "CI_COMMIT_REFSPEC=dev:rel", "CI_COMMIT_BRANCH=rel", "CI_COMMIT_PULL_REQUEST=7" } },
        { "a variable that is empty says nothing", { BRANCH("dev") }, .variables = { "CI_COMMIT_BRANCH", "" },
          .want = { "CI_COMMIT_BRANCH=dev" } },

        { "the file counts more than git", { HEAD, BRANCH("dev"), .remote_url = TEXT("git@github.com:anna/hello.git") },
          .file = "{\"repo\":{\"name\":\"n\",\"owner\":\"o\"},\"curr\":{\"event\":\"push\",\"commit\":{\"branch\":\"b\",\"message\":\"m\"}}}",
          .want = { "CI_REPO=o/n", "CI_REPO_CLONE_URL", "CI_PIPELINE_EVENT=push", "CI_COMMIT_BRANCH=b", "CI_COMMIT_REF=refs/heads/b", "CI_COMMIT_MESSAGE=m",
                    "CI_COMMIT_SHA=aa", "CI_COMMIT_AUTHOR=Anna" } },
        { "a file of another commit", { HEAD, BRANCH("dev") }, .file = "{\"curr\":{\"commit\":{\"sha\":\"cc\"}}}",
          .want = { "CI_COMMIT_SHA=cc", "CI_COMMIT_MESSAGE", "CI_COMMIT_AUTHOR", "CI_COMMIT_BRANCH=dev" } },
        { "options count more than the file", { BRANCH("dev") }, { .event = TEXT("tag"), .tag = TEXT("v1") },
          .file = "{\"curr\":{\"event\":\"push\",\"commit\":{\"ref\":\"refs/heads/b\",\"branch\":\"b\"}}}",
          .want = { "CI_PIPELINE_EVENT=tag", "CI_COMMIT_TAG=v1", "CI_COMMIT_BRANCH=b" } },
        { "--branch and a file's ref", .options = { .branch = TEXT("rel") }, .file = "{\"curr\":{\"commit\":{\"ref\":\"refs/heads/b\",\"branch\":\"b\"}}}",
          .want = { "CI_COMMIT_REF=refs/heads/rel" } },
        { "--branch and a file's pull request", .options = { .branch = TEXT("rel") },
          .file = "{\"curr\":{\"event\":\"pull_request\",\"commit\":{\"ref\":\"refs/pull/4/head\",\"refspec\":\"x:y\",\"branch\":\"y\"}}}",
          .want = { "CI_COMMIT_REFSPEC=x:rel", "CI_COMMIT_BRANCH=rel", "CI_COMMIT_PULL_REQUEST=4" } },
        { "variables count more than the file", .variables = { "CI_REPO_NAME", "v" }, .file = "{\"repo\":{\"name\":\"n\",\"owner\":\"o\"}}",
          .want = { "CI_REPO=o/v" } },
};
// clang-format on

static void metadata_cleanup(Metadata *metadata) {
        metadata_done(metadata);
}

static GitCommit copy_commit(const GitCommit *from) {
        GitCommit to = { .timestamp = from->timestamp };

        assert_int_equal(metadata_set(&to.sha, from->sha), 0);
        assert_int_equal(metadata_set(&to.author_name, from->author_name), 0);
        assert_int_equal(metadata_set(&to.message, from->message), 0);
        return to;
}

static GitFacts copy_facts(const GitFacts *from) {
        GitFacts to = { .head = copy_commit(&from->head), .previous = copy_commit(&from->previous) };

        assert_int_equal(metadata_set(&to.branch, from->branch), 0);
        assert_int_equal(metadata_set(&to.tag, from->tag), 0);
        assert_int_equal(metadata_set(&to.remote_url, from->remote_url), 0);
        assert_int_equal(metadata_set(&to.default_branch, from->default_branch), 0);
        return to;
}

static void check_case(const Case *row, const char *path) {
        _cleanup_(git_facts_done) GitFacts facts = copy_facts(&row->facts);
        _cleanup_(metadata_cleanup) Metadata metadata;
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_map_ Map given = STRMAP_INIT, environment = STRMAP_INIT;
        RunOptions options = row->options;
        DescribeSpec spec = { .options = &options, .checkout = "/home/anna/checkout", .environment = &given };

        for (size_t i = 0; i < ELEMENTSOF(row->variables) && row->variables[i]; i += 2)
                assert_int_equal(strmap_put(&given, row->variables[i], row->variables[i + 1]), 0);
        if (row->file) {
                assert_int_equal(file_write(path, row->file, strlen(row->file), 0600), 0);
                options.metadata_file = (char *) path;
        }
        metadata_init(&metadata);
        assert_int_equal(layers_make(&spec, &facts, &metadata, &error), 0);
        assert_int_equal(metadata_to_environment(&metadata, &environment), 0);
        for (size_t i = 0; i < ELEMENTSOF(row->want) && row->want[i]; i++) {
                const char *equals = strchrnul(row->want[i], '=');
                _cleanup_free_ char *name = strndup(row->want[i], (size_t) (equals - row->want[i]));
                const char *got = strmap_get(&environment, name);

                if (!str_equal(got, *equals ? equals + 1 : NULL))
                        fail_msg("%s is '%s', expected %s", name, got ? got : "(not set)", row->want[i]);
        }
}

static void test_layers(void **state) {
        char path[] = "/tmp/test-layers-XXXXXX";

        close(mkstemp(path));
        FOREACH_ROW(row, cases) {
                print_message("case '%s'\n", row->name);
                check_case(row, path);
        }
        unlink(path);
}

static void test_changed_files(void **state) {
        static const struct {
                const char *file;
                char *base;
                const char *want;
        } rows[] = {
                { NULL, NULL, "git" },
                { "{\"curr\":{\"commit\":{\"changed_files\":[\"file\"]}}}", NULL, "file" },
                { "{\"curr\":{\"commit\":{\"changed_files\":[\"file\"]}}}", (char *) "main", "git" },
                { "{\"curr\":{\"commit\":{\"sha\":\"other\"}}}", NULL, NULL },
        };
        char path[] = "/tmp/test-layers-XXXXXX";

        close(mkstemp(path));
        FOREACH_ROW(row, rows) {
                _cleanup_(git_facts_done) GitFacts facts = { 0 };
                _cleanup_(metadata_cleanup) Metadata metadata;
                _cleanup_map_ Map given = STRMAP_INIT;
                RunOptions options = { .base = row->base, .metadata_file = row->file ? path : NULL };
                DescribeSpec spec = { .options = &options, .checkout = "/c", .environment = &given };

                assert_int_equal(strv_append(&facts.changed_files, "git"), 0);
                if (row->file)
                        assert_int_equal(file_write(path, row->file, strlen(row->file), 0600), 0);
                metadata_init(&metadata);
                assert_int_equal(layers_make(&spec, &facts, &metadata, NULL), 0);
                assert_int_equal(strv_length(metadata.curr.commit.changed_files), row->want ? 1 : 0);
                if (row->want)
                        assert_string_equal(metadata.curr.commit.changed_files[0], row->want);
        }
        unlink(path);
}

static void test_bad_file(void **state) {
        static const struct {
                const char *path, *want;
        } rows[] = {
                { "/nonexistent/metadata.json", "cannot read '/nonexistent/metadata.json': No such file or directory" },
                { "/", "cannot read '/': Is a directory" },
                { GOLDEN_DIRECTORY "/metadata/push.txt", "not JSON: " },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(metadata_cleanup) Metadata metadata;
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_map_ Map given = STRMAP_INIT;
                RunOptions options = { .metadata_file = (char *) row->path };
                DescribeSpec spec = { .options = &options, .checkout = "/c", .environment = &given };
                GitFacts facts = { 0 };

                metadata_init(&metadata);
                assert_true(layers_make(&spec, &facts, &metadata, &error) < 0);
                if (!strstr(error_message(error, 0), row->want))
                        fail_msg("'%s' does not say '%s'", error_message(error, 0), row->want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_layers),
                cmocka_unit_test(test_changed_files),
                cmocka_unit_test(test_bad_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
