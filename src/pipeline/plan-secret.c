#include "pipeline/plan-secret.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/str.h"
#include "base/strv.h"
#include "pipeline/go-json.h"
#include "pipeline/plan-read-internal.h"

#define VALUE_BYTES_MAX (8U * 1024 * 1024) /* of a variable */
#define PARTS_MAX 1000

/* How a secret can stand in a value. */
typedef enum SecretForm {
        FORM_PLAIN,
        FORM_JSON,   /* within a string of JSON, as Woodpecker's settings have it */
        _FORM_MAX,
} SecretForm;

static const char *const form_names[_FORM_MAX] = {
        [FORM_PLAIN] = "plain", [FORM_JSON] = "json"
};

/* What a part of a value is: text of its own, or a secret. */
typedef struct Part {
        const char *secret; /* its name; NULL: text */
        SecretForm form;
        size_t from, n; /* where it stands in the value */
} Part;

static char *as_json(const char *secret) {
        _cleanup_str_ Str text = STR_INIT(VALUE_BYTES_MAX);

        go_json_append_string(&text, secret, strlen(secret));
        return text.error ? NULL : strndup(str_get(&text) + 1, text.n - 2);
}

/* Heap; NULL: no memory. */
static char *in_form(const char *secret, SecretForm form) {
        return form == FORM_JSON ? as_json(secret) : strdup(secret);
}

/* ---- telling ---- */

/* All secrets in all forms; names to texts. */
typedef struct Forms {
        Map texts[_FORM_MAX];
} Forms;

static void forms_done(Forms *forms) {
        for (size_t form = 0; form < _FORM_MAX; form++) {
                MAP_FOREACH(entry, &forms->texts[form])
                        explicit_bzero(entry->value, strlen(entry->value));
                map_done(&forms->texts[form]);
        }
}

static int forms_init(const Plan *plan, Forms *forms) {
        for (size_t form = 0; form < _FORM_MAX; form++)
                forms->texts[form] = STRMAP_INIT;
        MAP_FOREACH(entry, &plan->secrets)
                for (size_t form = 0; form < _FORM_MAX; form++) {
                        char *text = in_form(entry->value, (SecretForm) form);

                        if (!text || map_put_take(&forms->texts[form], entry->key, text) < 0)
                                return -ENOMEM;
                }
        return 0;
}

/* The longest secret that begins here; of forms that are the same the first. */
static bool match(const Forms *forms, const char *at, Part *ret) {
        *ret = (Part) { 0 };
        for (size_t form = 0; form < _FORM_MAX; form++)
                MAP_FOREACH(entry, &forms->texts[form]) {
                        size_t n = strlen(entry->value);

                        if (n > ret->n && strncmp(at, entry->value, n) == 0)
                                *ret = (Part) { .secret = entry->key, .form = (SecretForm) form, .n = n };
                }
        return ret->n > 0;
}

static int find_parts(const Forms *forms, const char *value, Part **ret, size_t *ret_n) {
        size_t from = 0, n = strlen(value), i = 0;
        Part part;

        while (i <= n) {
                bool is_secret = i < n && match(forms, value + i, &part);

                if (i > from && (is_secret || i == n) &&
                    ARRAY_APPEND(*ret, *ret_n, ((Part) { .from = from, .n = i - from })) < 0)
                        return -ENOMEM;
                if (is_secret && ARRAY_APPEND(*ret, *ret_n, part) < 0)
                        return -ENOMEM;
                i += is_secret ? part.n : 1;
                from = is_secret ? i : from;
        }
        return 0;
}

/* What holds no secret that we can find does not show what it holds. */
static bool can_be_told(const char *value, const Part *parts, size_t n_parts) {
        bool has_secret = !*value;

        for (size_t i = 0; i < n_parts; i++)
                has_secret |= parts[i].secret != NULL;
        return has_secret && n_parts <= PARTS_MAX;
}

static void put_parts(JsonWriter *w, const char *name, const char *value, const Part *parts, size_t n_parts) {
        json_open_array(w, name);
        for (size_t i = 0; i < n_parts; i++) {
                if (!parts[i].secret) {
                        json_put_bytes(w, NULL, value + parts[i].from, parts[i].n);
                        continue;
                }
                json_open_object(w, NULL);
                json_put_string(w, "secret", parts[i].secret);
                if (parts[i].form != FORM_PLAIN)
                        json_put_string(w, "form", form_names[parts[i].form]);
                json_close(w);
        }
        json_close(w);
}

void plan_secrets_put(JsonWriter *w, const Plan *plan, const PlanStep *step) {
        _cleanup_(forms_done) Forms forms = { 0 };
        int r = 0;

        if (map_size(&step->secret_environment) == 0)
                return;
        r = forms_init(plan, &forms);
        json_open_object(w, "secret_environment");
        MAP_FOREACH(entry, &step->secret_environment) {
                _cleanup_free_ Part *parts = NULL;
                size_t n_parts = 0;

                if (r >= 0)
                        r = find_parts(&forms, entry->value, &parts, &n_parts);
                if (r >= 0 && can_be_told(entry->value, parts, n_parts))
                        put_parts(w, entry->key, entry->value, parts, n_parts);
        }
        json_close(w);
        if (r < 0)
                w->error = r;
}

/* ---- reading ---- */

