#include "with.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enter.h"

#define FILE_BYTES_MAX (16U * 1024 * 1024)

/* The bytes stay for as long as we do: the environment points to them. */
int read_variables(const char *path) {
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

int become(char **argv) {
        execvp(argv[0], argv);
        fprintf(stderr, "cannot start '%s': %s\n", argv[0], strerror(errno));
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
}

static int is_to_stay(const char *file) {
        char path[PATH_MAX];

        return snprintf(path, sizeof(path), "%s.stay", file) < (int) sizeof(path) && access(path, F_OK) == 0;
}

int with(char **argv) {
        if (!argv[0])
                return EXIT_FAILURE;
        if (is_to_stay(argv[0]))
                return stay(argv);
        if (!argv[1]) {
                fprintf(stderr, "there is nothing to run: neither the step nor its image names a program\n");
                return STATUS_NOT_FOUND;
        }
        if (read_variables(argv[0]) < 0) {
                fprintf(stderr, "cannot read '%s': %s\n", argv[0], strerror(errno));
                return STATUS_CANNOT_RUN;
        }
        return become(argv + 1);
}
