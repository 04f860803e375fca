#pragma once

/* 'podstep config import': a GitLab Runner's config.toml becomes ours. */

#include "cli/config-options.h"

/** config_import() - the YAML to standard output or --output, the report to standard error; returns the exit code */
int config_import(const ConfigValues *values, const char *path);
