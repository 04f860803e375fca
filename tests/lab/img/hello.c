/*
 * The only program of the image "noshell": tells who it is, sleeps when asked to, exits 7 with two or more arguments.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
        printf("hello pid=%d uid=%d args=%d\n", getpid(), getuid(), argc - 1);
        fflush(stdout);
        if (argc > 1 && strcmp(argv[1], "sleep") == 0)
                sleep(1000);
        return argc > 2 ? 7 : 0;
}
