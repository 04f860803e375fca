/*
 * tests/golden/gitlab/NAME.yml beside NAME.txt, its messages, NAME.plan, its jobs for people, and for those named
 * json-NAME.yml NAME.json, all of their plans. step-NAME.yml runs with '--step manual', from-NAME.yml with '--from b',
 * and clone-NAME.yml in a workspace that begins empty.
 */

#include "golden.h"
#include "pipeline/again.h"

#include <errno.h>

#include "base/strv.h"
#include "pipeline/gitlab.h"
#include "pipeline/workflows.h"

#define DIRECTORY "gitlab"
#define TEXT_BYTES_MAX (4U << 20)

#define TEXT(literal) ((char *) (literal)) /* never freed */

static Metadata some_metadata(void) {
        Metadata metadata = { 0 };

        metadata.repo.owner = TEXT("Group/sub");
        metadata.repo.name = TEXT("project");
        metadata.repo.forge_url = TEXT("https://gitlab.example:8443/Group/sub/project");
        metadata.repo.clone_url = TEXT("https://gitlab.example:8443/Group/sub/project.git");
        metadata.repo.default_branch = TEXT("main");
        metadata.curr.event = TEXT("push");
        metadata.curr.author = TEXT("Ada");
        metadata.curr.created = 1767225600;
        metadata.curr.commit = (MetadataCommit){
                .sha = TEXT("4f1c2e7d0b9a8c6e5d4f3a2b1c0d9e8f7a6b5c4d"),
                .ref = TEXT("refs/heads/Feature/X"),
                .branch = TEXT("Feature/X"),
                .message = TEXT("the title\n\nwhat $HOME and %PATH% mean\n"),
                .author_name = TEXT("Ada"),
                .author_email = TEXT("ada@example.org"),
                .timestamp = 1767225600,
        };
        return metadata;
}

static void print_plans(Plan **plans, size_t n_plans, const Map *secrets, bool as_json, Str *out) {
        _cleanup_strv_ char **notes = NULL;

        assert_int_equal(workflows_order(plans, n_plans, false, &notes, NULL), 0);
        assert_null(notes);
        for (size_t i = 0; i < n_plans; i++) {
                _cleanup_free_ char *json = NULL;

                if (i > 0)
                        (void) str_append_char(out, '\n');
                assert_int_equal(plan_to_json(plans[i], true, &json), 0);
                plan_free(read_again(json, secrets, true));
                if (as_json)
                        (void) str_append(out, json);
                else
                        plan_print(plans[i], out);
        }
}

static void check_file(const char *name) {
        _cleanup_free_ char *below = path_join(DIRECTORY, name), *path = path_join(GOLDEN_DIRECTORY, below);
        _cleanup_str_ Str messages = STR_INIT(TEXT_BYTES_MAX), shown = STR_INIT(TEXT_BYTES_MAX),
                          json = STR_INIT(TEXT_BYTES_MAX);
        _cleanup_map_ Map variables = STRMAP_INIT, secrets = STRMAP_INIT, clone = STRMAP_INIT;
        const Metadata metadata = some_metadata();
        GitlabContext context = {
                .metadata = &metadata,
                .variables = &variables,
                .secrets = &secrets,
                .job_names = str_starts_with(name, "step-") ? (char *[]){ TEXT("manual"), NULL } : NULL,
                .clone_environment = str_starts_with(name, "clone-") ? &clone : NULL,
                .from = str_starts_with(name, "from-") ? "b" : NULL,
        };
        _cleanup_(source_freep) Source *source = NULL;
        DiagList diags = { 0 };
        size_t n, n_plans = 0;
        Plan **plans = NULL;
        char *text;
        int r;

        assert_int_equal(strmap_put(&variables, "GIVEN", "from $the user"), 0);
        if (!str_starts_with(name, "clone-bad-"))
                assert_int_equal(strmap_put(&clone, "CI_COMMIT_SHA", metadata.curr.commit.sha), 0);
        assert_int_equal(strmap_put(&secrets, "registry_password", "pa$$word"), 0);
        assert_int_equal(file_read(path, SOURCE_BYTES_MAX, &text, &n), 0);
        assert_int_equal(source_new_take(name, text, n, &source, NULL), 0);
        r = gitlab_compile_all(source, &context, &diags, &plans, &n_plans);
        assert_int_equal(r, diags.n_errors > 0 ? -EBADMSG : 0);
        assert_int_equal(r == 0, plans != NULL);
        diag_print(&diags, source, false, &messages);
        golden_check_beside(DIRECTORY, name, ".txt", str_get(&messages));
        print_plans(plans, n_plans, &secrets, false, &shown);
        golden_check_beside(DIRECTORY, name, ".plan", str_get(&shown));
        if (str_starts_with(name, "json-"))
                print_plans(plans, n_plans, &secrets, true, &json);
        golden_check_beside(DIRECTORY, name, ".json", str_get(&json));
        plans_free(plans, n_plans);
        diag_list_done(&diags);
}

static void test_files(void **state) {
        golden_each(DIRECTORY, ".yml", check_file);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_files) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
