#pragma once

/* The operator's rules. Plan in, nothing or a list of refusals out; a job can never widen what the operator set. Pure.
 */

#include "pipeline/plan.h"

typedef enum TrustClass {
        TRUST_NETWORK = 1 << 0,  /* dns, dns_search, extra_hosts, network_mode other than "none" */
        TRUST_VOLUMES = 1 << 1,  /* volumes, tmpfs, devices */
        TRUST_SECURITY = 1 << 2, /* privileged */
        TRUST_ALL = TRUST_NETWORK | TRUST_VOLUMES | TRUST_SECURITY,
} TrustClass;

/** trust_parse() - "network,volumes" or "all"; -EINVAL, with the unknown word in the Error */
int trust_parse(const char *text, unsigned *ret, Error **reterr);

typedef enum PolicyChoice {
        POLICY_UNSET, /* as podstep thinks best */
        POLICY_NO,
        POLICY_YES,
} PolicyChoice;

/* Patterns are GitLab's: of the whole name as written; '*' stops at a '/', '**' does not. An empty list (NULL) allows
 * all. */
typedef struct PolicyImages {
        char *default_image; /* for steps that name none; NULL: there is none. It is always allowed. */
        char *registry;      /* completes short names; NULL: docker.io */
        char *platform;      /* "linux/arm64"; NULL: the engine's own */
        char **allowed, **allowed_services;
        char **allowed_privileged, **allowed_privileged_services; /* which may run privileged, where it is allowed at
                                                                     all; others run without, and are told */
        PullList pull;         /* for what the file leaves open; n 0: as its dialect says */
        PullList allowed_pull; /* n 0: those of 'pull'; all, if that is empty, too */
        unsigned retries;      /* further tries of one pull, where the registry may answer a little later */
        bool keep_entrypoint;     /* the file's 'entrypoint' is not used, with a warning */
} PolicyImages;

/* Limits of each container. 0 and NULL: none of ours. */
typedef struct PolicyLimits {
        uint64_t memory_bytes, memory_reservation_bytes, shm_size_bytes;
        int64_t memory_swap_bytes; /* memory and swap together, as the engines count; -1: swap without limit */
        uint64_t nano_cpus;        /* 1000000000 is one CPU */
        uint64_t cpu_shares;
        int64_t cpu_quota_usec;    /* of each cpu_period_usec */
        uint64_t cpu_period_usec;  /* 0: 100 ms */
        char *cpuset_cpus, *cpuset_mems; /* "0-3,6" */
        char *cgroup_parent;
        int64_t pids_max;          /* -1: no limit, not even the engine's own */
        char **ulimits;            /* "nofile=1024:2048"; the hard one may be missing */
        int oom_score_adjust;      /* -1000..1000 */
        bool oom_kill_disable;
} PolicyLimits;

typedef struct PolicyImageDevices {
        char *pattern; /* of images */
        char **devices;
} PolicyImageDevices;

/* What every container of a kind gets. Texts have the syntax of the options of podman-run(1). */
typedef struct PolicyContainer {
        PolicyLimits limits;
        char *user;              /* counts more than the file's; NULL: the file's, else the image's */
        char **allowed_users;    /* NULL: any; but only 'user' if that is set */
        bool privileged;         /* every one; a file can ask for it with TRUST_SECURITY only */
        PolicyChoice no_new_privileges;
        char **capabilities;     /* what they start from; NULL: podstep's own list */
        char **cap_add, **cap_drop; /* "SYS_PTRACE", "all" */
        char **security_opts;    /* "seccomp=/etc/profile.json", "label=disable", "apparmor=NAME" */
        char **devices;          /* "/dev/kvm[:/dev/kvm[:rwm]]", or a CDI name: "nvidia.com/gpu=all" */
        PolicyImageDevices *image_devices; /* more of them, for some images */
        size_t n_image_devices;
        char **allowed_devices;  /* paths and CDI names that a file may ask for, with TRUST_VOLUMES; NULL: any */
        char **device_cgroup_rules; /* "c 10:229 rwm" */
        char *gpus;              /* as 'docker run --gpus': "all", "2", "device=0,1" */
        char **groups;           /* further groups of the user: names, ids, "keep-groups" */
        char *ipc_mode, *pid_mode, *userns; /* NULL: podstep's own choice */
        char *runtime;           /* "crun", or the path of an OCI runtime; NULL: the engine's */
        char *hostname;
        Map tmpfs;               /* directory to options: "/run" to "rw,noexec,size=64m" */
        Map sysctls;             /* "net.core.somaxconn" to "1024" */
        bool read_only;          /* the root file system */
        bool init;               /* a small init reaps what is left and forwards signals */
} PolicyContainer;

/* A service that every workflow with steps gets. */
typedef struct PolicyService {
        char *image; /* always allowed */
        char *alias; /* how it is reached; NULL: by the name of its image */
        char **command, **entrypoint; /* NULL: the image's */
        Map environment;
} PolicyService;
void policy_service_done(PolicyService *service);

typedef struct PolicyVolumes {
        char **mounts;         /* in every container: "SOURCE:TARGET[:OPTIONS]"; "TARGET" is a cache of the project */
        char *cache_directory; /* of the host: holds what "TARGET" alone stands for; NULL: volumes do */
        bool disable_cache;    /* "TARGET" alone lasts as long as the job */
        char *driver;          /* of volumes that are made; NULL: local */
        Map driver_options;    /* name to value: "size" to "10g" */
} PolicyVolumes;

