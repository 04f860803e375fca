/* Files to an engine and back: what comes is what went, only differences are kept, and nothing leaves its directory. */

#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/tar.h"
#include "job/fetch.h"
#include "job/job-internal.h"
#include "job/upload.h"
#include "job/workspace-internal.h"

#define ARCHIVE_MAX (8U * 1024 * 1024)

typedef struct Scene {
        char *top, *checkout, *changed, *target;
} Scene;

static char *below(const char *directory, const char *name) {
        char *path = path_join(directory, name);

        assert_non_null(path);
        return path;
}

static void put(const char *directory, const char *name, const char *text, mode_t mode) {
        _cleanup_free_ char *path = below(directory, name), *parent = path_parent(path);

        assert_int_equal(file_mkdir_p(parent, 0755), 0);
        assert_int_equal(file_write(path, text, strlen(text), mode), 0);
        assert_int_equal(chmod(path, mode), 0);
}

static void expect_text(const char *directory, const char *name, const char *want) {
        _cleanup_free_ char *path = below(directory, name), *text = NULL;
        int r = file_read(path, ARCHIVE_MAX, &text, NULL);

        if (!want) {
                assert_int_equal(r, -ENOENT);
                return;
        }
        assert_int_equal(r, 0);
        assert_string_equal(text, want);
}

static int setup(void **state) {
        char template[] = "/tmp/podstep-test-XXXXXX";
        Scene *scene = calloc(1, sizeof(*scene));
        _cleanup_free_ char *link = NULL;

        assert_non_null(mkdtemp(template));
        scene->top = strdup(template);
        scene->checkout = below(template, "checkout");
        scene->changed = below(template, "changed");
        scene->target = below(template, "target");
        for (unsigned i = 0; i < 2; i++) {
                const char *directory = i == 0 ? scene->checkout : scene->changed;
                _cleanup_free_ char *to = below(directory, "link");

                put(directory, "README", "hello", 0644);
                put(directory, "run", "#!/bin/sh\n", 0755);
                put(directory, "empty", "", 0600);
                put(directory, "deep/er/file", "deep", 0644);
                assert_int_equal(symlink("README", to), 0);
        }
        *state = scene;
        return 0;
}

static int teardown(void **state) {
        Scene *scene = *state;

        (void) file_remove_tree(scene->top);
        free(scene->top);
        free(scene->checkout);
        free(scene->changed);
        free(scene->target);
        free(scene);
        return 0;
}

/* All of an upload, taken in pieces of that size. */
static void read_upload(Upload *upload, size_t piece, Str *ret) {
        _cleanup_free_ char *buffer = malloc(piece);
        ssize_t n;

        str_clear(ret);
        while ((n = upload_read(buffer, piece, upload)) > 0)
                assert_int_equal(str_append_n(ret, buffer, (size_t) n), 0);
        assert_int_equal(n, 0);
        assert_null(upload_error(upload));
        assert_int_equal(ret->n % TAR_BLOCK, 0);
}

static void archive_of(const char *directory, Str *ret) {
        _cleanup_(upload_freep) Upload *upload = NULL;
        _cleanup_str_ Str again = STR_INIT(ARCHIVE_MAX);

        assert_int_equal(upload_new_tree(directory, &upload), 0);
        read_upload(upload, 64 * 1024, ret);
        upload_rewind(upload);
        read_upload(upload, 7, &again);
        assert_int_equal(again.n, ret->n);
        assert_memory_equal(again.bytes, ret->bytes, ret->n);
}

static Fetch *fetch_since(const Scene *scene, const Str *archive, size_t piece, time_t sent) {
        Fetch *fetch = NULL;
        Error *error = NULL;

        assert_int_equal(fetch_new(scene->checkout, scene->target, (struct timespec){ .tv_sec = sent }, &fetch, &error),
                         0);
        for (unsigned times = 0; times < 2; times++) { /* the second time as if the first had been cut */
                fetch_rewind(fetch);
                for (size_t at = 0; at < archive->n; at += piece)
                        assert_int_equal(fetch_write(archive->bytes + at, MIN(piece, archive->n - at), fetch), 0);
        }
        assert_int_equal(fetch_finish(fetch, &error), 0);
        return fetch;
}

static Fetch *fetch(const Scene *scene, const Str *archive, size_t piece) {
        return fetch_since(scene, archive, piece, 0);
}

static void test_nothing_changed(void **state) {
        _cleanup_str_ Str archive = STR_INIT(ARCHIVE_MAX);
        Scene *scene = *state;
        _cleanup_(fetch_freep) Fetch *got = NULL;

        archive_of(scene->checkout, &archive);
        got = fetch(scene, &archive, 1000);
        assert_int_equal(strv_length(fetch_deleted(got)), 0);
        expect_text(scene->target, "README", NULL);
        expect_text(scene->target, "deep/er/file", NULL);
}

