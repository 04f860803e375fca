#include "job/removal.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"

typedef struct RemovalTask {
        Task task;
        Engine *engine;
        RemovalList list;
        size_t next;
        Task *current;
        int r; /* first failure */
        bool is_in_use; /* a container may still stand: its volumes must not be touched */
        Error *error;
} RemovalTask;

int removal_add(RemovalList *list, ObjectKind kind, const char *name) {
        Removal item = { .kind = kind, .name = strdup(name) };
        int r = -ENOMEM;

        if (item.name)
                r = ARRAY_APPEND(list->items, list->n_items, item);
        if (r < 0)
                free(item.name);
        return r;
}

void removal_list_done(RemovalList *list) {
        for (size_t i = 0; i < list->n_items; i++)
                free(list->items[i].name);
        free(list->items);
        *list = (RemovalList) { 0 };
}

static Task *removal_free(Task *task) {
        RemovalTask *removal = container_of(task, RemovalTask, task);

        task_free(removal->current);
        removal_list_done(&removal->list);
        error_free(removal->error);
        free(removal);
        return NULL;
}

static const TaskClass removal_class = { .name = "removal", .free = removal_free };

static void removal_note(RemovalTask *removal, int r, const Error *error) {
        const Removal *item = &removal->list.items[removal->next - 1];

        if (item->kind == OBJECT_CONTAINER || item->kind == OBJECT_POD)
                removal->is_in_use = true;
        if (removal->r < 0)
                return;
        removal->r = r;
        removal->error = error_copy(error);
        (void) error_wrap(&removal->error, r, "cannot remove %s '%s'", object_kind_to_string(item->kind), item->name);
}

static void removal_go_on(RemovalTask *removal);

static void on_removed(Task *task, int r, const Error *error, void *userdata) {
        RemovalTask *removal = userdata;

        if (r < 0)
                removal_note(removal, r, error);
        if (r == -ETIMEDOUT || r == -ECONNREFUSED)
                /* nobody is there: each further call would wait as long */
                task_finish(&removal->task, removal->r, removal->error);
        else
                removal_go_on(removal);
}

static void removal_go_on(RemovalTask *removal) {
        removal->current = task_free(removal->current);
        while (removal->next < removal->list.n_items) {
                const Removal *item = &removal->list.items[removal->next++];
                int r;

                /*
                 * Podman 4.3 blocks itself for ever when it removes a volume together with a container that it could
                 * not remove.
                 */
                if (item->kind == OBJECT_VOLUME && removal->is_in_use)
                        continue;
                r = engine_object_remove(removal->engine, item->kind, item->name, on_removed, removal,
                                         &removal->current);

                if (r >= 0)
                        return;
                removal_note(removal, r, NULL);
        }
        task_finish(&removal->task, removal->r, removal->error);
}

static void on_begin(Task *task, int r, const Error *error, void *userdata) {
        removal_go_on(userdata);
}

int removal_start(Engine *engine, RemovalList *list_take, TaskDone done, void *userdata, Task **ret_task) {
        RemovalTask *removal = calloc(1, sizeof(*removal));
        int r;

        if (!removal) {
                removal_list_done(list_take);
                return -ENOMEM;
        }
        task_init(&removal->task, &removal_class, done, userdata);
        removal->engine = engine;
        removal->list = *list_take;
        *list_take = (RemovalList) { 0 };
        r = task_defer(engine->event, 0, NULL, on_begin, removal, &removal->current);
        if (r < 0) {
                (void) removal_free(&removal->task);
                return r;
        }
        *ret_task = &removal->task;
        return 0;
}
