#include "test.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/base64.h"
#include "job/mask-forms.h"
#include "job/mask.h"

static Mask *make_mask(const char *const *secrets) {
        _cleanup_map_ Map map = STRMAP_INIT;
        Mask *mask = NULL;

        for (size_t i = 0; secrets[i]; i++)
                assert_int_equal(strmap_put(&map, (char[]) { (char) ('a' + i), '\0' }, secrets[i]), 0);
        assert_int_equal(mask_new(&map, &mask, NULL), 0);
        return mask;
}

/* The text in pieces: cut before each position in cuts (ascending, ended by SIZE_MAX). */
static char *mask_in_pieces(const Mask *mask, const char *text, const size_t *cuts) {
        _cleanup_(mask_stream_freep) MaskStream *stream = NULL;
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
        size_t n = strlen(text), from = 0;

        assert_int_equal(mask_stream_new(mask, &stream), 0);
        for (;; cuts++) {
                size_t to = MIN(*cuts, n);

                assert_int_equal(mask_stream_feed(stream, text + from, to - from, &out), 0);
                from = to;
                if (*cuts == SIZE_MAX)
                        break;
        }
        assert_int_equal(mask_stream_end(stream, &out), 0);
        return str_take(&out);
}

/* The rule, written down the slow way. */
static char *mask_slowly(const char *const *secrets, const char *text) {
        _cleanup_(mask_forms_done) MaskForms forms = { 0 };
        _cleanup_str_ Str bare = STR_INIT(STR_MAX_DEFAULT), out = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_free_ bool *is_secret = calloc(strlen(text) + 1, sizeof(bool));
        bool was_masked = false;
        size_t k = 0;

        for (size_t i = 0; secrets[i]; i++)
                assert_int_equal(mask_forms_add(&forms, secrets[i]), 0);
        for (const char *s = text; *s; s++)
                if (!strchr("\r\n", *s))
                        (void) str_append_char(&bare, *s);
        for (size_t i = 0; i < forms.n_texts; i++)
                for (const char *s = str_get(&bare); (s = strstr(s, forms.texts[i])); s++)
                        memset(is_secret + (s - str_get(&bare)), true, strlen(forms.texts[i]));
        for (const char *s = text; *s; s++) {
                bool masked = !strchr("\r\n", *s) && is_secret[k++];

                if (!masked)
                        (void) str_append_char(&out, *s);
                else if (!was_masked)
                        (void) str_append(&out, MASK_TEXT);
                was_masked = masked;
        }
        return str_take(&out);
}

static void check_everywhere(const Mask *mask, const char *const *secrets, const char *text) {
        _cleanup_free_ char *want = mask_slowly(secrets, text), *bytewise = NULL;
        _cleanup_free_ size_t *cuts = calloc(strlen(text) + 1, sizeof(*cuts));

        for (size_t i = 0; i <= strlen(text); i++) {
                _cleanup_free_ char *got = mask_in_pieces(mask, text, (size_t[]) { i, SIZE_MAX });

                assert_string_equal(got, want);
                cuts[i] = i + 1 < strlen(text) ? i + 1 : SIZE_MAX;
        }
        bytewise = mask_in_pieces(mask, text, cuts);
        assert_string_equal(bytewise, want);
}

typedef struct Sample {
        const char *name;
        const char *secrets[4];
        const char *in, *want;
} Sample;

