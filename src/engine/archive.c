/* Files inside of containers, as archives. Each call costs Podman 70-150 ms: a helper process of its own. */

#include "engine/service-internal.h"

#include <errno.h>
#include <string.h>

#include "engine/tar.h"

#define ARCHIVE_OVERHEAD_MAX (64U * 1024) /* headers, attributes, padding */

typedef struct ReadFile {
        Call call;
        size_t max_bytes, *ret_n;
        bool has_followed; /* a link */
} ReadFile;

static Call *read_file_free(Call *call) {
        free(container_of(call, ReadFile, call));
        return NULL;
}

static int answer_archive(Call *call, Reply *reply, Error **reterr);

/*
 * Podman itself follows links; one is left over when it could not be resolved at the time, or from an engine that does
 * not.
 */
static int follow_link(Call *call, const char *target, Error **reterr) {
        ReadFile *file = container_of(call, ReadFile, call);

        if (file->has_followed || *target != '/')
                return error_set(reterr, ENOENT, "it is a link to '%s', which is not there", target);
        file->has_followed = true;
        call_set_path(call, (const char *const[3]) { "containers", call->name, "archive" });
        call_add_query(call, "path", target);
        return call_go_on(call, answer_archive);
}

static int too_large(const ReadFile *file, Error **reterr) {
        return error_set(reterr, EFBIG, "it is larger than %zu bytes", file->max_bytes);
}

static int explain_large(Call *call, int r, Error **reterr) {
        return r == -EMSGSIZE ? too_large(container_of(call, ReadFile, call), reterr) : r;
}

static int answer_archive(Call *call, Reply *reply, Error **reterr) {
        ReadFile *file = container_of(call, ReadFile, call);
        _cleanup_free_ char *link = NULL;
        const char *content = NULL;
        size_t n = 0;
        int r;

        r = call_check(reply, reterr);
        if (r < 0)
                return r;
        r = tar_first_file(reply->body, reply->n_body, &content, &n, &link);
        if (r == -EBADMSG)
                return call_bad(r, reterr);
        if (r < 0)
                return error_set(reterr, -r, "%s", error_message(NULL, r));
        if (r > 0)
                return follow_link(call, link, reterr);
        if (n > file->max_bytes)
                return too_large(file, reterr);
        *call->ret.text = malloc(n + 1);
        if (!*call->ret.text)
                return error_oom(reterr);
        memcpy(*call->ret.text, content, n);
        (*call->ret.text)[n] = '\0';
        *file->ret_n = n;
        return 0;
}

int archive_read_file(Engine *engine, const char *name, const char *path, size_t max_bytes, char **ret,
                               size_t *ret_n, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "reading a file of the container",
                          .method = "GET",
                          .path = { "containers", name, "archive" },
                          .name = name,
                          .answer = answer_archive };
        _cleanup_(call_freep) Call *call = NULL;
        ReadFile *file;
        int r;

        file = calloc(1, sizeof(*file));
        if (!file)
                return -ENOMEM;
        file->max_bytes = max_bytes;
        file->ret_n = ret_n;
        call = &file->call;
        call->free_derived = read_file_free;
        r = call_init(call, engine, &spec, done, userdata);
        if (r < 0)
                return r;
        call->ret.text = ret;
        call->explain = explain_large;
        call->reply_max = max_bytes + ARCHIVE_OVERHEAD_MAX;
        call_add_query(call, "path", path);
        return call_start_take(TAKE_PTR(call), ret_task);
}

static int answer_has_path(Call *call, Reply *reply, Error **reterr) {
        int r;

        if (reply->status == 404)
                return 0;
        r = call_check(reply, reterr);
        return r < 0 ? r : 1;
}

int archive_has_path(Engine *engine, const char *name, const char *path, TaskDone done, void *userdata,
                              Task **ret_task) {
        CallSpec spec = { .doing = "looking for a file of the container",
                          .method = "HEAD",
                          .path = { "containers", name, "archive" },
                          .answer = answer_has_path };
        Call *call = NULL;
        int r;

        r = call_new(engine, &spec, done, userdata, &call);
        if (r < 0)
                return r;
        call_add_query(call, "path", path);
        return call_start_take(call, ret_task);
}

/* A whole archive, one way or the other. */
typedef struct Archive {
        Call call;
        ArchiveSpec spec;
} Archive;

static Call *archive_free(Call *call) {
        free(container_of(call, Archive, call));
        return NULL;
}

static void archive_rewind(Call *call) {
        Archive *archive = container_of(call, Archive, call);

        if (archive->spec.rewind)
                archive->spec.rewind(archive->spec.userdata);
}

static ssize_t archive_source(char *buffer, size_t n, void *userdata) {
        Call *call = userdata;
        Archive *archive = container_of(call, Archive, call);

        return archive->spec.source(buffer, n, archive->spec.userdata);
}

static int archive_sink(const char *bytes, size_t n, void *userdata) {
        Call *call = userdata;
        Archive *archive = container_of(call, Archive, call);

        return n > 0 ? archive->spec.sink(bytes, n, archive->spec.userdata) : 0;
}

static int archive_start(Engine *engine, const CallSpec *spec, const ArchiveSpec *archive_spec, TaskDone done,
                         void *userdata, Task **ret_task) {
        _cleanup_(call_freep) Call *call = NULL;
        Archive *archive;
        int r;

        archive = calloc(1, sizeof(*archive));
        if (!archive)
                return -ENOMEM;
        archive->spec = *archive_spec;
        archive->spec.container = archive->spec.path = NULL; /* borrowed for the call only */
        call = &archive->call;
        call->free_derived = archive_free;
        call->before_send = archive_rewind;
        r = call_init(call, engine, spec, done, userdata);
        if (r < 0)
                return r;
        call_add_query(call, "path", archive_spec->path);
        /* However large it is: only silence is a fault. */
        call->timeout_usec = 0;
        call->idle_usec = call->service->times.slow_usec;
        if (archive_spec->source) {
                call->source = archive_source;
                call->content_type = "application/x-tar";
        } else
                call->chunk = archive_sink;
        return call_start_take(TAKE_PTR(call), ret_task);
}

int archive_put(Engine *engine, const ArchiveSpec *archive, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "copying files into the container",
                          .method = "PUT",
                          .path = { "containers", archive->container, "archive" } };

        return archive_start(engine, &spec, archive, done, userdata, ret_task);
}

int archive_get(Engine *engine, const ArchiveSpec *archive, TaskDone done, void *userdata, Task **ret_task) {
        CallSpec spec = { .doing = "copying files out of the container",
                          .method = "GET",
                          .path = { "containers", archive->container, "archive" } };

        return archive_start(engine, &spec, archive, done, userdata, ret_task);
}
