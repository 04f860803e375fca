# podstep lint: the files it finds, its formats, its exit codes. No engine is needed.
load helpers

setup() {
        bare_checkout
        export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
}

workflow() { # FILE: from stdin
        mkdir -p "$(dirname "$1")"
        cat >"$1"
}

clean() { # FILE: one that nothing is wrong with
        workflow "$1" <<-Y
	when: {event: push}
	steps:
	  a: {image: "alpine:3.22", commands: [make]}
	Y
}

bad() { # FILE: an error in line 3
        workflow "$1" <<-Y
	when: {event: push}
	steps:
	  a: {image: "alpine:3.22", comands: [make]}
	Y
}

warned() { # FILE: a warning in line 3
        workflow "$1" <<-Y
	when: {event: push}
	steps:
	  a: {image: alpine}
	Y
}

print_all() { # PYTHON ARGUMENT...: all of an expression over the output, joined by '|'
        python3 -c "import json, sys, xml.etree.ElementTree; print(*$1, sep='|')" "${@:2}" <<<"$output"
}

fields() { # KEY: of each finding in JSON, joined by '|'
        print_all '(json.loads(line)[sys.argv[1]] for line in sys.stdin if line.strip())' "$1"
}

@test "without FILE: the workflows of the checkout, from anywhere in it" {
        bad .woodpecker/a.yaml
        warned .woodpecker/b.yml
        clean .woodpecker/c.yaml
        clean .woodpecker.yaml
        podstep lint
        assert_status 2
        assert_output_contains ".woodpecker/a.yaml:3:29: error: unknown key 'comands' in step 'a'"
        assert_output_contains "did you mean 'commands'?"
        assert_output_contains ".woodpecker/b.yml:3:14: warning: image 'alpine' has no tag"
        [ "${lines[-1]}" = "3 files checked: 1 error, 1 warning" ]
        mkdir -p deep/below
        cd deep/below
        podstep lint
        assert_status 2
        assert_output_contains "3 files checked"
}

@test "hidden files count in .woodpecker, where a server takes them too, and nowhere else" {
        clean .woodpecker/.test.yml
        clean .woodpecker/build.yaml
        ln -s 'me@here.4711' .woodpecker/.#build.yaml
        for directory in '' .woodpecker .woodpecker/; do
                podstep lint $directory
                assert_status 0
                [ "${lines[-1]}" = "2 files checked: nothing found" ]
        done
        podstep plan
        assert_output_contains "workflow test "
        mkdir other
        mv .woodpecker/.test.yml other/.travis.yml
        mv .woodpecker/build.yaml other
        podstep lint other
        [ "${lines[-1]}" = "1 file checked: nothing found" ]
}

@test "no workflow at all" {
        podstep lint
        assert_status 2
        assert_output_contains "no workflow"
        mkdir empty
        podstep lint empty
        assert_status 2
        assert_output_contains "holds no workflow"
}

@test "nothing to say" {
        clean .woodpecker.yaml
        podstep lint
        assert_status 0
        [ "$output" = "1 file checked: nothing found" ]
        podstep lint --format json
        assert_status 0
        [ -z "$output" ]
}

@test "files, and directories that stand for theirs" {
        bad one/a.yaml
        clean two/.woodpecker/b.yaml
        podstep lint one two one/a.yaml
        assert_status 2
        [ "${lines[-1]}" = "3 files checked: 2 errors" ]
        podstep lint two/.woodpecker
        assert_status 0
}

@test "'-' is standard input" {
        bad ci.yaml
        run -2 "$PODSTEP" lint --json - <ci.yaml
        [ "$(jq -r '.file + ":" + (.line | tostring)' <<<"$output")" = "<stdin>:3" ]
        clean good.yaml
        run -0 "$PODSTEP" lint good.yaml - <good.yaml
        [ "$output" = "2 files checked: nothing found" ]
        run -0 "$PODSTEP" plan --event push --branch main --json - <good.yaml
        [ "$(jq -r '.name + " " + .file' <<<"$output")" = "workflow <stdin>" ]
        podstep lint - # of nothing
        [ "$status" = 2 ]
        [[ "$output" = "<stdin>: error: the file is empty"* ]]
}

@test "a directory stands for its workflows in a plan, too; where it lies is the checkout" {
        clean there/.woodpecker/b.yaml
        clean there/.woodpecker/a.yaml
        for directory in there there/.woodpecker there/.woodpecker/; do
                podstep plan --event push --branch main --json "$directory"
                [ "$status" = 0 ]
                [ "$(jq -s -r '[.[].name] | join(" ")' <<<"$output")" = "a b" ]
                [ "${#lines[@]}" = 2 ]
        done
        mkdir none
        podstep plan none
        [ "$status" = 2 ]
        [ "$output" = "podstep: error: directory 'none' holds no workflow" ]
}