static const Sample samples[] = {
        /* Woodpecker's own */
        { "three bytes are too short", { "", "d", "art" }, "start log\ndone", "start log\ndone" },
        { "trimmed, then too short", { "password", " IS " }, "this IS secret: password", "this IS secret: ********" },
        { "one newline",
          { "an\nmulti line secret!!" },
          "start log\ndone\nnow\nan\nmulti line secret!! ;)",
          "start log\ndone\nnow\n********\n******** ;)" },
        { "lines, none there",
          { "Test\nwith\n\ntwo new lines" },
          "start log\ndone\nnow\nan\nmulti line secret!! ;)",
          "start log\ndone\nnow\nan\nmulti line secret!! ;)" },
        { "two of several lines",
          { "an\nmulti line secret!!", "two\n\nnewlines" },
          "start log\ndone\nnow\nan\nmulti line secret!! ;)\nwith\ntwo\n\nnewlines",
          "start log\ndone\nnow\n********\n******** ;)\nwith\n********\n\n********" },
        /* ours */
        { "no secret", { NULL }, "nothing to hide", "nothing to hide" },
        { "all of the output", { "swordfish" }, "swordfish", "********" },
        { "nothing", { "swordfish" }, "", "" },
        { "only the beginning", { "swordfish" }, "swordfis", "swordfis" },
        { "twice, touching", { "swordfish" }, "swordfishswordfish.", "********." },
        { "twice, apart", { "swordfish" }, "swordfish swordfish", "******** ********" },
        { "overlapping", { "abcdef", "defghi" }, "xabcdefghix", "x********x" },
        { "one a prefix of another", { "abcd", "abcdefgh" }, "abcdefgx abcdefgh", "********efgx ********" },
        { "one inside another", { "cdef", "abcdefgh" }, "abcdefg abcdefgh", "ab********g ********" },
        { "two inside one that fails",
          { "abcd", "fghi", "abcdEfghiJ" },
          "abcdEfghi abcdEfghiJ",
          "********E******** ********" },
        { "itself as its own beginning", { "aaaab" }, "aaaaaaaaab aaaa", "aaaaa******** aaaa" },
        { "a false start", { "ababac" }, "abababac", "ab********" },
        { "folded", { "swordfish" }, "x sword\r\nfish y", "x ********\r\n******** y" },
        { "folded three times", { "swordfish" }, "x s\nw\n\nordfish y", "x ********\n********\n\n******** y" },
        { "newlines around it stay", { "swordfish" }, "\nswordfish\n\nx", "\n********\n\nx" },
        { "windows lines",
          { "first line\r\nsecond line\r\n" },
          "a first line\nb second line\n",
          "a ********\nb ********\n" },
        { "a line of it alone", { "first line\nsecond line\nx" }, "see second line.", "see ********." },
        { "bytes above 127", { "\xc3\xa4\xc3\xb6\xff\xfe" }, "\xc3\xa4\xc3\xb6\xff\xfe!", "********!" },
};

static void test_samples(void **state) {
        FOREACH_ROW(sample, samples) {
                _cleanup_(mask_freep) Mask *mask = make_mask(sample->secrets);
                _cleanup_free_ char *got = mask_text(mask, sample->in);

                print_message("case '%s'\n", sample->name);
                assert_string_equal(got, sample->want);
        }
}

static void test_cut_and_folded_everywhere(void **state) {
        FOREACH_ROW(sample, samples) {
                _cleanup_(mask_freep) Mask *mask = make_mask(sample->secrets);
                size_t n = strlen(sample->in);

                print_message("case '%s'\n", sample->name);
                check_everywhere(mask, sample->secrets, sample->in);
                for (size_t i = 0; i <= n; i++) {
                        _cleanup_free_ char *folded = str_printf("%.*s\n%s", (int) i, sample->in, sample->in + i);

                        check_everywhere(mask, sample->secrets, folded);
                }
        }
}

/* Small alphabets make secrets meet in every way there is. */
static void test_random(void **state) {
        uint32_t seed = 1;
#define NEXT(n) ((seed = seed * 1664525 + 1013904223) >> 16) % (n)

        for (int round = 0; round < 300; round++) {
                char buffers[3][10] = { "" }, text[81] = "";
                const char *secrets[4] = { buffers[0], buffers[1], buffers[2], NULL };
                _cleanup_(mask_freep) Mask *mask = NULL;

                for (size_t i = 0; i < 3; i++)
                        for (size_t k = 0, n = 4 + NEXT(5); k < n; k++)
                                buffers[i][k] = "ab"[NEXT(2)];
                for (size_t k = 0; k < 80; k++)
                        text[k] = "abababab\nc"[NEXT(10)];
                mask = make_mask(secrets);
                check_everywhere(mask, secrets, text);
        }
}

