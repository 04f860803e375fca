#pragma once

/**
 * own() - podstep-holder own UID GID PATH...: gives whole trees to a user, links themselves and not where they point to
 *
 * For engines that cannot map users: the files of a job must belong to whoever its next step runs as.
 *
 * Return: an exit status.
 */
int own(char **argv);
