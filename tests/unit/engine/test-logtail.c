#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "engine/logtail.h"

#define T "2026-11-21T20:38:55.022517957+00:00 "
#define OUT_MAX (64U * 1024 * 1024)

/* Both streams as they came, in order: "<1:" or "<2:" wherever the stream changes. */
typedef struct Heard {
        Str text;
        size_t n_bytes, n_calls;
        int stream;
        bool counts_only;
} Heard;

static void hear(int stream, const char *bytes, size_t n, void *userdata) {
        Heard *heard = userdata;

        assert_true(stream == 1 || stream == 2);
        assert_true(n > 0);
        heard->n_bytes += n;
        heard->n_calls++;
        if (heard->counts_only)
                return;
        if (stream != heard->stream)
                (void) str_appendf(&heard->text, "<%d:", stream);
        heard->stream = stream;
        assert_int_equal(str_append_n(&heard->text, bytes, n), 0);
}

static const struct {
        const char *log;
        size_t n; /* 0: to the NUL */
        const char *want;
        size_t n_want;
} records[] = {
        { "", 0, "", 0 },
        { T "stdout F hello\n", 0, "<1:hello\n", 0 },
        { T "stdout P hel"
            "\n" T "stdout F lo\n",
          0, "<1:hello\n", 0 },
        { T "stdout P no end\n", 0, "<1:no end", 0 },
        { T "stdout F \n", 0, "<1:\n", 0 },
        { T "stdout P \n" T "stderr F x\n", 0, "<2:x\n", 0 },
        { T "stderr F bad\n" T "stdout F good\n" T "stdout F better\n", 0, "<2:bad\n<1:good\nbetter\n", 0 },
        { T "stdout P a\n" T "stderr F e\n" T "stdout F b\n", 0, "<1:a<2:e\n<1:b\n", 0 },
        { T "stdout F  two  spaces \r\n", 0, "<1: two  spaces \r\n", 0 },
        { T "stdout F " T "stdout F quoted\n", 0, "<1:" T "stdout F quoted\n", 0 },
        { T "stdout F nul\0here\n", sizeof(T "stdout F nul\0here\n") - 1, "<1:nul\0here\n",
          sizeof("<1:nul\0here\n") - 1 },
        { T "stdout F \xff\xfe\n", 0, "<1:\xff\xfe\n", 0 },
        /* other forms of time */
        { "2026-11-21T20:38:55Z stdout F short\n", 0, "<1:short\n", 0 },
        { "2026-11-21T20:38:55.022517957-11:30 stderr P x\n", 0, "<2:x", 0 },
        /* no records: nothing is lost */
        { "garbage\n", 0, "<1:garbage\n", 0 },
        { "\n", 0, "<1:\n", 0 },
        { "2026 stdout X what\n" T "stderr F fine\n", 0, "<1:2026 stdout X what\n<2:fine\n", 0 },
        { "2026 this is no record of the logs, stdout F x\n", 0, "<1:2026 this is no record of the logs, stdout F x\n",
          0 },
        { T "stdout \n" T "stdout F fine\n", 0, "<1:" T "stdout \nfine\n", 0 },
        { "2026-11-21T20:3" T "stdout F cut\n", 0, "<1:cut\n", 0 }, /* the disk was full in the middle of a time */
        { "22222222222222222222222222222222222222222222222222222222222222222222222222 stdout F x\n", 0,
          "<1:22222222222222222222222222222222222222222222222222222222222222222222222222 stdout F x\n", 0 },
        /* not whole yet */
        { T "stdout F begun", 0, "<1:begun", 0 },
        { T "stdout F a\n" T "stdo", 0, "<1:a\n", 0 },
};

static void feed(LogParser *parser, const char *bytes, size_t n, Heard *heard) {
        _cleanup_free_ char *copy = malloc(n > 0 ? n : 1);

        memcpy(copy, bytes, n);
        log_parser_feed(parser, copy, n, hear, heard);
}

static void test_parser(void **state) {
        FOREACH_ROW(row, records) {
                size_t n = row->n ? row->n : strlen(row->log), n_want = row->n_want ? row->n_want : strlen(row->want);

                /* Cut in three, everywhere. */
                for (size_t i = 0; i <= n; i++)
                        for (size_t k = i; k <= n; k++) {
                                Heard heard = { .text = STR_INIT(OUT_MAX) };
                                LogParser parser = { 0 };

                                feed(&parser, row->log, i, &heard);
                                feed(&parser, row->log + i, k - i, &heard);
                                feed(&parser, row->log + k, n - k, &heard);
                                if (heard.text.n != n_want || memcmp(str_get(&heard.text), row->want, n_want) != 0)
                                        fail_msg("'%s' cut at %zu and %zu: got '%s'", row->log, i, k,
                                                 str_get(&heard.text));
                                str_done(&heard.text);
                        }
        }
}

