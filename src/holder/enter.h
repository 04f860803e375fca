#pragma once

/*
 * For 'podstep enter', in the container of a step that failed and was kept:
 *
 *   podstep-holder stay                                 keeps the container running, in place of what it ran
 *   podstep-holder enter DIRECTORY FILE [PROGRAM ARG...]  becomes PROGRAM, else a shell, in DIRECTORY and with the
 *   variables of FILE
 */

/** stay() - until it gets TERM; nobody else is there to reap what others leave behind */
int stay(char **argv);

/**
 * enter() - FILE as in with.h
 *
 * Return: an exit status, if it could not become it: 126 or 127, as shells have it.
 */
int enter(char **argv);
