#pragma once

/*
 * The files of a job. A volume of the engine keeps what the job writes, so that the engine can remove whatever owner
 * the files have got; above the checkout lies an overlay, so that nothing is copied and the checkout stays as it is.
 *
 *   volume ID-data:  base/ (the workspace's base)  up/ work/ (of the overlay)  copy/ (instead of it)
 *   volume ID-work:  the overlay, mounted by the engine
 */

#include "engine/spec.h"
#include "job/event.h"
#include "job/upload.h"
#include "job/user.h"
#include "loop/task.h"

typedef struct Job Job;
typedef struct Workspace Workspace;

int workspace_new(Job *job, Workspace **ret, Error **reterr);
Workspace *workspace_free(Workspace *workspace);
DEFINE_CLEANUP(Workspace *, workspace_free);

/** workspace_create() - makes the volumes, copies if it has to */
int workspace_create(Workspace *workspace, TaskDone done, void *userdata, Task **ret_task);

/**
 * workspace_mounts() - where the workspace's base and the checkout appear in a container; at most two, filled into
 * @mounts
 */
size_t workspace_mounts(const Workspace *workspace, const PlanStep *step, MountSpec mounts[static 2]);

/** workspace_note_fetched() - what is in it now came from the repository: only what is written later is a change */
void workspace_note_fetched(Workspace *workspace);

/** workspace_origin() - what it was before the job: the checkout, or what was made of it in the job's directory */
const char *workspace_origin(const Workspace *workspace);
/**
 * workspace_send() - that, to an engine that cannot see it; *ret_upload is to be freed after it, and tells what failed
 */
int workspace_send(Workspace *workspace, Upload **ret_upload, TaskDone done, void *userdata, Task **ret_task);

/**
 * workspace_fetch() - from an engine that keeps the files out of our sight: what the job changed, before
 * workspace_collect()
 *
 * Return: 1: there is nothing to be fetched; 0 and the Task; negative.
 */
int workspace_fetch(Workspace *workspace, TaskDone done, void *userdata, Task **ret_task, Error **reterr);

/** workspace_keeper() - the container that lends its mounts for that; NULL: none is needed */
const char *workspace_keeper(const Workspace *workspace);

/*
 * Where the engine cannot map users, the files belong to whoever writes them. Before a step that is not root they are
 * given to it, unless they are all its own already: see owner.h.
 */
bool workspace_is_owned(const Workspace *workspace, const UserIds *ids);
void workspace_note_owner(Workspace *workspace, const UserIds *ids);
void workspace_note_writer(Workspace *workspace, const UserIds *ids);
void workspace_owner_mounts(const Workspace *workspace, MountSpec mounts[static 2]);

/**
 * workspace_volume() - for messages and removal: the name of volume @i, NULL behind the last; in the order of removal
 */
const char *workspace_volume(const Workspace *workspace, size_t i);

/**
 * workspace_make_room() - deletes what the job wrote, as far as we may: on a full disk the engine can remove nothing
 * until then
 */
void workspace_make_room(Workspace *workspace);

/**
 * workspace_collect() - tells what changed, and copies out what is to be exported. Blocks while it copies: nothing else
 * runs by then.
 */
int workspace_collect(Workspace *workspace, Error **reterr);
