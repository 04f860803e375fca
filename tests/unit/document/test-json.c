#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "document/json.h"

static void test_write(void **state) {
        _cleanup_map_ Map labels = STRMAP_INIT, empty = STRMAP_INIT;
        _cleanup_free_ char *text = NULL, *pretty = NULL;
        char *const argv[] = { (char *) "sh", (char *) "-c", NULL }, *const none[] = { NULL };
        JsonWriter w = { 0 };

        assert_int_equal(strmap_put(&labels, "io.podstep.job", "7"), 0);
        assert_int_equal(strmap_put(&labels, "bad\xff", "\xfe"), 0);
        json_open_object(&w, NULL);
        json_put_string(&w, "image", "a/b:1");
        json_put_string(&w, "left", NULL);
        json_put_strv(&w, "command", argv);
        json_put_strv(&w, "none", none);
        json_put_strv(&w, "null", NULL);
        json_put_strv_always(&w, "always", none);
        json_put_strv_always(&w, "always too", NULL);
        json_put_strmap(&w, "labels", &labels);
        json_put_strmap(&w, "no labels", &empty);
        json_open_array(&w, "numbers");
        json_put_int(&w, NULL, INT64_MIN);
        json_put_uint(&w, NULL, UINT64_MAX);
        json_put_bool(&w, NULL, true);
        json_put_null(&w, NULL);
        json_close(&w);
        json_put_bytes(&w, "bytes", "a\0\xf0\x9f\"\n", 6);
        json_put_bytes(&w, "nothing", NULL, 0);
        json_close(&w);
        assert_int_equal(json_finish(&w, false, &text), 0);
        assert_string_equal(
                text, "{\"image\":\"a/b:1\",\"command\":[\"sh\",\"-c\"],\"always\":[],\"always too\":[],"
                      "\"labels\":{\"io.podstep.job\":\"7\",\"bad\xef\xbf\xbd\":\"\xef\xbf\xbd\"},"
                      "\"numbers\":[-9223372036854775808,18446744073709551615,true,null],"
                      "\"bytes\":\"a\\u0000\xef\xbf\xbd\xef\xbf\xbd\\\"\\n\",\"nothing\":\"\"}");

        json_open_object(&w, NULL); /* json_finish() has made it new */
        json_put_int(&w, "a", 1);
        json_close(&w);
        assert_int_equal(json_finish(&w, true, &pretty), 0);
        assert_string_equal(pretty, "{\n  \"a\": 1\n}");
}

static void test_write_dropped(void **state) {
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_open_array(&w, "half");
        json_put_string(&w, NULL, "built");
        json_writer_done(&w); /* what is leaked here, the sanitizer tells */
        assert_null(w.root);
}

