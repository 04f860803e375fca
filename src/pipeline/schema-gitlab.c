/* The forms of values in a file of GitLab CI, where a row of its tables does not tell them. */

#include "pipeline/gitlab-keys.h"
#include "pipeline/schema-internal.h"

/* Lists may hold lists, as anchors and '!reference' make them. */
static void put_text_list(JsonWriter *w) {
        schema_put_list_of(w, "texts");
}
static void put_texts(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_text_list);
}
static void put_texts_ref(JsonWriter *w) {
        schema_put_ref(w, "texts");
}

static void put_defaults(JsonWriter *w) {
        schema_put_ref(w, "default");
}

static void put_image_map(JsonWriter *w) {
        schema_put_ref(w, "image-map");
}
static void put_image(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_image_map);
}

/* One of 'services', or a list of them that stands in it. */
static void put_service_map(JsonWriter *w) {
        schema_put_ref(w, "service-map");
}
static void put_service_list(JsonWriter *w) {
        schema_put_list_of(w, "service");
}
static void put_service(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_service_map, put_service_list);
}

static void put_file_variable_map(JsonWriter *w) {
        schema_put_ref(w, "file-variable-map");
}
static void put_job_variable_map(JsonWriter *w) {
        schema_put_ref(w, "job-variable-map");
}
static void put_nothing(JsonWriter *w) {
        json_put_string(w, "type", "null");
}
static void put_file_variable(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_nothing, put_file_variable_map);
}
static void put_job_variable(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_nothing, put_job_variable_map);
}
static void put_file_variables(JsonWriter *w) {
        schema_put_map_of(w, "file-variable");
}
static void put_job_variables(JsonWriter *w) {
        schema_put_map_of(w, "job-variable");
}

static void put_need_map(JsonWriter *w) {
        schema_put_ref(w, "need-map");
}
static void put_need_list(JsonWriter *w) {
        schema_put_list_of(w, "need");
}
static void put_need(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, schema_put_scalar, put_need_map, put_need_list);
}

static void put_docker(JsonWriter *w) {
        schema_put_ref(w, "docker");
}
static void put_pull_word(JsonWriter *w) {
        static const char *const words[] = { "always", "if-not-present", "never", NULL };

        schema_put_words(w, "enum", words);
}
static void put_pull_list(JsonWriter *w) {
        json_put_string(w, "type", "array");
        json_open_object(w, "items");
        put_pull_word(w);
        json_close(w);
}
static void put_pull(JsonWriter *w) {
        SCHEMA_PUT_ANY_OF(w, put_pull_word, put_pull_list);
}

/* 'delayed' is known, and refused. */
static void put_when(JsonWriter *w) {
        static const char *const words[] = { "on_success", "on_failure", "always", "manual", NULL };

        schema_put_words(w, "enum", words);
}

static const SchemaShape shapes[] = {
        { &gitlab_file_keys, "default", put_defaults },
        { &gitlab_file_keys, "stages", put_texts_ref },
        { &gitlab_file_keys, "variables", put_file_variables },
        { &gitlab_file_keys, "image", put_image },
        { &gitlab_file_keys, "services", put_service_list },
        { &gitlab_file_keys, "before_script", put_texts_ref },
        { &gitlab_file_keys, "after_script", put_texts_ref },
        { &gitlab_job_keys, "script", put_texts_ref },
        { &gitlab_job_keys, "before_script", put_texts_ref },
        { &gitlab_job_keys, "after_script", put_texts_ref },
        { &gitlab_job_keys, "image", put_image },
        { &gitlab_job_keys, "services", put_service_list },
        { &gitlab_job_keys, "variables", put_job_variables },
        { &gitlab_job_keys, "needs", put_need_list },
        { &gitlab_job_keys, "when", put_when },
        { &gitlab_job_keys, "allow_failure", schema_put_bool },
        { &gitlab_image_keys, "pull_policy", put_pull },
        { &gitlab_image_keys, "docker", put_docker },
        { &gitlab_service_keys, "pull_policy", put_pull },
        { &gitlab_service_keys, "docker", put_docker },
        { &gitlab_service_keys, "variables", put_job_variables },
        { 0 },
};
const SchemaShape *const schema_gitlab_shapes = shapes;

static const SchemaDefinition definitions[] = {
        { "scalar", .put = schema_put_scalar },
        { "texts", .put = put_texts },
        { "job", &gitlab_job_keys, IN_JOB, "script" },
        { "default", &gitlab_job_keys, IN_DEFAULT },
        { "image-map", &gitlab_image_keys, 0, "name" },
        { "service", .put = put_service },
        { "service-map", &gitlab_service_keys, 0, "name" },
        { "docker", &gitlab_docker_keys },
        { "file-variable", .put = put_file_variable },
        { "file-variable-map", &gitlab_variable_keys, IN_FILE },
        { "job-variable", .put = put_job_variable },
        { "job-variable-map", &gitlab_variable_keys, IN_JOB },
        { "need", .put = put_need },
        { "need-map", &gitlab_need_keys, 0, "job" },
        { 0 },
};
const SchemaDefinition *const schema_gitlab_definitions = definitions;
