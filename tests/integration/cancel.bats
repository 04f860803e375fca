# Being stopped: by Ctrl-C, by TERM, by the clock, by kill -9; and what is kept when that is wanted.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown() { end_test; }
teardown_file() { leaks_after; }

# a step that tells when it gets TERM and ends then; $1: seconds that takes
polite() {
        checkout <<-Y
	steps:
	- {name: polite, image: $IMG/busybox:1, commands: ["trap 'echo got TERM; sleep $1; echo bye; exit 7' TERM", echo ready, 'while :; do sleep .1; done']}
	- {name: next, image: $IMG/busybox:1, commands: [echo must not run]}
	Y
}

# a step that does not listen to TERM
stubborn() {
        checkout <<-Y
	steps:
	- {name: stubborn, image: $IMG/busybox:1, commands: [trap '' TERM, echo ready, 'while :; do sleep .1; done']}
	Y
}

@test "Ctrl-C once: the step gets TERM and time to end, exit code 130" {
        polite 1
        podstep_start run
        wait_output '^ready$'
        kill -INT "$PODSTEP_PID"
        podstep_end 15
        assert_status 130
        assert_line "got TERM"
        assert_line "bye"
        assert_output_contains "canceled"
        refute_output_contains "must not run"
        assert_nothing_left
}

@test "TERM is like Ctrl-C" {
        polite 0
        podstep_start run
        wait_output '^ready$'
        kill -TERM "$PODSTEP_PID"
        podstep_end 15
        assert_status 130
        assert_line "got TERM"
        assert_nothing_left
}

@test "Ctrl-C on a terminal" {
        polite 0
        podstep_terminal --type 'ready\r\n' '\x03' run
        assert_status 130
        assert_line "got TERM"
        assert_output_matches '^job canceled after'
        refute_output_contains ▸
        assert_nothing_left
}

@test "Ctrl-C twice: at once, still cleaned up" {
        polite 30
        podstep_start run
        wait_output '^ready$'
        kill -INT "$PODSTEP_PID"
        wait_output '^got TERM$'
        kill -INT "$PODSTEP_PID"
        took 8 podstep_end 15
        assert_status 130
        ! grep -qx bye <<<"$output"
        assert_nothing_left
}

@test "who ignores TERM is killed after the grace" {
        stubborn
        podstep_start run --grace 1s
        wait_output '^ready$'
        kill -INT "$PODSTEP_PID"
        took 10 podstep_end 15
        assert_status 130
        assert_nothing_left
}

@test "Ctrl-C while images are looked for, the sandbox is made and a service is waited for" {
        local delay
        checkout <<-Y
	services:
	- {name: mute, image: $IMG/exposes-a:1, entrypoint: [sleep, '1000']}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [echo must not run]}
	Y
        for delay in 0.1 0.25 0.4 0.8; do
                podstep_start run --grace 1s
                sleep $delay
                kill -INT "$PODSTEP_PID"
                podstep_end 15
                assert_status 130
                refute_output_contains "must not run"
                assert_nothing_left
        done
}

@test "--timeout ends the job with 124, after-failure steps do not run" {
        checkout <<-Y
	steps:
	- {name: slow, image: $IMG/busybox:1, commands: ["trap 'echo got TERM; exit 1' TERM", 'while :; do sleep .1; done']}
	- {name: rescue, image: $IMG/busybox:1, commands: [echo must not run], when: [{status: failure}]}
	Y
        LIMIT=20 podstep run --timeout 2s
        assert_status 124
        assert_line "got TERM"
        assert_output_contains "timed out"
        assert_output_contains "--timeout"
        refute_output_contains "must not run"
        assert_nothing_left
}

