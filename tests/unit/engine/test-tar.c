#include "../test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/tar.h"

enum { BLOCK = 512 };

/* One entry: type, size as it stands there, and what follows it. */
typedef struct Entry {
        char type;
        const char *size, *link, *content;
} Entry;

static size_t put_entry(char *archive, const Entry *entry) {
        size_t n = entry->content ? strlen(entry->content) : 0;

        memset(archive, 0, BLOCK);
        (void) snprintf(archive, 100, "name");
        (void) snprintf(archive + 124, 12, "%s", entry->size);
        archive[156] = entry->type;
        if (entry->link)
                memcpy(archive + 157, entry->link, strlen(entry->link));
        if (n == 0)
                return BLOCK;
        memset(archive + BLOCK, 0, BLOCK);
        memcpy(archive + BLOCK, entry->content, n);
        return 2 * BLOCK;
}

static void test_first_file(void **state) {
        static const struct {
                Entry entries[3];
                size_t n_cut; /* bytes off the end */
                int want_r;
                const char *want, *want_link;
        } rows[] = {
                { { { '0', "00000000005", NULL, "hello" } }, 0, 0, "hello", NULL },
                { { { '\0', "5", NULL, "hello" } }, 0, 0, "hello", NULL },
                { { { '0', "00000000000", NULL, NULL } }, 0, 0, "", NULL },
                { { { 'x', "00000000004", NULL, "attr" }, { '0', "3", NULL, "abc" } }, 0, 0, "abc", NULL },
                { { { 'g', "0", NULL, NULL }, { 'L', "4", NULL, "long" }, { '0', "3", NULL, "abc" } },
                  0,
                  0,
                  "abc",
                  NULL },
                { { { '2', "0", "/etc/real", NULL } }, 0, 1, NULL, "/etc/real" },
                { { { '5', "0", NULL, NULL } }, 0, -EISDIR, NULL, NULL },
                { { { '0', "what", NULL, NULL } }, 0, -EBADMSG, NULL, NULL },
                { { { '0', "", NULL, NULL } }, 0, -EBADMSG, NULL, NULL },
                { { { '0', "77777777777", NULL, NULL } }, 0, -EBADMSG, NULL, NULL },
                { { { 'x', "77777777777", NULL, NULL } }, 0, -EBADMSG, NULL, NULL },
                { { { '0', "1001", NULL, "short" } }, 0, -EBADMSG, NULL, NULL },
                { { { '0', "00000000005", NULL, "hello" } }, 508, -EBADMSG, NULL, NULL },
                { { { '0', "00000000005", NULL, "hello" } }, 513, -ENOENT, NULL, NULL },
                { { { 0 } }, 0, -EBADMSG, NULL, NULL },
        };

        FOREACH_ROW(row, rows) {
                _cleanup_free_ char *link = NULL, *exact = NULL;
                char archive[6 * BLOCK];
                const char *content = NULL;
                size_t n = 0, n_content = 0;
                int r;

                for (size_t i = 0; i < 3 && (i == 0 || row->entries[i].size); i++)
                        n += put_entry(archive + n, &row->entries[i]);
                n -= row->n_cut;
                exact = malloc(n); /* so that reading behind the end is seen */
                memcpy(exact, archive, n);
                r = tar_first_file(exact, n, &content, &n_content, &link);
                print_message("row %zu\n", (size_t) (row - rows));
                assert_int_equal(r, row->want_r);
                if (row->want) {
                        assert_int_equal(n_content, strlen(row->want));
                        assert_memory_equal(content, row->want, n_content);
                }
                if (row->want_link)
                        assert_string_equal(link, row->want_link);
        }
}

static void test_empty(void **state) {
        char blocks[2 * BLOCK] = { 0 };
        const char *content;
        char *link;
        size_t n;

        assert_int_equal(tar_first_file(blocks, sizeof(blocks), &content, &n, &link), -ENOENT);
        assert_int_equal(tar_first_file(blocks, 0, &content, &n, &link), -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_first_file), cmocka_unit_test(test_empty) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
