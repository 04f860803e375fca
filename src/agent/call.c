/* What a request asks for, and the answers that routes give. */

#include "agent/call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define RETRY_AFTER_SEC "30" /* of what is full, or about to end */

const char *call_query(const Call *call, const char *name) {
        return MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, name);
}

int call_query_uint(const Call *call, const char *name, uint64_t fallback, uint64_t *ret) {
        const char *text = call_query(call, name);

        *ret = fallback;
        return text ? parse_u64(text, ret) : 0;
}

static int reply(Call *call, int status, const char *type, char *text_take) {
        struct MHD_Response *response;
        int r;

        if (!text_take)
                return MHD_NO;
        response = MHD_create_response_from_buffer(strlen(text_take), text_take, MHD_RESPMEM_MUST_FREE);
        if (!response) {
                free(text_take);
                return MHD_NO;
        }
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
        if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
                (void) MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, RETRY_AFTER_SEC);
        r = (int) MHD_queue_response(call->connection, (unsigned) status, response);
        MHD_destroy_response(response);
        return r;
}

int call_reply_text(Call *call, int status, const char *type, char *text_take) {
        return reply(call, status, type, text_take);
}

int call_reply_json(Call *call, int status, JsonWriter *w) {
        char *text = NULL, *line;

        if (json_finish(w, false, &text) < 0)
                return MHD_NO;
        line = str_printf("%s\n", text);
        free(text);
        return reply(call, status, "application/json", line);
}

int call_reply_empty(Call *call) {
        return reply(call, MHD_HTTP_NO_CONTENT, "application/json", strdup(""));
}

int call_reply_error_text(Call *call, int status, const char *text) {
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_string(&w, "error", text);
        json_put_int(&w, "status", status);
        json_close(&w);
        return call_reply_json(call, status, &w);
}

int call_reply_error(Call *call, int status, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0) {
                text = NULL;
                return MHD_NO;
        }
        return call_reply_error_text(call, status, text);
}

int call_reply_failure(Call *call, int r, const Error *error) {
        static const struct {
                int errnum, status;
        } rows[] = { { ENOENT, 404 },    { EINVAL, 400 }, { EBADMSG, 400 }, { EACCES, 403 }, { EBUSY, 409 },
                     { ESHUTDOWN, 503 }, { EAGAIN, 503 }, { EFBIG, 413 },   { ENOSPC, 507 } };
        int status = 500;

        FOREACH_ROW(row, rows)
                if (row->errnum == -r)
                        status = row->status;
        return call_reply_error(call, status, "%s", error_message(error, r));
}

int call_get_job(Call *call, StoredJob *ret) {
        _cleanup_(error_freep) Error *error = NULL;
        int r = store_get_job(call->agent->store, call->argument, ret, &error);

        return r < 0 ? call_reply_failure(call, r, error) == MHD_YES ? -ENOENT : -EIO : 0;
}