@test "failure: cancel ends what runs beside it" {
        checkout <<-Y
	steps:
	- {name: long, image: $IMG/busybox:1, depends_on: [], commands: ["trap 'exit 0' TERM", 'while :; do sleep .1; done']}
	- {name: fatal, image: $IMG/busybox:1, depends_on: [], commands: [sleep 0.5, exit 4], failure: cancel}
	Y
        LIMIT=20 podstep_json
        assert_status 1
        assert_query "(step('fatal')['exit_code'], step('long')['result'])" "(4, 'canceled')"
        assert_nothing_left
}

@test "after kill -9 the next run removes what was left" {
        stubborn
        podstep_start run
        wait_output '^ready$'
        kill -KILL "$PODSTEP_PID"
        podstep_end 5
        assert_status 137
        [ "$(ours container | grep -vc '\.keeper$')" = 1 ]
        checkout other <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [echo fine]}]"
        podstep run
        assert_status 0
        assert_nothing_left
}

@test "after kill -9 'podstep prune' tells and removes what was left: pod, network, volumes" {
        checkout <<-Y
	services:
	- {name: web, image: $IMG/exposes-a:1}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [echo ready, sleep 100]}
	Y
        podstep_start run --network bridge
        wait_output 'ready$'
        kill -KILL "$PODSTEP_PID"
        podstep_end 5
        podstep prune --dry-run
        assert_status 0
        [ "$ENGINE" = docker ] || assert_output_matches '^would remove pod podstep-'
        assert_output_matches '^would remove network podstep-'
        assert_output_matches '^would remove volume podstep-'
        [ -n "$(ours container)" ]
        podstep prune
        assert_status 0
        [ "$ENGINE" = docker ] || assert_output_matches '^removed pod podstep-'
        assert_output_matches '^removed network podstep-'
        assert_nothing_left
        podstep prune
        assert_status 0
        assert_output_contains "nothing to remove"
}

@test "prune --json" {
        stubborn
        podstep_start run
        wait_output '^ready$'
        kill -KILL "$PODSTEP_PID"
        podstep_end 5
        podstep_split prune --json
        assert_status 0
        run /usr/bin/python3 -c 'import json, sys; print(*sorted({i["kind"] for i in json.load(sys.stdin)["removed"]}))' <<<"$output"
        if [ "$ENGINE" = docker ]; then output=${output/network /}; fi
        assert_equal "$output" "container directory volume"
        assert_nothing_left
}

@test "prune leaves running jobs and the things of others alone" {
        engine_cli create --name itest-foreign --label io.podstep.job=zzz --label io.podstep.state=/elsewhere "$IMG/busybox:1" true >/dev/null
        [ "$ENGINE" = docker ] || podman pod create --infra=false itest-foreign-pod >/dev/null
        engine_cli volume create --label io.podstep.job=zzz itest-foreign-volume >/dev/null
        polite 0
        podstep_start run
        wait_output '^ready$'
        podstep prune --all
        assert_status 0
        assert_output_contains "nothing to remove"
        running "$PODSTEP_PID"
        kill -INT "$PODSTEP_PID"
        podstep_end 15
        assert_status 130
        assert_line "got TERM"
        engine_cli rm itest-foreign
        [ "$ENGINE" = docker ] || podman pod rm itest-foreign-pod
        engine_cli volume rm itest-foreign-volume
}

@test "--keep keeps a failed step's pod and says how to look; only prune --all removes it" {
        checkout <<-Y
	steps:
	- {name: makes, image: $IMG/busybox:1, commands: [echo evidence >trace]}
	- {name: fails, image: $IMG/busybox:1, commands: [exit 5]}
	Y
        podstep run --keep
        assert_status 1
        assert_output_contains "kept for looking, for 24h"
        assert_output_contains "podstep enter"
        assert_output_contains "podstep prune --all"
        # the next run and a plain prune leave it
        podstep prune
        [ -n "$(ours container)" ]
        podstep enter -- cat trace
        assert_line evidence
        podstep prune --all
        assert_status 0
        assert_nothing_left
}

@test "--keep keeps nothing of a job that passed" {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: ['true']}]"
        podstep run --keep
        assert_status 0
        assert_nothing_left
}