static void test_base64(void **state) {
        static const char *const secrets[] = { "tops3cret-\xff\xfe\xfd-value", "swordfish",
                                               "0123456789abcdef0123456789abcdef", "test" };
        static const char *const befores[] = { "", "u", "me", "usr", "user:", "a longer text: " };
        static const char *const afters[] = { "", "\n", "?>", "~~~ and more" };
        static const Base64Alphabet alphabets[] = { BASE64_STANDARD, BASE64_URL };

        FOREACH_ROW(secret, secrets)
                FOREACH_ROW(before, befores)
                        FOREACH_ROW(after, afters)
                                FOREACH_ROW(alphabet, alphabets) {
                                        _cleanup_(mask_freep) Mask *mask =
                                                make_mask((const char *const[]) { *secret, NULL });
                                        _cleanup_free_ char *plain = str_printf("%s%s%s", *before, *secret, *after),
                                                            *got = NULL, *found = NULL, *left = NULL;
                                        _cleanup_free_ char *text = base64_encode(plain, strlen(plain), *alphabet);
                                        size_t n_found;

                                        got = mask_text(mask, text);
                                        if (strlen(*secret) * 8 / 6 < MASK_BASE64_CHARACTERS_MIN + 2 &&
                                            (**before || **after))
                                                continue; /* too little of it would be left to know it by */
                                        print_message("case '%s' in '%s'\n", got, text);
                                        left = strdup(strstr(got, MASK_TEXT) ? got : "not masked at all");
                                        assert_string_equal(left, got);
                                        assert_true(strlen(strstr(got, MASK_TEXT)) - strlen(MASK_TEXT) <=
                                                    (strlen(*after) * 8 + 5) / 6 + 3);
                                        /* What stays visible before and after the mask tells no byte of it, at most a
                                         * part of one. */
                                        strstr(left, MASK_TEXT)[0] = '\0';
                                        assert_true(strlen(left) <= (strlen(*before) * 8 + 5) / 6);
                                        assert_int_equal(base64_decode(left, strlen(left) / 4 * 4, &found, &n_found),
                                                         0);
                                        assert_true(n_found <= strlen(*before));
                                }
}

