#include "engine/tar.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "engine/tar-internal.h"

int tar_first_file(const char *archive, size_t n, const char **ret, size_t *ret_n, char **ret_link) {
        while (n >= TAR_BLOCK) {
                const TarHeader *header = (const TarHeader *) archive;
                uint64_t size = 0, padded;

                if (header->name[0] == '\0' && header->type == '\0')
                        break; /* the empty blocks at the end */
                if (tar_parse_number(header->size, sizeof(header->size), &size) < 0)
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
