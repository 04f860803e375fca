#pragma once

/* The parts of one job and how they hang together; for the files of this folder only. */

#include "base/clock.h"
#include "base/id.h"
#include "job/directory.h"
#include "job/guard.h"
#include "job/image-lock.h"
#include "job/job.h"
#include "job/lines.h"
#include "job/mask.h"
#include "job/options.h"
#include "job/sandbox.h"
#include "job/upload.h"
#include "job/user.h"
#include "job/workspace.h"
#include "loop/machine.h"
#include "loop/timer.h"
#include "loop/turn.h"
#include "pipeline/pattern.h"

/* One image of the plan, however many steps use it: found or fetched once. */
typedef struct ImageUse {
        Machine machine;
        Job *job;
        const PlanStep *first_step; /* of those that use it: pull progress is told in its name */
        size_t first_index;
        const char *reference, *platform;
        char *repository;  /* the reference without tag */
        PullList pull;     /* n 0: missing */
        unsigned attempt;  /* index into it */
        Backoff pause;     /* between tries of one policy */
        bool must_pause;   /* before the next */
        LoginFound login;
        ImageLock lock;    /* while it is being fetched */
        bool is_ready, has_failed, was_pulled;
        bool is_local;     /* it is on this machine, as 'info' says */
        bool is_check;     /* it is not pulled: the registry is asked whether this job may have it */
        bool is_cleared;   /* which is known to be so */
        size_t n_digests_refused; /* of those of the image that is here: the registry does not know them */
        bool must_pull;    /* although it is here */
        bool is_told;
        ImageInfo info;
        PullResult pulled;
        Error *error;
} ImageUse;

typedef struct Step {
        Machine machine;
        Job *job;
        const PlanStep *plan;
        size_t index; /* into the plan's steps */
        ImageUse *image;

        char *container, *container_id; /* the name is ours and known before the request */
        char *directory; /* its files, which are STEP_SCRIPT_DIRECTORY in the container */
        bool has_script_alone; /* directory is a file: the script, all that it is given */
        char *log_path, *pid_path;
        UserIds ids; /* who it runs as; root unless asked */
        bool keeps_id;
        uint32_t n_subuids, n_subgids; /* for group 0, see ContainerSpec */
        GuardedMount *mounts; /* see guard.h */
        size_t n_mounts;
        bool is_guarded;
        size_t n_secrets; /* engine secrets made so far, for 'secret_environment' */
        char *user_text;
        char *script; /* of its commands, made with the container and kept until it is written; see step-script.c */

        bool prepared_failed; /* whether the job had failed when the container was made */
        bool is_stopping;
        bool is_up;           /* its process has been started */
        bool is_over;         /* its process has ended, and all its output is here */
        bool is_done;
        Task *removing;  /* see spent.c */
        bool is_removed, has_resisted;
        Upload *upload; /* of its files, where they are sent */
        Task *follow; /* over several states: output and end */
        ContainerExit exit;
        bool has_exit;

        /* Services: see ready.c */
        bool is_ready;
        Task *ready_task, *ready_timeout, *settle;
        char **ports; /* TCP ports that it opens, as far as image and file tell: see service_init() */
        size_t n_open_ports;
        HealthStatus health;
        Pattern *ready_pattern; /* a line that matches says that it is ready; NULL: none does */
        bool has_ready_line;
        unsigned n_unhealthy;

        StepResult result;
        bool has_result;
        int exit_code;
        Error *error; /* why, where the exit code does not tell */
        uint64_t started_usec;

        MaskStream *mask[2];
        Lines lines[2]; /* standard output and error */
        Str masked;
        Task *release; /* of what the masks hold back */
        JobEvent output; /* of the piece being handed on: the same for all of its lines, but for the line */
        uint64_t n_lines, n_bytes;
        bool is_cut; /* there was more than the operator allows */
        uint64_t n_lines_kept[2]; /* of each stream, told by an earlier process */
        ContainerStatus status;   /* how that process left it */
} Step;

