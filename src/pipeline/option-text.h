#pragma once

/*
 * Texts of container options as an operator writes them, with the syntax of podman-run(1) and docker-run(1), taken
 * apart. Pure. All: 0; -EINVAL with a sentence that quotes the text; -ENOMEM.
 */

#include "pipeline/plan.h"

#define OPTION_GPUS_MAX 64

/** option_parse_ulimit() - "nofile=1024:2048", "core=-1"; without a hard limit it is the soft one; -1: no limit */
int option_parse_ulimit(const char *text, char **ret_name, int64_t *ret_soft, int64_t *ret_hard, Error **reterr);
/** option_parse_device_rule() - "c 10:229 rwm", "b 8:* r"; -1: all numbers; @ret_access on the heap */
int option_parse_device_rule(const char *text, char *ret_type, int64_t *ret_major, int64_t *ret_minor,
                             char **ret_access, Error **reterr);
/** option_parse_device() - "/dev/kvm[:/dev/x[:rwm]]", or a CDI name: "nvidia.com/gpu=all", which has no target */
int option_parse_device(const char *text, PlanDevice *ret, Error **reterr);
/** option_is_cdi_device() - "vendor/class=name" rather than a path */
bool option_is_cdi_device(const char *text);
/** option_parse_gpus() - "all", "2", "device=0,1" as a strv of CDI names; -E2BIG, too: more than OPTION_GPUS_MAX */
int option_parse_gpus(const char *text, char ***ret, Error **reterr);
/** option_parse_volume() - "[SOURCE:]TARGET[:OPTIONS]"; TARGET absolute, cleaned */
int option_parse_volume(const char *text, PlanVolume *ret, Error **reterr);
/** option_parse_host() - "name:address" */
int option_parse_host(const char *text, PlanHost *ret, Error **reterr);

typedef enum SecurityKind {
        SECURITY_APPARMOR, /* value: a profile */
        SECURITY_SECCOMP,  /* "unconfined", or an absolute path */
        SECURITY_LABEL,    /* "disable", "level:s0:c1", ... */
        SECURITY_MASK,     /* paths joined by ':' */
        SECURITY_UNMASK,   /* likewise, or "ALL" */
        SECURITY_NO_NEW_PRIVILEGES, /* "true" or "false" */
} SecurityKind;

/**
 * option_parse_security() - "apparmor=X", "no-new-privileges[=true]", "systempaths=unconfined"; ':' for '=' also does
 */
int option_parse_security(const char *text, SecurityKind *ret_kind, char **ret_value, Error **reterr);
