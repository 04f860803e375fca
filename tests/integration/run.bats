# What steps do and how they end.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown() { end_test; }
teardown_file() { leaks_after; }

# ---- exit codes ----

@test "the exit code of each step is known as it was" {
        local code file=steps:
        for code in 0 1 3 125 126 127 137 255; do
                file+=$'\n'"- {name: e$code, image: $IMG/busybox:1, commands: [exit $code], depends_on: [], failure: ignore}"
        done
        checkout <<<"$file"
        podstep_json
        assert_status 0
        for code in 0 1 3 125 126 127 137 255; do
                assert_query "step('e$code')['exit_code']" $code
        done
        assert_query "step('e0')['result']" success
        assert_query "[step('e%d' % code)['result'] for code in (1, 3, 125, 126, 127, 137, 255)]" "$(printf 'failure\n%.0s' {1..7})"
}

@test "a failed step makes podstep exit with 1, whatever the step's code is" {
        checkout <<-Y
	steps:
	- {name: fails, image: $IMG/busybox:1, commands: [exit 125]}
	- {name: never, image: $IMG/busybox:1, commands: [echo must not run]}
	Y
        podstep run
        assert_status 1
        assert_output_contains "exit code 125"
        refute_output_contains "must not run"
}

@test "all steps passed: exit code 0, each command shown before its output" {
        checkout <<-Y
	steps:
	- {name: one, image: $IMG/busybox:1, commands: [echo first, 'echo "se" "cond"']}
	Y
        podstep_split run
        assert_status 0
        assert_equal "$stderr" ""
        assert_line "+ echo first"
        assert_line "first"
        assert_line '+ echo "se" "cond"'
        assert_line "se cond"
}

@test "the first command that fails ends the step" {
        checkout <<-Y
	steps:
	- {name: one, image: $IMG/busybox:1, commands: [echo before, 'false', echo after]}
	Y
        podstep run
        assert_status 1
        assert_line before
        refute_output_contains "echo after"
}

@test "a step that is killed is told with its signal" {
        checkout <<-Y
	steps:
	- {name: victim, image: $IMG/busybox:1, commands: [echo here, exec sleep 100]}
	Y
        EVENTS=$BATS_TEST_TMPDIR/events
        podstep_start run --json
        wait_output '"line":"here"'
        engine_cli kill --signal KILL "$(container_of victim)" >/dev/null
        podstep_end 20
        assert_status 1
        cp "$PODSTEP_OUT" "$EVENTS"
        assert_query "(step('victim')['exit_code'], step('victim')['signal'])" "(137, 9)"
}

# ---- output ----

@test "output without a newline at its end is shown whole" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, entrypoint: [printf, 'one\ntwo without end']}
	Y
        podstep_json
        assert_status 0
        assert_query "output('s')" "b'one\\ntwo without end'"
        podstep run
        assert_line "two without end"
}

@test "a step that prints nothing passes" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, entrypoint: ['true']}
	Y
        podstep_json
        assert_status 0
        assert_query "output('s')" "b''"
}

@test "binary output arrives byte by byte" {
        bare_checkout
        head -c 300000 /dev/urandom >noise
        printf 'steps:\n- {name: s, image: %s/busybox:1, entrypoint: [cat, noise]}\n' $IMG >.woodpecker.yaml
        podstep_json
        assert_status 0
        assert_query "__import__('hashlib').sha256(output('s')).hexdigest()" "$(sha256sum <noise | cut -d' ' -f1)"
}

@test "one line of 20 MB arrives whole" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, entrypoint: [sh, -c, 'head -c 20000000 /dev/zero | tr "\0" x']}
	Y
        podstep_json
        assert_status 0
        assert_query "(len(output('s')), set(output('s')))" "(20000000, {120})"
}

@test "100,000 lines arrive in order" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, entrypoint: [seq, '100000']}
	Y
        podstep_json
        assert_status 0
        assert_query "output('s') == b''.join(b'%d\\n' % i for i in range(1, 100001))" True
}

@test "stdout and stderr are told apart" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, entrypoint: [sh, -c, 'echo out; echo err >&2']}
	Y
        podstep_json
        assert_query "(lines('s', 'stdout'), lines('s', 'stderr'))" "(['out'], ['err'])"
}

