/* A tar archive as it comes: cut anywhere, nothing kept but one header. */

#include "engine/tar.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/parse.h"
#include "engine/tar-internal.h"

#define TAR_EXTENSION_MAX (1024U * 1024) /* bytes of a pax header or a long name */
#define NSEC_DIGITS 9

typedef enum Where { AT_HEADER, IN_EXTENSION, IN_FILE, IN_PADDING, AT_END } Where;

struct TarReader {
        const TarReaderClass *class;
        void *userdata;
        Where where, after_padding;
        char block[TAR_BLOCK];
        size_t n_block;
        uint64_t n_left;  /* of what we are in */
        size_t n_padding; /* after it */
        char extension_type;
        Str extension;
        unsigned n_empty; /* blocks in a row */
        /* What extensions say of the next entry: */
        char *path, *link;
        bool has_size, has_mtime, has_uid, has_gid;
        uint64_t size, uid, gid;
        int64_t mtime_sec;
        uint32_t mtime_nsec;
};

int tar_reader_new(const TarReaderClass *class, void *userdata, TarReader **ret) {
        TarReader *reader = calloc(1, sizeof(*reader));

        if (!reader)
                return -ENOMEM;
        reader->class = class;
        reader->userdata = userdata;
        reader->extension = STR_INIT(TAR_EXTENSION_MAX);
        *ret = reader;
        return 0;
}

static void forget_extension(TarReader *reader) {
        free(TAKE_PTR(reader->path));
        free(TAKE_PTR(reader->link));
        reader->has_size = reader->has_mtime = reader->has_uid = reader->has_gid = false;
}

TarReader *tar_reader_free(TarReader *reader) {
        if (!reader)
                return NULL;
        forget_extension(reader);
        str_done(&reader->extension);
        free(reader);
        return NULL;
}

bool tar_reader_is_whole(const TarReader *reader) {
        return reader->where == AT_END;
}

int tar_parse_number(const char *text, size_t n, uint64_t *ret) {
        uint64_t value = 0;
        size_t i = 0;

        if ((unsigned char) text[0] == 0x80) {
                for (i = 1; i < n; i++) {
                        if (value > UINT64_MAX >> 8)
                                return -EBADMSG;
                        value = value << 8 | (unsigned char) text[i];
                }
                *ret = value;
                return 0;
        }
        while (i < n && text[i] == ' ')
                i++;
        if (i == n || text[i] < '0' || text[i] > '7')
                return -EBADMSG;
        for (; i < n && text[i] >= '0' && text[i] <= '7'; i++)
                value = value * 8 + (uint64_t) (text[i] - '0');
        *ret = value;
        return i == n || text[i] == ' ' || text[i] == '\0' ? 0 : -EBADMSG;
}

static int set_text(char **place, const char *value, size_t n) {
        if (n > TAR_PATH_MAX || memchr(value, '\0', n))
                return -EBADMSG;
        free(*place);
        *place = strndup(value, n);
        return *place ? 0 : -ENOMEM;
}

static int set_number(const char *value, size_t n, uint64_t *ret, bool *ret_has) {
        _cleanup_free_ char *text = strndup(value, n);
        int r = text ? parse_u64(text, ret) : -ENOMEM;

        if (r >= 0)
                *ret_has = true;
        return r == -ENOMEM ? r : r < 0 ? -EBADMSG : 0;
}

/* "1700000000.123456789"; times before 1970 count as its beginning. */
static int set_mtime(TarReader *reader, const char *value, size_t n) {
        const char *dot = memchr(value, '.', n);
        size_t n_whole = dot ? (size_t) (dot - value) : n;
        uint64_t sec = 0;
        bool has = false;
        int r;

        reader->has_mtime = true;
        reader->mtime_sec = 0;
        reader->mtime_nsec = 0;
        if (n > 0 && *value == '-')
                return 0;
        r = set_number(value, n_whole, &sec, &has);
        if (r < 0)
                return r;
        reader->mtime_sec = (int64_t) MIN(sec, (uint64_t) INT64_MAX);
        for (size_t i = 0, at = n_whole + 1; i < NSEC_DIGITS; i++, at++) {
                char digit = at < n ? value[at] : '0';

                if (digit < '0' || digit > '9')
                        return -EBADMSG;
                reader->mtime_nsec = reader->mtime_nsec * 10 + (uint32_t) (digit - '0');
        }
        return 0;
}

