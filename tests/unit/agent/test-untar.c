/* Archives made by tar(1), in pieces of any size; hostile ones; and one that is cut anywhere. */

#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/untar.h"
#include "base/file.h"
#include "base/str.h"

#define ARCHIVE_MAX (1U * 1024 * 1024)

typedef struct Entry {
        const char *name;
        char type;
        const char *content; /* or where a link leads */
} Entry;

static void append(Str *out, const Entry *entry) {
        char block[512] = { 0 };
        unsigned sum = 0;
        bool is_file = entry->type == '0' || strchr("xLK", entry->type);
        size_t n = is_file ? strlen(entry->content) : 0;

        (void) snprintf(block, 100, "%s", entry->name);
        (void) snprintf(block + 100, 8, "%07o", 0640);
        (void) snprintf(block + 124, 12, "%011o", (unsigned) MIN(n, (size_t) 0777777));
        memset(block + 148, ' ', 8);
        block[156] = entry->type;
        if (!is_file && entry->content)
                (void) snprintf(block + 157, 100, "%s", entry->content);
        memcpy(block + 257, "ustar\0" "00", 8);
        for (size_t i = 0; i < sizeof(block); i++)
                sum += (unsigned char) block[i];
        (void) snprintf(block + 148, 8, "%06o", sum);
        (void) str_append_n(out, block, sizeof(block));
        if (n == 0)
                return;
        (void) str_append_n(out, entry->content, n);
        memset(block, 0, sizeof(block));
        (void) str_append_n(out, block, (512 - n % 512) % 512);
}

static char *make(const Entry *entries, size_t n_entries, size_t *ret_n) {
        Str out = STR_INIT(ARCHIVE_MAX);
        static const char zero[1024];

        for (size_t i = 0; i < n_entries && entries[i].name; i++)
                append(&out, &entries[i]);
        (void) str_append_n(&out, zero, sizeof(zero));
        *ret_n = out.n;
        return str_take(&out);
}

static int unpack(const char *directory, const char *bytes, size_t n, size_t piece, Error **reterr) {
        _cleanup_(untar_freep) Untar *untar = NULL;
        int r = untar_new(directory, &untar, reterr);

        for (size_t i = 0; i < n && r >= 0; i += piece)
                r = untar_feed(untar, bytes + i, MIN(piece, n - i), reterr);
        return r < 0 ? r : untar_end(untar, reterr);
}

static char *content(const char *directory, const char *name) {
        _cleanup_free_ char *path = path_join(directory, name);
        char *text = NULL;

        return file_read(path, ARCHIVE_MAX, &text, NULL) < 0 ? NULL : text;
}

static void test_good(void **state) {
        static const Entry entries[] = {
                { "./", '5', NULL },
                { "./a", '0', "hello" },
                { "dir/deep/b", '0', "there" },
                { "dir/", '5', NULL },
                { "link", '2', "dir/deep/b" },
                { "empty", '0', "" },
                { "a", '0', "later counts" },
                { "x", 'x', "21 path=long/name-of\n" },
                { "ignored", '0', "by pax" },
                { "L", 'L', "gnu/name" },
                { "ignored", '0', "by gnu" },
        };
        size_t n;
        char *archive = make(entries, ELEMENTSOF(entries), &n);

        for (size_t piece = 1; piece < 3000; piece = piece * 3 + 1) {
                char directory[] = "/tmp/podstep-test-XXXXXX";
                _cleanup_(error_freep) Error *error = NULL;
                _cleanup_free_ char *a = NULL, *b = NULL, *through = NULL, *pax = NULL, *gnu = NULL;
                int r;

                assert_non_null(mkdtemp(directory));
                r = unpack(directory, archive, n, piece, &error);
                if (r < 0)
                        print_message("%s\n", error_message(error, r));
                assert_int_equal(r, 0);
                assert_string_equal(a = content(directory, "a"), "later counts");
                assert_string_equal(b = content(directory, "dir/deep/b"), "there");
                assert_string_equal(through = content(directory, "link"), "there");
                assert_string_equal(pax = content(directory, "long/name-of"), "by pax");
                assert_string_equal(gnu = content(directory, "gnu/name"), "by gnu");
                (void) file_remove_tree(directory);
        }
        free(archive);
}

/* 200 directories */
#define D10 "a/a/a/a/a/a/a/a/a/a/"
#define D100 D10 D10 D10 D10 D10 D10 D10 D10 D10 D10
#define D200 D100 D100

static void test_hostile(void **state) {
        static const struct {
                Entry entries[3];
                int want;
                const char *text;
        } rows[] = {
                { { { "/etc/passwd", '0', "x" } }, -EPERM, "outside" },
                { { { "../x", '0', "x" } }, -EPERM, "outside" },
                { { { "a/../../x", '0', "x" } }, -EPERM, "outside" },
                { { { "a", '2', "/tmp" }, { "a/x", '0', "x" } }, -EPERM, "no directory of it" },
                { { { "a", '2', "." }, { "a/x", '0', "x" } }, -EPERM, "no directory of it" },
                { { { "a", '0', "x" }, { "a/x", '0', "x" } }, -EPERM, "no directory of it" },
                { { { "null", '3', NULL } }, -EPERM, "no file" },
                { { { "hard", '1', "/etc/passwd" } }, -EPERM, "no file" },
                { { { "x", 'x', "999 path=a\n" } }, -EBADMSG, "extension" },
                { { { "x", 'x', "nonsense" } }, -EBADMSG, "extension" },
                { { { "deep", 'L', D200 "x" }, { "x", '0', "x" }, { "null", '3', NULL } }, -EPERM, "no file" },
                { { { "deep", 'L', D200 "a/x" }, { "x", '0', "x" } }, -EPERM, "deeper than 200" },
        };

        FOREACH_ROW(row, rows) {
                char directory[] = "/tmp/podstep-test-XXXXXX", outside[128];
                _cleanup_(error_freep) Error *error = NULL;
                size_t n;
                char *archive = make(row->entries, ELEMENTSOF(row->entries), &n);

                assert_non_null(mkdtemp(directory));
                print_message("%s\n", row->entries[0].name);
                assert_int_equal(unpack(directory, archive, n, 1000, &error), row->want);
                assert_non_null(strstr(error_message(error, 0), row->text));
                (void) snprintf(outside, sizeof(outside), "%s/../x", directory);
                assert_false(file_exists(outside));
                (void) file_remove_tree(directory);
                free(archive);
        }
}

static void test_cut(void **state) {
        static const Entry entries[] = { { "a", '0', "hello" }, { "b", '0', "there" } };
        char directory[] = "/tmp/podstep-test-XXXXXX";
        size_t n;
        char *archive = make(entries, ELEMENTSOF(entries), &n);

        assert_non_null(mkdtemp(directory));
        for (size_t i = 0; i < n - 512; i += 100)
                assert_int_equal(unpack(directory, archive, i, 4096, NULL), -EBADMSG);
        assert_int_equal(unpack(directory, "\x1f\x8b nonsense", 0, 1, NULL), -EBADMSG);
        archive[3] ^= 1; /* in the first name: its checksum does not fit */
        assert_int_equal(unpack(directory, archive, n, 4096, NULL), -EBADMSG);
        (void) file_remove_tree(directory);
        free(archive);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