@test "a step that closes its output and goes on is waited for" {
        checkout <<-Y
	steps:
	- name: s
	  image: $IMG/busybox:1
	  entrypoint: [sh, -c, 'echo last words; exec >&- 2>&-; sleep 1.5; touch made-later; exit 3']
	Y
        podstep_json
        assert_status 1
        assert_query "(step('s')['exit_code'], lines('s'), step('s')['duration_ms'] >= 1500)" "(3, ['last words'], True)"
        assert_query "[e['text'] for e in events if e['event'] == 'change']" "A made-later"
}

@test "children left in the background do not hold up the job" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: ['sleep 1000 & sleep 1001 &', echo done]}
	- {name: t, image: $IMG/busybox:1, commands: [echo and on]}
	Y
        LIMIT=15 podstep_json
        assert_status 0
        assert_query "lines('t')[-1]" "and on"
}

# ---- environment ----

@test "the variables of Woodpecker are there" {
        checkout <<-'Y'
	steps:
	- name: my step
	  image: localhost/lab/busybox:1
	  commands:
	  - echo "ci=$CI ws=$CI_WORKSPACE step=$CI_STEP_NAME status=$CI_PIPELINE_STATUS shell=$SHELL"
	  - echo "sha=$CI_COMMIT_SHA branch=$CI_COMMIT_BRANCH author=$CI_COMMIT_AUTHOR message=$CI_COMMIT_MESSAGE"
	  - echo "script=$(env | grep -c CI_SCRIPT=)"
	  - pwd
	Y
        podstep_split run
        assert_status 0
        assert_line "ci=woodpecker ws=/woodpecker/src step=my step status=success shell=/bin/sh"
        assert_line "sha=$(git rev-parse HEAD) branch=main author=Lab message=first"
        assert_line "script=0"
        assert_line /woodpecker/src
}

@test "HOME is what the image says" {
        checkout <<-Y
	steps:
	- {name: root, image: $IMG/tools:1, depends_on: [], commands: ['echo "home=\$HOME"']}
	- {name: user, image: $IMG/tools:1, depends_on: [], commands: ['echo "home=\$HOME"'], backend_options: {docker: {user: build}}}
	Y
        podstep_json
        assert_status 0
        assert_query "(lines('root')[-1], lines('user')[-1])" "('home=/root', 'home=/home/build')"
}

@test "the step's environment, --env and --env-file reach it" {
        checkout <<-'Y'
	steps:
	- name: s
	  image: localhost/lab/busybox:1
	  environment: {FROM_FILE: "from the workflow", NUMBER: 12, LIST: [a, b]}
	  commands: [env]
	Y
        printf '# a comment\nA=from the file\nexport Q="quo\\"ted"\nFROM_FILE=loses\n' >"$BATS_TEST_TMPDIR/vars"
        INHERITED=value podstep_split run --env 'E=from = the option' -e INHERITED --env-file "$BATS_TEST_TMPDIR/vars"
        assert_status 0
        assert_line "FROM_FILE=from the workflow"
        assert_line "NUMBER=12"
        assert_line "LIST=a,b"
        assert_line "E=from = the option"
        assert_line "INHERITED=value"
        assert_line "A=from the file"
        assert_line 'Q=quo"ted'
}

@test "an environment value with quotes, newlines and dollars arrives as it is" {
        checkout <<-'Y'
	steps:
	- name: s
	  image: localhost/lab/busybox:1
	  environment:
	    ODD: "a'b\"c\nd \\\\ e" # as in Woodpecker, two backslashes are one before it is read as YAML
	  entrypoint: [sh, -c, 'printf %s "$ODD"']
	Y
        podstep_json
        assert_status 0
        assert_query "output('s')" "b'a\\'b\"c\\nd \\\\ e'"
}

@test "an entrypoint of one's own finds its commands in CI_SCRIPT" {
        checkout <<-'Y'
	steps:
	- name: s
	  image: localhost/lab/busybox:1
	  entrypoint: [/bin/sh, -c, 'echo mine; echo "$CI_SCRIPT" | base64 -d | /bin/sh -e']
	  commands: [echo from the script, pwd]
	Y
        podstep_json
        assert_status 0
        assert_query "lines('s')" $'mine\n+ echo from the script\nfrom the script\n+ pwd\n/woodpecker/src'
}