struct Job {
        Machine machine;
        JobSpec spec;
        sd_event *event;
        char id[ID_LENGTH + 1];
        JobDone done;
        void *userdata;

        JobDirectory directory;
        Map labels;
        Mask *mask;
        ContainerOptions step_options, service_options;
        char *helper_image; /* on engines that cannot see our files: see helper.h */
        Sandbox *sandbox;
        Workspace *workspace;
        ImageUse **images;
        size_t n_images;
        Step *steps; /* as many as the plan has, in its order */
        Turn schedule;

        bool has_failed; /* a step that counts failed: what starts now does so 'on failure' */
        bool is_stopping, is_impatient;
        JobStopReason stop_reason;
        JobResult result;
        bool has_result;
        Error *error;
        bool cannot_run; /* there is nothing to run on: its steps are skipped */
        unsigned n_making; /* sandbox, workspace, what the engine can enforce: not there yet */
        Task *making_workspace, *making_caches, *probing;
        unsigned slot; /* of the project's caches, if it mounts some */
        Error *cleaning_error;
        bool has_made_room; /* cleaning failed once, and was tried again with more room on the disk */
        Task *timeout;
        uint64_t started_usec, started_realtime_usec;
        unsigned n_calls_before;
        bool has_lost_journal;
        bool needs_link_local; /* its name server is such an address: see guard.c */
        bool has_told_unblocked; /* addresses: see guard.h */
        bool can_be_entered; /* if it fails it is kept, and podstep-holder can run in its containers: see keep.h */
};

/* job.c */
bool job_is_running(const Job *job); /* its steps may start */
void job_consider_images(Job *job);
void job_set_result(Job *job, JobResult result, const Error *error); /* the first one stays */
void job_cannot_run(Job *job, int r, const Error *error);            /* there is nothing to run on: steps are skipped */
void job_emit(Job *job, JobEvent event);                             /* fills in job id and time, masks the text */
void job_emit_text(Job *job, JobEventKind kind, const Step *step, const char *format, ...) _printf_(4, 5);
static inline bool step_is_background(const PlanStep *step) {
        return step->kind == STEP_SERVICE || step->detach;
}

static inline const ContainerOptions *job_options(const Job *job, const PlanStep *step) {
        return step->kind == STEP_SERVICE ? &job->service_options : &job->step_options;
}

/* job-prepare.c */
int job_enter_preparing(Machine *machine, Task **ret_task, Error **reterr);
void job_part_is_made(Job *job, int r, const Error *error); /* one of n_making */

/* limits.c */
int job_check_limits(Job *job); /* asks what the engine enforces; counts as one of those being made. 1: no need */

/* caches.c */
int caches_make(Job *job, TaskDone done, void *userdata, Task **ret_task); /* 1: there are none to make */

/* journal.c */
void job_note(Job *job, const char *key, const char *format, ...) _printf_(3, 4);
void step_note(Step *step, const char *what, const char *format, ...) _printf_(3, 4);
void image_note(Job *job, size_t index, const char *id);
const char *job_recorded(const Job *job, const char *key); /* NULL: it is not, or the job is a new one */
const char *step_recorded(const Step *step, const char *what);
const char *image_recorded(const Job *job, size_t index);

/* resume.c */
typedef enum JobPhase { JOB_PHASE_STEPS, JOB_PHASE_COLLECTING, JOB_PHASE_CLEANING } JobPhase;
int job_restore(Job *job, JobPhase *ret, Error **reterr);
int job_restore_sandbox(Job *job, Error **reterr);
void step_note_done(Step *step);

/* image.c */
int image_use_new(Job *job, size_t index, const PullList *pull, ImageUse **ret);
void image_use_stop(ImageUse *image); /* nobody waits for it any more */
ImageUse *image_use_free(ImageUse *image);

