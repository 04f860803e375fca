/* Any text is metadata or a fault with words; what it says survives the way through the variables. */

#include <errno.h>

#include "base/str.h"
#include "base/strv.h"
#include "fuzz.h"
#include "pipeline/metadata.h"

#define INPUT_BYTES_MAX (16U * 1024)

/* Made from fields that no variable holds. */
static bool is_lossy(const char *name) {
        return str_ends_with(name, "_PIPELINE_URL") || str_equal(name, "CI_STEP_URL") ||
               str_equal(name, "CI_PIPELINE_FILES");
}

static void metadata_cleanup(Metadata *metadata) {
        metadata_done(metadata);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(metadata_cleanup) Metadata metadata, again;
        _cleanup_map_ Map environment = STRMAP_INIT, environment_again = STRMAP_INIT;
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_free_ char *text = fuzz_text(data, size);
        int r;

        metadata_init(&metadata);
        metadata_init(&again);
        if (size > INPUT_BYTES_MAX)
                return 0;
        r = metadata_from_json(text, size, &metadata, &error);
        require((r < 0) == (error != NULL));
        require(r == 0 || r == -EBADMSG);
        require(metadata_to_environment(&metadata, &environment) == 0);
        require(metadata_from_environment(&environment, &again) == 0);
        require(metadata_to_environment(&again, &environment_again) == 0);
        MAP_FOREACH(entry, &environment) {
                require(!str_is_empty(entry->value));
                require(is_lossy(entry->key) || str_equal(entry->value, strmap_get(&environment_again, entry->key)));
        }
        require(map_size(&environment_again) >= map_size(&environment));
        return 0;
}