@test "directory is relative to the workspace or absolute" {
        checkout <<-Y
	steps:
	- {name: below, image: $IMG/busybox:1, depends_on: [], directory: sub/dir, commands: [pwd]}
	- {name: absolute, image: $IMG/busybox:1, depends_on: [], directory: /tmp, commands: [pwd]}
	- {name: program, image: $IMG/busybox:1, depends_on: [], directory: sub, entrypoint: [pwd]}
	Y
        mkdir -p sub/dir
        podstep_json
        assert_status 0
        assert_query "(lines('below')[-1], lines('absolute')[-1], lines('program')[-1])" "('/woodpecker/src/sub/dir', '/tmp', '/woodpecker/src/sub')"
}

@test "a plugin runs its image's own program, settings are PLUGIN_ variables" {
        # the image's program fails here, so that --keep leaves something to look at
        checkout <<-Y
	steps:
	- name: plugin
	  image: $IMG/entry:1
	  settings: {from.address: me@here, some-list: [1, 2], nested: {b: 1, a: x}}
	Y
        podstep run --keep
        assert_status 1
        assert_output_contains "ENTRY:default-arg"
        assert_output_contains "exit code 127"
        run engine_cli inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$(container_of plugin)"
        assert_line PLUGIN_FROM_ADDRESS=me@here
        assert_line PLUGIN_SOME_LIST=1,2
        assert_line 'PLUGIN_NESTED={"a":"x","b":1}'
        "$PODSTEP" prune --all >/dev/null
        assert_nothing_left
}

@test "a workspace with its own base and path" {
        checkout <<-Y
	workspace: {base: /go, path: src/project}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [pwd, cat README, 'echo kept >/go/elsewhere']}
	- {name: t, image: $IMG/busybox:1, commands: [cat /go/elsewhere]}
	Y
        podstep_json
        assert_status 0
        assert_query "lines('s')[1]" /go/src/project
        assert_query "lines('s')[3]" hello
        assert_query "lines('t')[-1]" kept
}

# ---- order ----

@test "steps written as a map run in the file's order" {
        checkout <<-Y
	steps:
	  zeta: {image: $IMG/busybox:1, commands: [echo 1 >>order]}
	  alpha: {image: $IMG/busybox:1, commands: [echo 2 >>order]}
	  mid: {image: $IMG/busybox:1, commands: [echo 3 >>order, cat order]}
	Y
        podstep_json
        assert_status 0
        assert_query "lines('mid')[-3:]" $'1\n2\n3'
}

@test "a step starts the moment its own needs are done" {
        checkout <<-Y
	steps:
	- {name: quick, image: $IMG/busybox:1, depends_on: [], commands: ['true']}
	- {name: slow, image: $IMG/busybox:1, depends_on: [], commands: [sleep 4]}
	- {name: after quick, image: $IMG/busybox:1, depends_on: [quick], commands: ['true']}
	- {name: last, image: $IMG/busybox:1, depends_on: [slow, after quick], commands: ['true']}
	Y
        podstep_json
        assert_status 0
        assert_query "at('quick', 'done') < at('after quick', 'running') < at('after quick', 'done') < at('slow', 'done') < at('last', 'running')" True
}

@test "independent steps run side by side" {
        checkout <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, depends_on: [], commands: [touch a, 'until [ -e b ]; do sleep .1; done']}
	- {name: b, image: $IMG/busybox:1, depends_on: [], commands: [touch b, 'until [ -e a ]; do sleep .1; done']}
	Y
        LIMIT=20 podstep run
        assert_status 0
}

@test "failure: ignore goes on and passes" {
        checkout <<-Y
	steps:
	- {name: flaky, image: $IMG/busybox:1, commands: [exit 3], failure: ignore}
	- {name: next, image: $IMG/busybox:1, commands: ['echo "it is a \$CI_PIPELINE_STATUS"']}
	Y
        podstep_json
        assert_status 0
        assert_query "(step('flaky')['result'], step('flaky')['exit_code'], lines('next')[-1])" "('failure', 3, 'it is a success')"
}

