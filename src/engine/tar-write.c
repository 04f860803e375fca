#include "engine/tar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/tar-internal.h"

#define OCTAL_ID_MAX 07777777U                  /* seven digits */
#define OCTAL_SIZE_MAX (UINT64_C(077777777777)) /* eleven */

static void put_octal(char *field, size_t n, uint64_t value) {
        field[n - 1] = '\0';
        for (size_t i = n - 1; i-- > 0; value >>= 3)
                field[i] = (char) ('0' + (value & 7));
}

/* Cut where it is too long: then the pax header says it. */
static void put_text(char *field, size_t n, const char *text) {
        memcpy(field, text, strnlen(text, n));
}

static void put_header(Str *out, const char *path, char type, const TarEntry *entry, uint64_t size) {
        TarHeader header = { 0 };
        unsigned sum = 0;

        put_text(header.name, sizeof(header.name), path);
        put_octal(header.mode, sizeof(header.mode), entry->mode & 07777);
        put_octal(header.uid, sizeof(header.uid), MIN(entry->uid, OCTAL_ID_MAX));
        put_octal(header.gid, sizeof(header.gid), MIN(entry->gid, OCTAL_ID_MAX));
        put_octal(header.size, sizeof(header.size), MIN(size, OCTAL_SIZE_MAX));
        put_octal(header.mtime, sizeof(header.mtime), (uint64_t) MAX(0, entry->mtime_sec));
        header.type = type;
        if (entry->link && type == '2')
                put_text(header.link, sizeof(header.link), entry->link);
        memcpy(header.magic, "ustar\00000", sizeof(header.magic));
        memset(header.checksum, ' ', sizeof(header.checksum));
        for (size_t i = 0; i < sizeof(header); i++)
                sum += ((const unsigned char *) &header)[i];
        (void) snprintf(header.checksum, sizeof(header.checksum), "%06o", sum & 0777777);
        (void) str_append_n(out, (const char *) &header, sizeof(header));
}

/* "LENGTH NAME=VALUE\n", where the length counts itself. */
static void put_record(Str *out, const char *name, const char *value) {
        size_t n = strlen(name) + strlen(value) + 3, n_all = n + 1;
        char digits[24];

        while (n + (size_t) snprintf(digits, sizeof(digits), "%zu", n_all) != n_all)
                n_all = n + strlen(digits);
        (void) str_appendf(out, "%s %s=", digits, name);
        (void) str_append(out, value);
        (void) str_append_char(out, '\n');
}

static void put_number(Str *out, const char *name, uint64_t value) {
        char text[24];

        (void) snprintf(text, sizeof(text), "%llu", (unsigned long long) value);
        put_record(out, name, text);
}

static void put_zeros(Str *out, size_t n) {
        static const char zeros[TAR_BLOCK];

        (void) str_append_n(out, zeros, n);
}

/* Everything that the fields of ustar cannot hold. */
static int put_pax(Str *out, const TarEntry *entry, const char *path) {
        _cleanup_str_ Str records = STR_INIT(4 * TAR_PATH_MAX);
        char time[40];

        if (strlen(path) > sizeof(((TarHeader *) 0)->name))
                put_record(&records, "path", path);
        if (entry->link && strlen(entry->link) > sizeof(((TarHeader *) 0)->link))
                put_record(&records, "linkpath", entry->link);
        if (entry->size > OCTAL_SIZE_MAX)
                put_number(&records, "size", entry->size);
        if (entry->uid > OCTAL_ID_MAX)
                put_number(&records, "uid", entry->uid);
        if (entry->gid > OCTAL_ID_MAX)
                put_number(&records, "gid", entry->gid);
        if (entry->mtime_nsec > 0) { /* tools that compare times of files need it */
                (void) snprintf(time, sizeof(time), "%lld.%09u", (long long) entry->mtime_sec,
                                (unsigned) entry->mtime_nsec);
                put_record(&records, "mtime", time);
        }
        if (records.error)
                return records.error;
        if (records.n == 0)
                return 0;
        put_header(out, "pax", 'x', &(TarEntry) { .mode = 0644 }, records.n);
        (void) str_append_n(out, str_get(&records), records.n);
        put_zeros(out, tar_padding(records.n));
        return 0;
}

int tar_put_entry(Str *out, const TarEntry *entry) {
        static const char types[] = { [TAR_FILE] = '0', [TAR_DIRECTORY] = '5', [TAR_LINK] = '2' };
        _cleanup_free_ char *path = str_printf("%s%s", entry->path, entry->type == TAR_DIRECTORY ? "/" : "");
        int r;

        if (!path)
                return -ENOMEM;
        r = put_pax(out, entry, path);
        if (r < 0)
                return r;
        put_header(out, path, types[entry->type], entry, entry->type == TAR_FILE ? entry->size : 0);
        return out->error;
}

size_t tar_padding(uint64_t size) {
        return (size_t) ((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

int tar_put_end(Str *out) {
        put_zeros(out, TAR_BLOCK);
        put_zeros(out, TAR_BLOCK);
        return out->error;
}
