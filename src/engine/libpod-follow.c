/* Following a container: by its files where they can be seen, else by what the service tells. */

#include "engine/libpod-internal.h"

#include <errno.h>

#include "engine/follow.h"

int libpod_container_follow(Engine *engine, const FollowSpec *spec, ContainerExit *ret, TaskDone done, void *userdata, Task **ret_task) {
        Libpod *libpod = libpod_of(engine);
        FollowMeans means = { .engine = engine, .listeners = libpod->listeners, .exits_directory = libpod->exits_directory };
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        r = follow_start(&means, spec, ret, done, userdata, ret_task, &error);
        return r < 0 && r != -ENOMEM ? task_defer(engine->event, r, error, done, userdata, ret_task) : r;
}