@test "when.status: what runs after a failure and what does not" {
        # "always" is made ready while "fails" still runs, and yet knows how that ended
        checkout <<-Y
	steps:
	- {name: fails, image: $IMG/busybox:1, commands: [sleep 1, exit 1]}
	- {name: always, image: $IMG/busybox:1, commands: ['echo "status=\$CI_PIPELINE_STATUS"'], when: [{status: [success, failure]}]}
	- {name: usual, image: $IMG/busybox:1, commands: ['true']}
	- {name: rescue, image: $IMG/busybox:1, commands: ['echo "status=\$CI_PIPELINE_STATUS"'], when: [{status: failure}]}
	Y
        podstep_json
        assert_status 1
        assert_query "[step(s)['result'] for s in ('fails', 'usual', 'rescue', 'always')]" $'failure\nskipped\nsuccess\nsuccess'
        assert_query "lines('rescue')[-1]" status=failure
        assert_query "lines('always')[-1]" status=failure
        assert_query "at('always', 'prepared') < at('fails', 'done')" True
}

@test "when.status: failure is skipped if all is well" {
        checkout <<-Y
	steps:
	- {name: fine, image: $IMG/busybox:1, commands: ['true']}
	- {name: rescue, image: $IMG/busybox:1, commands: ['true'], when: [{status: failure}]}
	Y
        podstep_json
        assert_status 0
        assert_query "(step('fine')['result'], step('rescue')['result'])" "('success', 'skipped')"
}

@test "a detached step runs beside the others until the job ends" {
        checkout <<-Y
	steps:
	- {name: server, image: $IMG/busybox:1, detach: true, commands: [mkdir /www, echo served >/www/index.html, httpd -f -p 8000 -h /www]}
	- {name: ask, image: $IMG/busybox:1, commands: ['until wget -q -O - http://server:8000/; do sleep .1; done']}
	Y
        LIMIT=20 podstep_json
        assert_status 0
        assert_query "(lines('ask')[-1], step('server')['result'])" "('served', 'stopped')"
}

@test "--step runs one step and what it needs" {
        checkout <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, depends_on: [], commands: ['true']}
	- {name: b, image: $IMG/busybox:1, depends_on: [a], commands: ['true']}
	- {name: c, image: $IMG/busybox:1, depends_on: [a], commands: ['true']}
	Y
        podstep_json --step b
        assert_status 0
        assert_query "sorted(s['step'] for s in result['steps'] if s.get('result') == 'success')" $'a\nb'
}

@test "--from runs a step and what comes after it" {
        checkout <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, commands: ['true']}
	- {name: b, image: $IMG/busybox:1, commands: ['true']}
	- {name: c, image: $IMG/busybox:1, commands: ['true']}
	Y
        podstep_json --from b
        assert_status 0
        assert_query "sorted(s['step'] for s in result['steps'] if s.get('result') == 'success')" $'b\nc'
}

@test "several workflows run one after the other, the worst decides" {
        bare_checkout
        mkdir .woodpecker
        printf 'steps: [{name: s, image: %s/busybox:1, commands: [echo one, exit 5]}]\n' $IMG >.woodpecker/1.yaml
        printf 'steps: [{name: s, image: %s/busybox:1, commands: [echo two]}]\n' $IMG >.woodpecker/2.yaml
        podstep_split run
        assert_status 1
        assert_line one
        assert_line two
}

@test "anchors, aliases and merge keys" {
        checkout <<-Y
	variables:
	- &base {image: $IMG/busybox:1, environment: {WHO: merged}}
	- &commands ['echo "\$WHO"']
	steps:
	- {name: s, <<: *base, commands: *commands}
	Y
        podstep run
        assert_status 0
        assert_line merged
}

@test "a workflow of 25 steps" {
        local i file=steps:
        for i in {1..25}; do file+=$'\n'"- {name: s$i, image: $IMG/busybox:1, commands: [echo $i >>all]}"; done
        checkout <<<"$file"$'\n'"- {name: end, image: $IMG/busybox:1, commands: [cat all]}"
        podstep_json
        assert_status 0
        assert_query "lines('end')[1:]" "$(seq 25)"
}

container_is_gone() { ! ours container | grep -q -- "-$1\$"; }

@test "steps one after the other need no pod, and the container of each goes while the next one runs" {
        checkout <<-Y
	steps:
	- {name: first, image: $IMG/busybox:1, commands: [echo one >trace]}
	- {name: second, image: $IMG/busybox:1, commands: [cat trace, echo ready, sleep 100]}
	Y
        podstep_start run --grace 1s
        wait_output '^ready$'
        assert_equal "$(ours pod)" ""
        wait_until 20 container_is_gone first
        ours container | grep -q -- '-second$'
        kill -INT "$PODSTEP_PID"
        podstep_end
        assert_status 130
        assert_line one
        assert_nothing_left
}
