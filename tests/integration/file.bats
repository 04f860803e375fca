# Workflow files that are no workflow files, and what a file may not ask for. No engine is needed: nothing is started.
load helpers

setup() {
        need_engine
        bare_checkout
}

plan_file() {
        cat >.woodpecker.yaml
        podstep plan
}

# it is told at once, as a fault of the file
assert_refused() {
        assert_status 2
        assert_output_contains "$1"
}

@test "no workflow at all" {
        podstep run
        assert_status 2
        assert_output_contains "no workflow"
        podstep run nosuch.yaml
        assert_status 2
        assert_output_contains "no such file"
}

@test "a file that may not be read" {
        [ "$(id -u)" != 0 ] || skip "root may read everything"
        echo 'steps: []' >.woodpecker.yaml
        chmod 000 .woodpecker.yaml
        podstep run
        assert_refused "permission denied"
}

@test "a directory in the place of a file" {
        mkdir .woodpecker.yaml
        podstep run .woodpecker.yaml
        assert_refused directory
}

@test "an empty file" {
        plan_file </dev/null
        assert_refused empty
}

@test "a binary file" {
        { echo 'steps:'; printf '\0\1\2'; } >.woodpecker.yaml
        podstep plan
        assert_refused "binary file"
        printf 'steps: \xff\xfe\n' >.woodpecker.yaml
        podstep plan
        assert_refused "not UTF-8"
}

@test "a file of 50 MB" {
        { echo 'steps:'; head -c 50000000 /dev/zero | tr '\0' '#'; } >.woodpecker.yaml
        took 10 podstep plan
        assert_refused "too large"
}

@test "a bomb of aliases" {
        local i file='variables:'$'\n''- &a0 ["x","x","x","x","x","x","x","x","x","x"]'
        for i in {1..12}; do file+=$'\n'"- &a$i [*a$((i - 1)),*a$((i - 1)),*a$((i - 1)),*a$((i - 1)),*a$((i - 1)),*a$((i - 1)),*a$((i - 1)),*a$((i - 1))]"; done
        took 10 plan_file <<<"$file"$'\n'"steps: [{name: s, image: x, commands: *a12}]"
        assert_refused "too large"
}

@test "10,000 levels of nesting" {
        took 10 plan_file <<<"steps: $(printf '[%.0s' {1..10000})"
        assert_status 2
        assert_output_matches "deep|nest"
}

@test "an unknown key is named with its line and the right one" {
        plan_file <<-Y
	steps:
	- name: s
	  image: x
	  comands: [make]
	Y
        assert_refused "unknown key 'comands'"
        assert_output_matches '^[^ ]*\.woodpecker\.yaml:4:3: error'
        assert_output_contains "did you mean 'commands'?"
}

@test "a key of older Woodpeckers is an error that tells today's, not ignored" {
        plan_file <<-Y
	pipeline: {}
	steps: [{name: s, image: x, commands: [a]}]
	Y
        assert_refused pipeline
        assert_output_contains "it is 'steps'"
        assert_output_matches '^[^ ]*\.woodpecker\.yaml:1:1: error'
}

@test "a duplicate key" {
        plan_file <<-Y
	steps: [{name: s, image: x, commands: [a], image: y}]
	Y
        assert_refused image
}

@test "wrong types, each with its line" {
        plan_file <<-Y
	steps:
	- name: s
	  image: [a]
	  commands: {a: b}
	  environment: 5
	  detach: maybe
	Y
        assert_status 2
        local line
        for line in 3 4 5 6; do assert_output_matches "^[^ ]*\.woodpecker\.yaml:$line:[0-9]+: error"; done
}

@test "a circle of needs" {
        plan_file <<-Y
	steps:
	- {name: a, image: x, commands: [a], depends_on: [c]}
	- {name: b, image: x, commands: [a], depends_on: [a]}
	- {name: c, image: x, commands: [a], depends_on: [b]}
	Y
        assert_status 2
        assert_output_matches "circle|each other"
}

@test "a need of an unknown step" {
        plan_file <<-Y
	steps:
	- {name: build, image: x, commands: [a]}
	- {name: test, image: x, commands: [a], depends_on: [biuld]}
	Y
        assert_refused "biuld"
        assert_output_contains "did you mean 'build'?"
}

@test "two steps of one name" {
        plan_file <<-Y
	steps:
	- {name: s, image: x, commands: [a]}
	- {name: s, image: x, commands: [a]}
	Y
        assert_refused "step 's' is there already, in line 2"
}

@test "names that cannot be: control characters, too long; names that can: spaces, slashes" {
        plan_file <<<'steps: [{name: "a\nb", image: x, commands: [a]}, {name: "esc\e[31m", image: x, commands: [a]}]'
        assert_refused "control character"
        [[ $output != *$'\e'* ]]
        plan_file <<<"steps: [{name: $(printf 'x%.0s' {1..300}), image: x, commands: [a]}]"
        assert_refused "128 bytes"
        plan_file <<<'steps: [{name: "unit / system tests", image: x, commands: [a]}]'
        assert_status 0
}

@test "no steps, empty steps" {
        plan_file <<<'services: {}'
        assert_refused steps
        plan_file <<<'steps: []'
        assert_refused empty
}

@test "all faults of all files are told in one go, and nothing runs" {
        mkdir .woodpecker
        printf 'steps: [{name: good, image: %s/busybox:1, commands: [echo it ran]}]\n' $IMG >.woodpecker/1.yaml
        echo 'steps: [{name: a, image: x, comands: [a]}]' >.woodpecker/2.yaml
        echo 'steps: [{name: b, imagine: x, commands: [a]}]' >.woodpecker/3.yaml
        podstep run
        assert_status 2
        assert_output_contains comands
        assert_output_contains imagine
        refute_output_contains "it ran"
}

@test "what needs trust is refused with 3 and the option that allows it" {
        cat >.woodpecker.yaml <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: ['true'], privileged: true, volumes: ["/:/host"]}
	Y
        podstep run
        assert_status 3
        assert_output_contains "step 's' wants privileged mode"
        assert_output_contains "--trusted security"
        assert_output_contains "--trusted volumes"
        podstep plan --trusted security,volumes
        assert_status 0
        podstep plan --trusted volumes
        assert_status 3
        podstep plan --trusted everything
        assert_status 2
        assert_output_contains "security"
}

@test "a wrong command line" {
        local args
        for args in "run --nosuch" "run --timeout soon" "run --step" "run --pull sometimes" "run --write --clean" "run --json --quiet" "rnu" "run --network mesh"; do
                # shellcheck disable=SC2086
                podstep $args
                assert_status 2
        done
        podstep rnu
        assert_output_contains "did you mean 'podstep run'?"
}

@test "an unknown step for --step and --from" {
        cat >.woodpecker.yaml <<<"steps: [{name: build, image: x, commands: [a]}]"
        podstep run --step biuld
        assert_refused "did you mean 'build'?"
        podstep run --from biuld
        assert_refused "biuld"
}
