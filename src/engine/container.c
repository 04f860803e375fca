/* What Podman and Docker say of containers in the same words. */

#include "engine/call.h"

#include <string.h>

int answer_container_id(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *id = NULL;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        r = json_get_string(json, "Id", &id, reterr);
        if (r < 0)
                return call_bad(r, reterr);
        return call_copy_string(json, "Id", call->ret.text);
}

/*
 * The container is there after all: it was made by a request whose answer was lost. If it is not, the refusal meant
 * something else.
 */
static int answer_adopt(Call *call, Reply *reply, Error **reterr) {
        if (reply->status == 404) {
                /*
                 * A request whose sender was killed may be half-way: the storage has the name, the container is not there
                 * yet. Only the words tell this from other refusals.
                 */
                if (strstr(error_message(call->refusal, 0), "already in use") && call_again(call, reply, NULL) == CALL_GOES_ON)
                        return CALL_GOES_ON;
                *reterr = TAKE_PTR(call->refusal);
                return error_number(*reterr);
        }
        return answer_container_id(call, reply, reterr);
}

int answer_created(Call *call, Reply *reply, Error **reterr) {
        if (reply->status != 500 && reply->status != 409)
                return answer_container_id(call, reply, reterr);
        /* "Name in use" is 500 from libpod, 409 from others; so is all else. The name tells: it is ours alone. */
        (void) call_check(reply, &call->refusal);
        call_set_path(call, (const char *const[3]) { "containers", call->name, "json" });
        return call_go_on(call, answer_adopt);
}

static const struct {
        const char *name;
        ContainerState state;
} container_states[] = {
        { "created", CONTAINER_CREATED }, { "configured", CONTAINER_CREATED }, { "initialized", CONTAINER_INITIALIZED },
        { "running", CONTAINER_RUNNING }, { "stopped", CONTAINER_EXITED },     { "exited", CONTAINER_EXITED },
};

static ContainerState state_of(const char *name) {
        FOREACH_ROW(row, container_states)
                if (str_equal(row->name, name))
                        return row->state;
        return CONTAINER_OTHER;
}

/* A number that may be missing. */
static uint64_t get_number(Json *json, const char *path) {
        int64_t value = 0;

        return json_get_int(json, path, &value, NULL) >= 0 && value > 0 ? (uint64_t) value : 0;
}

static int answer_inspect(Call *call, Reply *reply, Error **reterr) {
        _cleanup_(container_status_done) ContainerStatus status = { 0 };
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *state = NULL;
        int64_t code = 0;
        int r;

        r = call_json(reply, &json, reterr);
        if (r < 0)
                return r;
        r = json_get_string(json, "State.Status", &state, reterr);
        if (r >= 0)
                r = json_get_int(json, "State.ExitCode", &code, reterr);
        if (r < 0)
                return call_bad(r, reterr);
        status.state = state_of(state);
        status.exit_code = (int) MAX(-1, MIN(code, 255));
        status.pid = get_number(json, "State.Pid");
        status.monitor_pid = get_number(json, "State.ConmonPid");
        (void) json_get_bool(json, "State.OOMKilled", &status.oom_killed, NULL);
        if (call_copy_string(json, "Id", &status.id) < 0 ||
            call_copy_string(json, "State.Error", &status.error) < 0)
                return error_oom(reterr);
        *call->ret.status = status;
        status = (ContainerStatus) { 0 };
        return 0;
}

int service_container_inspect(Engine *engine, const char *name, ContainerStatus *ret, TaskDone done, void *userdata,
                             Task **ret_task) {
        CallSpec spec = { .doing = "inspecting container",
                          .method = "GET",
                          .path = { "containers", name, "json" },
                          .answer = answer_inspect };
        Call *call = NULL;
        int r;

        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        call->ret.status = ret;
        return call_start_take(call, ret_task);
}
