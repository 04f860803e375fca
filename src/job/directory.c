#include "job/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "job/kept.h"

#define UNBORN_USEC (60 * 60 * USEC_PER_SEC)
#define LOCK_TRIES 50
#define LOCK_PAUSE_MSEC 10

static char *directory_path(const char *state_directory, const char *id) {
        return str_printf("%s/jobs/%s", state_directory, id);
}

static int mark(const char *directory, const char *name) {
        _cleanup_free_ char *path = path_join(directory, name);

        return path ? file_write(path, "", 0, 0600) : -ENOMEM;
}

static bool is_locked(const char *directory) {
        _cleanup_free_ char *path = path_join(directory, "lock");
        _cleanup_close_ int fd = path ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;

        return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/*
 * Who only looks whether it is free holds it for a moment: flock() cannot be asked. /proc/locks does not show those of
 * other pid namespaces, and a lock that can be asked (F_OFD_GETLK) would not be seen by a podstep of before, which
 * would take the job for dead. Who takes up or enters what others look at tries again; a new job nobody looks at.
 */
static int take_lock(int fd, int operation) {
        for (unsigned i = 0; flock(fd, operation | LOCK_NB) < 0; i++) {
                if (errno != EWOULDBLOCK || i == LOCK_TRIES)
                        return -errno;
                (void) poll(NULL, 0, LOCK_PAUSE_MSEC);
        }
        return 0;
}

static int lock_directory(const char *path, int *ret_fd) {
        _cleanup_free_ char *lock = path_join(path, "lock");
        _cleanup_close_ int fd = lock ? open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
        int r;

        if (!lock)
                return -ENOMEM;
        if (fd < 0)
                return -errno;
        r = take_lock(fd, LOCK_EX);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/*
 * A directory and its lock are two files to make and to remove for each job, and with them what the file system keeps
 * for them; so the ones of the last job are kept for the next. Who holds the lock of the spare one owns it: nobody else
 * gives it another name, nor is anything put in its place, as it is not empty. Whether it is that lock is looked at
 * after it was taken: meanwhile others may have used the spare one.
 */
static bool take_spare(const char *spare, const char *path, int *ret_fd) {
        _cleanup_free_ char *lock = path_join(spare, "lock");
        _cleanup_close_ int fd = lock ? open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
        struct stat ours, there;

        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
                return false;
        if (fstat(fd, &ours) < 0 || lstat(lock, &there) < 0 || ours.st_dev != there.st_dev ||
            ours.st_ino != there.st_ino || rename(spare, path) < 0)
                return false;
        *ret_fd = TAKE_FD(fd);
        return true;
}

/* Still locked, so that nobody takes it before it is whole. Where there is one already, it is not needed. */
static int leave_spare(const JobDirectory *directory) {
        if (!directory->spare || file_empty_directory(directory->path, "lock") < 0 ||
            rename(directory->path, directory->spare) < 0)
                return file_remove_tree(directory->path);
        return 0;
}

/* Who finds it finds it locked: so it gets its name only then. */
static int make_locked(JobDirectory *directory, const char *state_directory, const char *id, JobOwner owner) {
        _cleanup_free_ char *unborn = str_printf("%s/jobs/.%s", state_directory, id);
        int r = unborn ? file_remove_tree(unborn) : -ENOMEM; /* one that was killed here */

        if (r >= 0)
                r = file_mkdir_p(unborn, 0700);
        if (r >= 0)
                r = lock_directory(unborn, &directory->lock_fd);
        if (r >= 0 && owner == JOB_OWNER_AGENT)
                r = mark(unborn, "agent");
        if (r >= 0 && rename(unborn, directory->path) < 0)
                r = -errno;
        if (r < 0 && unborn)
                (void) file_remove_tree(unborn);
        return r;
}

/* A job that is taken over may be of a podstep that gave its logs a directory of their own. */
static char *output_prefix(const char *path, bool is_taken_over) {
        _cleanup_free_ char *old = is_taken_over ? path_join(path, "output") : NULL;

        return str_printf(old && file_is_directory(old) ? "%s/output/" : "%s/output-", path);
}

int job_directory_make(const char *state_directory, const char *id, JobOwner owner, JobDirectory *ret, Error **reterr) {
        JobDirectory directory = { .path = directory_path(state_directory, id), .lock_fd = -1 };
        bool is_taken_over = owner == JOB_OWNER_AGENT && directory.path && file_exists(directory.path);
        int r;

        directory.output = directory.path ? output_prefix(directory.path, is_taken_over) : NULL;
        /* the agent's is marked before it has its name, so it is always a new one */
        directory.spare = owner == JOB_OWNER_PROCESS ? path_join(state_directory, "spare") : NULL;
        if (!directory.output || (owner == JOB_OWNER_PROCESS && !directory.spare)) {
                job_directory_done(&directory);
                return error_oom(reterr);
        }
        if (is_taken_over)
                r = lock_directory(directory.path, &directory.lock_fd);
        else if (directory.spare && take_spare(directory.spare, directory.path, &directory.lock_fd))
                r = 0;
        else
                r = make_locked(&directory, state_directory, id, owner);
        if (r < 0) {
                (void) error_set(reterr, -r, "cannot make the job's directory '%s': %s", directory.path, strerror(-r));
                job_directory_done(&directory);
                return r;
        }
        *ret = directory;
        return 0;
}

/* Nobody needs an hour to lock what it made; before, its lock is not looked at, so that it can be taken. */
static bool is_stillborn(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
               (uint64_t) st.st_mtim.tv_sec * USEC_PER_SEC + UNBORN_USEC < clock_realtime_usec() && !is_locked(path);
}

void job_directory_remove_unborn(const char *state_directory) {
        _cleanup_free_ char *jobs = path_join(state_directory, "jobs");
        DIR *dir = jobs ? opendir(jobs) : NULL;
        struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
                _cleanup_free_ char *path = path_join(jobs, entry->d_name);

                if (entry->d_name[0] == '.' && entry->d_name[1] && !str_equal(entry->d_name, "..") && path &&
                    is_stillborn(path))
                        (void) file_remove_tree(path);
        }
        if (dir)
                closedir(dir);
}

int job_directory_remove(JobDirectory *directory, Error **reterr) {
        int r = 0;

        if (directory->path) {
                r = leave_spare(directory);
                if (r < 0)
                        (void) error_set(reterr, -r, "cannot remove '%s': %s", directory->path, strerror(-r));
        }
        job_directory_done(directory);
        return r;
}

void job_directory_done(JobDirectory *directory) {
        free(directory->path);
        free(directory->output);
        free(directory->spare);
        (void) fd_close(directory->lock_fd);
        *directory = (JobDirectory) { .lock_fd = -1 };
}

/* A file of another kind is one of a podstep that knew no end of it. */
static bool is_over(const char *state_directory, const char *id) {
        KeptJob kept = { 0 };
        bool is_over = kept_job_read(state_directory, id, &kept, NULL) >= 0 && kept.until_usec < clock_realtime_usec();

        kept_job_done(&kept);
        return is_over;
}

JobLiveness job_directory_liveness(const char *state_directory, const char *id) {
        _cleanup_free_ char *path = directory_path(state_directory, id);
        _cleanup_free_ char *kept = path ? path_join(path, "kept") : NULL,
                            *left = path ? path_join(path, "agent") : NULL;

        if (!kept || !left || is_locked(path))
                return JOB_ALIVE; /* what cannot be told must not be removed */
        if (file_exists(kept))
                return is_over(state_directory, id) ? JOB_DEAD : JOB_KEPT;
        return file_exists(left) ? JOB_LEFT : JOB_DEAD;
}

int job_directory_mark_kept(const JobDirectory *directory, const char *text) {
        _cleanup_free_ char *path = path_join(directory->path, "kept");

        return path ? file_replace(path, text, strlen(text), 0600) : -ENOMEM;
}

int job_directory_hold(const char *state_directory, const char *id, int *ret_fd) {
        _cleanup_free_ char *path = directory_path(state_directory, id);
        _cleanup_free_ char *lock = path ? path_join(path, "lock") : NULL,
                            *kept = path ? path_join(path, "kept") : NULL;
        _cleanup_close_ int fd = lock ? open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
        int r;

        if (!lock || !kept)
                return -ENOMEM;
        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? -ENOENT : -errno;
        r = take_lock(fd, LOCK_SH);
        if (r < 0)
                return r == -EWOULDBLOCK ? -EBUSY : r;
        if (!file_exists(kept)) /* it was removed meanwhile, or its podstep was killed */
                return file_exists(lock) ? -EBUSY : -ENOENT;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

bool job_directory_is_held_only_by(int fd) {
        return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static int unmark(const char *state_directory, const char *id, const char *name) {
        _cleanup_free_ char *path = directory_path(state_directory, id), *file = path ? path_join(path, name) : NULL;

        if (!file)
                return -ENOMEM;
        return unlink(file) < 0 && errno != ENOENT ? -errno : 0;
}

int job_directory_abandon(const char *state_directory, const char *id) {
        return unmark(state_directory, id, "agent");
}

int job_directory_unmark_kept(const char *state_directory, const char *id) {
        return unmark(state_directory, id, "kept");
}

int job_directory_list(const char *state_directory, char ***ret) {
        _cleanup_free_ char *path = path_join(state_directory, "jobs");
        _cleanup_strv_ char **ids = NULL;
        struct dirent *entry;
        DIR *dir;
        int r = 0;

        if (!path)
                return -ENOMEM;
        dir = opendir(path);
        if (!dir)
                return errno == ENOENT ? (*ret = NULL, 0) : -errno;
        while (r >= 0 && (entry = readdir(dir)))
                if (entry->d_name[0] != '.')
                        r = strv_append(&ids, entry->d_name);
        closedir(dir);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(ids);
        return 0;
}