static void test_changes(void **state) {
        _cleanup_str_ Str archive = STR_INIT(ARCHIVE_MAX);
        Scene *scene = *state;
        _cleanup_free_ char *gone = below(scene->changed, "deep"), *link = below(scene->changed, "link"),
                            *run = below(scene->changed, "run"), *copied = below(scene->target, "link"),
                            *mode = below(scene->target, "run"), *hard = below(scene->changed, "hard"),
                            *source = below(scene->changed, "README");
        _cleanup_(fetch_freep) Fetch *got = NULL;
        char *name = calloc(1, 200), to[100] = { 0 };
        struct stat st;

        memset(name, 'n', 180);
        put(scene->changed, "README", "hallo", 0644); /* as long as before */
        put(scene->changed, "new", "new", 0640);
        put(scene->changed, name, "long", 0644);
        assert_int_equal(file_remove_tree(gone), 0);
        assert_int_equal(unlink(link), 0);
        assert_int_equal(symlink("elsewhere", link), 0);
        assert_int_equal(chmod(run, 0644), 0);
        assert_int_equal(linkat(AT_FDCWD, source, AT_FDCWD, hard, 0), 0);
        archive_of(scene->changed, &archive);
        got = fetch(scene, &archive, 100);
        expect_text(scene->target, "README", "hallo");
        expect_text(scene->target, "new", "new");
        expect_text(scene->target, "hard", "hallo");
        expect_text(scene->target, name, "long");
        expect_text(scene->target, "empty", NULL);
        assert_int_equal(strv_length(fetch_deleted(got)), 1);
        assert_string_equal(fetch_deleted(got)[0], "deep");
        assert_int_equal(readlink(copied, to, sizeof(to) - 1), strlen("elsewhere"));
        assert_string_equal(to, "elsewhere");
        assert_int_equal(stat(mode, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0644);
        free(name);
}

static void replace_by_link(const char *directory, const char *name, const char *to) {
        _cleanup_free_ char *path = below(directory, name);

        assert_int_equal(file_remove_tree(path), 0);
        assert_int_equal(symlink(to, path), 0);
}

/* --write: a directory that became a link or a file, and the other way round; nothing behind a link is touched. */
static void test_write_back(void **state) {
        _cleanup_str_ Str archive = STR_INIT(ARCHIVE_MAX);
        Scene *scene = *state;
        Job job = { .spec.checkout = scene->checkout };
        Workspace workspace = { .job = &job, .fetched_tree = scene->target };
        _cleanup_free_ char *link = below(scene->changed, "link"), *run = below(scene->changed, "run"),
                            *tree = below(scene->changed, "tree"), *deep = below(scene->checkout, "deep");
        _cleanup_(error_freep) Error *error = NULL;
        char to[100] = { 0 };
        int r;

        put(scene->checkout, "tree/a", "a", 0644);
        put(scene->changed, "tree/a", "a", 0644);
        put(scene->top, "outside/er/file", "not yours", 0644); /* "deep" will lead there */
        replace_by_link(scene->changed, "deep", "../outside");
        assert_int_equal(unlink(link), 0);
        put(scene->changed, "link", "now a file", 0644);
        assert_int_equal(unlink(run), 0);
        put(scene->changed, "run/away", "now below a directory", 0644);
        assert_int_equal(file_remove_tree(tree), 0);
        put(scene->changed, "tree", "felled", 0644);
        archive_of(scene->changed, &archive);
        workspace.fetch = fetch(scene, &archive, 100);
        r = workspace_write_back(&workspace, &error);
        if (r < 0)
                fail_msg("%s", error_message(error, r));
        fetch_free(workspace.fetch);
        expect_text(scene->checkout, "link", "now a file");
        expect_text(scene->checkout, "run/away", "now below a directory");
        expect_text(scene->checkout, "tree", "felled");
        expect_text(scene->checkout, "README", "hello");
        assert_int_equal(readlink(deep, to, sizeof(to) - 1), strlen("../outside"));
        expect_text(scene->top, "outside/er/file", "not yours");
}

static void make_old(const char *directory, const char *name) {
        const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
        _cleanup_free_ char *path = below(directory, name);

        assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

/*
 * What somebody does in the checkout while the job runs is neither overwritten nor removed; nor is what was never sent.
 */
static void test_meanwhile(void **state) {
        static const struct {
                time_t sent;
                bool is_kept;
                const char *deleted[4];
        } rows[] = {
                { 1, true, { NULL } }, /* all in the checkout is newer */
                { 1LL << 32, false, { "deep/er", "gone", NULL } }, /* nothing is */
        };
        Scene *scene = *state;
        _cleanup_free_ char *gone = below(scene->changed, "deep"), *link = below(scene->changed, "link"),
                            *fifo = below(scene->checkout, "fifo"), *inner = below(scene->checkout, "deep/fifo"),
                            *copied = below(scene->target, "link");

        put(scene->checkout, "gone", "gone", 0644);
        assert_int_equal(mkfifo(fifo, 0600), 0);
        assert_int_equal(mkfifo(inner, 0600), 0);
        put(scene->changed, "README", "hallo", 0644);
        put(scene->changed, "run", "by the job", 0755);
        assert_int_equal(file_remove_tree(gone), 0);
        assert_int_equal(unlink(link), 0);
        assert_int_equal(symlink("elsewhere", link), 0);
        make_old(scene->changed, "README");
        make_old(scene->changed, "link");
        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str archive = STR_INIT(ARCHIVE_MAX);
                _cleanup_(fetch_freep) Fetch *got = NULL;
                struct stat st;

                print_message("sent at %lld\n", (long long) row->sent);
                archive_of(scene->changed, &archive);
                got = fetch_since(scene, &archive, 100, row->sent);
                expect_text(scene->target, "README", row->is_kept ? NULL : "hallo");
                expect_text(scene->target, "run", "by the job");
                assert_int_equal(lstat(copied, &st) < 0, row->is_kept);
                assert_int_equal(strv_length(fetch_deleted(got)), strv_length((char *const *) row->deleted));
                for (size_t i = 0; row->deleted[i]; i++)
                        assert_string_equal(fetch_deleted(got)[i], row->deleted[i]);
                assert_int_equal(file_remove_tree(scene->target), 0);
        }
}

static void test_cut(void **state) {
        _cleanup_str_ Str archive = STR_INIT(ARCHIVE_MAX);
        Scene *scene = *state;
        _cleanup_(fetch_freep) Fetch *got = NULL;
        _cleanup_(error_freep) Error *error = NULL;

        archive_of(scene->changed, &archive);
        assert_int_equal(fetch_new(scene->checkout, scene->target, (struct timespec) { 0 }, &got, &error), 0);
        assert_int_equal(fetch_write(archive.bytes, archive.n - 2 * TAR_BLOCK, got), 0);
        assert_int_equal(fetch_finish(got, &error), -EBADMSG);
}

/* 200 directories */
#define D10 "a/a/a/a/a/a/a/a/a/a/"
#define D100 D10 D10 D10 D10 D10 D10 D10 D10 D10 D10
#define D200 D100 D100

/* What an honest engine never sends. */
static void test_hostile(void **state) {
        static const struct {
                TarEntry entries[2];
                int want_r;
        } rows[] = {
                { { { .type = TAR_FILE, .path = "/etc/evil", .mode = 0644 } }, -EBADMSG },
                { { { .type = TAR_FILE, .path = "../evil", .mode = 0644 } }, -EBADMSG },
                { { { .type = TAR_FILE, .path = "a/../../evil", .mode = 0644 } }, -EBADMSG },
                { { { .type = TAR_DIRECTORY, .path = "..", .mode = 0755 } }, -EBADMSG },
                { { { .type = TAR_FILE, .path = D200 "a/x", .mode = 0644 } }, -EBADMSG },
                /* through a link that the archive itself brought */
                { { { .type = TAR_LINK, .path = "way", .link = ".." },
                    { .type = TAR_FILE, .path = "way/evil", .mode = 0644 } },
                  -ELOOP },
                { { { .type = TAR_LINK, .path = "way", .link = ".." },
                    { .type = TAR_DIRECTORY, .path = "way/evil", .mode = 0755 } },
                  -ELOOP },
        };
        Scene *scene = *state;

        FOREACH_ROW(row, rows) {
                _cleanup_str_ Str archive = STR_INIT(ARCHIVE_MAX);
                _cleanup_(fetch_freep) Fetch *got = NULL;
                _cleanup_free_ char *evil = below(scene->top, "evil");
                int r;

                print_message("case '%s'\n", row->entries[0].path);
                for (unsigned i = 0; i < 2 && row->entries[i].path; i++)
                        assert_int_equal(tar_put_entry(&archive, &row->entries[i]), 0);
                assert_int_equal(tar_put_end(&archive), 0);
                assert_int_equal(fetch_new(scene->checkout, scene->target, (struct timespec) { 0 }, &got, NULL), 0);
                r = fetch_write(archive.bytes, archive.n, got);
                assert_true(r == row->want_r || (row->want_r == -ELOOP && r == -ENOTDIR));
                assert_non_null(fetch_error(got));
                assert_false(file_exists(evil));
                assert_int_equal(file_remove_tree(scene->target), 0);
        }
}

/* Files in memory come first, a tree that cannot be read is told. */
static void test_upload(void **state) {
        _cleanup_(upload_freep) Upload *small = NULL, *none = NULL;
        _cleanup_str_ Str archive = STR_INIT(ARCHIVE_MAX);
        const char *content;
        char *link = NULL, buffer[100];
        size_t n;

        assert_int_equal(upload_new_empty(&small), 0);
        assert_int_equal(upload_add_file(small, "script", "echo", 4, 0444), 0);
        read_upload(small, 100, &archive);
        assert_int_equal(tar_first_file(archive.bytes, archive.n, &content, &n, &link), 0);
        assert_int_equal(n, 4);
        assert_memory_equal(content, "echo", 4);

        assert_int_equal(upload_new_tree("/nowhere", &none), 0);
        assert_int_equal(upload_read(buffer, sizeof(buffer), none), -EIO);
        assert_string_equal(error_message(upload_error(none), 0), "cannot read '/nowhere': No such file or directory");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_nothing_changed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_write_back, setup, teardown),
                cmocka_unit_test_setup_teardown(test_meanwhile, setup, teardown),
                cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
                cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
                cmocka_unit_test(test_upload),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