static void test_parse(void **state) {
        static const struct {
                const char *in;
                const char *want; /* printed again; or the start of the message */
        } rows[] = {
                { "{}", "{}" },
                { " [1, 2.50, -3, \"x\\u00e9\\ud83d\\ude00\", null, true] \n",
                  "[1,2.50,-3,\"x\xc3\xa9\xf0\x9f\x98\x80\",null,true]" },
                { "7", "7" },
                { "null", "null" },
                { "\"a\"", "\"a\"" },
                { "18446744073709551615", "18446744073709551615" },
                { "", "not JSON: it ends in the middle, after 0 bytes" },
                { "   ", "not JSON: it ends in the middle, after 3 bytes" },
                { "{\"a\":", "not JSON: it ends in the middle, after 5 bytes" },
                { "[1,", "not JSON: it ends in the middle" },
                { "\"abc", "not JSON: it ends in the middle" },
                { "{\"a\":1,}", "not JSON: " },
                { "[1] [2]", "not JSON: " },
                { "[1]x", "not JSON: " },
                { "// no\n1", "not JSON: " },
                { "NaN", "not JSON: " },
                { "[Infinity]", "not JSON: " },
                { "[-Infinity]", "not JSON: " },
                { "{\"a\":[1e999]}", "not JSON: a number is out of range" },
                { "[\"\xff\"]", "not JSON: invalid UTF-8 at byte 2" },
                { "[\"\xc0\xaf\"]", "not JSON: invalid UTF-8 at byte 2" },
                { "<html>", "not JSON: unexpected character at byte 0" },
                { "[\"\xc3\xa9\", 6e]", "not JSON: number expected at byte 9" },
                { "[\"\xf0\x9f\x98\x80\"] x", "not JSON: something follows the value at byte 9" },
                { "\xc3\xa9", "not JSON: unexpected character at byte 0" },
                { "[\"\xc3\xa9", "not JSON: it ends in the middle, after 4 bytes" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_(json_unrefp) Json *json = NULL;
                int r = json_parse(row->in, strlen(row->in), &json, &error);

                print_message("case '%s': %s\n", row->in, error_message(error, r));
                if (str_starts_with(row->want, "not JSON")) {
                        assert_int_equal(r, -EBADMSG);
                        assert_null(json);
                        assert_true(str_starts_with(error_message(error, r), row->want));
                } else {
                        assert_int_equal(r, 0);
                        assert_null(error);
                        assert_string_equal(json_object_to_json_string_ext(json, JSON_C_TO_STRING_NOSLASHESCAPE),
                                            row->want);
                }
        }
}

static void test_parse_bytes(void **state) {
        _cleanup_(json_unrefp) Json *json = NULL;
        _cleanup_(error_freep) Error *error = NULL;

        assert_int_equal(json_parse("12345", 2, &json, NULL), 0); /* not a byte beyond the length */
        assert_int_equal(json_object_get_int(json), 12);
        json = json_unref(json);
        assert_int_equal(json_parse("[1]   {", 6, &json, NULL), 0);
        json = json_unref(json);
        assert_int_equal(json_parse("[1]\0[2]", 7, &json, NULL), -EBADMSG);
        assert_int_equal(json_parse("[1\0]", 4, &json, &error), -EBADMSG);
}

/* One after the other, up to the end or the first that is none. */
static void test_sequence(void **state) {
        static const struct {
                const char *in;
                size_t n;
                const char *want; /* printed again, with '|' between them */
                const char *fault;
        } rows[] = {
                { "", 0, "", NULL },
                { " \n\t", 3, "", NULL },
                { "{}", 2, "{}|", NULL },
                { "{\"a\":1}\n{\"b\":[2,{}]} \n", 21, "{\"a\":1}|{\"b\":[2,{}]}|", NULL },
                { "{}{}[1]\"x\"null 1 2", 18, "{}|{}|[1]|\"x\"|null|1|2|", NULL },
                { "12345 67", 7, "12345|6|", NULL }, /* not a byte beyond the length */
                { "{\"a\":\"}{\\\"}{\\\\\"}{\"\xc3\xa9\":\"]\"}", 26,
                  "{\"a\":\"}{\\\"}{\\\\\"}|{\"\xc3\xa9\":\"]\"}|", NULL },
                { "{\"\xc3\xa9\":1} x", 10, "{\"\xc3\xa9\":1}|", "not JSON: unexpected character at byte 9" },
                { "{} {\"a\":", 8, "{}|", "not JSON: it ends in the middle, after 8 bytes" },
                { "{} [1e999]", 10, "{}|", "not JSON: a number is out of range" },
                { "{}\0{}", 5, "{}|", "not JSON: " },
                { "{}\xff", 3, "", "not JSON: invalid UTF-8 at byte 2" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str got = STR_INIT(STR_MAX_DEFAULT);
                _cleanup_(json_sequence_done) JsonSequence sequence;
                _cleanup_(error_freep) Error *error = NULL;
                int r = json_sequence_init(&sequence, row->in, row->n, &error);

                print_message("case '%s'\n", row->in);
                while (r >= 0 && json_sequence_peek(&sequence) >= 0) {
                        _cleanup_(json_unrefp) Json *json = NULL;

                        r = json_sequence_next(&sequence, &json, &error);
                        if (r >= 0)
                                (void) str_appendf(&got, "%s|",
                                                   json ? json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN)
                                                        : "null");
                }
                assert_string_equal(str_get(&got), row->want);
                assert_int_equal(r, row->fault ? -EBADMSG : 0);
                if (row->fault)
                        assert_true(str_starts_with(error_message(error, r), row->fault));
        }
}

static int parse_nested(unsigned depth, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);

        for (unsigned i = 0; i < depth; i++)
                (void) str_append_char(&text, '[');
        for (unsigned i = 0; i < depth; i++)
                (void) str_append_char(&text, ']');
        assert_int_equal(text.error, 0);
        return json_parse(str_get(&text), text.n, &json, reterr);
}

