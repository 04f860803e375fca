/* The step that is made of an entry of 'steps' or 'services'. */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "pipeline/image-reference.h"
#include "pipeline/woodpecker-internal.h"
#include "pipeline/woodpecker-keys.h"

#define TEXT_BYTES_SHOWN 100
#define PLUGIN_WORKSPACE_BASE "/woodpecker" /* fixed, so that no file can mount over a plugin's own files */

/* clang-format off */
typedef struct EngineKeys {
        const YamlNode *user;
} EngineKeys;

static const Key engine_rows[] = {
        { "user", KEY_TEXT, offsetof(EngineKeys, user),
          .doc = "User to run as, by number or name: ``uid[:gid]``." },
};

typedef struct BackendKeys {
        const YamlNode *docker, *podman;
} BackendKeys;

/* Options for engines that we are not do no harm: the same file may run elsewhere. */
static const Key backend_rows[] = {
        { "podman", KEY_MAP, offsetof(BackendKeys, podman),
          .doc = "Options for podstep." },
        { "docker", KEY_MAP, offsetof(BackendKeys, docker),
          .doc = "Options for Docker; used where ``podman`` does not say it." },
        { "kubernetes", KEY_IGNORED },
        { "local", KEY_IGNORED },
        { "dummy", KEY_IGNORED },
};
/* clang-format on */

static const KeyTable engine_table = KEY_TABLE(engine_rows);
static const KeyTable backend_table = KEY_TABLE(backend_rows, .free_places = IN_BACKEND);
const KeyTable *const woodpecker_engine_keys = &engine_table, *const woodpecker_backend_keys = &backend_table;

/* As Woodpecker sees it: a plugin is what the file neither tells what to run nor what to find in its environment. */
static bool is_plugin(const Container *container) {
        const ContainerKeys *keys = &container->keys;

        return !woodpecker_container_has(keys->commands) && !woodpecker_container_has(keys->entrypoint) &&
               !woodpecker_container_has(keys->environment);
}

static StepKind kind_of(const Container *container) {
        if (container->is_service)
                return STEP_SERVICE;
        if (container->is_clone)
                return STEP_CLONE;
        return is_plugin(container) ? STEP_PLUGIN : STEP_COMMANDS;
}

/* A misspelt one was told of. */
static bool has_near_image(const YamlNode *container) {
        const char *const names[] = { "image" };

        for (size_t i = 0; i < container->n_pairs; i++)
                if (diag_suggest(container->pairs[i].key->text, names, ELEMENTSOF(names)))
                        return true;
        return false;
}

static int compile_image(Woodpecker *wp, const Container *container, PlanStep *step) {
        const YamlNode *image = container->keys.image;
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_free_ char *hint = NULL, *shown = NULL;
        Diag *diag;
        int r;

        if (!image && yaml_get(container->node, "image") && yaml_get(container->node, "image")->kind != YAML_NULL)
                return 0; /* it is there, and was refused */
        if (!image && has_near_image(container->node))
                return 0;
        if (!woodpecker_container_has(image)) {
                diag = WOODPECKER_ERROR(wp, "image", container->mark, "%s has no image", container->owner);
                diag_set_hint(diag, "add a line such as 'image: %s'",
                              container->is_clone ? "woodpeckerci/plugin-git" : "alpine:3");
                return 0;
        }
        step->image_mark = image->mark;
        step->image = strdup(image->text);
        if (!step->image)
                return -ENOMEM;
        r = image_reference_qualify(image->text, &step->image_reference, &hint, &error);
        if (r != -EINVAL)
                return r;
        shown = str_escape(image->text, image->n_text, TEXT_BYTES_SHOWN);
        diag = WOODPECKER_ERROR(wp, "image", image->mark, "image '%s': %s", shown ? shown : "",
                                error_message(error, r));
        if (hint)
                diag_set_hint(diag, "%s", hint);
        return 0;
}

static int compile_commands(Woodpecker *wp, const Container *container, PlanStep *step) {
        const ContainerKeys *keys = &container->keys;
        Diag *diag;
        int r;

        if (woodpecker_container_has(keys->settings) &&
            (woodpecker_container_has(keys->commands) || woodpecker_container_has(keys->entrypoint))) {
                diag = WOODPECKER_ERROR(wp, "settings", keys->settings->mark, "%s has both '%s' and 'settings'",
                                        container->owner,
                                        woodpecker_container_has(keys->commands) ? "commands" : "entrypoint");
                diag_set_hint(diag,
                              "'settings' are for plugins, which run their image's own program; use 'environment'");
        } else if (woodpecker_container_has(keys->settings) && woodpecker_container_has(keys->environment))
                WOODPECKER_WARNING(wp, "settings", keys->settings->mark,
                                   "%s has both 'environment' and 'settings': it does not count as a plugin then",
                                   container->owner);
        if (keys->commands && keys->commands->n_items > WOODPECKER_COMMANDS_MAX) {
                WOODPECKER_ERROR(wp, "too-many", keys->commands->mark, "%s has more than %d commands", container->owner,
                                 WOODPECKER_COMMANDS_MAX);
                return 0;
        }
        r = woodpecker_container_has(keys->commands) ? key_strings(keys->commands, &step->commands) : 0;
        if (r == 0 && woodpecker_container_has(keys->entrypoint))
                r = key_strings(keys->entrypoint, &step->entrypoint);
        return r;
}

