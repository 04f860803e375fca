# What runs: matrix, expressions, several workflows.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown() { end_test; }
teardown_file() { leaks_after; }

# file NAME: stdin as .woodpecker/NAME.yaml of the checkout
file() {
        mkdir -p .woodpecker
        cat >".woodpecker/$1.yaml"
}

# line_of TEXT: the number of the first line that is TEXT
line_of() {
        grep -nxF -e "$1" <<<"$output" | head -1 | cut -d: -f1
}

assert_order() {
        local text last=0 now
        for text; do
                now=$(line_of "$text")
                [ -n "$now" ] || fail "no line '$text' in:" "$output"
                [ "$now" -gt "$last" ] || fail "'$text' comes too early in:" "$output"
                last=$now
        done
}

# ---- matrix ----

@test "a matrix runs the workflow for each combination, in order" {
        checkout <<-Y
	matrix:
	  GO: ["1.20", "1.21"]
	  DB: [pg]
	steps:
	- {name: one, image: $IMG/busybox:1, commands: ['echo raw \${GO}', 'echo env \$GO \$DB number \$CI_WORKFLOW_NUMBER']}
	- {name: new, image: $IMG/busybox:1, commands: [echo only new], when: {matrix: {GO: '1.21'}}}
	Y
        podstep run
        assert_status 0
        assert_order "raw 1.20" "env 1.20 pg number 1" "raw 1.21" "env 1.21 pg number 2" "only new"
        assert_equal "$(grep -cxF 'only new' <<<"$output")" 1
        assert_output_matches '^woodpecker \(GO=1\.20, DB=pg\): job [0-9a-z]+: '
        assert_output_matches '^woodpecker \(GO=1\.21, DB=pg\): job succeeded after '
}

@test "what fails in one combination fails the run, and the others run" {
        checkout <<-Y
	matrix: {include: [{CODE: 3}, {CODE: 0}]}
	steps:
	- {name: one, image: $IMG/busybox:1, commands: ['echo code \${CODE}', 'exit \${CODE}']}
	Y
        podstep run
        assert_status 1
        assert_order "code 3" "code 0"
}

# ---- evaluate ----

@test "steps whose expression is false are left out" {
        checkout <<-Y
	steps:
	- {name: yes, image: $IMG/busybox:1, commands: [echo this runs], when: {evaluate: 'FLAG == "on" and CI_COMMIT_MESSAGE startsWith "fi"'}}
	- {name: no, image: $IMG/busybox:1, commands: [echo must not run], when: {evaluate: 'FLAG != "on" or FLAG matches "^x"'}}
	Y
        podstep run --env FLAG=on
        assert_status 0
        assert_line "this runs"
        refute_output_contains "must not run"
}

@test "a workflow whose expression is false does not run, and that is no success if there is no other" {
        checkout <<-Y
	when: {evaluate: 'CI_COMMIT_BRANCH == "nowhere"'}
	steps:
	- {name: no, image: $IMG/busybox:1, commands: [echo must not run]}
	Y
        podstep run
        assert_status 2
        refute_output_contains "+ echo must not run"
        assert_output_contains "its 'evaluate' is false"
        podstep_split run --json
        [ "$status" = 2 ]
        [ "$(jq -r '.event + " " + .result' <<<"$output" | paste -sd,)" = "workflow-passed-over left-out,run-finished error" ]
}

@test "a wrong expression is told with its place, and nothing runs" {
        checkout <<-Y
	steps:
	- name: one
	  image: $IMG/busybox:1
	  commands: [echo must not run]
	  when: {evaluate: 'CI_COMMIT_BRANCH = "main"'}
	Y
        podstep run
        assert_status 2
        assert_output_contains ".woodpecker.yaml:5:38: error: there is no operator '='"
        refute_output_contains "+ echo"
}

# ---- several workflows ----

@test "workflows run behind those that they depend on" {
        bare_checkout
        file a-deploy <<-Y
	depends_on: [test, {name: docs, optional: true}]
	steps: [{name: one, image: $IMG/busybox:1, commands: [echo deploys]}]
	Y
        file build <<-Y
	steps: [{name: one, image: $IMG/busybox:1, commands: [echo builds]}]
	Y
        file test <<-Y
	depends_on: build
	steps: [{name: one, image: $IMG/busybox:1, commands: [echo tests]}]
	Y
        podstep run
        assert_status 0
        assert_order builds tests deploys
}

@test "after a failure those that depend on it are skipped, unless they are for that" {
        bare_checkout
        file build <<-Y
	steps: [{name: one, image: $IMG/busybox:1, commands: [exit 1]}]
	Y
        file mail <<-Y
	depends_on: test
	when: {status: [success, failure]}
	steps: [{name: one, image: $IMG/busybox:1, commands: [echo mails]}]
	Y
        file other <<-Y
	steps: [{name: one, image: $IMG/busybox:1, commands: [echo runs all the same]}]
	Y
        file test <<-Y
	depends_on: build
	steps: [{name: one, image: $IMG/busybox:1, commands: [echo must not run]}]
	Y
        podstep run
        assert_status 1
        assert_line "mails"
        assert_line "runs all the same"
        refute_output_contains "must not run"
        assert_output_contains "workflow 'test' is skipped: 'build' has failed"
        podstep_split run --json
        [ "$status" = 1 ]
        [ "$(jq -r 'select(.event == "workflow-passed-over") | .workflow + " " + .result + ": " + .text' <<<"$output")" = \
                "test skipped: 'build' has failed" ]
        [ "$(jq -r 'select(.event == "job-finished") | .workflow + " " + .result' <<<"$output" | sort | paste -sd,)" = \
                "build failure,mail success,other success" ]
        [ "$(tail -1 <<<"$output" | jq -r '.event + " " + .result + " " + (.exit_code | tostring)')" = "run-finished failure 1" ]
}

