#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/examine.h"
#include "cli/findings-print.h"
#include "cli/verbs.h"
#include "doctor/setup.h"
#include "job/event.h"

#define OUTPUT_MAX (1024U * 1024)
#define ROUNDS_MAX 2 /* lingering starts the user's systemd, which then has a socket to be enabled */
#define NAME_COLUMNS 15

typedef struct SetupRun {
        const DoctorOptions *options;
        Facts facts;
        Findings findings;
        SetupPlan plans[ROUNDS_MAX];
        size_t n_plans;
} SetupRun;

static void setup_run_done(SetupRun *run) {
        for (size_t i = 0; i < run->n_plans; i++)
                setup_plan_done(&run->plans[i]);
        findings_done(&run->findings);
        facts_done(&run->facts);
}

static bool was_tried(const SetupRun *run, const char *name) {
        for (size_t i = 0; i < run->n_plans; i++)
                for (size_t j = 0; j < run->plans[i].n_steps; j++)
                        if (str_equal(run->plans[i].steps[j].name, name))
                                return true;
        return false;
}

/* What is there to do now, but for what was tried before: trying again would end the same way. */
static void plan_round(SetupRun *run) {
        SetupPlan *plan = &run->plans[run->n_plans], all;

        setup_plan(&run->facts, &all);
        *plan = (SetupPlan) { 0 };
        for (size_t i = 0; i < all.n_steps; i++)
                if (!was_tried(run, all.steps[i].name))
                        plan->steps[plan->n_steps++] = all.steps[i];
}

/* Looks, and plans. */
static int look(SetupRun *run, Error **reterr) {
        int r;

        findings_done(&run->findings);
        facts_done(&run->facts);
        r = examine(run->options, &run->facts, &run->findings, reterr);
        if (r >= 0 && run->n_plans < ROUNDS_MAX)
                plan_round(run);
        return r;
}

static int carry_out(SetupRun *run, SetupPlan *plan) {
        sd_event *event = NULL;
        Task *task = NULL;
        int r;

        r = sd_event_new(&event);
        if (r >= 0)
                r = setup_start(event, &run->facts, plan, examine_wait, event, &task);
        if (r >= 0)
                r = sd_event_loop(event);
        task_free(task);
        sd_event_unref(event);
        return r;
}

static void print_plan(const SetupRun *run, const SetupPlan *plan) {
        printf("To do for %s:\n", run->facts.user);
        for (size_t i = 0; i < plan->n_steps; i++)
                printf("  %-*s %s\n", NAME_COLUMNS, plan->steps[i].name, plan->steps[i].what);
}

static void print_outcome(const SetupPlan *plan) {
        for (size_t i = 0; i < plan->n_steps; i++) {
                const SetupStep *step = &plan->steps[i];

                printf("%s: %s%s%s\n", step->name, setup_state_to_string(step->state), step->reason ? ": " : "",
                       step->reason ? step->reason : "");
        }
}

/* Anything but a yes is a no. */
static bool ask(void) {
        char line[16];

        fputs("Go on? [y/N] ", stdout);
        (void) fflush(stdout);
        return fgets(line, sizeof(line), stdin) && tolower((unsigned char) line[0]) == 'y';
}

enum { MAY_NOT, MAY, NOBODY_TO_ASK };

static int may_do(const DoctorOptions *options) {
        if (options->yes)
                return MAY;
        if (options->json || !isatty(STDIN_FILENO)) {
                fputs("podstep setup: nobody can be asked here, and nothing was done\n"
                      "   hint: '--yes' does it without asking, '--dry-run' only tells\n", stderr);
                return NOBODY_TO_ASK;
        }
        return ask() ? MAY : MAY_NOT;
}

/* Round by round: what was done may let more be done. NOBODY_TO_ASK: nothing was done, and that has been told. */
static int do_all(SetupRun *run, Error **reterr) {
        int r;

        while (run->n_plans < ROUNDS_MAX && run->plans[run->n_plans].n_steps > 0) {
                SetupPlan *plan = &run->plans[run->n_plans++];

                if (!run->options->json)
                        print_plan(run, plan);
                if (run->options->dry_run)
                        return 0;
                if (run->n_plans == 1) {
                        r = may_do(run->options);
                        if (r != MAY)
                                return r;
                }
                r = carry_out(run, plan);
                if (r < 0)
                        return r;
                if (!run->options->json)
                        print_outcome(plan);
                r = look(run, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int print_text(const SetupRun *run) {
        FindingsStyle style = { .color = doctor_options_color(run->options), .from = LEVEL_WARNING,
                                .tried = run->options->dry_run ? NULL : "podstep setup" };
        _cleanup_str_ Str text = STR_INIT(OUTPUT_MAX);

        if (run->n_plans == 0)
                puts("Nothing to do.");
        if (findings_worst(&run->findings) >= LEVEL_WARNING)
                (void) str_append(&text, run->options->dry_run ? "\nAs it is now:\n" : "\nWhat is left:\n");
        findings_print(&run->findings, style, &text);
        findings_print_verdict(&run->findings, style, &text);
        return text.error < 0 || fputs(str_get(&text), stdout) < 0 || fflush(stdout) != 0 ? -EIO : 0;
}

static void put_step(const SetupStep *step, JsonWriter *w) {
        json_open_object(w, NULL);
        json_put_string(w, "step", step->name);
        json_put_string(w, "what", step->what);
        json_put_string(w, "state", setup_state_to_string(step->state));
        json_put_string(w, "reason", step->reason);
        json_close(w);
}

static int print_json(const SetupRun *run) {
        _cleanup_free_ char *text = NULL;
        JsonWriter w = { 0 };

        json_open_object(&w, NULL);
        json_put_bool(&w, "dry_run", run->options->dry_run);
        json_open_array(&w, "steps");
        for (size_t i = 0; i < run->n_plans; i++)
                for (size_t j = 0; j < run->plans[i].n_steps; j++)
                        put_step(&run->plans[i].steps[j], &w);
        json_close(&w);
        findings_put_json(&run->findings, &w);
        json_close(&w);
        if (json_finish(&w, true, &text) < 0)
                return -ENOMEM;
        return puts(text) < 0 || fflush(stdout) != 0 ? -EIO : 0;
}

int verb_setup(const Verb *verb, char *const *args, void *values) {
        _cleanup_(setup_run_done) SetupRun run = { .options = values };
        _cleanup_(error_freep) Error *error = NULL;
        int r;

        r = look(&run, &error);
        if (r >= 0)
                r = do_all(&run, &error);
        if (r == NOBODY_TO_ASK)
                return EXIT_USAGE;
        if (r >= 0)
                r = run.options->json ? print_json(&run) : print_text(&run);
        if (r < 0) {
                log_error("%s", error_message(error, r));
                return EXIT_ENGINE;
        }
        return findings_exit_code(&run.findings);
}
