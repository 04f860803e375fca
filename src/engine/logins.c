#include "engine/logins.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "base/str.h"
#include "document/json.h"
#include "engine/auth-helper.h"

#define DOCKERCFG ".dockercfg"

typedef struct LoginSource {
        char *name;
        LoginTrust trust;
        AuthFile file;
} LoginSource;

struct Logins {
        LoginSource *sources;
        size_t n_sources;
};

int logins_new(Logins **ret) {
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

Logins *logins_free(Logins *logins) {
        if (!logins)
                return NULL;
        for (size_t i = 0; i < logins->n_sources; i++) {
                free(logins->sources[i].name);
                auth_file_done(&logins->sources[i].file);
        }
        free(logins->sources);
        free(logins);
        return NULL;
}

/* Takes the file, also on failure. */
static int add_source(Logins *logins, const char *name, LoginTrust trust, AuthFile *file) {
        LoginSource source = { .name = strdup(name), .trust = trust, .file = *file };

        *file = (AuthFile) { 0 };
        if (source.name && ARRAY_APPEND(logins->sources, logins->n_sources, source) >= 0)
                return 0;
        free(source.name);
        auth_file_done(&source.file);
        return -ENOMEM;
}

static int add_text(Logins *logins, const char *text, size_t n, const char *source, LoginTrust trust,
                    AuthFileFlags flags, Error **reterr) {
        AuthFile file = { 0 };
        int r;

        if (n > AUTH_FILE_BYTES_MAX)
                r = error_set(reterr, EBADMSG, "it is larger than %u bytes", AUTH_FILE_BYTES_MAX);
        else
                r = auth_file_parse(text, n, flags, &file, reterr);
        if (r < 0)
                return error_wrap(reterr, r, "logins of '%s'", source);
        return add_source(logins, source, trust, &file) < 0 ? error_oom(reterr) : 0;
}

int logins_add_text(Logins *logins, const char *text, size_t n, const char *source, LoginTrust trust, Error **reterr) {
        return add_text(logins, text, n, source, trust, trust == LOGIN_OF_JOB ? AUTH_FILE_NO_HELPERS : 0, reterr);
}

int logins_add_file(Logins *logins, const char *path, Error **reterr) {
        bool is_old = str_equal(path_base(path), DOCKERCFG);
        char *text = NULL;
        size_t n = 0;
        int r;

        r = file_read(path, AUTH_FILE_BYTES_MAX, &text, &n);
        if (r < 0)
                return error_set(reterr, -r, "cannot read the logins of '%s': %s", path, strerror(-r));
        if (n == 0)
                r = 0; /* as Podman has it: empty is none */
        else
                r = add_text(logins, text, n, path, LOGIN_OF_OPERATOR, is_old ? AUTH_FILE_LEGACY : 0, reterr);
        explicit_bzero(text, n);
        free(text);
        return r;
}

static const char *if_set(const char *value) {
        return str_is_empty(value) ? NULL : value;
}

/* Where Podman looks, in its order; Docker's file last. NULL: that one has no place here. */
static char *usual_place(unsigned i) {
        const char *runtime = if_set(getenv("XDG_RUNTIME_DIR")), *config = if_set(getenv("XDG_CONFIG_HOME")),
                   *home = if_set(getenv("HOME")), *docker = if_set(getenv("DOCKER_CONFIG"));

        switch (i) {
        case 0:
                return runtime ? path_join(runtime, "containers/auth.json")
                               : str_printf("/run/containers/%u/auth.json", (unsigned) getuid());
        case 1:
                return config ? path_join(config, "containers/auth.json")
                       : home ? path_join(home, ".config/containers/auth.json")
                              : NULL;
        case 2:
                return docker ? path_join(docker, "config.json") : home ? path_join(home, ".docker/config.json") : NULL;
        default:
                return home ? path_join(home, DOCKERCFG) : NULL;
        }
}

#define USUAL_PLACES 4

static int add_usual(Logins *logins, Error **reterr) {
        int answer = 0;

        for (unsigned i = 0; i < USUAL_PLACES; i++) {
                _cleanup_free_ char *path = usual_place(i);
                _cleanup_(error_freep) Error *error = NULL;
                bool is_guess = i == 0 && !if_set(getenv("XDG_RUNTIME_DIR")); /* /run/containers may be root's alone */
                int r = path ? logins_add_file(logins, path, &error) : 0;

                if (r == -ENOMEM)
                        return error_oom(reterr);
                if (r >= 0 || r == -ENOENT || r == -ENOTDIR || (r == -EACCES && is_guess) || answer > 0)
                        continue;
                (void) error_set(reterr, -r, "%s", error_message(error, r));
                answer = 1;
        }
        return answer;
}

int logins_add_files(Logins *logins, const char *authfile, Error **reterr) {
        if (!authfile)
                authfile = if_set(getenv("REGISTRY_AUTH_FILE"));
        return authfile ? logins_add_file(logins, authfile, reterr) : add_usual(logins, reterr);
}

void login_found_done(LoginFound *found) {
        registry_login_done(&found->login);
        *found = (LoginFound) { 0 };
}

static int collect(Map *secrets, const char *value) {
        return value ? strmap_putf(secrets, value, "%s", value) : 0;
}

int logins_collect_secrets(const Logins *logins, Map *secrets) {
        for (size_t i = 0; logins && i < logins->n_sources; i++)
                MAP_FOREACH(entry, &logins->sources[i].file.logins) {
                        const RegistryLogin *login = entry->value;

                        if (collect(secrets, login->password) < 0 || collect(secrets, login->identity_token) < 0)
                                return -ENOMEM;
                }
        return 0;
}

/*
 * The search: source by source; in each first the registry's own helper, then the longest entry, then the store for
 * all.
 */
typedef struct Find {
        Task task;
        const Logins *logins;
        sd_event *event;
        char *repository, *registry;
        LoginFound *ret;
        size_t source;
        enum { FIND_HELPER, FIND_ENTRY, FIND_STORE, _FIND_MAX } place;
        Task *current;
} Find;

static Task *find_free(Task *task) {
        Find *find = container_of(task, Find, task);

        task_free(find->current);
        free(find->repository);
        free(find->registry);
        free(find);
        return NULL;
}

static const TaskClass find_class = { .name = "login", .free = find_free };

static void find_next(Find *find);

static void find_end(Find *find, int r, const Error *error) {
        const LoginSource *source = &find->logins->sources[find->source];

        if (r == 0) {
                find->ret->source = source->name;
                find->ret->trust = source->trust;
        }
        task_finish(&find->task, r, error);
}

static void on_answer(Task *task, int r, const Error *error, void *userdata) {
        Find *find = userdata;
        _cleanup_(error_freep) Error *why = error_copy(error);

        find->current = task_free(find->current);
        if (r > 0) /* this one knows none */
                return find_next(find);
        if (r < 0)
                (void) error_wrap(&why, r, "login for '%s' as '%s' says", find->registry,
                                  find->logins->sources[find->source].name);
        find_end(find, r, why);
}

static int copy_login(const RegistryLogin *login, RegistryLogin *ret) {
        RegistryLogin copy = { 0 };

        if (login->identity_token)
                copy.identity_token = strdup(login->identity_token);
        else {
                copy.username = strdup(login->username);
                copy.password = strdup(login->password);
        }
        if (!registry_login_is_set(&copy)) {
                registry_login_done(&copy);
                return -ENOMEM;
        }
        *ret = copy;
        return 0;
}

/* 1: nothing in this place; else the search goes on by itself, or has ended. */
static int look(Find *find, const LoginSource *source) {
        const RegistryLogin *login;
        const char *helper;
        int r;

        if (find->place == FIND_ENTRY) {
                login = auth_file_find(&source->file, find->repository);
                if (!login)
                        return 1;
                r = copy_login(login, &find->ret->login);
                return find_end(find, r, NULL), 0;
        }
        helper =
                find->place == FIND_STORE ? source->file.store : auth_file_find_helper(&source->file, find->repository);
        if (!helper)
                return 1;
        r = auth_helper_start(find->event, helper, find->registry, &find->ret->login, on_answer, find, &find->current);
        if (r < 0)
                find_end(find, r, NULL);
        return 0;
}

static void find_next(Find *find) {
        for (;;) {
                if (++find->place == _FIND_MAX) {
                        find->place = FIND_HELPER;
                        find->source++;
                }
                if (!find->logins || find->source == find->logins->n_sources)
                        return task_finish(&find->task, 1, NULL);
                if (look(find, &find->logins->sources[find->source]) == 0)
                        return;
        }
}

static void on_begin(Task *task, int r, const Error *error, void *userdata) {
        Find *find = userdata;

        find->current = task_free(find->current);
        find->place = _FIND_MAX - 1;
        find->source = (size_t) -1;
        find_next(find);
}

int logins_find_start(const Logins *logins, sd_event *event, const char *repository, LoginFound *ret, TaskDone done,
                      void *userdata, Task **ret_task) {
        Find *find = calloc(1, sizeof(*find));
        int r;

        if (!find)
                return -ENOMEM;
        *ret = (LoginFound) { 0 };
        task_init(&find->task, &find_class, done, userdata);
        find->logins = logins;
        find->event = event;
        find->ret = ret;
        find->repository = strdup(repository);
        find->registry = strndup(repository, strcspn(repository, "/"));
        r = find->repository && find->registry ? task_defer(event, 0, NULL, on_begin, find, &find->current) : -ENOMEM;
        if (r < 0) {
                (void) find_free(&find->task);
                return r;
        }
        *ret_task = &find->task;
        return 0;
}