static bool has_control_character(const char *text) {
        for (const char *c = text; *c; c++)
                if (iscntrl((unsigned char) *c))
                        return true;
        return false;
}

static int compile_directory(Woodpecker *wp, const Container *container, PlanStep *step) {
        const YamlNode *directory = container->keys.directory;
        _cleanup_free_ char *workspace = NULL, *joined = NULL;

        step->workspace_base = strdup(is_plugin(container) ? PLUGIN_WORKSPACE_BASE : wp->workspace_base);
        workspace = step->workspace_base ? woodpecker_workspace(wp, step->workspace_base) : NULL;
        if (!workspace)
                return -ENOMEM;
        if (directory && has_control_character(directory->text)) {
                WOODPECKER_ERROR(wp, "path", directory->mark, "directory: a path cannot hold a control character here");
                return 0;
        }
        joined = woodpecker_container_has(directory) ? path_join(workspace, directory->text) : strdup(workspace);
        step->directory = joined ? path_clean(joined) : NULL;
        return step->directory ? 0 : -ENOMEM;
}

static const YamlNode *engine_user(Woodpecker *wp, const Container *container, const YamlNode *options,
                                   const char *name) {
        _cleanup_free_ char *owner = NULL;
        EngineKeys keys = { 0 };

        if (!options)
                return NULL;
        owner = str_printf("'backend_options.%s' of %s", name, container->owner);
        wp->n_errors += keys_read(&engine_table, options, 0, owner ? owner : name, &keys, wp->diags);
        return woodpecker_container_has(keys.user) ? keys.user : NULL;
}

static int compile_user(Woodpecker *wp, const Container *container, PlanStep *step) {
        const YamlNode *options = container->keys.backend_options, *podman, *docker, *user;
        _cleanup_free_ char *owner = NULL;
        BackendKeys keys = { 0 };
        Diag *diag;

        if (!options)
                return 0;
        owner = str_printf("'backend_options' of %s", container->owner);
        if (!owner)
                return -ENOMEM;
        wp->n_errors += keys_read(&backend_table, options, IN_BACKEND, owner, &keys, wp->diags);
        podman = engine_user(wp, container, keys.podman, "podman");
        docker = engine_user(wp, container, keys.docker, "docker");
        user = podman ? podman : docker;
        if (!user)
                return 0;
        for (const char *c = user->text; *c; c++)
                if (!isalnum((unsigned char) *c) && !strchr("_.-:$", *c)) {
                        diag = WOODPECKER_ERROR(wp, "value", user->mark, "user: '%s' is not a user", user->text);
                        diag_set_hint(diag, "by number or name, perhaps with a group: '1000:1000', 'node'");
                        return 0;
                }
        step->user = strdup(user->text);
        return step->user ? 0 : -ENOMEM;
}

static void compile_flags(Woodpecker *wp, const Container *container, PlanStep *step) {
        const ContainerKeys *keys = &container->keys;

        if (key_bool(keys->pull))
                step->pull = (PullList) { .list = { PULL_ALWAYS }, .n = 1 };
        step->privileged = key_bool(keys->privileged);
        step->detach = container->is_service || key_bool(keys->detach);
        if (container->is_service && keys->detach && !key_bool(keys->detach))
                WOODPECKER_WARNING(wp, "service", keys->detach->mark, "%s runs beside the steps whatever 'detach' says",
                                   container->owner);
        /* A service counts until it is ready; what becomes of it later is told and no more, as Woodpecker's servers
         * have it. */
        if (woodpecker_container_has(keys->failure))
                step->failure = step_failure_from_string(keys->failure->text);
        else
                step->failure = step->detach && !container->is_service ? STEP_FAILURE_IGNORE : STEP_FAILURE_FAIL;
}

int woodpecker_step_compile(Woodpecker *wp, const Container *container, PlanStep **ret) {
        _cleanup_(plan_step_freep) PlanStep *step = calloc(1, sizeof(*step));
        size_t n_errors = wp->n_errors;
        int r;

        if (!step)
                return -ENOMEM;
        step->environment = STRMAP_INIT;
        step->secret_environment = STRMAP_INIT;
        step->mark = container->mark;
        step->kind = kind_of(container);
        step->on_success = true;
        compile_flags(wp, container, step);
        step->name = strdup(container->name);
        if (!step->name)
                return -ENOMEM;
        r = compile_image(wp, container, step);
        if (r == 0)
                r = compile_commands(wp, container, step);
        if (r == 0)
                r = compile_directory(wp, container, step);
        if (r == 0)
                r = compile_user(wp, container, step);
        if (r == 0)
                r = woodpecker_host_compile(wp, container, step);
        if (r == 0)
                r = woodpecker_ready_compile(wp, container, step);
        if (r == 0)
                r = woodpecker_environment_compile(wp, container, step);
        if (r == 0 && wp->n_errors == n_errors)
                *ret = TAKE_PTR(step);
        return r;
}
