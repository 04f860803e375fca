#pragma once

/* What 'image' and the entries of 'services' have in common. */

#include "pipeline/gitlab-internal.h"

typedef struct GitlabContainerKeys {
        const YamlNode *alias, *command, *docker, *entrypoint, *name, *pull_policy, *variables;
} GitlabContainerKeys;

/* An image or a service that is being made into a step. */
typedef struct GitlabReader {
        Gitlab *gitlab;
        const GitlabJob *job;
        const GitlabVariables *variables;
        char *owner;      /* "service 'postgres' of job 'test'" */
        const char *noun; /* "image", "service" */
        GitlabContainerKeys keys;
        const YamlNode *name;
} GitlabReader;

/**
 * gitlab_container_read() - reads a name, or a map with more
 *
 * Return: 0; 1 if there is no use in going on with it.
 */
int gitlab_container_read(GitlabReader *reader, const YamlNode *node, const KeyTable *table);

/** gitlab_container_expand() - the text of a node with its variables put in; NULL after a fault. 0 or -ENOMEM */
int gitlab_container_expand(GitlabReader *reader, const YamlNode *node, char **ret);

/** gitlab_container_compile() - image, pull policy, user, entrypoint and arguments of the step: 0 or -ENOMEM */
int gitlab_container_compile(GitlabReader *reader, PlanStep *step);
