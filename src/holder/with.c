#include "with.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (16U * 1024 * 1024)
#define CANNOT_RUN 126
#define NOT_FOUND 127

/* The bytes stay for as long as we do: the environment points to them. */
static int read_variables(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        size_t n = 0;
        struct stat st;
        char *text;

        if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < 0 || st.st_size > FILE_BYTES_MAX)
                return -1;
        text = malloc((size_t) st.st_size + 1);
        if (!text)
                return -1;
        while (n < (size_t) st.st_size) {
                ssize_t k = read(fd, text + n, (size_t) st.st_size - n);

                if (k <= 0)
                        return -1;
                n += (size_t) k;
        }
        text[n] = '\0';
        close(fd);
        for (char *at = text; at < text + n; at += strlen(at) + 1)
                if (strchr(at, '=') && putenv(at) != 0)
                        return -1;
        return 0;
}

int with(char **argv) {
        if (!argv[0] || !argv[1])
                return EXIT_FAILURE;
        if (read_variables(argv[0]) < 0) {
                fprintf(stderr, "cannot read '%s': %s\n", argv[0], strerror(errno));
                return CANNOT_RUN;
        }
        execvp(argv[1], argv + 1);
        fprintf(stderr, "cannot start '%s': %s\n", argv[1], strerror(errno));
        return errno == ENOENT ? NOT_FOUND : CANNOT_RUN;
}
