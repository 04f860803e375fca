#pragma once

/*
 * An engine made of a list of names: it remembers what stands on it, fails or stops the job at a chosen call, and lets
 * containers end as told. Nothing runs, but each prints two lines. What stands, and how it ended, survives the job that
 * made it.
 */

#include "engine/engine.h"
#include "job/job.h"

typedef struct FakeEngine {
        Engine engine;
        Map objects;      /* "container NAME", "pod NAME", ...: what stands */
        Map exit_codes;   /* end of a container's name to its exit code as text; "never": until it is stopped */
        char *directory;  /* for mountpoints */
        unsigned n_calls;
        unsigned fail_at; /* the call that fails, from 1; 0: none */
        unsigned stop_at; /* the call at which the job is stopped */
        Job *job;
        const char *stubborn; /* "container NAME": what cannot be removed; NULL: nothing */
        bool holds_starts; /* they are on their way */
        const char *late; /* end of the name of a container: who looks at it is told that it was not started, but just
                             then it is, as an earlier process asked; NULL: none */
        struct FakeFollow *follows;
        Map states;       /* of containers that were started: "running", or their exit code */
        void (*look)(const ContainerSpec *spec, void *userdata); /* at each container that is made; NULL: nobody */
        void (*look_at_volume)(const VolumeSpec *spec, void *userdata);
        void *look_userdata;
        char **started;   /* names of containers, in the order of their start */
        char **acts;      /* "start NAME", "remove container NAME", "remove pod NAME", ..., in their order */
} FakeEngine;
/** fake_volume_upper() - where an overlay's upper directory is said to lie; NULL: it is none */
char *fake_volume_upper(const VolumeSpec *spec);

FakeEngine *fake_engine_new(sd_event *event);
FakeEngine *fake_engine_free(FakeEngine *fake);
DEFINE_CLEANUP(FakeEngine *, fake_engine_free);
