#include "engine/tar.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

#define TAR_BLOCK 512U

typedef struct TarHeader {
        char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], rest[255];
} TarHeader;
static_assert(sizeof(TarHeader) == TAR_BLOCK, "tar header");

/* Octal digits, ended by space or NUL. The base-256 form is for files beyond 8 GiB, which nobody asks for. */
static int parse_octal(const char *text, size_t n, uint64_t *ret) {
        uint64_t value = 0;
        size_t i = 0;

        while (i < n && text[i] == ' ')
                i++;
        if (i == n || text[i] < '0' || text[i] > '7')
                return -EBADMSG;
        for (; i < n && text[i] >= '0' && text[i] <= '7'; i++)
                value = value * 8 + (uint64_t) (text[i] - '0');
        *ret = value;
        return i == n || text[i] == ' ' || text[i] == '\0' ? 0 : -EBADMSG;
}

int tar_first_file(const char *archive, size_t n, const char **ret, size_t *ret_n, char **ret_link) {
        while (n >= TAR_BLOCK) {
                const TarHeader *header = (const TarHeader *) archive;
                uint64_t size = 0, padded;

                if (header->name[0] == '\0' && header->type == '\0')
                        break; /* the empty blocks at the end */
                if (parse_octal(header->size, sizeof(header->size), &size) < 0)
                        return -EBADMSG;
                archive += TAR_BLOCK;
                n -= TAR_BLOCK;
                switch (header->type) {
                case '0':
                case '\0':
                        if (size > n)
                                return -EBADMSG;
                        *ret = archive;
                        *ret_n = (size_t) size;
                        return 0;
                case '2':
                        *ret_link = strndup(header->link, sizeof(header->link));
                        return *ret_link ? 1 : -ENOMEM;
                case '5':
                        return -EISDIR;
                default: /* long names and other attributes */
                        break;
                }
                padded = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
                if (padded > n)
                        return -EBADMSG;
                archive += padded;
                n -= (size_t) padded;
        }
        return -ENOENT;
}
