/* The checkout copied: where there is no overlay, or where only what git tracks shall be there (--clean). */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/copy.h"
#include "base/file.h"
#include "job/workspace-internal.h"

/*
 * git prints what the index holds, and the index is a file of the checkout: whoever wrote that may have put "../"
 * there.
 */
static bool leads_outside(const char *name) {
        for (const char *part = name; part; part = strchr(part, '/'), part = part ? part + 1 : NULL) {
                size_t n = strcspn(part, "/");

                if ((n == 0 && part == name) || (n == 2 && strncmp(part, "..", n) == 0))
                        return true;
        }
        return false;
}

static int copy_tracked(Workspace *workspace, int from, int to, Error **reterr) {
        const char *name = workspace->tracked.out, *end = name + workspace->tracked.n_out;
        int r = 0;

        for (; r >= 0 && name < end; name += strlen(name) + 1)
                r = leads_outside(name)
                            ? error_set(reterr, EINVAL,
                                        "the index of the checkout's repository names '%.200s', which lies outside",
                                        name)
                            : copy_path(from, to, name, NULL, reterr);
        if (r >= 0)
                r = copy_entry(from, to, ".git", NULL, reterr); /* so that steps can ask git */
        return r;
}

/* An earlier process may have been killed in the middle of it. */
static int clear_copy(Workspace *workspace) {
        int r = workspace->job->spec.record ? file_remove_tree(workspace->copy) : 0;

        return r < 0 ? r : file_mkdir_p(workspace->copy, 0755);
}

int workspace_make_copy(Workspace *workspace, Error **reterr) {
        _cleanup_close_ int from = -1, to = -1;
        int r;

        r = workspace->mode == WORKSPACE_CLONE ? file_mkdir_p(workspace->copy, 0755) : clear_copy(workspace);
        if (r < 0)
                return error_set(reterr, -r, "cannot make '%s': %s", workspace->copy, strerror(-r));
        if (workspace->mode == WORKSPACE_CLONE)
                return 0;
        if (workspace->mode != WORKSPACE_CLEAN)
                return copy_tree(workspace->job->spec.checkout, workspace->copy, NULL, reterr);
        from = open(workspace->job->spec.checkout, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        to = open(workspace->copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (from < 0 || to < 0)
                return error_set(reterr, errno, "cannot open '%s': %s", workspace->job->spec.checkout, strerror(errno));
        return copy_tracked(workspace, from, to, reterr);
}