static int take_record(TarReader *reader, const char *name, size_t n_name, const char *value, size_t n) {
#define IS(text) (n_name == strlen(text) && memcmp(name, text, n_name) == 0)
        if (IS("path"))
                return set_text(&reader->path, value, n);
        if (IS("linkpath"))
                return set_text(&reader->link, value, n);
        if (IS("size"))
                return set_number(value, n, &reader->size, &reader->has_size);
        if (IS("uid"))
                return set_number(value, n, &reader->uid, &reader->has_uid);
        if (IS("gid"))
                return set_number(value, n, &reader->gid, &reader->has_gid);
        return IS("mtime") ? set_mtime(reader, value, n) : 0;
#undef IS
}

static int take_pax(TarReader *reader) {
        const char *at = str_get(&reader->extension), *end = at + reader->extension.n;

        while (at < end) {
                const char *space = memchr(at, ' ', (size_t) (end - at)), *equals;
                uint64_t n_record = 0;
                bool has = false;
                int r = space ? set_number(at, (size_t) (space - at), &n_record, &has) : -EBADMSG;

                if (r < 0)
                        return r;
                /* at least "N x=\n" */
                if (n_record < (uint64_t) (space - at) + 3 || n_record > (uint64_t) (end - at) ||
                    at[n_record - 1] != '\n')
                        return -EBADMSG;
                equals = memchr(space + 1, '=', (size_t) (at + n_record - space - 1));
                if (!equals)
                        return -EBADMSG;
                r = take_record(reader, space + 1, (size_t) (equals - space - 1), equals + 1,
                                (size_t) (at + n_record - 1 - (equals + 1)));
                if (r < 0)
                        return r;
                at += n_record;
        }
        return 0;
}

static int take_extension(TarReader *reader) {
        const char *text = str_get(&reader->extension);

        switch (reader->extension_type) {
        case 'x':
                return take_pax(reader);
        case 'L':
                return set_text(&reader->path, text, strnlen(text, reader->extension.n));
        case 'K':
                return set_text(&reader->link, text, strnlen(text, reader->extension.n));
        default: /* 'g': of all that follow; nothing there is of interest */
                return 0;
        }
}

static void skip_padding(TarReader *reader, uint64_t size, Where after) {
        reader->n_padding = tar_padding(size);
        reader->after_padding = after;
        reader->where = reader->n_padding > 0 ? IN_PADDING : after;
}

static bool checksum_fits(const TarHeader *header) {
        uint64_t want;
        unsigned sum = 0;

        if (tar_parse_number(header->checksum, sizeof(header->checksum), &want) < 0)
                return false;
        for (size_t i = 0; i < sizeof(*header); i++)
                sum += i >= offsetof(TarHeader, checksum) &&
                                       i < offsetof(TarHeader, checksum) + sizeof(header->checksum)
                               ? ' '
                               : ((const unsigned char *) header)[i];
        return want == sum;
}

static TarType type_of(char type) {
        return type == '0' || type == '\0' || type == '7' ? TAR_FILE
               : type == '5'                              ? TAR_DIRECTORY
               : type == '2'                              ? TAR_LINK
               : type == '1'                              ? TAR_HARD_LINK
                                                          : TAR_OTHER;
}

/* The path of ustar: "prefix/name", each in a field that need not end. */
static int copy_path(TarReader *reader, const TarHeader *header) {
        size_t n_prefix = memcmp(header->magic, "ustar", 6) == 0 ? strnlen(header->prefix, sizeof(header->prefix)) : 0;

        if (!reader->path)
                reader->path = str_printf("%.*s%s%.*s", (int) n_prefix, header->prefix, n_prefix > 0 ? "/" : "",
                                          (int) strnlen(header->name, sizeof(header->name)), header->name);
        if (!reader->link)
                reader->link = strndup(header->link, sizeof(header->link));
        return reader->path && reader->link ? 0 : -ENOMEM;
}

static int begin_extension(TarReader *reader, char type, uint64_t size) {
        if (size > TAR_EXTENSION_MAX)
                return -EBADMSG;
        str_clear(&reader->extension);
        reader->extension_type = type;
        reader->n_left = size;
        reader->where = IN_EXTENSION;
        return 0;
}

static int end_entry(TarReader *reader) {
        forget_extension(reader);
        return reader->class->end ? reader->class->end(reader->userdata) : 0;
}

