#include "job/image-record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "document/json.h"

#define RECORD_BYTES_MAX 4096
#define RECORDS_MAX 100000
#define DIRECTORY_DEPTH_MAX 64 /* components of a repository; a reference has at most 255 characters */
#define IMAGE_PREFIX ".image-"
#define ACCESS_NAME ".private"

static const char *const access_words[] = { [IMAGE_OF_OPERATOR] = "operator\n", [IMAGE_OF_JOB] = "job\n" };

/* Names of images have no such parts; what would leave the directory is refused all the same. */
static bool is_path(const char *repository) {
        for (const char *part = repository; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
                if (*part == '.' || *part == '/' || !*part)
                        return false;
        return true;
}

static char *directory_path(const char *state_directory, const char *repository) {
        return is_path(repository) ? str_printf("%s/images/%s", state_directory, repository) : NULL;
}

int image_record_directory(const char *state_directory, const char *repository, char **ret) {
        _cleanup_free_ char *path = directory_path(state_directory, repository);
        int r;

        if (!path)
                return is_path(repository) ? -ENOMEM : -EINVAL;
        r = file_mkdir_p(path, 0700);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(path);
        return 0;
}

static char *id_path(const char *directory, const char *id) {
        if (str_starts_with(id, "sha256:"))
                id += strlen("sha256:");
        return *id && strspn(id, "0123456789abcdef") == strlen(id) ? str_printf("%s/" IMAGE_PREFIX "%s", directory, id)
                                                                   : NULL;
}

ImageAccess image_record_access(const char *state_directory, const char *repository) {
        _cleanup_free_ char *directory = directory_path(state_directory, repository), *text = NULL,
                            *path = directory ? path_join(directory, ACCESS_NAME) : NULL;
        size_t n;
        int r;

        if (!path)
                return IMAGE_OF_JOB;
        r = file_read(path, RECORD_BYTES_MAX, &text, &n);
        if (r == -ENOENT || r == -ENOTDIR)
                return IMAGE_OPEN;
        return r >= 0 && str_equal(text, access_words[IMAGE_OF_OPERATOR]) ? IMAGE_OF_OPERATOR : IMAGE_OF_JOB;
}

/* Whole or not at all: others read it meanwhile. */
static int write_whole(const char *path, const char *text) {
        _cleanup_free_ char *draft = str_printf("%s.%d.new", path, (int) getpid());
        int r;

        if (!draft)
                return -ENOMEM;
        r = file_write(draft, text, strlen(text), 0600);
        if (r >= 0 && rename(draft, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(draft);
        return r;
}

int image_record_set_access(const char *state_directory, const char *repository, ImageAccess access) {
        _cleanup_free_ char *directory = NULL, *path = NULL;
        int r;

        r = image_record_directory(state_directory, repository, &directory);
        if (r < 0)
                return r;
        path = path_join(directory, ACCESS_NAME);
        if (!path)
                return -ENOMEM;
        if (access == IMAGE_OPEN)
                return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
        return write_whole(path, access_words[access]);
}

int image_record_add(const char *state_directory, const char *repository, const char *reference, const char *id) {
        _cleanup_free_ char *directory = NULL, *path = NULL, *text = NULL;
        JsonWriter w = { 0 };
        int r;

        r = image_record_directory(state_directory, repository, &directory);
        if (r < 0)
                return r;
        path = id_path(directory, id);
        if (!path)
                return -EINVAL;
        json_open_object(&w, NULL);
        json_put_string(&w, "reference", reference);
        json_close(&w);
        r = json_finish(&w, false, &text);
        return r < 0 ? r : write_whole(path, text);
}

void image_record_touch(const char *state_directory, const char *repository, const char *id) {
        _cleanup_free_ char *directory = directory_path(state_directory, repository),
                            *path = directory ? id_path(directory, id) : NULL;

        if (path)
                (void) utimensat(AT_FDCWD, path, NULL, 0);
}

void image_records_done(ImageRecords *records) {
        for (size_t i = 0; i < records->n_records; i++) {
                free(records->records[i].repository);
                free(records->records[i].reference);
                free(records->records[i].id);
        }
        free(records->records);
        *records = (ImageRecords) { 0 };
}

static int read_record(ImageRecords *records, const char *directory, const char *repository, const char *name) {
        _cleanup_free_ char *path = path_join(directory, name), *text = NULL;
        _cleanup_(json_unrefp) Json *json = NULL;
        ImageRecord record = { 0 };
        const char *reference;
        struct stat st;
        size_t n;

        if (!path)
                return -ENOMEM;
        if (strspn(name + strlen(IMAGE_PREFIX), "0123456789abcdef") != strlen(name + strlen(IMAGE_PREFIX)))
                return 0; /* a draft */
        if (stat(path, &st) < 0 || file_read(path, RECORD_BYTES_MAX, &text, &n) < 0 ||
            json_parse(text, n, &json, NULL) < 0)
                return 0; /* gone meanwhile, or damaged: then it is not ours to remove */
        reference = json_find_string(json, "reference");
        if (!reference || !str_starts_with(reference, repository))
                return 0;
        record = (ImageRecord) { .repository = strdup(repository),
                                .reference = strdup(reference),
                                .id = strdup(name + strlen(IMAGE_PREFIX)),
                                .used_usec = (uint64_t) st.st_mtim.tv_sec * USEC_PER_SEC +
                                             (uint64_t) st.st_mtim.tv_nsec / 1000 };
        if (record.repository && record.reference && record.id &&
            ARRAY_APPEND(records->records, records->n_records, record) >= 0)
                return 0;
        free(record.repository);
        free(record.reference);
        free(record.id);
        return -ENOMEM;
}

static int read_directory(ImageRecords *records, const char *directory, const char *repository, unsigned depth) {
        DIR *dir = opendir(directory);
        struct dirent *entry;
        int r = 0;

        if (!dir)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        while (r >= 0 && (entry = readdir(dir))) {
                _cleanup_free_ char *below = NULL, *name = NULL;

                if (str_starts_with(entry->d_name, IMAGE_PREFIX) && records->n_records < RECORDS_MAX)
                        r = read_record(records, directory, repository, entry->d_name);
                else if (entry->d_name[0] != '.' && depth < DIRECTORY_DEPTH_MAX) {
                        below = path_join(directory, entry->d_name);
                        name = *repository ? path_join(repository, entry->d_name) : strdup(entry->d_name);
                        r = below && name ? read_directory(records, below, name, depth + 1) : -ENOMEM;
                }
        }
        (void) closedir(dir);
        return r;
}

static int by_use(const void *a, const void *b) {
        const ImageRecord *x = a, *y = b;

        return x->used_usec < y->used_usec ? -1 : x->used_usec > y->used_usec ? 1 : strcmp(x->id, y->id);
}

int image_records_read(const char *state_directory, ImageRecords *ret) {
        _cleanup_(image_records_done) ImageRecords records = { 0 };
        _cleanup_free_ char *directory = path_join(state_directory, "images");
        int r;

        r = directory ? read_directory(&records, directory, "", 0) : -ENOMEM;
        if (r < 0)
                return r;
        if (records.n_records > 0)
                qsort(records.records, records.n_records, sizeof(*records.records), by_use);
        *ret = records;
        records = (ImageRecords) { 0 };
        return 0;
}

/*
 * The directory goes when nothing is left in it: then nothing of the repository is on this machine that podstep
 * brought.
 */
void image_record_remove(const char *state_directory, const ImageRecord *record) {
        _cleanup_free_ char *directory = directory_path(state_directory, record->repository),
                            *path = directory ? id_path(directory, record->id) : NULL;

        if (!path)
                return;
        (void) unlink(path);
        for (size_t n = strlen(state_directory) + strlen("/images"); strlen(directory) > n && rmdir(directory) >= 0;)
                *strrchr(directory, '/') = '\0';
}
