#pragma once

/**
 * run_programs() - one program after the other, as long as they succeed; each is shown before it starts
 * @argv: programs with their arguments, parted by ";", ended by NULL
 *
 * Return: the exit status of the last one; 128 + N for a signal, 127 if it cannot be started.
 */
int run_programs(char **argv);
