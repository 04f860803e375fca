/*
 * Drives a fuzz target without libFuzzer: all files of the directories given, and of each some mutations. Which ones
 * depends on the file's bytes alone, so that a failure comes again. From the environment:
 *   PODSTEP_FUZZ_ROUNDS=N     N mutations of each file
 *   PODSTEP_FUZZ_SAVE=FILE    where to put the input that the target died on
 */

#include <dirent.h>
#include <signal.h>

#include "base/array.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "fuzz.h"

#define FILE_BYTES_MAX (1024U * 1024)
#define ROUNDS 100

typedef struct Seed {
        char *path, *bytes;
        size_t n;
} Seed;

typedef struct Random {
        uint64_t state;
} Random;

/* splitmix64 */
static uint64_t random_next(Random *random) {
        uint64_t z = random->state += 0x9e3779b97f4a7c15U;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
        z = (z ^ z >> 27) * 0x94d049bb133111ebU;
        return z ^ z >> 31;
}

static size_t random_below(Random *random, size_t n) {
        return n == 0 ? 0 : (size_t) (random_next(random) % n);
}

/* For the message when the target dies. */
static const Seed *current;
static const char *current_bytes;
static size_t current_n;
static uint64_t current_round;

/* There with a sanitizer only. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void tell_current(void) {
        const char *save = getenv("PODSTEP_FUZZ_SAVE");

        fprintf(stderr, "replay: that was %s, mutation %u\n", current->path, (unsigned) current_round);
        if (save)
                (void) file_write(save, current_bytes, current_n, 0600);
}

static void on_signal(int unused) {
        (void) unused;
        tell_current(); /* not safe in a signal handler, but there is nothing left to lose */
}

static void watch_death(void) {
        const struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int) SA_RESETHAND };

        (void) sigaction(SIGABRT, &action, NULL);
        if (__sanitizer_set_death_callback)
                __sanitizer_set_death_callback(tell_current);
        else
                (void) sigaction(SIGSEGV, &action, NULL);
}

static void run(const char *bytes, size_t n) {
        current_bytes = bytes;
        current_n = n;
        (void) LLVMFuzzerTestOneInput((const uint8_t *) bytes, n);
}

static void overwrite(Random *random, Str *text) {
        static const char interesting[] = "\0\n\r\t :-[]{}\"'\\,#&*!|>%@`<~?0\x7f\xff\xc3";

        if (text->n > 0)
                text->bytes[random_below(random, text->n)] = interesting[random_below(random, sizeof(interesting) - 1)];
}

static void flip(Random *random, Str *text) {
        if (text->n > 0)
                text->bytes[random_below(random, text->n)] ^= (char) (1 << random_below(random, 8));
}

static void cut(Random *random, Str *text) {
        size_t from = random_below(random, text->n + 1), n = random_below(random, MIN(text->n - from, 16) + 1);

        if (n == 0)
                return;
        memmove(text->bytes + from, text->bytes + from + n, text->n - from - n);
        text->n -= n;
        text->bytes[text->n] = '\0';
}

static void insert(Random *random, Str *text, const char *bytes, size_t n) {
        size_t at = random_below(random, text->n + 1), n_old = text->n;

        if (n == 0 || str_append_n(text, bytes, n) < 0) /* appends only to make room */
                return;
        memmove(text->bytes + at + n, text->bytes + at, n_old - at);
        memcpy(text->bytes + at, bytes, n);
}

/* A piece of the same or of another seed. */
static void splice(Random *random, Str *text, const Seed *from) {
        size_t at = random_below(random, from->n), n = random_below(random, MIN(from->n - at, 64) + 1);

        insert(random, text, from->bytes + at, n);
}

static void mutate(Random *random, Str *text, const Seed *seeds, size_t n_seeds) {
        for (size_t n = 1 + random_below(random, 6); n > 0; n--)
                switch (random_below(random, 4)) {
                case 0:
                        overwrite(random, text);
                        break;
                case 1:
                        flip(random, text);
                        break;
                case 2:
                        cut(random, text);
                        break;
                case 3:
                        splice(random, text, &seeds[random_below(random, n_seeds)]);
                        break;
                }
}

static uint64_t hash(const Seed *seed) {
        uint64_t h = 0xcbf29ce484222325U;

        for (size_t i = 0; i < seed->n; i++)
                h = (h ^ (unsigned char) seed->bytes[i]) * 0x100000001b3U;
        return h;
}

static void run_seed(const Seed *seed, const Seed *seeds, size_t n_seeds, uint64_t rounds) {
        Random random = { hash(seed) };

        current = seed;
        current_round = 0;
        run(seed->bytes, seed->n);
        for (current_round = 1; current_round <= rounds; current_round++) {
                _cleanup_str_ Str text = STR_INIT(2 * FILE_BYTES_MAX);

                require(str_append_n(&text, seed->bytes, seed->n) == 0);
                mutate(&random, &text, seeds, n_seeds);
                run(str_get(&text), text.n);
        }
}

static void read_directory(const char *path, Seed **seeds, size_t *n_seeds) {
        struct dirent **names;
        int n = scandir(path, &names, NULL, alphasort);

        require(n >= 0);
        for (int i = 0; i < n; i++) {
                Seed seed = { .path = path_join(path, names[i]->d_name) };

                require(seed.path);
                free(names[i]);
                if (file_is_directory(seed.path)) {
                        free(seed.path);
                        continue;
                }
                require(file_read(seed.path, FILE_BYTES_MAX, &seed.bytes, &seed.n) == 0);
                require(ARRAY_APPEND(*seeds, *n_seeds, seed) == 0);
        }
        free(names);
}

int main(int argc, char *argv[]) {
        const char *wish = getenv("PODSTEP_FUZZ_ROUNDS");
        uint64_t rounds = ROUNDS;
        size_t n_seeds = 0;
        Seed *seeds = NULL;

        if (wish && parse_u64(wish, &rounds) < 0) {
                fprintf(stderr, "replay: PODSTEP_FUZZ_ROUNDS=%s is no number\n", wish);
                return 2;
        }
        for (int i = 1; i < argc; i++)
                read_directory(argv[i], &seeds, &n_seeds);
        require(n_seeds > 0);
        watch_death();
        for (size_t i = 0; i < n_seeds; i++)
                run_seed(&seeds[i], seeds, n_seeds, rounds);
        printf("%zu inputs, each with %u mutations\n", n_seeds, (unsigned) rounds);
        for (size_t i = 0; i < n_seeds; i++) {
                free(seeds[i].path);
                free(seeds[i].bytes);
        }
        free(seeds);
        return 0;
}
