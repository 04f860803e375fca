#pragma once

/*
 * A pull, as far as Podman and Docker do it alike: they answer 200 at once, and then come lines of JSON. What stands in
 * them, and what their end means, each knows itself.
 */

#include "engine/call.h"

#define PULL_LINE_MAX (1024U * 1024) /* bytes of the stream; the longest are lists of errors */

typedef struct Pull Pull;

/* Takes one line of the stream. -ENOMEM. */
typedef int (*PullRead)(Pull *pull, Json *json);

struct Pull {
        Call call;
        EngineProgress progress;
        PullRead read;
        Str line;                /* what came of one that is not yet whole */
        char *reference, *policy; /* policy: "always" where none was asked for */
        char *id;                /* of the image, when the stream told it */
        char *words;             /* of the error, when it told one */
        PullResult *ret;
};

static inline Pull *pull_of(Call *call) {
        return container_of(call, Pull, call);
}

/** pull_new() - a call that reads such a stream, and may take as long as words come; @ret is emptied */
int pull_new(Engine *engine, const PullSpec *pull_spec, const CallSpec *spec, PullRead read, EngineProgress progress,
             PullResult *ret, TaskDone done, void *userdata, Call **ret_call);

/** pull_take_line() - what came so far is a line: also the last one, which nothing need end; -ENOMEM, -EPROTO */
int pull_take_line(Pull *pull);

/** pull_keep() - a text of the stream, made fit for people, in place of what is kept there; NULL changes nothing */
int pull_keep(char **place, const char *text);
/** pull_tell() - the first line of @text to who follows the progress */
void pull_tell(Pull *pull, const char *text);
/** pull_failed() - notes what kind of failure it is */
void pull_failed(Pull *pull, int status, const char *words);

/** pull_put_login() - the members of an object: a token, or name and password */
void pull_put_login(JsonWriter *w, const RegistryLogin *login);
/** pull_set_login() - X-Registry-Auth of a JSON document */
int pull_set_login(Call *call, JsonWriter *w);
