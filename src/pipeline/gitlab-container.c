/* What 'image' and 'services' hold: a name, or a map with more. */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "pipeline/gitlab-container.h"
#include "pipeline/gitlab-keys.h"
#include "pipeline/image-reference.h"

typedef struct DockerKeys {
        const YamlNode *platform, *user;
} DockerKeys;

/* clang-format off */
static const Key gitlab_image_rows[] = {
        { "name", KEY_TEXT, offsetof(GitlabContainerKeys, name),
          .doc = "The image, completed as Docker does: ``ruby:2.7`` is ``docker.io/library/ruby:2.7``." },
        { "entrypoint", KEY_STRINGS, offsetof(GitlabContainerKeys, entrypoint),
          .doc = "Program and arguments in the place of the image's entrypoint; they are to start what follows them, a "
                 "shell. ``[\"\"]``: none." },
        { "pull_policy", KEY_STRINGS, offsetof(GitlabContainerKeys, pull_policy),
          .doc = "When to pull: ``always``, ``if-not-present`` or ``never``; of a list the first that works." },
        { "docker", KEY_MAP, offsetof(GitlabContainerKeys, docker),
          .doc = "Options of the engine: ``user``, ``platform``." },
        { "kubernetes", KEY_IGNORED },
};

static const Key gitlab_service_rows[] = {
        { "name", KEY_TEXT, offsetof(GitlabContainerKeys, name),
          .doc = "The image. The service is reached by its name too: without tag and port, each ``/`` as ``__`` or as "
                 "``-``." },
        { "alias", KEY_TEXT, offsetof(GitlabContainerKeys, alias),
          .doc = "Further names by which it is reached, with spaces or commas between them." },
        { "variables", KEY_MAP, offsetof(GitlabContainerKeys, variables),
          .doc = "Variables of this service alone. ``HEALTHCHECK_TCP_PORT``, which the image may have as well, is the "
                 "port that tells that it is ready." },
        { "entrypoint", KEY_STRINGS, offsetof(GitlabContainerKeys, entrypoint),
          .doc = "Program and arguments in the place of the image's entrypoint." },
        { "command", KEY_STRINGS, offsetof(GitlabContainerKeys, command),
          .doc = "Arguments in the place of those of the image." },
        { "pull_policy", KEY_STRINGS, offsetof(GitlabContainerKeys, pull_policy),
          .doc = "As that of ``image``." },
        { "docker", KEY_MAP, offsetof(GitlabContainerKeys, docker),
          .doc = "As that of ``image``." },
        { "kubernetes", KEY_IGNORED },
};

static const Key gitlab_docker_rows[] = {
        { "user", KEY_TEXT, offsetof(DockerKeys, user),
          .doc = "User to run as, by number or name: ``uid[:gid]``. Default: the image's." },
        { "platform", KEY_TEXT, offsetof(DockerKeys, platform),
          .doc = "Platform of the image: ``linux/arm64``. Default: the engine's own." },
};
/* clang-format on */

static const KeyTable image_table = KEY_TABLE(gitlab_image_rows), service_table = KEY_TABLE(gitlab_service_rows),
                      docker_table = KEY_TABLE(gitlab_docker_rows);
const KeyTable *const gitlab_image_keys = &image_table, *const gitlab_service_keys = &service_table,
                      *const gitlab_docker_keys = &docker_table;

int gitlab_container_read(GitlabReader *reader, const YamlNode *node, const KeyTable *table) {
        Gitlab *gl = reader->gitlab;

        if (yaml_is_scalar(node) && node->kind != YAML_NULL)
                reader->name = node;
        else if (node->kind == YAML_MAPPING) {
                gl->n_errors += keys_read(table, node, 0, reader->owner, &reader->keys, gl->diags);
                reader->name = reader->keys.name;
        }
        if (reader->name && reader->name->n_text > 0 && key_check_text(reader->name, reader->noun, gl->diags))
                return 0;
        if (!reader->name || reader->name->n_text == 0)
                GITLAB_ERROR(gl, "image", node->mark, "%s names no image", reader->owner);
        else
                gl->n_errors++;
        return 1;
}

