#pragma once

/* One more program in a container that runs: started over the API, whose connection then is its input and output. */

#include "engine/engine.h"

/* As engine_exec_start() and engine_exec_resize(), of services. */
int exec_start(Engine *engine, const ExecSpec *spec, TaskDone done, void *userdata, Task **ret_task);
void exec_resize(Task *task, TerminalSize size);
