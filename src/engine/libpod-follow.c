/* Following a container: by its files where they can be seen, else by what the service tells. */

#include "engine/libpod-internal.h"

#include <errno.h>

#include "base/log.h"
#include "engine/attach.h"
#include "engine/follow.h"

int libpod_container_follow(Engine *engine, const FollowSpec *spec, ContainerExit *ret, TaskDone done, void *userdata,
                            Task **ret_task) {
        Service *service = service_of(engine);
        FollowMeans means = { .engine = engine,
                              .listeners = service->listeners,
                              .exits_directory = service->exits_directory };
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        if (!engine->info.is_local || !spec->log_path)
                return attach_start(service, spec, ret, done, userdata, ret_task);
        r = follow_start(&means, spec, ret, done, userdata, ret_task, &error);
        if (r == -ENOMEM || r >= 0)
                return r;
        /* No inotify watch left, mostly. The slower way needs none; the log file is then written for nothing. */
        log_debug("following container '%s' through the service: %s", spec->container, error_message(error, r));
        return attach_start(service, spec, ret, done, userdata, ret_task);
}