static void test_parser_bytewise(void **state) {
        FOREACH_ROW(row, records) {
                size_t n = row->n ? row->n : strlen(row->log), n_want = row->n_want ? row->n_want : strlen(row->want);
                Heard heard = { .text = STR_INIT(OUT_MAX) };
                LogParser parser = { 0 };

                for (size_t i = 0; i < n; i++)
                        feed(&parser, row->log + i, 1, &heard);
                assert_int_equal(heard.text.n, n_want);
                assert_memory_equal(str_get(&heard.text), row->want, n_want);
                str_done(&heard.text);
        }
}

/* Lines of one stream are handed on together: who masks and prints them is called a few times, not for each line. */
static void test_batches(void **state) {
        _cleanup_str_ Str log = STR_INIT(OUT_MAX);
        Heard heard = { .text = STR_INIT(OUT_MAX) };
        LogParser parser = { 0 };

        for (unsigned i = 0; i < 1000; i++)
                (void) str_appendf(&log, T "stdout F line %u\n", i);
        log_parser_feed(&parser, log.bytes, log.n, hear, &heard);
        assert_int_equal(heard.n_calls, 1);
        assert_true(str_starts_with(str_get(&heard.text), "<1:line 0\nline 1\n"));
        assert_true(str_ends_with(str_get(&heard.text), "\nline 999\n"));
        str_done(&heard.text);
}

typedef struct Scratch {
        char directory[32];
        char *path;
        LogTail *tail;
        Heard heard;
} Scratch;

static int setup(void **state) {
        Scratch *scratch = calloc(1, sizeof(*scratch));

        assert_non_null(scratch);
        strcpy(scratch->directory, "/tmp/podstep-test-XXXXXX");
        assert_non_null(mkdtemp(scratch->directory));
        scratch->path = path_join(scratch->directory, "log");
        scratch->heard.text = STR_INIT(OUT_MAX);
        assert_int_equal(logtail_new(scratch->path, false, NULL, &scratch->tail), 0);
        *state = scratch;
        return 0;
}

static int teardown(void **state) {
        Scratch *scratch = *state;

        logtail_free(scratch->tail);
        str_done(&scratch->heard.text);
        free(scratch->path);
        assert_int_equal(file_remove_tree(scratch->directory), 0);
        free(scratch);
        return 0;
}

static void append(const char *path, const char *text, size_t n) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        while (n > 0) {
                ssize_t k = write(fd, text, n);

                assert_true(k > 0);
                text += k;
                n -= (size_t) k;
        }
}

static int read_all(Scratch *scratch) {
        int r;

        while ((r = logtail_read(scratch->tail, hear, &scratch->heard)) > 0)
                ;
        return r;
}

static void test_growing(void **state) {
        static const char log[] = T "stdout F one\n" T "stderr P tw"
                                    "\n" T "stderr F o\n";
        Scratch *scratch = *state;

        assert_int_equal(read_all(scratch), 0); /* not there yet */
        for (size_t i = 0; i < sizeof(log) - 1; i++) {
                append(scratch->path, log + i, 1);
                assert_int_equal(read_all(scratch), 0);
        }
        assert_string_equal(str_get(&scratch->heard.text), "<1:one\n<2:two\n");
        assert_int_equal(read_all(scratch), 0);
        assert_string_equal(str_get(&scratch->heard.text), "<1:one\n<2:two\n");
}

/* conmon with a size limit: a new file takes the place of the old one, which still had unread lines. */
static void test_replaced(void **state) {
        Scratch *scratch = *state;
        _cleanup_free_ char *other = path_join(scratch->directory, "new");

        append(scratch->path, T "stdout F one\n", sizeof(T "stdout F one\n") - 1);
        assert_int_equal(read_all(scratch), 0);
        append(scratch->path, T "stdout F two\n", sizeof(T "stdout F two\n") - 1);
        append(other, T "stdout F three\n", sizeof(T "stdout F three\n") - 1);
        assert_int_equal(rename(other, scratch->path), 0);
        assert_int_equal(read_all(scratch), 0);
        append(scratch->path, T "stdout F four\n", sizeof(T "stdout F four\n") - 1);
        assert_int_equal(read_all(scratch), 0);
        assert_string_equal(str_get(&scratch->heard.text), "<1:one\ntwo\nthree\nfour\n");
}

