#pragma once

#include "doctor/check.h"

typedef void CheckRun(const Check *check, const Facts *facts, Findings *findings);

/* check-config.c */
CheckRun check_configuration;
/* check-user.c */
CheckRun check_session, check_linger, check_subuid, check_subgid, check_mapping, check_idmap_programs;
/* check-engine.c */
CheckRun check_agent;
CheckRun check_engine, check_socket, check_versions, check_network, check_dns, check_short_names, check_exits;
/* check-kernel.c */
CheckRun check_userns, check_cgroups, check_selinux, check_seccomp, check_limits, check_clock;
/* check-storage.c */
CheckRun check_storage, check_storage_place, check_workspace, check_space, check_leftovers;
