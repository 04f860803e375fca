# The agent: its API, its verbs, its queue, and clients that misbehave.
load helpers

setup_file() { leaks_before; }
setup() {
        need_engine
        SOCK=$BATS_TEST_TMPDIR/agent.sock
        export PODSTEP_SOCKET=$SOCK TMPDIR=$BATS_TEST_TMPDIR/tmp
        mkdir "$TMPDIR"
}
teardown() { end_test; }
teardown_file() { leaks_after; }

agent_up() {
        background "$PODSTEP" agent --socket "$SOCK" "$@"
        AGENT_PID=$!
        wait_until 20 test -S "$SOCK" || fail "the agent does not come up:" "$(cat "$BATS_TEST_TMPDIR"/background.*.log)"
}
# refute_clone: nothing is left of what was fetched to look into
refute_clone() { [ -z "$(ls "$TMPDIR")" ] || fail "left in $TMPDIR: $(ls "$TMPDIR")"; }
api() { curl -sS --fail-with-body -m 60 --unix-socket "$SOCK" "http://podstep$1" "${@:2}"; }

small() {
        checkout <<-Y
	steps:
	  - {name: one, image: $IMG/busybox:1, commands: [${1:-echo hello}]}
	Y
}

@test "each operation of the API does what its description says" {
        small
        agent_up
        LIMIT=120
        run /usr/bin/python3 "$SUPPORT_DIR/api-check" "$BATS_TEST_DIRNAME/../../docs/openapi.yaml" "$SOCK" "$CHECKOUT" "$IMG/busybox:1"
        assert_status 0
}

@test "a .gitlab-ci.yml: its jobs in the order of their stages, with its variables" {
        bare_checkout
        cat >.gitlab-ci.yml <<-Y
	stages: [build, test]
	default: {image: $IMG/busybox:1}
	variables: {COLOUR: red, SIZE: small}
	test: {stage: test, script: ['echo "test of \$CI_COMMIT_BRANCH in \$CI_JOB_STAGE"', 'test "\$TOKEN" = sesame-street']}
	build: {stage: build, script: ['echo "\$COLOUR \$SIZE"']}
	fails: {stage: test, script: [exit 3], needs: [build]}
	never: {stage: test, script: [echo nev er], when: manual}
	Y
        git add -A
        git commit -qm first
        agent_up
        token=sesame-street podstep submit --wait --secret token -e COLOUR=mauve .gitlab-ci.yml
        assert_status 1
        assert_output_contains "job 1: build"
        assert_line_like() { grep -qE "$1" <<<"$output" || fail "no line matches '$1':" "$output"; }
        assert_line_like 'mauve small'
        assert_line_like 'test of main in test'
        refute_output_contains never
        podstep ps --all
        assert_output_matches "success .* build"
        assert_output_matches "success .* test"
        assert_output_matches "failure .* fails"
        podstep submit --wait --step build --quiet .gitlab-ci.yml
        assert_status 0
}

@test "submit --upload: what is changed later does not count" {
        small "cat README new"
        echo sent >new
        agent_up --disk-free 1000000g
        podstep submit --upload
        assert_status 0
        echo changed >new
        kill -TERM "$AGENT_PID"
        wait_until 20 eval "! running $AGENT_PID" || fail "it does not end"
        agent_up
        podstep logs --follow 1
        assert_output_contains "[one] sent"
        refute_output_contains changed
        podstep submit --upload --write
        assert_status 2
        # a file that cannot be read
        mkfifo pipe
        podstep submit --upload --wait
        assert_status 0
        chmod 0 new
        [ "$(id -u)" = 0 ] || { podstep submit --upload; assert_status 125; assert_output_contains "sending"; }
}

