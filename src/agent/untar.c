#include "agent/untar.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/file.h"
#include "base/str.h"

#define BLOCK 512
#define NAME_BYTES_MAX 4096 /* of a name, and of all that pax says of one entry four times that */

typedef struct Header { /* POSIX.1-1988 ustar; POSIX.1-2001 pax has the same */
        char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6],
                version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
} Header;

typedef enum Part { PART_HEADER, PART_FILE, PART_TEXT, PART_SKIPPED } Part;

struct Untar {
        int root, file; /* file: being written; -1: none */
        char block[BLOCK];
        size_t n_block;
        Part part;
        char text_type;          /* of PART_TEXT: what the text is for */
        uint64_t left, padding;  /* of the present part */
        uint64_t n_bytes;
        unsigned n_entries, n_zero;
        Str text;
        char *name, *link;       /* for the next entry, from an extension */
        uint64_t size;           /* likewise; UINT64_MAX: none */
};

int untar_new(const char *directory, Untar **ret, Error **reterr) {
        Untar *untar = calloc(1, sizeof(*untar));

        if (!untar)
                return error_oom(reterr);
        *untar = (Untar) { .file = -1, .text = STR_INIT(4 * NAME_BYTES_MAX), .size = UINT64_MAX };
        untar->root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (untar->root < 0) {
                int r = error_set(reterr, errno, "cannot open '%s': %s", directory, strerror(errno));

                untar_free(untar);
                return r;
        }
        *ret = untar;
        return 0;
}

Untar *untar_free(Untar *untar) {
        if (!untar)
                return NULL;
        (void) fd_close(untar->root);
        (void) fd_close(untar->file);
        str_done(&untar->text);
        free(untar->name);
        free(untar->link);
        free(untar);
        return NULL;
}

/* ---- the directory ---- */

static int open_below(const Untar *untar, const char *path, uint64_t flags, uint64_t mode) {
        struct open_how how = { .flags = flags | O_CLOEXEC,
                                .mode = mode,
                                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
        long fd = syscall(SYS_openat2, untar->root, path, &how, sizeof(how));

        return fd < 0 ? -errno : (int) fd;
}

/* Its directory is made if no entry did; the descriptor of it, and the last part of the name. */
static int open_parent(const Untar *untar, const char *path, const char **ret_base) {
        _cleanup_free_ char *parent = path_parent(path);
        int fd;

        if (!parent)
                return -ENOMEM;
        *ret_base = path_base(path);
        for (char *slash = strchr(parent, '/');; slash = strchr(slash + 1, '/')) {
                if (slash)
                        *slash = '\0';
                if (!str_equal(parent, ".") && mkdirat(untar->root, parent, 0755) < 0 && errno != EEXIST)
                        return -errno;
                fd = open_below(untar, parent, O_PATH | O_DIRECTORY, 0);
                if (!slash || fd < 0)
                        return fd;
                (void) fd_close(fd);
                *slash = '/';
        }
}

static int make_entry(Untar *untar, char type, const char *path, const char *link, mode_t mode) {
        const char *base = NULL;
        _cleanup_close_ int parent = open_parent(untar, path, &base);

        if (parent < 0)
                return parent;
        if (type == '5')
                return mkdirat(parent, base, mode | 0700) < 0 && errno != EEXIST ? -errno : 0;
        (void) unlinkat(parent, base, 0); /* a later entry of the same name counts */
        if (type == '2')
                return symlinkat(link, parent, base) < 0 ? -errno : 0;
        untar->file = openat(parent, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode & 0777) | 0600);
        return untar->file < 0 ? -errno : 0;
}

/* ---- headers ---- */

static bool parse_octal(const char *field, size_t n, uint64_t *ret) {
        uint64_t value = 0;
        size_t i = 0;

        if ((unsigned char) field[0] == 0x80) { /* GNU: binary, for what is too large */
                for (i = 1; i < n; i++)
                        value = value << 8 | (unsigned char) field[i];
                *ret = value;
                return true;
        }
        while (i < n && field[i] == ' ')
                i++;
        for (; i < n && field[i] >= '0' && field[i] <= '7'; i++)
                value = value << 3 | (uint64_t) (field[i] - '0');
        *ret = value;
        return i == n || field[i] == ' ' || field[i] == '\0';
}

