/* Where the API listens: what systemd handed over, or a socket of our own. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "agent/server-internal.h"
#include "base/file.h"

#define SOCKET_NAME "podstep"
#define BACKLOG 128

int server_take_socket(Server *server, Error **reterr) {
        char **names = NULL;
        int n = sd_listen_fds_with_names(true, &names), found = -1;

        for (int i = 0; i < n; i++) {
                if (found < 0 && (str_equal(names[i], SOCKET_NAME) || str_equal(names[i], SOCKET_NAME ".socket")) &&
                    sd_is_socket(SD_LISTEN_FDS_START + i, AF_UNIX, SOCK_STREAM, 1) > 0)
                        found = SD_LISTEN_FDS_START + i;
                free(names[i]);
        }
        free(names);
        if (found < 0)
                return error_set(reterr, EINVAL,
                                 "systemd handed over no socket named '" SOCKET_NAME
                                 "'; start podstep.socket, or give '--socket PATH'");
        server->fd = found;
        return 0;
}

/*
 * What an earlier agent left goes; nothing else does: the path may be mistyped, or another agent's with a store of its
 * own.
 */
static int clear_way(const struct sockaddr_un *address, Error **reterr) {
        const char *path = address->sun_path;
        _cleanup_close_ int fd = -1;
        struct stat st;

        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 : error_set(reterr, errno, "cannot look at '%s': %s", path, strerror(errno));
        if (!S_ISSOCK(st.st_mode))
                return error_set(reterr, EEXIST, "'%s' is there and is no socket", path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return error_set(reterr, errno, "cannot make a socket: %s", strerror(errno));
        /* EAGAIN: one that is busy */
        if (connect(fd, (const struct sockaddr *) address, sizeof(*address)) == 0 || errno == EAGAIN)
                return error_set(reterr, EADDRINUSE, "somebody listens at '%s' already", path);
        if (unlink(path) < 0 && errno != ENOENT)
                return error_set(reterr, errno, "cannot remove '%s': %s", path, strerror(errno));
        return 0;
}

int server_make_socket(Server *server, const char *path, Error **reterr) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_free_ char *parent = path_parent(path);
        mode_t mask;
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return error_set(reterr, ENAMETOOLONG, "the socket's path '%s' is longer than %zu characters", path,
                                 sizeof(address.sun_path) - 1);
        memcpy(address.sun_path, path, strlen(path));
        (void) (parent && file_mkdir_p(parent, 0700));
        r = clear_way(&address, reterr);
        if (r < 0)
                return r;
        server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (server->fd < 0)
                return error_set(reterr, errno, "cannot make a socket: %s", strerror(errno));
        mask = umask(0177);
        r = bind(server->fd, (struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : 0;
        (void) umask(mask);
        if (r >= 0 && listen(server->fd, BACKLOG) < 0)
                r = -errno;
        if (r < 0)
                return error_set(reterr, -r, "cannot listen at '%s': %s", path, strerror(-r));
        server->path = strdup(path);
        return server->path ? 0 : error_oom(reterr);
}