@test "uploads that come at the same time share a bound: who comes then is asked to come later" {
        small "tail -n 1 new"
        seq 120000 >new # 0.7 MB
        agent_up --uploads 1m
        # one that is on its way: it has been told to go on, so the agent has counted it
        LIMIT=60 run timeout 60 /usr/bin/python3 - "$SOCK" "$PODSTEP" <<-'Y'
	import socket, subprocess, sys
	HEAD = "POST /v1/sources HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
	def begin(size):
	    s = socket.socket(socket.AF_UNIX)
	    s.connect(sys.argv[1])
	    s.sendall((HEAD % size).encode())
	    return s, s.recv(65536).decode()
	first, answer = begin(600000)
	print("first:", answer.splitlines()[0])
	second, answer = begin(600000)
	print("second:", answer.splitlines()[0], "Retry-After:" in answer, answer.splitlines()[-1])
	print("larger:", begin(2000000)[1].splitlines()[0])
	print("chunks:", subprocess.run([sys.argv[2], "submit", "--upload"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8").stdout)
	first.close()
	Y
        assert_status 0
        assert_output_contains "first: HTTP/1.1 100"
        assert_output_contains "second: HTTP/1.1 503 Service Unavailable True"
        assert_output_contains "uploads of 600000 bytes are on their way already, and the agent's '--uploads' allows 1048576: try again a little later"
        assert_output_contains "larger: HTTP/1.1 413"
        assert_output_matches "chunks: .*try again a little later"
        # it has gone, and its room is free; that the agent has seen that takes a moment
        wait_until 20 "$PODSTEP" submit --upload --quiet
        podstep logs --follow 1
        assert_output_contains "[one] 120000"
}

@test "submit, ps, logs, show, cancel, rerun, info" {
        small "echo hello, sleep 0.2, echo world"
        agent_up
        podstep submit --label team
        assert_status 0
        assert_output_contains "job 1: woodpecker"
        podstep logs --follow 1
        assert_output_contains "[one] world"
        podstep submit --wait
        assert_status 0
        assert_output_contains "job 2: success"
        podstep ps --all
        assert_output_matches "1  success .*team +woodpecker"
        podstep show 1
        assert_output_matches "success .* one"
        podstep rerun 1
        assert_output_contains "job 3: woodpecker"
        podstep logs --follow --plain --step one 3
        assert_output_contains "world"
        podstep info --json
        assert_output_contains '"kind":"'"$ENGINE"'"'
        podstep show 99
        assert_status 2
        assert_output_contains "there is no job '99'"
        podstep cancel 1
        assert_status 2
        assert_output_contains "is done already"
}

@test "submit --plan: what was planned runs, whatever becomes of the file, and is found again" {
        checkout <<-Y
	services:
	  - {name: web, image: $IMG/busybox:1, commands: [mkdir -p /www, echo served >/www/index.html, httpd -f -p 8080 -h /www], ports: [8080]}
	steps:
	  - {name: get, image: $IMG/busybox:1, commands: [wget -q -O - http://web:8080/]}
	  - {name: key, image: $IMG/busybox:1, commands: ['echo "it has \$\${#KEY} of \$KEY"'], environment: {KEY: {from_secret: key}}}
	Y
        KEY=sesame-street "$PODSTEP" plan --secret KEY --json >plan.json || fail "no plan:" "$(<plan.json)"
        run grep -c sesame plan.json
        assert_status 1
        echo "steps: [{name: other, image: $IMG/busybox:1, commands: [exit 7]}]" >.woodpecker.yaml
        agent_up --disk-free 1000000g
        KEY=sesame-street podstep submit --plan plan.json --secret KEY
        assert_status 0
        assert_output_contains "job 1: woodpecker"
        kill -TERM "$AGENT_PID"
        wait_until 20 eval "! running $AGENT_PID" || fail "it does not end"
        agent_up
        podstep logs --follow 1
        assert_output_contains "[get] served"
        assert_output_contains "[key] it has 13 of ********"
        podstep show 1
        assert_output_matches "success .* key"
        KEY=sesame podstep rerun --secret KEY 1
        assert_status 0
        podstep logs --follow 2
        assert_output_contains "it has 6 of ********"
        # standard input, several, and only a part of one
        KEY=sesame run timeout 60 "$PODSTEP" submit --secret KEY --step get --quiet --plan - < <(cat plan.json plan.json)
        assert_status 0
        assert_equal "${lines[*]}" "3 4"
        podstep logs --follow 3
        podstep logs --follow 4
        assert_output_contains "[get] served"
        refute_output_contains "it has"
        podstep submit --plan plan.json
        assert_status 2
        assert_output_contains "secret 'key' is not given"
}

@test "submit --plan: a plan gets nothing that a file would not get" {
        small "echo hello"
        agent_up
        "$PODSTEP" plan --json >plan.json || fail "no plan:" "$(<plan.json)"
        # change KEYS: of the first step
        change() { /usr/bin/python3 -c 'import json, sys; p = json.load(open("plan.json")); p["steps"][0].update(json.loads(sys.argv[1])); print(json.dumps(p))' "$1" >changed.json; }
        change '{"privileged": true}'
        podstep submit --plan changed.json
        assert_status 3
        assert_output_contains "step 'one' wants privileged mode, which is not allowed"
        assert_output_contains ".plans[0]"
        change '{"volumes": [{"source": "/etc", "target": "/host"}]}'
        podstep submit --plan changed.json
        assert_status 3
        change '{"reference": "registry.invalid/busybox:1"}'
        podstep submit --plan changed.json
        assert_status 2
        assert_output_contains ".plans[0].steps[0].reference: "
        change '{"is_operators": true}'
        podstep submit --plan changed.json
        assert_status 2
        assert_output_contains ".plans[0].steps[0].is_operators: a plan has no such key"
        podstep submit --plan plan.json --clone
        assert_status 2
        assert_output_contains "made with 'podstep plan --clone'"
        podstep submit --plan plan.json .woodpecker.yaml
        assert_status 2
        podstep submit --plan plan.json --env A=1
        assert_status 2
        podstep submit --plan README
        assert_status 2
        assert_output_contains "expected a plan"
        podstep submit --plan missing.json
        assert_status 2
        podstep ps --all --quiet
        assert_equal "$output" ""
}

@test "submit --plan --clone: the commit that was planned, and no other" {
        small "cat README"
        agent_up
        "$PODSTEP" plan --clone --json >"$BATS_TEST_TMPDIR/plan.json" || fail "no plan"
        podstep submit --plan "$BATS_TEST_TMPDIR/plan.json"
        assert_status 2
        assert_output_contains "submit it with '--clone'"
        podstep submit --plan "$BATS_TEST_TMPDIR/plan.json" --clone --wait
        assert_status 0
        git commit -qm more --allow-empty
        podstep submit --plan "$BATS_TEST_TMPDIR/plan.json" --clone
        assert_status 2
        assert_output_contains "the plan is for another commit than the source"
}

@test "cancel --all: those that wait and those that run, of one label or all" {
        small "echo begun, sleep 600"
        agent_up --jobs 2
        podstep cancel --all
        assert_status 0
        assert_output_contains "no job waits or runs"
        for label in a b b a; do
                podstep submit --quiet --label $label --grace 1s
                assert_status 0
        done
        wait_until 20 eval '"$PODSTEP" logs 1 | grep -q begun' || fail "$("$PODSTEP" ps)"
        podstep cancel --all --label b --wait
        assert_status 0
        assert_output_contains "job 3: woodpecker: canceling"
        assert_output_contains "job 2: canceled"
        refute_output_contains "job 1:"
        refute_output_contains "job 4:"
        podstep cancel --label b
        assert_status 2
        podstep cancel --all 1
        assert_status 2
        podstep cancel
        assert_status 2
        podstep cancel --all --wait
        assert_status 0
        assert_output_contains "job 1: canceled"
        assert_output_contains "job 4: canceled"
        podstep ps --quiet
        assert_equal "$output" ""
        [ -z "$(ours)" ] || fail "left on the engine:" "$(ours)"
}

@test "the exit code of submit --wait is that of run" {
        small "exit 3"
        agent_up
        podstep submit --wait
        assert_status 1
        assert_output_contains "job 1: failure"
}

@test "secrets are masked, and gone from the disk when the job is done" {
        checkout <<-Y
	steps:
	  - {name: one, image: $IMG/busybox:1, commands: ['echo \$TOKEN'], environment: {TOKEN: {from_secret: token}}}
	Y
        agent_up
        TOKEN=very-hush-hush podstep submit --secret TOKEN --wait
        assert_status 0
        assert_output_contains "********"
        kill -TERM "$AGENT_PID"
        wait_until 10 eval "! running $AGENT_PID"
        run grep -rlF very-hush-hush "$XDG_STATE_HOME"
        assert_status 1
}

@test "without an agent the verbs say what to do" {
        podstep ps
        assert_status 125
        assert_output_contains "systemctl --user enable --now podstep.socket"
}

@test "workflows that depend on others wait for them" {
        checkout <<-Y
	steps: [{name: x, image: $IMG/busybox:1, commands: ['true']}]
	Y
        rm .woodpecker.yaml
        mkdir .woodpecker
        echo "steps: [{name: x, image: $IMG/busybox:1, commands: [sleep 0.5, exit 1]}]" >.woodpecker/a.yaml
        printf 'depends_on: [a]\nsteps: [{name: x, image: %s/busybox:1, commands: [echo b]}]\n' "$IMG" >.woodpecker/b.yaml
        printf 'depends_on: [a]\nwhen: {status: failure}\nsteps: [{name: x, image: %s/busybox:1, commands: [echo c]}]\n' "$IMG" >.woodpecker/c.yaml
        agent_up
        podstep submit --wait
        assert_status 130
        assert_output_contains "workflow 'a', which it depends on, did not end as it needs"
}

@test "submit --step and --from look into all workflows, as run does" {
        bare_checkout
        mkdir .woodpecker
        echo "steps: [{name: build, image: $IMG/busybox:1, commands: [echo build]}, {name: both, image: $IMG/busybox:1, commands: [echo both one]}]" >.woodpecker/one.yaml
        echo "{depends_on: [one], steps: [{name: both, image: $IMG/busybox:1, commands: [echo both two]}, {name: deploy, image: $IMG/busybox:1, commands: [echo deploy]}]}" >.woodpecker/two.yaml
        agent_up
        podstep submit --wait --step build
        assert_status 0
        assert_output_contains "[build] build"
        refute_output_contains "both"
        podstep submit --quiet --wait --step deploy .woodpecker/one.yaml .woodpecker/two.yaml
        assert_status 0
        refute_output_contains "not waiting"
        podstep submit --wait --from both
        assert_status 0
        assert_output_contains "[both] both one"
        assert_output_contains "[both] both two"
        podstep submit --wait --step deplyo
        assert_status 2
        assert_output_contains "none of 2 workflows has a step 'deplyo'; did you mean 'deploy'?"
        podstep rerun --from deploy 3
        assert_status 0
        podstep logs --follow 5
        assert_status 0
        assert_output_contains "[deploy] deploy"
}

@test "activated by its socket, it leaves when idle and comes back with all it knew" {
        small
        background "$LAB_DIR/sockact" "podstep=$SOCK" -- "$PODSTEP" agent --idle-timeout 300ms
        wait_until 10 test -S "$SOCK"
        podstep submit --wait
        assert_status 0
        wait_until 10 eval '! fuser -s "$XDG_STATE_HOME/podstep/agent/lock" 2>/dev/null && ! pgrep -f "state=$XDG_STATE_HOME/podstep" >/dev/null' ||
                fail "it does not leave"
        podstep ps --all
        assert_output_matches "1  success"
}

@test "200 followers of one log see all of it; those that do not read hold up nobody" {
        small "for i in 1 2 3 4 5; do seq 1 2000; sleep 0.2; done"
        agent_up
        podstep submit
        run /usr/bin/python3 - "$SOCK" <<-'P'
	import selectors, socket, sys, time
	def ask():
	    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
	    s.sendall(b"GET /v1/jobs/1/log?follow=true HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	    return s
	deaf = [ask() for _ in range(20)]
	half = socket.socket(socket.AF_UNIX); half.connect(sys.argv[1]); half.sendall(b"GET /v1/jo")
	gone = ask(); gone.close()
	want = selectors.DefaultSelector(); got = {}
	for _ in range(200):
	    s = ask(); want.register(s, selectors.EVENT_READ); got[s] = b""
	end = time.monotonic() + 60
	while want.get_map() and time.monotonic() < end:
	    for key, _ in want.select(1):
	        data = key.fileobj.recv(65536)
	        got[key.fileobj] += data
	        if not data: want.unregister(key.fileobj)
	def text(answer): # in pieces of whatever was there when it was this one's turn
	    body = answer.partition(b"\r\n\r\n")[2]; all = b""
	    while body:
	        size, _, rest = body.partition(b"\r\n"); n = int(size, 16)
	        all += rest[:n]; body = rest[n + 2:]
	    return all
	texts = {text(answer) for answer in got.values()}
	assert len(texts) == 1, len(texts)
	assert texts.pop().count(b"\n2000\n") == 5
	print("followers", len(got), "bytes", {len(t) for t in got.values()})
	P
        assert_status 0
        podstep logs --plain 1
        [ "$(grep -c '^2000$' <<<"$output")" = 5 ] || fail "not all is there"
        podstep show 1
        assert_output_contains "state      success"
}

@test "show: what a job named its files does nothing to the terminal" {
        checkout <<-Y
	steps:
	- name: one
	  image: $IMG/busybox:1
	  commands:
	  - printf 'a\033]0;owned\007\033[2Jb' | xargs touch
	Y
        agent_up
        podstep submit --wait
        assert_status 0
        podstep show 1
        assert_output_contains "change: A ab"
        [[ $output != *$'\033'* && $output != *$'\007'* ]] || fail "it reaches the terminal"
}

@test "what is not ours is refused: other methods, unknown paths, nonsense" {
        agent_up
        run api /v1/nothing
        assert_output_contains '"status":404'
        run api /v1/info -X POST
        assert_output_contains '"status":405'
        printf 'nonsense\r\n\r\n' | timeout 5 curl -s --unix-socket "$SOCK" telnet://x || true
        podstep info
        assert_status 0
        [ "$(stat -c %a "$SOCK")" = 600 ] || fail "mode of the socket: $(stat -c %a "$SOCK")"
}

@test "--drain=wait waits for its jobs and takes no new ones" {
        small "sleep 1, echo over"
        agent_up --drain wait
        podstep submit
        wait_until 10 eval '"$PODSTEP" ps | grep -q running'
        kill -TERM "$AGENT_PID"
        wait_until 5 eval '"$PODSTEP" info | grep -q "draining: true"'
        podstep submit
        assert_status 125
        assert_output_contains "about to end"
        wait_until 20 eval "! running $AGENT_PID" || fail "it does not end"
        agent_up
        podstep show 1
        assert_output_contains "state      success"
}

@test "50 jobs of four steps at once end rightly" {
        need_podman "the agent's work is the same there"
        local steps="" i
        for i in 1 2 3 4; do steps+="  - {name: s$i, image: $IMG/busybox:1, commands: [echo step s$i]}"$'\n'; done
        checkout <<<"steps:"$'\n'"$steps"
        agent_up --jobs 50 --memory-pressure 0
        for ((i = 0; i < 50; i++)); do "$PODSTEP" submit --quiet >/dev/null; done
        wait_until 240 eval '[ "$("$PODSTEP" ps --quiet)" = "" ]' || fail "they do not end" "$("$PODSTEP" ps)"
        api '/v1/jobs?limit=1000' >"$BATS_TEST_TMPDIR/jobs"
        assert_equal "$(grep -o '"result":"[a-z]*"' "$BATS_TEST_TMPDIR/jobs" | sort | uniq -c | tr -s ' ')" ' 50 "result":"success"' ||
                fail "$(grep -o '"reason":"[^"]*"' "$BATS_TEST_TMPDIR/jobs")" "$(cat "$BATS_TEST_TMPDIR"/background.*.log)"
        for i in 1 25 50; do
                assert_equal "$("$PODSTEP" logs --plain $i | grep -c '^step s')" 4
        done
        assert_nothing_left
}

@test "submit --git: workflow and files of a commit of a repository" {
        small "cat README, git --version || true"
        git clone -q --bare "$CHECKOUT" "$BATS_TEST_TMPDIR/bare.git"
        agent_up
        cd "$BATS_TEST_TMPDIR"
        podstep submit --wait --git "$BATS_TEST_TMPDIR/bare.git" --ref main
        assert_status 0
        assert_output_contains "[one] hello"
        podstep submit --git "$BATS_TEST_TMPDIR/bare.git" --ref nothing
        assert_status 2
        assert_output_contains "git cannot fetch"
        refute_clone
}

# interrupted: the submit of podstep_start ends with Ctrl-C, and leaves no clone
interrupted() {
        kill -INT "$PODSTEP_PID" || true
        podstep_end 20
        [ "$status" = 130 ] || fail "exit status $status:" "$output"
        refute_clone
}

@test "Ctrl-C ends a submit that waits for its job; the job goes on" {
        small "echo begun, sleep 1000"
        agent_up
        podstep_start submit --wait --grace 1s
        wait_output "begun"
        interrupted
        git clone -q --bare "$CHECKOUT" "$BATS_TEST_TMPDIR/bare.git"
        podstep_start submit --wait --grace 1s --git "$BATS_TEST_TMPDIR/bare.git"
        wait_output '\[one\] begun' 60
        interrupted
        for i in 1 2; do
                assert_equal "$("$PODSTEP" show --json $i | jq -r .job.state)" running
                podstep cancel $i
                assert_status 0
        done
        podstep logs --follow 1
        podstep logs --follow 2
        refute_output_contains error
}

@test "Ctrl-C ends a submit that sends its checkout, or that git fetches for" {
        local asked=$BATS_TEST_TMPDIR/asked
        small
        # an agent that takes the connection, and no more
        background python3 -c '
import signal, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(4)
client = listener.accept()[0]
client.recv(1)
open(sys.argv[2], "w")
signal.pause()' "$SOCK" "$asked"
        wait_until 20 test -S "$SOCK"
        head -c 4000000 /dev/zero >large
        podstep_start submit --upload
        wait_until 20 test -e "$asked" || fail "nothing is sent"
        interrupted
        # a server that git waits for
        rm "$asked"
        export GIT_SSH_COMMAND="touch '$asked'; exec sleep 1000;"
        podstep_start submit --git ssh://nowhere.invalid/project.git
        wait_until 20 test -e "$asked" || fail "git does not begin:" "$(cat "$PODSTEP_OUT")"
        interrupted
}
