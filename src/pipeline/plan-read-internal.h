#pragma once

/* How a plan is read from JSON: objects by tables of keys, each value by a reader that says where it stands. */

#include <stddef.h>

#include "document/json.h"
#include "pipeline/plan.h"

/* Where a value stands: the keys and numbers from the plan down to it. They live on the stack of who reads. */
typedef struct Place {
        const struct Place *up;
        const char *key; /* NULL: an element of an array */
        size_t index;
} Place;

#define PLACE_KEY(above, name) (&(const Place) { .up = (above), .key = (name) })
#define PLACE_AT(above, i) (&(const Place) { .up = (above), .index = (i) })

typedef struct PlanReader {
        const PlanReading *reading;
        Plan *plan;
        Error **reterr;
} PlanReader;

/* Of what a value becomes; 0, -EINVAL with its place, -ENOMEM. */
typedef int PlanRead(const PlanReader *reader, const Place *place, Json *json, void *field);

typedef struct PlanKey {
        const char *name;
        PlanRead *read;
        size_t offset; /* of the field in what the table is of */
        bool is_required;
} PlanKey;

/** plan_fault() - ".plans[0].steps[2].image: " and what is wrong; -EINVAL */
int plan_fault(const PlanReader *reader, const Place *place, const char *format, ...) _printf_(3, 4);
/** plan_no_memory() - -ENOMEM */
int plan_no_memory(const PlanReader *reader);

/** plan_read_object() - all keys of an object, of which each must be a row of @keys */
int plan_read_object(const PlanReader *reader, const Place *place, Json *json, const PlanKey *keys, size_t n_keys,
                     void *target);
/** plan_check_array() - that it is one, of at most so many */
int plan_check_array(const PlanReader *reader, const Place *place, Json *json, size_t max);

/* Readers of values. What they are given has no type yet; a NUL within a string is refused. */
PlanRead plan_read_text;  /* char *: any text */
PlanRead plan_read_line;  /* char *: shown to people */
PlanRead plan_read_path;  /* char *: absolute, clean */
PlanRead plan_read_texts; /* char ** */
PlanRead plan_read_lines; /* char ** */
PlanRead plan_read_map;   /* Map of texts */
PlanRead plan_read_bool;  /* bool */
PlanRead plan_read_mark;  /* Mark: a line */
PlanRead plan_read_u16;   /* uint16_t, above 0 */
PlanRead plan_read_later; /* known, read elsewhere */
/** plan_read_number() - a whole number from 0 to @max */
int plan_read_number(const PlanReader *reader, const Place *place, Json *json, int64_t max, int64_t *ret);

/* What a container wants of its host: plan-read-host.c. @field: the PlanStep. */
PlanRead plan_read_volumes;
PlanRead plan_read_tmpfs;
PlanRead plan_read_devices;
PlanRead plan_read_extra_hosts;
PlanRead plan_read_ports;
PlanRead plan_read_dns; /* char **: addresses */
PlanRead plan_read_ready;
/** plan_check_mounts() - that nothing is mounted where something else is */
int plan_check_mounts(const PlanReader *reader, const Place *place, const PlanStep *step);

/** plan_read_step() - one step or service, all but what it needs */
int plan_read_step(const PlanReader *reader, const Place *place, Json *json, bool is_service, PlanStep **ret);
/** plan_read_needs() - of all steps, once all are read. @services, @steps: the arrays they were read from */
int plan_read_needs(const PlanReader *reader, const Place *place, Json *services, Json *steps);

/**
 * plan_secrets_read() - moves the variables that hold secrets from a step's environment, and puts their values in
 * @json: the step's "secret_environment"; NULL: it has none
 */
int plan_secrets_read(const PlanReader *reader, const Place *place, Json *json, PlanStep *step);
