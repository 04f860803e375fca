#pragma once

/*
 * What a job's containers stand on: a pod without infra container and, in it, the holder that owns the network
 * namespace; or a network of the job's own; or, where no two of them run at a time, nothing at all. Chosen before
 * anything is made.
 */

#include "job/event.h"

typedef struct Job Job;

typedef enum SandboxKind {
        SANDBOX_APART,   /* nothing: one container, or each by itself */
        SANDBOX_POD,     /* all in one network namespace; aliases by our hosts file */
        SANDBOX_NETWORK, /* each its own address in a private network; aliases by the engine's DNS */
} SandboxKind;

typedef struct Sandbox Sandbox;

/** sandbox_new() - decides from the plan and what the images expose; nothing is asked of the engine yet */
int sandbox_new(Job *job, Sandbox **ret, Error **reterr);
Sandbox *sandbox_free(Sandbox *sandbox);
DEFINE_CLEANUP(Sandbox *, sandbox_free);

/** sandbox_describe() - what was chosen and why, for the log's first lines */
const char *sandbox_describe(const Sandbox *sandbox);
/** sandbox_note() - notes in the job's journal what was chosen */
void sandbox_note(const Sandbox *sandbox);
/**
 * sandbox_create() - makes pod, network, holder
 *
 * Its containers can be created when it is done, and started when sandbox_is_up(): job_schedule() is called then, also
 * if it will never be, after job_cannot_run(). On failure everything made so far stands: call sandbox_remove().
 */
int sandbox_create(Sandbox *sandbox, TaskDone done, void *userdata, Task **ret_task);
bool sandbox_is_up(const Sandbox *sandbox);
/** sandbox_is_starting() - between sandbox_create() and either end of it; sandbox_remove() must wait */
bool sandbox_is_starting(const Sandbox *sandbox);
/**
 * sandbox_kill() - ends at once what still runs, before it is removed
 *
 * Podman looks only every 100 ms whether what it killed has ended, one container after the other
 * (libpod/oci_conmon_common.go, waitPidStop()). Where the processes are not ours, nothing is done: sandbox_remove() has
 * the engine do it.
 */
void sandbox_kill(Sandbox *sandbox);
/** sandbox_remove() - takes everything away, the job's containers first; goes on after failures and tells the first */
int sandbox_remove(Sandbox *sandbox, TaskDone done, void *userdata, Task **ret_task);

/* What containers need to know. */
const char *sandbox_pod(const Sandbox *sandbox);        /* NULL: none */
void sandbox_network(const Sandbox *sandbox, const PlanStep *step, char *const *aliases, NetworkSpec *ret);
bool sandbox_shares_network(const Sandbox *sandbox);     /* aliases are at 127.0.0.1 */
const char *sandbox_holder(const Sandbox *sandbox);     /* name of its container; NULL: none */
