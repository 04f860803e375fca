/* What is read can be written, and what is written reads the same. No getter trips over anything. */

#include <errno.h>

#include "document/json.h"
#include "fuzz.h"

static void check_getters(Json *json, const char *path) {
        const char *string = NULL;
        int64_t integer;
        bool boolean;
        Json *child;
        int r;

        r = json_get_string(json, path, &string, NULL);
        require((r == 0) == (string != NULL));
        require(json_find_string(json, path) == string);
        if (r == 0)
                require(strlen(string) == (size_t) json_object_get_string_len(json_object_object_get(json, path)));
        (void) json_get_int(json, path, &integer, NULL);
        (void) json_get_bool(json, path, &boolean, NULL);
        (void) json_get_object(json, path, &child, NULL);
        (void) json_get_array(json, path, &child, NULL);
}

static void check_members(Json *json) {
        json_object_object_foreach(json, key, value) {
                (void) value;
                if (*key && !strchr(key, '.'))
                        check_getters(json, key);
        }
}

/* The values of the text one after the other: what is one value is found to be that one, and no other is. */
static void check_sequence(const char *text, size_t size, Json *whole, bool is_whole) {
        _cleanup_(json_sequence_done) JsonSequence sequence;
        size_t n_values = 0, before = 0;
        int r = json_sequence_init(&sequence, text, size, NULL);

        for (; r >= 0 && json_sequence_peek(&sequence) >= 0; n_values++) {
                _cleanup_(json_unrefp) Json *json = NULL;

                r = json_sequence_next(&sequence, &json, NULL);
                require(r == 0 || (r == -EBADMSG && !json));
                require(r < 0 || (sequence.at > before && json_sequence_offset(&sequence) <= size));
                require(!is_whole || (r >= 0 && json_object_equal(json, whole)));
                before = sequence.at;
        }
        require((r >= 0 && n_values == 1) == is_whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_(json_unrefp) Json *json = NULL, *again = NULL;
        _cleanup_free_ char *text = fuzz_text(data, size);
        const char *printed;
        int r;

        r = json_parse(text, size, &json, &error);
        require((r < 0) == (error != NULL));
        check_sequence(text, size, json, r >= 0);
        if (r < 0) {
                require(r == -EBADMSG && !json);
                return 0;
        }
        printed = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);
        require(printed);
        require(json_parse(printed, strlen(printed), &again, NULL) == 0);
        require(json_object_equal(json, again));
        if (json_object_is_type(json, json_type_object))
                check_members(json);
        return 0;
}
