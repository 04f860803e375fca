#include "job/kept.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "document/json.h"

#define KEPT_BYTES_MAX (8U * 1024 * 1024)

static void kept_step_done(KeptStep *step) {
        free(step->name);
        free(step->container);
        free(step->directory);
        free(step->files);
        strv_free(step->secrets);
        *step = (KeptStep) { 0 };
}

void kept_job_done(KeptJob *kept) {
        for (size_t i = 0; i < kept->n_steps; i++)
                kept_step_done(&kept->steps[i]);
        free(kept->steps);
        free(kept->workflow);
        free(kept->engine);
        *kept = (KeptJob) { 0 };
}

int kept_job_format(const KeptJob *kept, char **ret) {
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_uint(&w, "until", kept->until_usec / USEC_PER_SEC);
        json_put_string(&w, "workflow", kept->workflow);
        json_put_string(&w, "engine", kept->engine);
        json_open_array(&w, "steps");
        for (size_t i = 0; i < kept->n_steps; i++) {
                const KeptStep *step = &kept->steps[i];

                json_open_object(&w, NULL);
                json_put_string(&w, "name", step->name);
                json_put_string(&w, "container", step->container);
                json_put_string(&w, "directory", step->directory);
                json_put_string(&w, "files", step->files);
                json_put_strv(&w, "secrets", step->secrets);
                json_put_bool(&w, "failed", step->has_failed);
                json_put_bool(&w, "script", step->has_script);
                json_close(&w);
        }
        json_close(&w);
        json_close(&w);
        return json_finish(&w, false, ret);
}

static int copy_string(Json *json, const char *path, char **ret, Error **reterr) {
        const char *text;
        int r = json_get_string(json, path, &text, reterr);

        if (r < 0)
                return r;
        *ret = strdup(text);
        return *ret ? 0 : error_oom(reterr);
}

static int parse_secrets(Json *json, char ***ret, Error **reterr) {
        Json *list = NULL;
        int r = json_get_array(json, "secrets", &list, NULL);

        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                const char *name = json_find_string(json_object_array_get_idx(list, i), "");

                if (name && strv_append(ret, name) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static int parse_step(Json *json, KeptJob *kept, Error **reterr) {
        KeptStep step = { 0 };
        int r = copy_string(json, "name", &step.name, reterr);

        if (r >= 0)
                r = copy_string(json, "container", &step.container, reterr);
        if (r >= 0)
                r = copy_string(json, "directory", &step.directory, reterr);
        if (r >= 0)
                r = copy_string(json, "files", &step.files, reterr);
        if (r >= 0)
                r = json_get_bool(json, "failed", &step.has_failed, reterr);
        if (r >= 0)
                r = json_get_bool(json, "script", &step.has_script, reterr);
        if (r >= 0)
                r = parse_secrets(json, &step.secrets, reterr);
        if (r >= 0 && ARRAY_APPEND(kept->steps, kept->n_steps, step) < 0)
                r = error_oom(reterr);
        if (r < 0)
                kept_step_done(&step);
        return r;
}

static int parse(Json *json, KeptJob *kept, Error **reterr) {
        Json *steps = NULL;
        int64_t until = 0;
        int r = json_get_int(json, "until", &until, reterr);

        if (r >= 0)
                r = copy_string(json, "workflow", &kept->workflow, reterr);
        if (r >= 0)
                r = copy_string(json, "engine", &kept->engine, reterr);
        if (r >= 0)
                r = json_get_array(json, "steps", &steps, reterr);
        if (r >= 0 && json_object_array_length(steps) > KEPT_STEPS_MAX)
                r = error_set(reterr, E2BIG, "more than %d steps", KEPT_STEPS_MAX);
        kept->until_usec = (uint64_t) MAX(until, INT64_C(0)) * USEC_PER_SEC;
        for (size_t i = 0; r >= 0 && i < json_object_array_length(steps); i++)
                r = parse_step(json_object_array_get_idx(steps, i), kept, reterr);
        return r;
}

int kept_job_parse(const char *text, size_t n, KeptJob *ret, Error **reterr) {
        _cleanup_(json_unrefp) Json *json = NULL;
        KeptJob kept = { 0 };
        int r = json_parse(text, n, &json, reterr);

        if (r >= 0)
                r = parse(json, &kept, reterr);
        if (r < 0) {
                kept_job_done(&kept);
                return r == -ENOMEM ? r : -EINVAL;
        }
        *ret = kept;
        return 0;
}

int kept_job_read(const char *state_directory, const char *id, KeptJob *ret, Error **reterr) {
        _cleanup_free_ char *path = str_printf("%s/jobs/%s/kept", state_directory, id), *text = NULL;
        size_t n = 0;
        int r;

        if (!path)
                return error_oom(reterr);
        r = file_read(path, KEPT_BYTES_MAX, &text, &n);
        if (r < 0)
                return error_set(reterr, -r, "cannot read '%s': %s", path, strerror(-r));
        r = kept_job_parse(text, n, ret, reterr);
        return r < 0 ? error_wrap(reterr, r, "'%s'", path) : 0;
}
