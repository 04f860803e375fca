#pragma once

/* How GitLab Runner names a service after its image. */

/**
 * gitlab_service_aliases() - the names under which a service is reached by itself
 *
 * Tag, digest and the port of the registry go; each '/' becomes "__", and for a second name "-". Source: GitLab Runner,
 * helpers/container/services/services.go.
 *
 * Return: 0 with one or two names (strv); -EINVAL if that is no name of an image; -ENOMEM.
 */
int gitlab_service_aliases(const char *image, char ***ret);
