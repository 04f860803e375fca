#include "cli/git-answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/utf8.h"

/* A commit message becomes a variable: no longer than that can be, no newline at its end, no half character. */
static char *trim_message(const char *text) {
        size_t n = strlen(text), kept = 0, k;

        while (n > 0 && text[n - 1] == '\n')
                n--;
        if (n <= GIT_MESSAGE_BYTES_MAX)
                return strndup(text, n);
        while (kept < GIT_MESSAGE_BYTES_MAX &&
               (k = MAX(utf8_length(text + kept, n - kept), 1U)) <= GIT_MESSAGE_BYTES_MAX - kept)
                kept += k;
        return strndup(text, kept);
}

/* "HEAD -> refs/heads/main, tag: refs/tags/v1, refs/remotes/origin/main, refs/heads/other": what points at HEAD. */
static int read_decorations(const char *text, GitFacts *facts) {
        static const struct {
                const char *prefix;
                size_t field;
        } rows[] = {
                { "HEAD -> refs/heads/", offsetof(GitFacts, branch) },
                { "tag: refs/tags/", offsetof(GitFacts, tag) },
                { "refs/heads/", offsetof(GitFacts, branch) },
                { "refs/remotes/origin/", offsetof(GitFacts, branch) },
        };

        /* the names of refs hold commas, but no spaces */
        for (const char *next; *text; text = next) {
                const char *end = strstr(text, ", ");
                size_t n = end ? (size_t) (end - text) : strlen(text);

                next = end ? end + strlen(", ") : text + n;
                if (n == strlen("refs/remotes/origin/HEAD") && str_starts_with(text, "refs/remotes/origin/HEAD"))
                        continue;
                FOREACH_ROW(row, rows) {
                        char **field = (char **) ((char *) facts + row->field);

                        if (!str_starts_with(text, row->prefix))
                                continue;
                        if (!*field && !(*field = strndup(text + strlen(row->prefix), n - strlen(row->prefix))))
                                return -ENOMEM;
                        break;
                }
        }
        return 0;
}

/* One commit: six fields that each end in NUL; *text moves behind it. */
static int read_commit(const char **text, const char *end, GitCommit *ret, const char **ret_decorations) {
        const char *fields[6], *p = *text;

        while (p < end && *p == '\n')
                p++;
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                const char *nul = p < end ? memchr(p, '\0', (size_t) (end - p)) : NULL;

                if (!nul)
                        return -ENODATA;
                fields[i] = p;
                p = nul + 1;
        }
        ret->sha = strdup(fields[0]);
        ret->author_name = strdup(fields[1]);
        ret->author_email = strdup(fields[2]);
        ret->message = trim_message(fields[5]);
        (void) parse_i64(fields[3], &ret->timestamp);
        *ret_decorations = fields[4];
        *text = p;
        return ret->sha && ret->author_name && ret->author_email && ret->message ? 0 : -ENOMEM;
}

int git_answer_commits(const char *text, size_t n, GitFacts *facts) {
        const char *end = text + n, *decorations, *ignored;
        int r;

        if (!text)
                return 0;
        r = read_commit(&text, end, &facts->head, &decorations);
        if (r >= 0)
                r = read_decorations(decorations, facts);
        if (r >= 0)
                r = read_commit(&text, end, &facts->previous, &ignored);
        return r == -ENODATA ? 0 : r;
}

/* Not strv_append(), which counts the list each time. */
int git_answer_files(const char *text, size_t n, GitFiles *files) {
        const char *end = text + n;

        for (const char *name = text; name && name < end; name += strlen(name) + 1) {
                char *copy = strdup(name);

                if (!copy || ARRAY_APPEND(files->names, files->n_names, copy) < 0) {
                        free(copy);
                        return -ENOMEM;
                }
                if (files->n_names > GIT_FILES_MAX)
                        return 1;
        }
        return 0;
}

int git_files_take(GitFiles *files, char ***ret) {
        if (files->n_names > 0 && ARRAY_APPEND(files->names, files->n_names, NULL) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(files->names);
        files->n_names = 0;
        return 0;
}

void git_files_done(GitFiles *files) {
        for (size_t i = 0; i < files->n_names; i++)
                free(files->names[i]);
        free(files->names);
        *files = (GitFiles){ 0 };
}

static void git_commit_done(GitCommit *commit) {
        free(commit->sha);
        free(commit->author_name);
        free(commit->author_email);
        free(commit->message);
}

void git_facts_done(GitFacts *facts) {
        git_commit_done(&facts->head);
        git_commit_done(&facts->previous);
        free(facts->branch);
        free(facts->tag);
        free(facts->remote_url);
        free(facts->default_branch);
        strv_free(facts->changed_files);
        free(facts->why_no_files);
        free(facts->why_nothing);
        *facts = (GitFacts){ 0 };
}