@test "a workflow that depends on none there is does not run; named on the command line it does" {
        bare_checkout
        file build <<-Y
	steps: [{name: one, image: $IMG/busybox:1, commands: [echo builds]}]
	Y
        file test <<-Y
	depends_on: biuld
	steps: [{name: one, image: $IMG/busybox:1, commands: [echo tests]}]
	Y
        podstep run
        assert_status 0
        assert_line builds
        refute_output_contains "+ echo tests"
        assert_output_contains "did you mean 'build'?"
        podstep run .woodpecker/test.yaml
        assert_status 0
        assert_line tests
        assert_output_contains "not waiting for it"
}

@test "workflows that wait for each other are an error" {
        bare_checkout
        file a <<-Y
	depends_on: b
	steps: [{name: one, image: $IMG/busybox:1, commands: [echo must not run]}]
	Y
        file b <<-Y
	depends_on: a
	steps: [{name: one, image: $IMG/busybox:1, commands: [echo must not run]}]
	Y
        podstep run
        assert_status 2
        assert_output_contains "in a circle: a -> b -> a"
        refute_output_contains "+ echo"
}

# ---- plan ----

@test "the plan tells the order and draws it" {
        checkout <<-Y
	matrix: {GO: [1, 2]}
	steps:
	- {name: one, image: alpine, commands: ['true'], depends_on: []}
	- {name: two, image: alpine, commands: ['true'], depends_on: [one]}
	- {name: three, image: alpine, commands: ['true'], depends_on: [one], when: {evaluate: 'GO == "2"'}}
	Y
        podstep plan
        assert_status 0
        assert_line "  one -> two"
        assert_line "  three: its 'evaluate' is false: 'GO == \"2\"' (line 5)"
        assert_line "      three (after one)"
        podstep plan --dot
        assert_status 0
        assert_line "digraph podstep {"
        assert_line "    w0s0 -> w0s1;"
        podstep plan --dot --json
        assert_status 2
}

# ---- a part of it ----

@test "--step and --from: of all workflows those run that have the step" {
        bare_checkout
        file one <<-Y
	steps:
	- {name: build, image: $IMG/busybox:1, commands: [echo build one]}
	- {name: both, image: $IMG/busybox:1, commands: [echo both one]}
	- {name: tagged, image: $IMG/busybox:1, commands: [echo tagged], when: {event: tag}}
	Y
        file two <<-Y
	depends_on: [one]
	matrix: {AXIS: [x, y]}
	steps:
	- {name: both, image: $IMG/busybox:1, commands: ['echo both two \${AXIS}']}
	- {name: deploy, image: $IMG/busybox:1, commands: ['echo deploy \${AXIS}'], when: {matrix: {AXIS: y}}}
	- {name: keys, image: $IMG/busybox:1, commands: [echo \$KEY], environment: {KEY: {from_secret: key}}}
	Y
        podstep run --step deploy
        assert_status 0
        assert_order "both two y" "deploy y"
        refute_output_contains "both one"
        refute_output_contains "both two x"
        refute_output_contains "warning"
        podstep plan --step deploy .woodpecker/one.yaml .woodpecker/two.yaml
        assert_status 0
        refute_output_contains "not waiting for it"
        podstep run --step both --step build
        assert_status 0
        assert_order "build one" "both one" "both two x" "both two y"
        refute_output_contains "deploy"
        podstep run --from both --step both
        assert_status 2
        podstep plan --from deploy --secret HOME
        assert_status 2
        assert_output_contains "secret 'key'"
        refute_output_contains "workflow one "
        podstep run --step deplyo
        assert_status 2
        assert_output_contains "none of 3 workflows has a step 'deplyo'; did you mean 'deploy'?"
        podstep run --step tagged
        assert_status 2
        assert_output_contains "step 'tagged' is left out: its 'event' does not hold 'manual' ("
        podstep run --step tagged .woodpecker/two.yaml
        assert_status 2
        assert_output_contains "none of 2 workflows has a step 'tagged'"
        file tag <<<"{when: {event: tag}, steps: [{name: a, image: x, commands: [a]}]}"
        podstep run --step a .woodpecker/tag.yaml
        assert_status 2
        assert_output_contains "workflow 'tag' is left out as a whole: its 'event' does not hold 'manual'"
}

@test "where nothing is to run, it is told that there are events" {
        bare_checkout
        file one <<<"{when: {event: push}, steps: [{name: a, image: '$IMG/busybox:1', commands: [echo pushed]}]}"
        file two <<<"steps: [{name: a, image: '$IMG/busybox:1', commands: [echo tagged], when: {event: tag}}]"
        podstep run
        assert_status 2
        assert_output_contains "workflow 'one' has nothing to run: its 'event' does not hold 'manual'"
        assert_equal "$(grep -c "hint: the event is 'manual'; '--event push' runs what is for a push" <<<"$output")" 1
        podstep run --event push
        assert_status 0
        assert_output_contains "pushed"
        refute_output_contains "hint:"
}