static int begin_entry(TarReader *reader, const TarHeader *header, uint64_t size) {
        TarEntry entry = { .type = type_of(header->type) };
        uint64_t mode, uid, gid, mtime = 0;
        int r;

        if (tar_parse_number(header->mode, sizeof(header->mode), &mode) < 0 ||
            tar_parse_number(header->uid, sizeof(header->uid), &uid) < 0 ||
            tar_parse_number(header->gid, sizeof(header->gid), &gid) < 0)
                return -EBADMSG;
        (void) tar_parse_number(header->mtime, sizeof(header->mtime), &mtime); /* before 1970: a negative number */
        if (reader->has_size)
                size = reader->size;
        r = copy_path(reader, header);
        if (r < 0)
                return r;
        entry.path = reader->path;
        entry.link = entry.type == TAR_LINK || entry.type == TAR_HARD_LINK ? reader->link : NULL;
        entry.mode = (mode_t) (mode & 07777);
        entry.uid = (uint32_t) MIN(reader->has_uid ? reader->uid : uid, (uint64_t) UINT32_MAX);
        entry.gid = (uint32_t) MIN(reader->has_gid ? reader->gid : gid, (uint64_t) UINT32_MAX);
        entry.size = entry.type == TAR_FILE ? size : 0;
        entry.mtime_sec = reader->has_mtime ? reader->mtime_sec : (int64_t) MIN(mtime, (uint64_t) INT64_MAX);
        entry.mtime_nsec = reader->has_mtime ? reader->mtime_nsec : 0;
        r = reader->class->entry(&entry, reader->userdata);
        if (r < 0)
                return r;
        reader->n_left = entry.type == TAR_FILE || entry.type == TAR_OTHER ? size : 0;
        reader->n_padding = tar_padding(reader->n_left);
        if (reader->n_left > 0) {
                reader->where = IN_FILE;
                return 0;
        }
        return end_entry(reader);
}

static int take_header(TarReader *reader) {
        const TarHeader *header = (const TarHeader *) reader->block;
        static const char empty[TAR_BLOCK];
        uint64_t size;

        reader->n_block = 0;
        if (memcmp(header, empty, TAR_BLOCK) == 0) {
                if (++reader->n_empty == 2)
                        reader->where = AT_END;
                return 0;
        }
        reader->n_empty = 0;
        if (!checksum_fits(header) || tar_parse_number(header->size, sizeof(header->size), &size) < 0)
                return -EBADMSG;
        if (header->type && strchr("xgLK", header->type))
                return begin_extension(reader, header->type, size);
        return begin_entry(reader, header, size);
}

/* As much as one state takes; how much that was is put into *ret_n. */
static int take_some(TarReader *reader, const char *bytes, size_t n, size_t *ret_n) {
        size_t k = (size_t) MIN((uint64_t) n, reader->n_left);
        int r = 0;

        switch (reader->where) {
        case AT_HEADER:
                k = MIN(n, TAR_BLOCK - reader->n_block);
                memcpy(reader->block + reader->n_block, bytes, k);
                reader->n_block += k;
                if (reader->n_block == TAR_BLOCK)
                        r = take_header(reader);
                break;
        case IN_EXTENSION:
                r = str_append_n(&reader->extension, bytes, k);
                reader->n_left -= k;
                if (r < 0 || reader->n_left > 0)
                        break;
                skip_padding(reader, reader->extension.n, AT_HEADER);
                r = take_extension(reader);
                break;
        case IN_FILE:
                if (reader->class->bytes)
                        r = reader->class->bytes(bytes, k, reader->userdata);
                reader->n_left -= k;
                if (r < 0 || reader->n_left > 0)
                        break;
                reader->where = reader->n_padding > 0 ? IN_PADDING : AT_HEADER;
                reader->after_padding = AT_HEADER;
                r = end_entry(reader);
                break;
        case IN_PADDING:
                k = MIN(n, reader->n_padding);
                reader->n_padding -= k;
                if (reader->n_padding == 0)
                        reader->where = reader->after_padding;
                break;
        case AT_END: /* writers fill up to a record */
                k = n;
                break;
        }
        *ret_n = k;
        return r;
}

int tar_reader_feed(TarReader *reader, const char *bytes, size_t n) {
        while (n > 0) {
                size_t k = 0;
                int r = take_some(reader, bytes, n, &k);

                if (r < 0)
                        return r;
                bytes += k;
                n -= k;
        }
        return 0;
}