/* image-tell.c */
void image_use_tell(ImageUse *image); /* which one it is, with its digest; once */
const PullList *image_use_pull_list(const ImageUse *image);
PullPolicy image_use_policy(const ImageUse *image); /* whose turn it is */
const char *image_use_policy_word(PullPolicy policy);
const Step *image_use_step(const ImageUse *image);          /* the first that uses it */
const char *image_use_local_digest(const ImageUse *image); /* "REPOSITORY@sha256:..."; NULL: there is no further one */

/* images.c */
int images_init(Job *job, Error **reterr);
void images_start(Job *job);
void images_stop(Job *job);
size_t image_index(const ImageUse *image); /* among the job's images */
void images_done(Job *job);

/* schedule.c: called whenever something changed; works from the loop */
void job_schedule(Job *job);
int schedule_init(Job *job);
bool schedule_has_turn(const Job *job, const Step *step); /* all it waits for is done */

/* spent.c */
void spent_remove(Job *job);         /* whenever something changed */
bool spent_is_removing(const Job *job);
void job_spent_removed(Job *job);    /* in job.c: the last of them is gone, or none could be */

/* step.c */
int step_init(Step *step, Job *job, size_t index, Error **reterr);
void step_prepare(Step *step);
void step_start(Step *step); /* what is held goes on, too */
void step_skip(Step *step);
void step_stop(Step *step);
void step_end(Step *step); /* background ones that are up: the job is over */
void step_fail(Step *step, StepResult result, int r, const Error *error); /* the first result stays */
void step_emit_state(Step *step, StepState state);
bool step_is_waiting(const Step *step);
bool step_is_preparing(const Step *step);
bool step_is_held(const Step *step); /* created before the sandbox was up */
bool step_is_prepared(const Step *step);
void step_done(Step *step);
void step_leave_over(Step *step);  /* an earlier process saw its end */
void step_leave_begun(Step *step); /* an earlier process started it, or was about to */
/* if it was left so; or ends it, as what it stands on is not known any more */
void step_take_up(Step *step, bool can_run);

/* An engine that cannot see our files is sent them; one that cannot keep secrets gets them in a file, too. */
static inline bool job_is_far(const Job *job) {
        return !job->spec.engine->info.is_local;
}

/* step-script.c */
#define STEP_SCRIPT_DIRECTORY "/podstep" /* in the container */
#define STEP_SCRIPT_NAME "script"        /* in that */
#define STEP_FILE_BYTES_MAX (16U * 1024 * 1024)
bool step_uses_script(const PlanStep *step); /* its commands come as a file of ours */
bool step_uses_wrapper(const Step *step);    /* podstep-holder sets its variables that hold secrets */
bool step_needs_secrets(const Step *step);   /* the engine has to set them */
int step_write_file(const Step *step, const char *name, Str *text, mode_t mode, Error **reterr);
int step_send_files(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr); /* 1: there are none */
/* likewise, for a container that stays and is to be entered: no secrets are in them */
int step_keep_files(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr);
/* entrypoint and command, which may be in @ret_wrapped: 0 or -ENOMEM */
int step_program(const Step *step, ContainerSpec *spec, char ***ret_wrapped);
int step_environment(Step *step, Map *env);

/* step-spec.c */
int step_name_directory(Step *step, Error **reterr);
int step_make_directory(Step *step, Error **reterr);
int step_create_container(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr);
/* the next one; 1: none left */
int step_create_secret(Step *step, TaskDone done, void *userdata, Task **ret_task, Error **reterr);

/* step-output.c */
int step_output_init(Step *step);
void step_output(int stream, const char *bytes, size_t n, void *userdata);
void step_output_end(Step *step);
void step_output_done(Step *step);

/* ready.c */
int service_init(Step *step, Error **reterr); /* once its image is known */
void service_saw_line(Step *step, const char *line, size_t n);
bool service_has_health_check(const Step *step); /* that tells whether it is ready */
void service_watch(Step *step); /* begins to look whether it is ready */
void service_port_open(Job *job, const char *target);
void service_done(Step *step);
