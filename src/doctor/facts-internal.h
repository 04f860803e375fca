#pragma once

#include "doctor/facts.h"

#define FACT_FILE_MAX (1024U * 1024) /* of a file that is read whole: /etc/subuid of a large site */

/** facts_path() - below facts->root; NULL if memory is out */
char *facts_path(const Facts *facts, const char *path);
/** facts_read() - a small file, without blanks at its end; NULL if it cannot be read */
char *facts_read(const Facts *facts, const char *path);
/** facts_replace() - a copy in place of what stood there: 0 or -ENOMEM */
int facts_replace(char **place, const char *text);

/*
 * What is asked over D-Bus: linger of logind, the units of the user's own systemd. Done with 0 when all answers are
 * there or given up.
 */
int facts_ask_bus(sd_event *event, Facts *facts, TaskDone done, void *userdata, Task **ret_task);
/* Finds the engine and lets it describe itself; done with 0, also if there is none. */
int facts_ask_engine(sd_event *event, const char *url, Facts *facts, TaskDone done, void *userdata, Task **ret_task);
