/* What a client submits: read or refused with a sentence; what is kept of it reads the same, and holds no secrets. */

#include <errno.h>

#include "agent/request.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size), *stored = NULL, *secrets = NULL, *again_stored = NULL;
        _cleanup_(error_freep) Error *error = NULL;
        Request request, again;
        int r = request_parse(text, size, NULL, &request, &error);

        require((r < 0) == (error != NULL));
        if (r < 0) {
                require(r == -EINVAL);
                return 0;
        }
        require(request_to_json(&request, 1, NULL, &stored) == 0);
        require(request_secrets_to_json(&request, &secrets) == 0);
        require(request_parse(stored, strlen(stored), secrets, &again, NULL) == 0);
        require(again.plan == 1 && again.source == request.source && again.workspace == request.workspace);
        require(map_size(&again.secrets) == map_size(&request.secrets));
        require(request_to_json(&again, 1, NULL, &again_stored) == 0);
        require(str_equal(stored, again_stored));
        request_done(&request);
        request_done(&again);
        return 0;
}
