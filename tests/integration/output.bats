# What podstep prints: for pipes, for programs, for terminals.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown() { end_test; }
teardown_file() { leaks_after; }

# durations, job ids and images are not the same twice; what was not fetched from a registry has no digest on Docker
stable() { sed -E 's/[0-9]+(\.[0-9]+)?(ms|s)\b/TIME/g; s/job [0-9a-z]{26}:/job ID:/; s/(podman|docker) [0-9][^ ]*, .*/ENGINE VERSION, SANDBOX/; s/ +TIME/ TIME/g; s/(digest sha256:[0-9a-f]{64}, )?id [0-9a-f]{12}/DIGEST AND ID/' <<<"$output"; }

@test "plain lines, the same each time" {
        checkout <<-Y
	steps:
	- {name: build, image: $IMG/busybox:1, commands: [echo one, touch made]}
	- {name: test, image: $IMG/busybox:1, commands: [echo two, exit 3]}
	- {name: never, image: $IMG/busybox:1, commands: [echo three]}
	Y
        podstep_split run
        assert_status 1
        assert_equal "$stderr" ""
        assert_equal "$(stable)" "job ID: ENGINE VERSION, SANDBOX
step build: using image $IMG/busybox:1 (DIGEST AND ID)
== build ($IMG/busybox:1)
+ echo one
one
+ touch made
step build: succeeded after TIME
== test ($IMG/busybox:1)
+ echo two
two
+ exit 3
step test: failed with exit code 3 after TIME
step never: skipped
changed: A made

  ✓ build TIME
  ✗ test TIME  exit code 3
  - never           skipped

step 'test' failed with exit code 3 after TIME
  its output:
  | + echo two
  | two
  | + exit 3

job failed after TIME: 1 of 3 steps failed"
}

@test "side by side: each line tells its step, none is torn" {
        checkout <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, depends_on: [], commands: ['for i in \$(seq 2000); do echo line of a; done']}
	- {name: b, image: $IMG/busybox:1, depends_on: [], commands: ['for i in \$(seq 2000); do echo line of b; done']}
	Y
        podstep_to "$BATS_TEST_TMPDIR/out" run
        assert_status 0
        assert_equal "$(grep -cx '\[a\] line of a' "$BATS_TEST_TMPDIR/out")" 2000
        assert_equal "$(grep -cx '\[b\] line of b' "$BATS_TEST_TMPDIR/out")" 2000
        assert_equal "$(grep 'line of' "$BATS_TEST_TMPDIR/out" | grep -cvE '^\[([ab])\] (line of \1|\+ .*)$')" 0
}

@test "--json: every line is an object, the last is the result" {
        checkout <<-Y
	services:
	- {name: web, image: $IMG/exposes-a:1}
	steps:
	- {name: 'odd "name"', image: $IMG/busybox:1, commands: ['printf "tab\\\\tquote\\"back\\\\\\\\slash\\\\377\\\\n"']}
	- {name: fails, image: $IMG/busybox:1, commands: [exit 9]}
	Y
        podstep_json
        assert_status 1
        assert_equal "$stderr" ""
        assert_query "[e for e in events if not ('time' in e and 'event' in e and e['job'] == events[0]['job'])]" ""
        assert_query "(events[0]['event'], result['event'], result['result'])" "('job-started', 'job-finished', 'failure')"
        assert_query "[(s['step'], s['result'], s.get('exit_code')) for s in result['steps']]" "('web', 'stopped', None)
('odd \"name\"', 'success', 0)
('fails', 'failure', 9)"
        assert_query "b'tab\\tquote\"back\\\\slash\\xff' in output('odd \"name\"').split(b'\\n')" True
        assert_query "states('fails')[-3:]" $'prepared\nrunning\ndone'
}

@test "--json also where the job cannot even begin" {
        checkout <<-Y
	steps:
	- {name: s, image: localhost/lab/nosuch:1, commands: ['true']}
	Y
        podstep_json --pull never
        assert_status 125
        assert_query "(result['result'], step('s')['result'])" "('error', 'error')"
}

@test "--quiet says nothing if all is well" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [echo hello, touch made]}
	Y
        podstep run --quiet
        assert_status 0
        assert_equal "$output" ""
}

@test "--quiet shows what failed with its last lines" {
        checkout <<-Y
	steps:
	- {name: fine, image: $IMG/busybox:1, commands: [echo not of interest]}
	- {name: bad, image: $IMG/busybox:1, commands: [seq 100, echo last words, exit 2]}
	Y
        podstep run -q
        assert_status 1
        assert_output_contains "step 'bad' failed with exit code 2"
        assert_output_contains "| last words"
        assert_line "  | 100"
        refute_output_contains "not of interest"
        ! assert_line "  | 50" 2>/dev/null
}