static bool is_intact(const Header *header) {
        const unsigned char *p = (const unsigned char *) header;
        uint64_t want, sum = 0;

        for (size_t i = 0; i < BLOCK; i++)
                sum += i >= offsetof(Header, checksum) && i < offsetof(Header, type) ? ' ' : p[i];
        return parse_octal(header->checksum, sizeof(header->checksum), &want) && want == sum;
}

static char *read_name(const Header *header) {
        int n_prefix =
                memcmp(header->magic, "ustar", 5) == 0 ? (int) strnlen(header->prefix, sizeof(header->prefix)) : 0;

        return str_printf("%.*s%s%.*s", n_prefix, header->prefix, n_prefix > 0 ? "/" : "",
                          (int) strnlen(header->name, sizeof(header->name)), header->name);
}

/* What pax says: "LENGTH KEY=VALUE\n" */
static int read_pax(Untar *untar) {
        const char *p = str_get(&untar->text), *end = p + untar->text.n;

        while (p < end) {
                unsigned long length = 0;
                int n_number = 0;
                const char *next, *equals;
                _cleanup_free_ char *value = NULL;

                if (sscanf(p, "%8lu %n", &length, &n_number) != 1 || n_number == 0 || length > (size_t) (end - p) ||
                    length <= (size_t) n_number)
                        return -EBADMSG;
                next = p + length;
                p += n_number;
                equals = memchr(p, '=', (size_t) (next - p));
                if (!equals || next[-1] != '\n')
                        return -EBADMSG;
                value = strndup(equals + 1, (size_t) (next - 1 - (equals + 1)));
                if (!value)
                        return -ENOMEM;
                if (strncmp(p, "path=", 5) == 0) {
                        free(untar->name);
                        untar->name = TAKE_PTR(value);
                } else if (strncmp(p, "linkpath=", 9) == 0) {
                        free(untar->link);
                        untar->link = TAKE_PTR(value);
                } else if (strncmp(p, "size=", 5) == 0 && sscanf(value, "%19lu", &length) == 1)
                        untar->size = length;
                p = next;
        }
        return 0;
}

static int end_text(Untar *untar) {
        char **field = untar->text_type == 'L' ? &untar->name : untar->text_type == 'K' ? &untar->link : NULL;

        if (untar->text.error)
                return -EBADMSG;
        if (untar->text_type == 'x')
                return read_pax(untar);
        if (!field)
                return 0;
        free(*field);
        *field = strdup(str_get(&untar->text));
        return *field ? 0 : -ENOMEM;
}

static int begin_text(Untar *untar, char type, uint64_t size) {
        if (size > untar->text.max)
                return -EBADMSG;
        str_clear(&untar->text);
        untar->text_type = type;
        untar->part = PART_TEXT;
        return 0;
}

static int begin_entry(Untar *untar, const Header *header, char type, uint64_t size, Error **reterr) {
        _cleanup_free_ char *name = untar->name ? TAKE_PTR(untar->name) : read_name(header),
                            *clean = name ? path_clean(name) : NULL;
        _cleanup_free_ char *link = untar->link ? TAKE_PTR(untar->link) : strndup(header->link, sizeof(header->link));
        _cleanup_free_ char *shown = name ? str_escape(name, strlen(name), 100) : NULL;
        uint64_t mode = 0644;
        int r;

        if (!clean || !link || !shown)
                return error_oom(reterr);
        if (clean[0] == '/' || str_equal(clean, "..") || str_starts_with(clean, "../") ||
            strlen(clean) > NAME_BYTES_MAX)
                return error_set(reterr, EPERM, "the archive holds '%s', which would lie outside", shown);
        if (path_depth(clean) > COPY_DEPTH_MAX) /* deeper ones could not be copied, nor removed */
                return error_set(reterr, EPERM, "the archive holds '%s', which lies deeper than %u directories", shown,
                                 COPY_DEPTH_MAX);
        if (!strchr("0257", type))
                return error_set(reterr, EPERM, "the archive holds '%s', which is no file, directory or symbolic link",
                                 shown);
        untar->n_bytes += size;
        if (++untar->n_entries > UNTAR_ENTRIES_MAX || untar->n_bytes > UNTAR_BYTES_MAX)
                return error_set(reterr, EFBIG, "the archive is too large");
        (void) parse_octal(header->mode, sizeof(header->mode), &mode);
        untar->part = type == '0' || type == '7' ? PART_FILE : PART_SKIPPED;
        if (str_equal(clean, "."))
                return 0;
        r = make_entry(untar, type == '7' ? '0' : type, clean, link, (mode_t) mode & 0777);
        if (r == -ELOOP || r == -EXDEV || r == -ENOTDIR)
                return error_set(reterr, EPERM, "the archive holds '%s' below something that is no directory of it",
                                 shown);
        return r < 0 ? error_set(reterr, -r, "cannot unpack '%s': %s", shown, strerror(-r)) : 0;
}

