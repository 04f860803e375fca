#pragma once

/*
 * What a run is told of itself: repository, commit, event. Where several know it, the first counts: the user's CI_*
 * variables, the options, the metadata file, git, the defaults.
 */

#include "cli/run-options.h"
#include "cli/workflow.h"
#include "loop/task.h"
#include "pipeline/metadata.h"

typedef struct DescribeSpec {
        const RunOptions *options;
        const char *checkout;
        const Map *environment; /* what the user gave: --env, --env-file */
        const WorkflowFiles *files; /* git is asked for what they need */
} DescribeSpec;

/**
 * describe_start() - done with 0 and *ret filled, or with what is wrong with the metadata file or the base
 * @spec: borrowed until it is done
 * @ret:  initialized; metadata_done() it whatever comes
 */
int describe_start(sd_event *event, const DescribeSpec *spec, Metadata *ret, TaskDone done, void *userdata,
                   Task **ret_task);
