#pragma once

/* Where podstep's other programs are. */

/**
 * program_find() - one that belongs to podstep: beside the running one, in the build tree, or below libexec when
 * installed
 * @folder: of the build tree: "holder"
 *
 * Return: its path, heap; NULL if there is none, or no memory.
 */
char *program_find(const char *name, const char *folder);