@test "a file that cannot be read is a finding, and the others are read" {
        warned b.yaml
        podstep lint nosuch.yaml b.yaml
        assert_status 2
        assert_output_contains "no such file"
        [ "${lines[-1]}" = "2 files checked: 1 error, 1 warning" ]
        podstep lint --json nosuch.yaml
        assert_status 2
        [ "$(fields file) $(fields line) $(fields severity) $(fields rule)" = "nosuch.yaml 1 error unreadable" ]
}

@test "all faults of a file at once, in the order of its lines" {
        workflow .woodpecker.yaml <<-Y
	unknown: 1
	steps:
	  a: {image: UPPER, privileged: true}
	  b: {image: "b:1", depends_on: nobody}
	  c: {commands: [5]}
	Y
        podstep lint --trusted none --json
        assert_status 2
        assert_equal "$(fields line | tr '|' '\n')" "$(fields line | tr '|' '\n' | sort -n)"
        for rule in unknown-key image policy unknown-step type no-event-filter; do
                fields rule | tr '|' '\n' | grep -qx "$rule"
        done
}

@test "--strict: warnings are errors" {
        warned .woodpecker.yaml
        podstep lint
        assert_status 0
        podstep lint --strict
        assert_status 2
        assert_output_contains "error: image 'alpine'"
        [ "${lines[-1]}" = "1 file checked: 1 error" ]
}

@test "--trusted: all unless said otherwise" {
        workflow .woodpecker.yaml <<-Y
	when: {event: push}
	steps:
	  a: {image: "a:1", privileged: true, dns: 1.1.1.1}
	Y
        podstep lint
        assert_status 0
        podstep lint --trusted none
        assert_status 2
        assert_output_contains "2 errors"
        podstep lint --trusted security
        assert_status 2
        assert_output_contains "its own DNS servers"
        podstep lint --trusted nobody
        assert_status 2
        assert_output_contains "no class of trust"
}

@test "secrets need not be given, and conditions count as met" {
        workflow .woodpecker.yaml <<-Y
	when: {event: deployment}
	steps:
	  a: {image: "a:1", environment: {T: {from_secret: nowhere}}, commands: x, when: {event: cron, cron: nightly}}
	  b: {image: "b:1", environment: {T: {from_secret: [x]}}, commands: x, when: {local: false, event: tag}}
	Y
        podstep lint
        assert_status 2
        assert_output_contains "from_secret: expected a string, found a list"
        [ "${lines[-1]}" = "1 file checked: 1 error" ]
}

@test "variables that only the server has" {
        workflow .woodpecker.yaml <<-'Y'
	when: {event: push}
	steps:
	  a: {image: "a:${VERSION}", commands: ["echo ${CI_COMMIT_SHA}"]}
	Y
        podstep lint
        assert_status 0
        assert_output_contains "variable 'VERSION' is not set"
        podstep lint --env VERSION=1.2
        assert_status 0
        assert_output_contains "nothing found"
        podstep lint --env 'VERSION=not a tag'
        assert_status 2
}

@test "lists of images" {
        workflow .woodpecker.yaml <<-Y
	when: {event: push}
	clone: {git: {image: "own/git:1"}}
	steps:
	  a: {image: "plugins/docker:1"}
	Y
        podstep lint
        assert_status 0
        assert_output_contains "2 warnings"
        podstep lint --plugins-trusted-clone own/git --plugins-privileged other
        assert_status 2
        [ "${lines[-1]}" = "1 file checked: 1 error" ]
        podstep lint --plugins-trusted-clone own/git --plugins-privileged other --plugins-privileged plugins/docker:1
        assert_status 0
        assert_output_contains "nothing found"
}

@test "a workflow that depends on one that is not there" {
        clean .woodpecker/build.yaml
        { cat .woodpecker/build.yaml; echo 'depends_on: [biuld]'; } >.woodpecker/test.yaml
        podstep lint
        assert_status 0
        assert_output_contains "there is no workflow 'biuld'"
        assert_output_contains "did you mean 'build'?"
        podstep lint .woodpecker/test.yaml # there may be others
        assert_output_contains "nothing found"
}