int gitlab_container_expand(GitlabReader *reader, const YamlNode *node, char **ret) {
        _cleanup_free_ char *text = NULL;
        Gitlab *gl = reader->gitlab;
        bool is_secret;
        int r = gitlab_expand(reader->variables, node->text, &text, &is_secret);

        if (r == -E2BIG)
                GITLAB_ERROR(gl, "too-large", node->mark, "%s: with its variables put in it is too large",
                             reader->noun);
        else if (r == 0 && is_secret)
                diag_set_hint(GITLAB_ERROR(gl, "secret", node->mark, "%s: it holds a secret", reader->noun),
                              "lists of containers and of images would show it");
        else if (r == 0)
                *ret = TAKE_PTR(text);
        return r == -E2BIG ? 0 : r;
}

/* What is wrong with the name of an image; both, as written and as it became, where they differ. */
static void refuse_image(GitlabReader *reader, const char *image, const char *why, const char *hint) {
        _cleanup_free_ char *shown = str_escape(image, strlen(image), GITLAB_TEXT_BYTES_SHOWN);
        _cleanup_free_ char *written =
                str_escape(reader->name->text, reader->name->n_text, GITLAB_TEXT_BYTES_SHOWN);
        Gitlab *gl = reader->gitlab;
        Diag *diag;

        if (strcmp(image, reader->name->text) == 0)
                diag = GITLAB_ERROR(gl, "image", reader->name->mark, "image '%s': %s", shown ? shown : "", why);
        else
                diag = GITLAB_ERROR(gl, "image", reader->name->mark, "image '%s', which is '%s' here: %s",
                                    written ? written : "", shown ? shown : "", why);
        if (hint)
                diag_set_hint(diag, "%s", hint);
}

static int compile_image(GitlabReader *reader, PlanStep *step) {
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_free_ char *hint = NULL;
        bool is_unknown = reader->gitlab->context->is_lint && strchr(reader->name->text, '$');
        int r;

        step->image_mark = reader->name->mark;
        r = gitlab_container_expand(reader, reader->name, &step->image);
        if (r < 0 || !step->image || is_unknown)
                return r;
        r = image_reference_qualify(step->image, &step->image_reference, &hint, &error);
        if (r != -EINVAL)
                return r;
        refuse_image(reader, step->image, error_message(error, r), hint);
        return 0;
}

static void add_pull(GitlabReader *reader, const YamlNode *word, PullList *list) {
        static const struct {
                const char *name;
                PullPolicy pull;
        } words[] = { { "always", PULL_ALWAYS }, { "if-not-present", PULL_MISSING }, { "never", PULL_NEVER } };
        Gitlab *gl = reader->gitlab;

        FOREACH_ROW(row, words)
                if (strcmp(row->name, word->text) == 0) {
                        if (list->n < PULL_LIST_MAX)
                                list->list[list->n++] = row->pull;
                        else
                                GITLAB_ERROR(gl, "too-many", word->mark, "pull_policy: more than %d", PULL_LIST_MAX);
                        return;
                }
        GITLAB_ERROR(gl, "value", word->mark, "pull_policy: '%s' is none of 'always', 'if-not-present', 'never'",
                     word->text);
}

static void compile_pull(GitlabReader *reader, PlanStep *step) {
        const YamlNode *node = reader->keys.pull_policy;

        if (!node)
                return;
        step->pull_mark = node->mark;
        if (node->kind != YAML_SEQUENCE)
                add_pull(reader, node, &step->pull);
        for (size_t i = 0; i < node->n_items; i++)
                add_pull(reader, node->items[i], &step->pull);
}

static bool is_user(const char *text) {
        for (const char *c = text; *c; c++)
                if (!isalnum((unsigned char) *c) && !strchr("_.-:$", *c))
                        return false;
        return true;
}

