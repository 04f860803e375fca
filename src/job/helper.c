#include "job/helper.h"

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "engine/tar.h"
#include "job/holder.h"
#include "job/job-internal.h"

#define PROGRAM_BYTES_MAX (32U * 1024 * 1024)

typedef struct Helper {
        Task task;
        Machine machine;
        Job *job;
        ImageInfo info;
} Helper;

enum { HELPER_NEW, HELPER_LOOKING, HELPER_MAKING, HELPER_THERE, HELPER_BROKEN };

static Task *helper_free(Task *task) {
        Helper *helper = container_of(task, Helper, task);

        machine_done(&helper->machine);
        image_info_done(&helper->info);
        free(helper);
        return NULL;
}

static const TaskClass helper_class = { .name = "helper", .free = helper_free };

/* A program that names an interpreter is put together of libraries when it starts. */
static bool is_static(const char *bytes, size_t n) {
        const Elf64_Ehdr *header = (const Elf64_Ehdr *) bytes;

        if (n < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
            header->e_ident[EI_CLASS] != ELFCLASS64)
                return true; /* whatever it is, the engine will tell */
        for (size_t i = 0; i < header->e_phnum; i++) {
                size_t at = header->e_phoff + i * sizeof(Elf64_Phdr);
                Elf64_Phdr program;

                if (at > n - sizeof(program))
                        return true;
                memcpy(&program, bytes + at, sizeof(program));
                if (program.p_type == PT_INTERP)
                        return false;
        }
        return true;
}

int helper_read_program(const Job *job, char **ret, size_t *ret_n, Error **reterr) {
        _cleanup_free_ char *path = NULL, *bytes = NULL;
        size_t n = 0;
        int r;

        r = holder_find_program(job, &path, reterr);
        if (r < 0)
                return r;
        r = file_read(path, PROGRAM_BYTES_MAX, &bytes, &n);
        if (r < 0)
                return error_set(reterr, -r, "cannot read '%s': %s", path, strerror(-r));
        if (!is_static(bytes, n))
                return error_set(reterr, ENOEXEC,
                                 "'%s' is not linked statically, so it cannot run on the engine's machine: build "
                                 "podstep with a static C library (glibc-static, libc6-dev)",
                                 path);
        *ret = TAKE_PTR(bytes);
        *ret_n = n;
        return 0;
}

bool holder_is_static(const Job *job) {
        _cleanup_free_ char *bytes = NULL;
        size_t n;

        return helper_read_program(job, &bytes, &n, NULL) >= 0;
}

/* The same bytes have the same name: FNV-1a is enough to tell one build from another. */
static char *name_image(const char *bytes, size_t n) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < n; i++)
                hash = (hash ^ (unsigned char) bytes[i]) * UINT64_C(0x100000001b3);
        return str_printf("localhost/podstep/helper:%016llx", (unsigned long long) hash);
}

static void helper_failed(Machine *machine, int r, const Error *error) {
        Helper *helper = container_of(machine, Helper, machine);
        _cleanup_(error_freep) Error *why = error_copy(error);

        (void) error_wrap(&why, r, "podstep's helper image");
        task_finish(&helper->task, r, why);
}

static void on_looked(Task *task, int r, const Error *error, void *userdata) {
        Helper *helper = userdata;

        if (r < 0)
                helper_failed(&helper->machine, r, error);
        else
                machine_post(&helper->machine, r == 0 ? MACHINE_OK : MACHINE_FAIL);
}

static int enter_looking(Machine *machine, Task **ret_task, Error **reterr) {
        Helper *helper = container_of(machine, Helper, machine);
        Job *job = helper->job;
        _cleanup_free_ char *program = NULL;
        size_t n;
        int r;

        r = helper_read_program(job, &program, &n, reterr);
        if (r < 0)
                return r;
        free(job->helper_image);
        job->helper_image = name_image(program, n);
        if (!job->helper_image)
                return error_oom(reterr);
        return engine_image_inspect(job->spec.engine, job->helper_image, &helper->info, on_looked, helper, ret_task);
}

static void on_made(Task *task, int r, const Error *error, void *userdata) {
        Helper *helper = userdata;

        if (r < 0)
                helper_failed(&helper->machine, r, error);
        else
                machine_post(&helper->machine, MACHINE_OK);
}

static int enter_making(Machine *machine, Task **ret_task, Error **reterr) {
        Helper *helper = container_of(machine, Helper, machine);
        static const char *const directories[] = { "dev", "etc", "proc", "sys", "tmp", "base", "work" };
        _cleanup_str_ Str tar = STR_INIT(PROGRAM_BYTES_MAX + 64 * TAR_BLOCK);
        _cleanup_free_ char *program = NULL;
        static const char zeros[TAR_BLOCK];
        size_t n;
        int r;

        r = helper_read_program(helper->job, &program, &n, reterr);
        if (r < 0)
                return r;
        FOREACH_ROW(name, directories)
                (void) tar_put_entry(&tar, &(TarEntry) { .type = TAR_DIRECTORY, .path = *name, .mode = 0755 });
        (void) tar_put_entry(&tar,
                             &(TarEntry) { .type = TAR_FILE, .path = HELPER_PROGRAM + 1, .mode = 0755, .size = n });
        (void) str_append_n(&tar, program, n);
        (void) str_append_n(&tar, zeros, tar_padding(n));
        if (tar_put_end(&tar) < 0)
                return error_oom(reterr);
        return engine_image_import(helper->job->spec.engine, helper->job->helper_image, str_get(&tar), tar.n, on_made,
                                   helper, ret_task);
}

static int enter_there(Machine *machine, Task **ret_task, Error **reterr) {
        Helper *helper = container_of(machine, Helper, machine);

        task_finish(&helper->task, 0, NULL);
        return 0;
}

static const MachineState helper_states[] = {
        /*                                              START           OK             FAIL           STOP */
        [HELPER_NEW]     = { "new",     NULL,          { HELPER_LOOKING, MACHINE_BUG,   MACHINE_BUG,   MACHINE_STAY } },
        [HELPER_LOOKING] = { "looking", enter_looking, { MACHINE_BUG,    HELPER_THERE,  HELPER_MAKING, MACHINE_STAY } },
        [HELPER_MAKING]  = { "making",  enter_making,  { MACHINE_BUG,    HELPER_THERE,  HELPER_BROKEN, MACHINE_STAY } },
        [HELPER_THERE]   = { "there",   enter_there,   { MACHINE_BUG,    MACHINE_BUG,   MACHINE_BUG,   MACHINE_STAY } },
        [HELPER_BROKEN]  = { "broken",  NULL,          { MACHINE_BUG,    MACHINE_BUG,   MACHINE_BUG,   MACHINE_STAY } },
};

int helper_ensure(Job *job, TaskDone done, void *userdata, Task **ret_task) {
        Helper *helper = calloc(1, sizeof(*helper));

        if (!helper)
                return -ENOMEM;
        task_init(&helper->task, &helper_class, done, userdata);
        helper->job = job;
        if (machine_init(&helper->machine, job->event, "helper", helper_states, HELPER_NEW, helper_failed) < 0) {
                (void) helper_free(&helper->task);
                return -ENOMEM;
        }
        machine_post(&helper->machine, MACHINE_START);
        *ret_task = &helper->task;
        return 0;
}
