/*
 * What git and its users say. The address of a remote gives parts that fit together and holds no password; a log gives
 * commits, or what there is of them; neither is longer than it may be.
 */

#include <errno.h>

#include "base/str.h"
#include "cli/git-answer.h"
#include "cli/git-url.h"
#include "fuzz.h"

/* Behind the host's part: "https://user@host/path@2" has a user, "https://host/path@2" has none. */
static bool has_user(const char *url) {
        const char *authority = strstr(url, "://");

        return authority && memchr(authority + 3, '@', strcspn(authority + 3, "/"));
}

static void check_url(const char *text) {
        GitUrl url = { 0 }, again = { 0 };
        int r = git_url_parse(text, &url);

        require(r == 0 || r == -EINVAL);
        require((r == 0) == (url.name != NULL));
        if (r < 0)
                return;
        require(!strchr(url.name, '/') && *url.name);
        require(!url.owner || (*url.owner && url.host));
        require(!url.page == !(url.host && url.owner));
        require(!url.host || !url.clone || !has_user(url.clone));
        require(!url.page || !has_user(url.page));
        /* as written, an address for SSH leads to the same repository */
        if (url.clone_ssh && url.owner && git_url_parse(url.clone_ssh, &again) == 0)
                require(str_equal(again.name, url.name) && str_equal(again.owner, url.owner));
        git_url_done(&again);
        git_url_done(&url);
}

static void check_answer(const char *text, size_t n) {
        _cleanup_(git_files_done) GitFiles files = { 0 };
        _cleanup_(git_facts_done) GitFacts facts = { 0 };

        require(git_answer_commits(text, n, &facts) == 0);
        require(!facts.head.message || strlen(facts.head.message) <= GIT_MESSAGE_BYTES_MAX);
        require(!facts.previous.sha || facts.head.sha);
        require(!facts.branch || !strstr(facts.branch, ", "));
        require(git_answer_files(text, n, &files) == 0);
        require(files.n_names <= n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);

        if (size > 64U * 1024)
                return 0;
        check_url(text);
        check_answer(text, size);
        return 0;
}