/* What was read does not stay on the disk; the size of the file, where conmon appends, does. */
static void test_punched(void **state) {
        static const char line[] = T "stdout F 0123456789012345678901234567890123456789012345678901234\n";
        enum { N = 250000 };
        Scratch *scratch = *state;
        _cleanup_str_ Str log = STR_INIT(OUT_MAX);
        struct stat before, after;

        for (unsigned i = 0; i < N; i++)
                assert_int_equal(str_append_n(&log, line, sizeof(line) - 1), 0);
        append(scratch->path, log.bytes, log.n);
        assert_int_equal(stat(scratch->path, &before), 0);
        scratch->heard.counts_only = true;
        assert_int_equal(read_all(scratch), 0);
        assert_int_equal(scratch->heard.n_bytes, N * (size_t) 56);
        assert_int_equal(stat(scratch->path, &after), 0);
        assert_int_equal(after.st_size, before.st_size);
        if (after.st_blocks == before.st_blocks)
                skip(); /* a file system without holes */
        assert_true(after.st_blocks < before.st_blocks / 2);
        append(scratch->path, line, sizeof(line) - 1);
        assert_int_equal(read_all(scratch), 0);
        assert_int_equal(scratch->heard.n_bytes, (N + 1) * (size_t) 56);
}

typedef struct Enough {
        Heard heard;
        size_t n_wanted;
        bool is_enough;
} Enough;

static void hear_enough(int stream, const char *bytes, size_t n, void *userdata) {
        Enough *enough = userdata;

        hear(stream, bytes, n, &enough->heard);
        enough->is_enough = enough->heard.n_bytes >= enough->n_wanted;
}

/* What is kept is kept up to where it was enough, and can be read again. */
static void test_enough(void **state) {
        static const char line[] = T "stdout F 0123456789012345678901234567890123456789012345678901234\n";
        enum { N = 400000, WANTED = 1000000 };
        Scratch *scratch = *state;
        _cleanup_str_ Str log = STR_INIT(OUT_MAX);
        Enough first = { .n_wanted = WANTED, .heard = { .counts_only = true } },
               again = { .n_wanted = WANTED, .heard = { .text = STR_INIT(OUT_MAX) } };
        _cleanup_(logtail_freep) LogTail *a = NULL, *b = NULL;
        struct stat before, after;
        int r;

        for (unsigned i = 0; i < N; i++)
                assert_int_equal(str_append_n(&log, line, sizeof(line) - 1), 0);
        append(scratch->path, log.bytes, log.n);
        assert_int_equal(stat(scratch->path, &before), 0);
        assert_int_equal(logtail_new(scratch->path, true, &first.is_enough, &a), 0);
        while ((r = logtail_read(a, hear_enough, &first)) > 0)
                ;
        assert_int_equal(r, 0);
        assert_int_equal(stat(scratch->path, &after), 0);
        assert_int_equal(after.st_size, before.st_size);
        assert_int_equal(logtail_new(scratch->path, true, &again.is_enough, &b), 0);
        while (!again.is_enough)
                assert_int_equal(logtail_read(b, hear_enough, &again), 1);
        assert_null(memchr(str_get(&again.heard.text), '\1', WANTED));
        for (size_t i = 3; i + 56 <= WANTED; i += 56) /* behind "<1:" */
                assert_memory_equal(str_get(&again.heard.text) + i, line + sizeof(line) - 1 - 56, 56);
        str_done(&again.heard.text);
        if (after.st_blocks == before.st_blocks)
                skip(); /* a file system without holes */
        assert_true(after.st_blocks < before.st_blocks / 2);
}

static void test_turns(void **state) {
        _cleanup_str_ Str log = STR_INIT(OUT_MAX);
        Scratch *scratch = *state;

        while (log.n < 3U * 1024 * 1024)
                (void) str_append(&log, T "stderr F x\n");
        append(scratch->path, log.bytes, log.n);
        scratch->heard.counts_only = true;
        assert_int_equal(logtail_read(scratch->tail, hear, &scratch->heard), 1); /* others have their turn */
        assert_true(scratch->heard.n_bytes < log.n / 20);
        assert_int_equal(read_all(scratch), 0);
}

static void test_odd_files(void **state) {
        Scratch *scratch = *state;

        assert_int_equal(mkdir(scratch->path, 0700), 0);
        assert_true(logtail_read(scratch->tail, hear, &scratch->heard) < 0);
        assert_int_equal(rmdir(scratch->path), 0);
        assert_int_equal(symlink("/etc/passwd", scratch->path), 0);
        assert_int_equal(logtail_read(scratch->tail, hear, &scratch->heard), -ELOOP);
        assert_int_equal(scratch->heard.n_bytes, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parser),
                cmocka_unit_test(test_parser_bytewise),
                cmocka_unit_test(test_batches),
                cmocka_unit_test_setup_teardown(test_growing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_replaced, setup, teardown),
                cmocka_unit_test_setup_teardown(test_punched, setup, teardown),
                cmocka_unit_test_setup_teardown(test_enough, setup, teardown),
                cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
                cmocka_unit_test_setup_teardown(test_odd_files, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
