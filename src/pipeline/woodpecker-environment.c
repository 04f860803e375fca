/*
 * The variables of a step. Later ones win: the context's, for all but plugins the matrix, CI_WORKSPACE, 'settings' as
 * PLUGIN_*, 'environment'.
 */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "pipeline/woodpecker-internal.h"

#define VARIABLES_MAX 5000 /* of one step, from the file */

/* Whoever sets a variable takes it from where it was before. */
static int set_take(PlanStep *step, const char *name, char *value, bool is_secret) {
        Map *into = is_secret ? &step->secret_environment : &step->environment,
            *other = is_secret ? &step->environment : &step->secret_environment;

        if (!value)
                return -ENOMEM;
        (void) map_remove(other, name);
        return map_put_take(into, name, value);
}

/* "from.address" is PLUGIN_FROM_ADDRESS */
static char *setting_to_variable(const char *key) {
        char *name = str_printf("PLUGIN_%s", key);

        for (char *c = name; c && *c; c++)
                *c = strchr(".-", *c) ? '_' : (char) toupper((unsigned char) *c);
        return name;
}

static int add_variable(Woodpecker *wp, PlanStep *step, const YamlPair *pair, bool is_setting) {
        _cleanup_free_ char *name = NULL, *value = NULL;
        bool is_secret;
        int r;

        if (pair->key->n_text == 0)
                return 0;
        if (memchr(pair->key->text, '\0', pair->key->n_text) || strchr(pair->key->text, '=')) {
                WOODPECKER_ERROR(wp, "variable", pair->key->mark, "the name of a variable cannot hold '=' or NUL");
                return 0;
        }
        r = woodpecker_value(wp, pair->value, &value, &is_secret);
        if (r < 0 || !value)
                return r;
        name = is_setting ? setting_to_variable(pair->key->text) : strdup(pair->key->text);
        return name ? set_take(step, name, TAKE_PTR(value), is_secret) : -ENOMEM;
}

static int add_variables(Woodpecker *wp, PlanStep *step, const YamlNode *map, bool is_setting) {
        int r = 0;

        if (!map)
                return 0;
        if (map->n_pairs > VARIABLES_MAX) {
                WOODPECKER_ERROR(wp, "too-many", map->mark, "more than %d variables", VARIABLES_MAX);
                return 0;
        }
        for (size_t i = 0; i < map->n_pairs && r == 0; i++)
                r = add_variable(wp, step, &map->pairs[i], is_setting);
        return r;
}