static int take_header(Untar *untar, Error **reterr) {
        const Header *header = (const Header *) untar->block;
        static const char zero[BLOCK];
        char type = header->type ? header->type : '0';
        uint64_t size;
        int r;

        untar->n_block = 0;
        if (memcmp(untar->block, zero, BLOCK) == 0) {
                untar->n_zero++;
                return 0;
        }
        if (untar->n_zero > 0) /* what stands behind the end is padding */
                return 0;
        if (!is_intact(header) || !parse_octal(header->size, sizeof(header->size), &size))
                return error_set(reterr, EBADMSG,
                                 "this is no tar archive, or it is damaged; it must not be compressed");
        if (untar->size != UINT64_MAX && !strchr("xgLK", type)) {
                size = untar->size;
                untar->size = UINT64_MAX;
        }
        if (strchr("25", type))
                size = 0;
        untar->left = size;
        untar->padding = (BLOCK - size % BLOCK) % BLOCK;
        r = strchr("xLK", type) ? begin_text(untar, type, size) : 0;
        if (type == 'g')
                untar->part = PART_SKIPPED;
        if (r < 0)
                return error_set(reterr, EBADMSG, "the archive holds a name that is too long");
        return strchr("xgLK", type) ? 0 : begin_entry(untar, header, type, size, reterr);
}

/* ---- bytes ---- */

static int take_part(Untar *untar, const char *bytes, size_t n, Error **reterr) {
        int r = 0;

        if (untar->part == PART_FILE && untar->file >= 0)
                r = file_write_fd(untar->file, bytes, n);
        else if (untar->part == PART_TEXT)
                (void) str_append_n(&untar->text, bytes, n);
        untar->left -= n;
        if (r < 0)
                return error_set(reterr, -r, "cannot unpack the archive: %s", strerror(-r));
        if (untar->left == 0)
                untar->file = fd_close(untar->file);
        if (untar->left == 0 && untar->part == PART_TEXT && end_text(untar) < 0)
                return error_set(reterr, EBADMSG, "the archive holds an extension that cannot be read");
        return 0;
}

int untar_feed(Untar *untar, const char *bytes, size_t n, Error **reterr) {
        int r = 0;

        while (n > 0 && r >= 0) {
                size_t k;

                if (untar->left > 0) {
                        k = (size_t) MIN(untar->left, (uint64_t) n);
                        r = take_part(untar, bytes, k, reterr);
                } else if (untar->padding > 0) {
                        k = (size_t) MIN(untar->padding, (uint64_t) n);
                        untar->padding -= k;
                } else {
                        untar->file = fd_close(untar->file); /* of an empty one */
                        k = MIN(BLOCK - untar->n_block, n);
                        memcpy(untar->block + untar->n_block, bytes, k);
                        untar->n_block += k;
                        if (untar->n_block == BLOCK)
                                r = take_header(untar, reterr);
                }
                bytes += k;
                n -= k;
        }
        return r;
}

int untar_end(Untar *untar, Error **reterr) {
        if (untar->left > 0 || untar->n_block > 0 || untar->n_zero == 0)
                return error_set(reterr, EBADMSG, "the archive was cut off");
        return 0;
}