static void test_depth(void **state) {
        _cleanup_(error_freep) Error *error = NULL;

        assert_int_equal(parse_nested(JSON_DEPTH_MAX - 1, NULL), 0);
        assert_int_equal(parse_nested(JSON_DEPTH_MAX + 1, NULL), -EBADMSG);
        assert_int_equal(parse_nested(100000, &error), -EBADMSG);
        assert_non_null(strstr(error_message(error, 0), "levels deep"));
}

static void test_get(void **state) {
        static const char text[] =
                "{\"State\":{\"ExitCode\":137,\"OOMKilled\":false,\"Big\":18446744073709551615,\"Half\":0.5},"
                "\"Name\":\"a\",\"Cut\":\"a\\u0000b\",\"List\":[1],\"Null\":null}";
        static const struct {
                const char *path;
                char want; /* s(tring), i(nteger), b(oolean), o(bject), a(rray) */
                const char *message; /* NULL: it is there */
                int want_r;
        } rows[] = {
                { "State.ExitCode", 'i', NULL, 0 },
                { "State.OOMKilled", 'b', NULL, 0 },
                { "State", 'o', NULL, 0 },
                { "", 'o', NULL, 0 },
                { "List", 'a', NULL, 0 },
                { "Name", 's', NULL, 0 },
                { "State.ExitCode", 's', ".State.ExitCode: expected string, found number", -EBADMSG },
                { "State.Half", 'i', ".State.Half: expected whole number, found number", -EBADMSG },
                { "State.Big", 'i', ".State.Big: the number is too large", -EBADMSG },
                { "Null", 's', ".Null: expected string, found null", -ENOENT },
                { "Null.Deeper", 's', ".Null.Deeper: missing", -ENOENT },
                { "Nam", 's', ".Nam: missing", -ENOENT },
                { "Names", 's', ".Names: missing", -ENOENT },
                { "State.Missing.More", 's', ".State.Missing: missing", -ENOENT },
                { "Name.First.More", 's', ".Name: expected object, found string", -EBADMSG },
                { "Cut", 's', ".Cut: the string holds a NUL character", -EBADMSG },
                { "", 'a', ".: expected array, found object", -EBADMSG },
        };
        _cleanup_(json_unrefp) Json *json = NULL;

        assert_int_equal(json_parse(text, strlen(text), &json, NULL), 0);
        FOREACH_ROW(row, rows) {
                _cleanup_(error_freep) Error *error = NULL;
                const char *string = NULL;
                int64_t integer;
                bool boolean;
                Json *child;
                int r = 1;

                print_message("case '%s' as %c\n", row->path, row->want);
                switch (row->want) {
                case 's':
                        r = json_get_string(json, row->path, &string, &error);
                        assert_ptr_equal(json_find_string(json, row->path), string);
                        break;
                case 'i':
                        r = json_get_int(json, row->path, &integer, &error);
                        break;
                case 'b':
                        r = json_get_bool(json, row->path, &boolean, &error);
                        break;
                case 'o':
                        r = json_get_object(json, row->path, &child, &error);
                        break;
                case 'a':
                        r = json_get_array(json, row->path, &child, &error);
                        break;
                }
                assert_int_equal(r, row->want_r);
                if (row->message)
                        assert_string_equal(error_message(error, r), row->message);
                else
                        assert_null(error);
        }
}

static void test_get_values(void **state) {
        static const char text[] = "{\"n\":-5,\"t\":true,\"s\":\"x\"}";
        _cleanup_(json_unrefp) Json *json = NULL;
        const char *string;
        int64_t integer;
        bool boolean;

        assert_int_equal(json_parse(text, strlen(text), &json, NULL), 0);
        assert_int_equal(json_get_int(json, "n", &integer, NULL), 0);
        assert_int_equal(integer, -5);
        assert_int_equal(json_get_bool(json, "t", &boolean, NULL), 0);
        assert_true(boolean);
        assert_int_equal(json_get_string(json, "s", &string, NULL), 0);
        assert_string_equal(string, "x");
        assert_int_equal(json_get_string(NULL, "s", &string, NULL), -ENOENT);
        assert_null(json_find_string(json, "n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_write),      cmocka_unit_test(test_write_dropped),
                cmocka_unit_test(test_parse),      cmocka_unit_test(test_parse_bytes),
                cmocka_unit_test(test_sequence),
                cmocka_unit_test(test_depth),      cmocka_unit_test(test_get),
                cmocka_unit_test(test_get_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
