/* /v1/sources: archives of files for jobs, unpacked as they come. */

#include "agent/call.h"

#define UPLOAD_BYTES_MAX (2ULL * 1024 * 1024 * 1024)

static int post_source(Call *call) {
        _cleanup_(error_freep) Error *error = NULL;
        JsonWriter w = { 0 };
        int r = untar_end(call->untar, &error);

        if (r < 0)
                return call_reply_failure(call, r, error);
        json_open_object(&w, NULL);
        json_put_string(&w, "id", call->upload);
        json_close(&w);
        call->keeps_upload = true;
        return call_reply_json(call, MHD_HTTP_CREATED, &w);
}

const Route source_routes[] = {
        { "POST", "/v1/sources", post_source, .body_max = UPLOAD_BYTES_MAX, .unpacks = true },
        { 0 },
};