typedef struct PolicyNetwork {
        char *mode;    /* of all containers: "host", "none", or a network's name; NULL: podstep's own choice */
        char *join;    /* an existing network that every container joins, too */
        bool ipv6;     /* on a network made for a job */
        unsigned mtu;  /* of a network made for a job, in bytes; 0: the engine's */
        char **dns, **dns_search, **dns_options;
        char **extra_hosts; /* "name:address"; address may be "host-gateway" */
        bool allow_metadata; /* link-local addresses, where clouds hand out credentials, can be reached */
} PolicyNetwork;

/*
 * All that an operator can set for jobs. All zero is podstep's own behaviour, and may be read and checked; before
 * anything is put in it wants policy_init(). Everything in it is owned by it.
 */
typedef struct Policy {
        unsigned trusted;       /* TrustClass, or-ed: what a file may ask for at all */
        char **allowed_volumes; /* host directories that may be mounted (themselves and below); NULL: any, if
                                   TRUST_VOLUMES */
        PolicyImages images;
        PolicyContainer steps, services;
        PolicyVolumes volumes;
        PolicyNetwork network;
        PolicyService *always; /* beside the services of the file */
        size_t n_always;
        bool limit_services;
        unsigned services_max;       /* per job, if limit_services; 0: none at all */
        uint64_t service_wait_usec;  /* until a service must be ready; 0: the default; USEC_INFINITY: nobody waits */
        uint64_t log_bytes_max;      /* of each step; what is more is cut, and told; 0: no limit */
        bool refuse_unenforced;      /* a limit that the machine cannot enforce refuses the job; else it is told */
        char *runner;                /* its name, a part of those of caches; NULL: "podstep" */
        char *shell;                 /* runs the commands: "bash"; NULL: as the dialect says */
        Map environment;             /* name to value: below all that the file sets */
        Map labels;                  /* name to value: of all that is made for a job; never ours (io.podstep.*) */
} Policy;

/** policy_init() - podstep's own behaviour, ready to be filled */
void policy_init(Policy *policy);
void policy_done(Policy *policy);

/**
 * policy_check() - judges a plan, and fills in what the file left to the operator
 *
 * Adds one error with its line for each thing refused, and how to allow it. The images of the plan get their registry,
 * platform and pull policies: see policy-images.c.
 *
 * Return: how many are refused.
 */
size_t policy_check(const Policy *policy, Plan *plan, DiagList *diags);
/** policy_lint() - the same for who only looks, without what trust decides; the plan is good for nothing else then */
size_t policy_lint(const Policy *policy, Plan *plan, DiagList *diags);
/** policy_check_images() - the part of it that is about images */
size_t policy_check_images(const Policy *policy, PlanStep *step, DiagList *diags);
/** policy_allows_image() - GitLab's rules: one of the patterns fits the whole image as written. 1, 0, -ENOMEM. */
int policy_allows_image(const Policy *policy, const char *image, bool is_service);

/* Whose caches a job uses. */
typedef struct PolicyProject {
        const char *runner; /* who runs the job: a short name; NULL: "podstep" */
        const char *name;   /* "acme/app" */
        bool is_protected;  /* has caches of its own */
} PolicyProject;
/** policy_project() - as the operator's settings and the job's variables say; borrowed of both */
PolicyProject policy_project(const Policy *policy, const Map *environment);

/**
 * policy_apply() - lays the operator's settings onto a plan that passed policy_check()
 *
 * Users, devices, mounts, DNS, hosts, network, environment. What only the engine's request is made of (limits,
 * capabilities, ...) stays in the Policy; the job reads it there.
 *
 * Return: 0; -EINVAL if a setting of the operator is no good, with a sentence; -ENOMEM. What is taken from a step that
 * the file wants stands in @diags, as warnings.
 */
int policy_apply(const Policy *policy, const PolicyProject *project, Plan *plan, DiagList *diags, Error **reterr);

/**
 * policy_strip() - takes from a plan what policy_check() and policy_apply() would lay onto it again
 *
 * For a plan that was printed with the operator's settings on it: these are not what its file asked for. Nothing can be
 * won by it: only what is the same as the operator's is taken, and the operator's comes back.
 *
 * Return: 0; -EINVAL if a setting of the operator is no good; -ENOMEM.
 */
int policy_strip(const Policy *policy, const PolicyProject *project, Plan *plan, Error **reterr);

/** policy_container() - what containers of this step's kind get */
const PolicyContainer *policy_container(const Policy *policy, const PlanStep *step);

/**
 * policy_cache_name() - "runner-podstep-project-acme-app-concurrent-0-cache-HASH": GitLab's names, of the first slot
 *
 * Return: heap; NULL: no memory.
 */
char *policy_cache_name(const PolicyProject *project, const char *target);

/** policy_grant_class() - the TrustClass that allows it */
unsigned policy_grant_class(PlanGrant grant);
/** policy_refuse() - adds the error for what is asked for and not allowed. @noun: "step", @name: as it may be shown */
void policy_refuse(PlanGrant grant, Mark mark, const char *noun, const char *name, DiagList *diags);
