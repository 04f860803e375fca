#pragma once

/*
 * A workspace from the inside: workspace.c is its table of states; where the files lie on an overlay,
 * workspace-overlay.c knows of it, where they are copied, workspace-copy.c, and where the engine cannot see ours,
 * workspace-far.c.
 */

#include <time.h>

#include "job/fetch.h"
#include "job/job-internal.h"
#include "loop/process.h"

struct Workspace {
        Task task; /* of workspace_create() */
        Machine machine;
        Job *job;
        WorkspaceMode mode;
        bool is_overlay;   /* the data volume is one; the upper directory lies beside its mount point */
        bool is_copy;      /* instead of an overlay */
        struct timespec fetched; /* when the repository was there */
        struct timespec sent;    /* when the checkout began to be; 0: it is not */
        char *data, *work; /* names of the volumes; work: where the engine cannot see our files */
        char *place;       /* of base, upper directory and copy, on the engine's side of the file system */
        char *base, *up, *overlay_work, *copy;
        Map options;
        ProcessOutput tracked;
        bool has_data, has_work;
        bool is_made; /* by an earlier process */

        /* On an engine that cannot see our files: */
        bool is_far;
        char *keeper; /* a container that never runs and lends its mounts; NULL: not asked for */
        char *keeper_id;
        Upload *upload;
        Fetch *fetch;
        char *fetched_tree; /* what differs from what was sent */
        UserIds owner;
        bool has_foreign; /* somebody else than the owner may have written to it */
};

/** workspace_failed() - ends workspace_create() with the Error, which says what was being done */
void workspace_failed(Machine *machine, int r, const Error *error);
/** workspace_on_made() - done with what a state began; userdata is the Workspace */
void workspace_on_made(Task *task, int r, const Error *error, void *userdata);
/** workspace_note_time() - into the job's journal, under @key */
void workspace_note_time(Workspace *workspace, const char *key, const struct timespec *when);

/** workspace_why_no_overlay() - why the files cannot lie on one, as far as can be told beforehand; NULL: they can */
const char *workspace_why_no_overlay(const Workspace *workspace);
/** workspace_can_carry_overlay() - whether the file system of that directory can */
bool workspace_can_carry_overlay(const char *directory);
/** workspace_add_overlay() - asks for it in the options of the data volume; -ENOMEM */
int workspace_add_overlay(Workspace *workspace);
/** workspace_link_place() - once place is known: makes the link that was named in the options */
int workspace_link_place(const Workspace *workspace, Error **reterr);
/** workspace_leave_mountpoint() - place: from the overlay's mount point to where our directories go; -ENOMEM */
int workspace_leave_mountpoint(Workspace *workspace);

/** workspace_make_copy() - what the mode says, from the checkout into the copy. Blocks while it copies. */
int workspace_make_copy(Workspace *workspace, Error **reterr);

/* States that are passed at once where the engine sees our files: */
int workspace_enter_keeper(Machine *machine, Task **ret_task, Error **reterr);
int workspace_enter_sending(Machine *machine, Task **ret_task, Error **reterr);
/** workspace_write_back() - what was fetched, to the checkout: --write where that could not be lent to the job */
int workspace_write_back(Workspace *workspace, Error **reterr);
