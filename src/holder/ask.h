#pragma once

/*
 * An agent in the sandbox of its unit is in a user namespace beside that of Podman, from where neither the mounts nor
 * the network of a container can be seen. So podstep-guard@.service, outside of the sandbox, does two things for it and
 * no more. The request is the words of the command, each ended by NUL; the answer what the command says, NUL, and the
 * digit of its exit status.
 */

#define ASK_UNANSWERED 2 /* there is a guard, but it did not answer */

/**
 * ask() - podstep-holder ask SOCKET block|look ARGUMENT...: says and returns what the guard at the socket answers
 *
 * Return: its exit status, 0 or 1; 1 if nobody is there, ASK_UNANSWERED if somebody is.
 */
int ask(char **argv);

/** answer() - podstep-holder guard: the guard; its standard input and output are the connection */
typedef struct AnswerVerb {
        const char *name;
        int (*run)(char **argv);
} AnswerVerb;
int answer(const AnswerVerb *verbs);