/* What plugins written for Drone look for. Source: pipeline/frontend/metadata/drone_compatibility.go. */
static const struct {
        const char *name, *from;
} drone_variables[] = {
        { "DRONE_BRANCH", "CI_COMMIT_BRANCH" },
        { "DRONE_COMMIT_BRANCH", "CI_COMMIT_BRANCH" },
        { "DRONE_PULL_REQUEST", "CI_COMMIT_PULL_REQUEST" },
        { "DRONE_TAG", "CI_COMMIT_TAG" },
        { "DRONE_SOURCE_BRANCH", "CI_COMMIT_SOURCE_BRANCH" },
        { "DRONE_TARGET_BRANCH", "CI_COMMIT_TARGET_BRANCH" },
        { "DRONE_BUILD_NUMBER", "CI_PIPELINE_NUMBER" },
        { "DRONE_BUILD_PARENT", "CI_PIPELINE_PARENT" },
        { "DRONE_BUILD_EVENT", "CI_PIPELINE_EVENT" },
        { "DRONE_BUILD_LINK", "CI_PIPELINE_URL" },
        { "DRONE_BUILD_CREATED", "CI_PIPELINE_CREATED" },
        { "DRONE_BUILD_STARTED", "CI_PIPELINE_STARTED" },
        { "DRONE_COMMIT", "CI_COMMIT_SHA" },
        { "DRONE_COMMIT_SHA", "CI_COMMIT_SHA" },
        { "DRONE_COMMIT_BEFORE", "CI_PREV_COMMIT_SHA" },
        { "DRONE_COMMIT_REF", "CI_COMMIT_REF" },
        { "DRONE_COMMIT_LINK", "CI_PIPELINE_FORGE_URL" },
        { "DRONE_COMMIT_MESSAGE", "CI_COMMIT_MESSAGE" },
        { "DRONE_COMMIT_AUTHOR", "CI_COMMIT_AUTHOR" },
        { "DRONE_COMMIT_AUTHOR_NAME", "CI_COMMIT_AUTHOR" },
        { "DRONE_COMMIT_AUTHOR_EMAIL", "CI_COMMIT_AUTHOR_EMAIL" },
        { "DRONE_COMMIT_AUTHOR_AVATAR", "CI_PIPELINE_AVATAR" },
        { "DRONE_REPO", "CI_REPO" },
        { "DRONE_REPO_OWNER", "CI_REPO_OWNER" },
        { "DRONE_REPO_NAME", "CI_REPO_NAME" },
        { "DRONE_REPO_LINK", "CI_REPO_URL" },
        { "DRONE_REPO_BRANCH", "CI_REPO_DEFAULT_BRANCH" },
        { "DRONE_REPO_PRIVATE", "CI_REPO_PRIVATE" },
        { "DRONE_REMOTE_URL", "CI_REPO_CLONE_URL" },
        { "DRONE_GIT_HTTP_URL", "CI_REPO_CLONE_URL" },
        { "DRONE_SYSTEM_HOST", "CI_SYSTEM_HOST" },
        { "DRONE_STEP_NUMBER", "CI_STEP_NUMBER" },
};

static int add_drone_variables(PlanStep *step) {
        const char *pull_request = strmap_get(&step->environment, "CI_COMMIT_PULL_REQUEST");
        int r;

        r = strmap_put(&step->environment, "DRONE_BUILD_STATUS", "success");
        if (r == 0)
                r = strmap_put(&step->environment, "DRONE_REPO_SCM", "git");
        if (r == 0) /* the name is a slip of Drone's that its plugins rely on */
                r = strmap_put(&step->environment, "PULLREQUEST_DRONE_PULL_REQUEST", pull_request ? pull_request : "0");
        FOREACH_ROW(row, drone_variables) {
                const char *value = strmap_get(&step->environment, row->from);

                if (r == 0 && value)
                        r = strmap_put(&step->environment, row->name, value);
        }
        return r;
}

/* Plugins get nothing of the matrix. */
static int add_known(const Woodpecker *wp, PlanStep *step) {
        const Map *axes = wp->context->axes, *given = wp->context->environment;
        int r;

        r = strmap_update(&step->environment, &wp->values);
        if (r < 0 || !axes || step->kind != STEP_PLUGIN)
                return r;
        MAP_FOREACH(entry, axes) {
                const char *value = given ? strmap_get(given, entry->key) : NULL;

                (void) map_remove(&step->environment, entry->key);
                r = r == 0 && value ? strmap_put(&step->environment, entry->key, value) : r;
        }
        return r;
}

int woodpecker_environment_compile(Woodpecker *woodpecker, const Container *container, PlanStep *step) {
        _cleanup_free_ char *workspace = NULL;
        int r;

        /* A thousand steps have a hundred thousand of them, and nothing can be wrong with these. */
        r = woodpecker->context->is_lint ? 0 : add_known(woodpecker, step);
        if (r < 0)
                return r;
        workspace = woodpecker_workspace(woodpecker, step->workspace_base);
        if (!workspace)
                return -ENOMEM;
        r = set_take(step, "CI_WORKSPACE", TAKE_PTR(workspace), false);
        if (r == 0)
                r = add_variables(woodpecker, step, container->keys.settings, true);
        if (r == 0)
                r = add_variables(woodpecker, step, container->keys.environment, false);
        if (r == 0 && step->kind == STEP_PLUGIN)
                r = add_drone_variables(step);
        return r;
}