static void test_forms(void **state) {
        static const struct {
                const char *secret, *shown;
        } rows[] = {
                { "p@ss w/rd", "p%40ss%20w%2Frd" },
                { "p@ss w/rd", "p%40ss%20w%2frd" },
                { "p@ss w/rd", "p%40ss+w%2Frd" },
                { "p@ss w/rd", "p%40ss%20w/rd" },
                { "wow!*(x)", "wow!*(x)" },
                { "wow!*(x)", "wow%21%2A%28x%29" },
                { "\xc3\xa4ther", "%C3%A4ther" },
                { "it's me", "it'\"'\"'s me" },
                { "it's me", "it'\\''s me" },
                { "a\"b\\c\td", "a\\\"b\\\\c\\td" },
                { "a/b/c/d", "a\\/b\\/c\\/d" },
                { "a<b>&c", "a\\u003cb\\u003e\\u0026c" },
                { "line one\nline two", "line one\\nline two" },
                { "line one\nline two", "line%20one%0Aline%20two" },
                { "line one\nline two", "bGluZSBvbmUKbGluZSB0d28=" },
                { "test", "dGVzdA==" },
                { "test", "dGVzdA" },
                { "any?>~carnal", "YW55Pz5-Y2FybmFs" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(mask_freep) Mask *mask = make_mask((const char *const[]) { row->secret, NULL });
                _cleanup_free_ char *text = str_printf("<%s>", row->shown), *got = mask_text(mask, text);

                print_message("case '%s'\n", row->shown);
                assert_string_equal(got, "<" MASK_TEXT ">");
        }
}

static void test_holds_back_no_more_than_needed(void **state) {
        static const struct {
                const char *in, *want, *want_released;
        } rows[] = {
                { "plain\n", "plain\n", "plain\n" },
                { "tests\n", "test", "tests\n" },
                { "tests\r\n\n", "test", "tests\r\n\n" },
                { "the swo", "the ", "the swo" },
                { "the swor", "the ", "the " }, /* four bytes are worth hiding */
                { "swordfish", "", "" },        /* "swordfishes" is one too */
                { "swordfish!", "********!", "********!" },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_(mask_freep) Mask *mask =
                        make_mask((const char *const[]) { "swordfish", "swordfishes", NULL });
                _cleanup_(mask_stream_freep) MaskStream *stream = NULL;
                _cleanup_str_ Str out = STR_INIT(100);

                print_message("case '%s'\n", row->in);
                assert_int_equal(mask_stream_new(mask, &stream), 0);
                assert_int_equal(mask_stream_feed(stream, row->in, strlen(row->in), &out), 0);
                assert_string_equal(str_get(&out), row->want);
                assert_int_equal(mask_stream_release(stream, &out), 0);
                assert_string_equal(str_get(&out), row->want_released);
        }
}

static void test_release_then_the_rest(void **state) {
        _cleanup_(mask_freep) Mask *mask = make_mask((const char *const[]) { "swordfish", NULL });
        _cleanup_(mask_stream_freep) MaskStream *stream = NULL;
        _cleanup_str_ Str out = STR_INIT(100);

        assert_int_equal(mask_stream_new(mask, &stream), 0);
        assert_int_equal(mask_stream_feed(stream, "the sw\n", 7, &out), 0);
        assert_int_equal(mask_stream_release(stream, &out), 0);
        assert_int_equal(mask_stream_feed(stream, "ordfish", 7, &out), 0);
        assert_int_equal(mask_stream_feed(stream, "ordfish", 7, &out), 0);
        assert_int_equal(mask_stream_end(stream, &out), 0);
        assert_string_equal(str_get(&out), "the sw\n********ordfish");
}

static void test_newlines_without_end(void **state) {
        _cleanup_(mask_freep) Mask *mask = make_mask((const char *const[]) { "swordfish", NULL });
        _cleanup_(mask_stream_freep) MaskStream *stream = NULL;
        _cleanup_str_ Str out = STR_INIT(STR_MAX_DEFAULT);
        char newlines[1000];
        size_t n = 0;

        memset(newlines, '\n', sizeof(newlines));
        assert_int_equal(mask_stream_new(mask, &stream), 0);
        assert_int_equal(mask_stream_feed(stream, "sword", 5, &out), 0);
        while (out.n == 0 && n < 1000 * 1000) {
                assert_int_equal(mask_stream_feed(stream, newlines, sizeof(newlines), &out), 0);
                n += sizeof(newlines);
        }
        assert_int_equal(out.n, n + 5); /* let go at some point, nothing lost */
        assert_true(n < 100 * 1000);
}

static void test_too_large(void **state) {
        _cleanup_map_ Map map = STRMAP_INIT;
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_free_ char *large = malloc(MASK_SECRETS_BYTES_MAX + 2);
        Mask *mask = NULL;

        memset(large, 'x', MASK_SECRETS_BYTES_MAX + 1);
        large[MASK_SECRETS_BYTES_MAX + 1] = '\0';
        assert_int_equal(strmap_put(&map, "large", large), 0);
        assert_int_equal(mask_new(&map, &mask, &error), -E2BIG);
        assert_string_equal(error_message(error, 0),
                            "the secrets are larger than 1024 KiB together: too much to hide them in the output");
}

/* A certificate chain, a key store: forms are fewer, but they work, line by line too. */
static void test_large(void **state) {
        _cleanup_str_ Str secret = STR_INIT(STR_MAX_DEFAULT);
        _cleanup_free_ char *encoded = NULL, *got = NULL, *got_line = NULL;
        _cleanup_(mask_freep) Mask *mask = NULL;

        for (unsigned i = 0; i < 3000; i++)
                assert_int_equal(str_appendf(&secret, "%08x%08x\n", i * 2654435761U, i), 0);
        encoded = base64_encode(secret.bytes, secret.n - 1, BASE64_STANDARD);
        mask = make_mask((const char *const[]) { secret.bytes, NULL });
        got = mask_text(mask, encoded);
        assert_string_equal(got, MASK_TEXT);
        got_line = mask_text(mask, "0000000000000000.");
        assert_string_equal(got_line, MASK_TEXT ".");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_samples),
                cmocka_unit_test(test_cut_and_folded_everywhere),
                cmocka_unit_test(test_random),
                cmocka_unit_test(test_base64),
                cmocka_unit_test(test_forms),
                cmocka_unit_test(test_holds_back_no_more_than_needed),
                cmocka_unit_test(test_release_then_the_rest),
                cmocka_unit_test(test_newlines_without_end),
                cmocka_unit_test(test_too_large),
                cmocka_unit_test(test_large),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