@test "formats are what they should be, with paths from the top of the checkout" {
        bad "deep/it's <&>,:%.yaml"
        warned deep/b.yaml
        cd deep
        podstep lint --format json .
        assert_status 2
        assert_equal "$(fields file)" "./b.yaml|./it's <&>,:%.yaml"
        podstep lint --format gitlab .
        assert_status 2
        assert_equal "$(print_all '(f["location"]["path"] for f in json.load(sys.stdin))')" "deep/b.yaml|deep/it's <&>,:%.yaml"
        podstep lint --format github .
        assert_status 2
        assert_output_contains "::warning file=deep/b.yaml,line=3,col=14,"
        assert_output_contains "::error file=deep/it's <&>%2C%3A%25.yaml,line=3,col=29,"
        podstep lint --format checkstyle .
        assert_status 2
        assert_equal "$(print_all '(f.get("name") + " " + f[0].get("severity") for f in xml.etree.ElementTree.parse(sys.stdin).getroot())')" \
                "./b.yaml warning|./it's <&>,:%.yaml error"
        podstep lint --json --format gitlab
        assert_status 2
        assert_output_contains "do not go together"
}

@test "--schema takes what lint takes, and refuses what it refuses" {
        podstep lint --schema
        assert_status 0
        print_all '[json.load(sys.stdin)["definitions"]["step"]["properties"]["image"]["description"]]'
        python3 -c 'import jsonschema, yaml' 2>/dev/null || skip "python3 has no jsonschema or no yaml"
        echo "$output" >schema.json
        clean good.yaml
        bad bad.yaml
        "$SUPPORT_DIR/check-schema.py" schema.json good.yaml
        run ! "$SUPPORT_DIR/check-schema.py" schema.json bad.yaml
}

@test "a reader that goes away" {
        for i in $(seq 300); do warned ".woodpecker/$i.yaml"; done
        run bash -c "'$PODSTEP' lint | head -n 1; exit \${PIPESTATUS[0]}"
        [ "$status" = 0 ] || [ "$status" = 125 ]
}

@test "a full disk is told" {
        warned .woodpecker.yaml
        run bash -c "'$PODSTEP' lint >/dev/full"
        assert_status 125
        assert_output_contains "cannot write"
}

@test "what the operator allows, and his default image" {
        clean .woodpecker.yaml
        workflow .gitlab-ci.yml <<<"test: {script: make}"
        podstep lint .woodpecker.yaml .gitlab-ci.yml
        assert_status 2
        assert_output_contains "error: job 'test' has no image"
        refute_output_contains "not on the list"
        podstep lint --set images.default=own:1 --set images.allowed=own/** .woodpecker.yaml .gitlab-ci.yml
        assert_status 2
        assert_output_contains ".woodpecker.yaml:3:"
        assert_output_contains "error: step 'a': the image 'alpine:3.22' is not on the list of allowed images"
        refute_output_contains "has no image"
}

# unread ARGS...: with a standard output that nobody reads any more
unread() {
        run timeout 20 /usr/bin/python3 -c '
import os, subprocess, sys
read, write = os.pipe()
os.close(read)
sys.exit(subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=write).returncode)' "$PODSTEP" "$@"
}

@test "a pipe is read once, and the checkout is that of the current directory" {
        for verb in lint 'plan --event push'; do
                # shellcheck disable=SC2086
                podstep $verb <(printf 'when: {event: push}\nsteps: {a: {image: "alpine:3.22", commands: [make]}}\n')
                assert_status 0
        done
        podstep plan --event push --json <(printf 'steps: {a: {image: "alpine:3.22", commands: [make]}}\n')
        [ "$(jq -r '.steps[0].environment.CI_REPO' <<<"$output")" = repo ]
}

@test "a wrong line of an --env-file is named, and what it holds is not shown" {
        clean .woodpecker.yaml
        printf 'A=1\n\nTOKEN = hush\n' >vars
        podstep plan --env-file vars
        assert_status 2
        assert_output_contains "'vars', line 3: expected NAME=VALUE"
        refute_output_contains hush
}

@test "words of other tools lead to the verb" {
        for pair in exec:run check:lint list:ps kill:cancel attach:enter lnit:lint; do
                podstep "${pair%%:*}"
                assert_status 2
                assert_output_contains "did you mean 'podstep ${pair#*:}'?"
        done
        podstep config show
        assert_status 2
        assert_output_contains "'podstep config --defaults' lists the keys"
}

@test "a reader that has enough is no fault, a full disk is one" {
        warned .woodpecker.yaml
        for words in --version --help 'lint --help' lint 'lint --schema' 'lint --json' plan 'plan --json' 'plan --dot' \
                     'config --defaults' 'completion bash'; do
                # shellcheck disable=SC2086
                unread $words
                [ "$status" = 0 ] && [ "$output" = "" ] || fail "podstep $words, unread:" "$status $output"
                status=0
                # shellcheck disable=SC2086
                "$PODSTEP" $words >/dev/full 2>stderr </dev/null || status=$?
                [ "$status" = 125 ] && grep -q "cannot write.*: No space left" stderr ||
                        fail "podstep $words, full:" "$status $(cat stderr)"
        done
}