static int compile_user(GitlabReader *reader, const YamlNode *node, PlanStep *step) {
        _cleanup_free_ char *user = NULL, *shown = NULL;
        Gitlab *gl = reader->gitlab;
        int r;

        r = gitlab_container_expand(reader, node, &user);
        if (r < 0 || str_is_empty(user))
                return r;
        if (is_user(user)) {
                step->user = TAKE_PTR(user);
                return 0;
        }
        shown = str_escape(user, strlen(user), GITLAB_TEXT_BYTES_SHOWN);
        diag_set_hint(GITLAB_ERROR(gl, "value", node->mark, "user: '%s' is not a user", shown ? shown : ""),
                      "by number or name, perhaps with a group: '1000:1000', 'node'");
        return 0;
}

static bool is_platform(const char *text) {
        return *text && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789/_.-") == strlen(text);
}

static int compile_platform(GitlabReader *reader, const YamlNode *node, PlanStep *step) {
        _cleanup_free_ char *platform = NULL, *shown = NULL;
        Gitlab *gl = reader->gitlab;
        int r;

        r = gitlab_container_expand(reader, node, &platform);
        if (r < 0 || str_is_empty(platform))
                return r;
        if (is_platform(platform)) {
                step->platform = TAKE_PTR(platform);
                return 0;
        }
        shown = str_escape(platform, strlen(platform), GITLAB_TEXT_BYTES_SHOWN);
        diag_set_hint(GITLAB_ERROR(gl, "value", node->mark, "platform: '%s' is not a platform", shown ? shown : ""),
                      "for instance 'linux/arm64'");
        return 0;
}

static int compile_docker(GitlabReader *reader, PlanStep *step) {
        _cleanup_free_ char *owner = str_printf("'docker' of %s", reader->owner);
        Gitlab *gl = reader->gitlab;
        DockerKeys keys = { 0 };
        int r = 0;

        if (!owner)
                return -ENOMEM;
        if (reader->keys.docker)
                gl->n_errors += keys_read(&docker_table, reader->keys.docker, 0, owner, &keys, gl->diags);
        if (keys.user)
                r = compile_user(reader, keys.user, step);
        return r == 0 && keys.platform ? compile_platform(reader, keys.platform, step) : r;
}

int gitlab_container_compile(GitlabReader *reader, PlanStep *step) {
        int r = compile_image(reader, step);

        compile_pull(reader, step);
        if (r == 0)
                r = compile_docker(reader, step);
        if (r == 0 && reader->keys.entrypoint)
                r = key_strings(reader->keys.entrypoint, &step->entrypoint);
        if (r == 0 && reader->keys.command)
                r = key_strings(reader->keys.command, &step->arguments);
        return r;
}

int gitlab_image_compile(Gitlab *gl, const GitlabJob *job, const GitlabVariables *variables, PlanStep *step) {
        YamlNode default_image = {
                .kind = YAML_STRING, .mark = job->mark, .text = (char *) gl->context->default_image
        };
        const YamlNode *node = job->keys.image;
        _cleanup_free_ char *owner = str_printf("'image' of %s", job->owner);
        GitlabReader reader = { .gitlab = gl, .job = job, .variables = variables, .owner = owner, .noun = "image" };
        Diag *diag;
        int r;

        if (!owner)
                return -ENOMEM;
        if (!node && default_image.text) {
                default_image.n_text = strlen(default_image.text);
                node = &default_image;
        }
        if (!node) {
                diag = GITLAB_ERROR(gl, "image", job->mark, "%s has no image", job->owner);
                diag_set_hint(diag, "add a line such as 'image: alpine' to it, to 'default', or to the file");
                return 0;
        }
        r = gitlab_container_read(&reader, node, &image_table);
        return r == 0 ? gitlab_container_compile(&reader, step) : MIN(r, 0);
}