@test "no escape sequence of podstep's own in a pipe, with --color always there are" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [echo hello]}
	Y
        podstep run
        assert_status 0
        refute_output_contains $'\e'
        podstep run --color always
        assert_status 0
        assert_output_contains $'\e[32m'
}

@test "on a terminal: the status is gone in the end, lines and summary stay" {
        checkout <<-Y
	steps:
	- {name: first, image: $IMG/busybox:1, depends_on: [], commands: [echo from first, sleep 1.5]}
	- {name: second, image: $IMG/busybox:1, depends_on: [], commands: [echo from second, seq 40, sleep 1]}
	- {name: third, image: $IMG/busybox:1, depends_on: [first, second], commands: [echo from third]}
	Y
        podstep_terminal run
        assert_status 0
        assert_line "[first] from first"
        assert_line "[second] from second"
        assert_line "[third] from third"
        assert_equal "$(grep -c '^\[second\] [0-9]*$' <<<"$output")" 40
        assert_output_matches '^  ✓ first +[0-9.]+s'
        assert_output_matches '^job succeeded after'
        refute_output_contains ▸
        refute_output_contains "steps done"
        refute_output_contains "cursor hidden"
        refute_output_contains "unknown:"
        # while it ran the status was there
        grep -q '▸.*first' "$RAW"
        grep -q 'of 3 steps done' "$RAW"
}

@test "on a terminal with NO_COLOR: no colours" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: ['printf "\\\\033[31mred\\\\033[0m\\\\n"', exit 1]}
	Y
        NO_COLOR=1 podstep_terminal run
        assert_status 1
        assert_line red
        ! grep -qP '\e\[[0-9;]*m' "$RAW"
        podstep_terminal run
        grep -qP '\e\[31mred' "$RAW"
}

@test "on a terminal: hostile output cannot move, retitle or answer" {
        bare_checkout
        printf 'title\e]0;evil\a.\nclear\e[2J\e[H.\nup\e[10Aup.\nask\e[c\e[6n\e]11;?\a.\nprivate\e[?1049h\e[?25l.\nc1\xc2\x9b2J.\ndcs\eP1$r\e\\.\nprogress 1%%\rprogress 2%%\nbell\a\b\b.\nrtl\xe2\x80\xae.\nunfinished\e[' >hostile
        printf 'steps: [{name: s, image: %s/busybox:1, entrypoint: [cat, hostile]}]\n' $IMG >.woodpecker.yaml
        podstep_terminal run
        assert_status 0
        assert_line "title."
        assert_line "clear."
        assert_line "upup."
        assert_line "ask."
        assert_line "private."
        assert_line "c12J." || assert_line "c1."
        assert_line "dcs."
        assert_line "progress 2%"
        assert_line "bell."
        assert_line "rtl."
        refute_output_contains "unknown:"
        ! grep -qP '\e\]|\e\[2J|\e\[c|\e\[6n|\e\[\?1049|\eP|\a|\xe2\x80\xae' "$RAW"
}

@test "a hostile step name cannot either" {
        checkout <<-Y
	steps:
	- {name: "a\\u202Eb\\u200Bc", image: $IMG/busybox:1, commands: [echo hello]}
	Y
        podstep_terminal run
        assert_status 0
        ! grep -qP '\xe2\x80\xae' "$RAW"
}

@test "a reader that goes away does not keep the job from cleaning up" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [yes | head -n 200000]}
	Y
        "$PODSTEP" run </dev/null 2>/dev/null 3>&- | head -n 5 >/dev/null
        assert_nothing_left
}

@test "output that cannot be written is told; the job goes on" {
        checkout <<-Y
	steps: [{name: s, image: $IMG/busybox:1, commands: [echo hello, exit 3]}]
	Y
        podstep_to /dev/full run
        assert_status 1
        [[ $stderr == *"warning: the output is not complete: it could not be written: No space left"* ]] || fail "$stderr"
}

@test "a slow reader gets everything" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, entrypoint: [seq, '200000']}
	Y
        "$PODSTEP" run </dev/null 3>&- | { sleep 3; cat >"$BATS_TEST_TMPDIR/out"; }
        assert_equal "$(grep -cx '[0-9][0-9]*' "$BATS_TEST_TMPDIR/out")" 200000
}