typedef struct SecretKeys {
        char *secret;
        SecretForm form;
} SecretKeys;

static int read_form(const PlanReader *reader, const Place *place, Json *json, void *field) {
        _cleanup_free_ char *text = NULL;
        int r = plan_read_line(reader, place, json, &text);

        for (size_t form = 0; form < _FORM_MAX && r >= 0; form++)
                if (str_equal(form_names[form], text)) {
                        *(SecretForm *) field = (SecretForm) form;
                        return 0;
                }
        return r < 0 ? r : plan_fault(reader, place, "expected plain or json");
}

static const PlanKey secret_keys[] = {
        { "secret", plan_read_line, offsetof(SecretKeys, secret), .is_required = true },
        { "form", read_form, offsetof(SecretKeys, form) },
};

/* Names of secrets are the same in upper and lower case. NULL: it is not given. */
static int find_secret(const PlanReader *reader, const char *name, const char **ret) {
        const Map *secrets = reader->reading->secrets;
        _cleanup_free_ char *lower = strdup(name);

        if (!lower)
                return plan_no_memory(reader);
        for (char *c = lower; *c; c++)
                *c = (char) tolower((unsigned char) *c);
        *ret = !secrets ? NULL : map_has(secrets, name) ? strmap_get(secrets, name) : strmap_get(secrets, lower);
        return 0;
}

static bool is_missing(const PlanStep *step, const char *name) {
        for (size_t i = 0; i < step->n_missing_secrets; i++)
                if (str_equal(step->missing_secrets[i].name, name))
                        return true;
        return false;
}

static int note_missing(PlanStep *step, const char *name) {
        PlanMissing missing = { .name = strdup(name), .mark = step->mark };

        if (!missing.name || ARRAY_APPEND(step->missing_secrets, step->n_missing_secrets, missing) < 0) {
                free(missing.name);
                return -ENOMEM;
        }
        return 0;
}

static int append_secret(const PlanReader *reader, const Place *place, Json *json, PlanStep *step, Str *value) {
        SecretKeys keys = { 0 };
        _cleanup_free_ char *text = NULL, *name = NULL;
        const char *secret = NULL;
        int r = plan_read_object(reader, place, json, secret_keys, ELEMENTSOF(secret_keys), &keys);

        name = keys.secret;
        if (r >= 0)
                r = find_secret(reader, name, &secret);
        if (r < 0)
                return r;
        if (!secret)
                return is_missing(step, name) || note_missing(step, name) >= 0 ? 0 : plan_no_memory(reader);
        text = in_form(secret, keys.form);
        if (!text)
                return plan_no_memory(reader);
        (void) str_append(value, text);
        explicit_bzero(text, strlen(text));
        return 0;
}

static int append_part(const PlanReader *reader, const Place *place, Json *json, PlanStep *step, Str *value) {
        _cleanup_free_ char *text = NULL;
        int r;

        if (!json_object_is_type(json, json_type_string))
                return append_secret(reader, place, json, step, value);
        r = plan_read_text(reader, place, json, &text);
        if (r >= 0)
                (void) str_append(value, text);
        return r;
}

static int read_value(const PlanReader *reader, const Place *place, Json *json, PlanStep *step, const char *name) {
        _cleanup_str_ Str value = STR_INIT(VALUE_BYTES_MAX);
        int r = plan_check_array(reader, place, json, PARTS_MAX);
        char *text;

        for (size_t i = 0; r >= 0 && i < json_object_array_length(json); i++)
                r = append_part(reader, PLACE_AT(place, i), json_object_array_get_idx(json, i), step, &value);
        if (r < 0)
                return r;
        if (value.error == -E2BIG)
                return plan_fault(reader, place, "its value becomes larger than %u MiB", VALUE_BYTES_MAX >> 20);
        text = value.error < 0 ? NULL : strdup(str_get(&value));
        if (!text || map_put_take(&step->secret_environment, name, text) < 0)
                return plan_no_memory(reader);
        (void) map_remove(&step->environment, name);
        return 0;
}

/* What was left out when the plan was printed would run as stars. */
static int check_shown(const PlanReader *reader, const Place *place, const PlanStep *step) {
        MAP_FOREACH(entry, &step->environment)
                if (str_equal(entry->value, PLAN_SECRET_SHOWN))
                        return plan_fault(reader, PLACE_KEY(place, entry->key),
                                          "it is missing: the value was hidden, and nothing tells how to make it");
        return 0;
}

static int read_values(const PlanReader *reader, const Place *place, Json *json, PlanStep *step) {
        json_object_object_foreach(json, name, value) {
                const Place *at = PLACE_KEY(place, name);
                int r;

                if (!str_equal(strmap_get(&step->environment, name), PLAN_SECRET_SHOWN))
                        return plan_fault(reader, at, "'environment' does not show it as '%s'", PLAN_SECRET_SHOWN);
                r = read_value(reader, at, value, step, name);
                if (r < 0)
                        return r;
        }
        return 0;
}

int plan_secrets_read(const PlanReader *reader, const Place *place, Json *json, PlanStep *step) {
        int r = 0;

        if (json && !json_object_is_type(json, json_type_object))
                return plan_fault(reader, place, "expected an object");
        if (json)
                r = read_values(reader, place, json, step);
        return r < 0 ? r : check_shown(reader, place, step);
}
