# What goes wrong around a job: a clear message, the right exit code, no hang, nothing left.
load helpers

# Waiting for deadlines takes half a minute: those jobs run beside the other tests, and the last tests look at them.
setup_file() {
        leaks_before
        [ -n "$ENGINE_OK" ] || return 0
        slow mute start_mute
        slow stalled start_stalled
        slow gone start_gone
}

# slow NAME CMD: CMD with directories of its own; it starts podstep in the background, slow_end NAME waits for it
slow() {
        BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR/$1
        export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
        mkdir -p "$BATS_TEST_TMPDIR"
        $2
        # who waits is no child of the test that looks: the exit code goes through a file
        echo "$PODSTEP_OUT" >"$BATS_TEST_TMPDIR/out"
}

start_and_note() {
        PODSTEP_OUT=$BATS_TEST_TMPDIR/output
        (
                rc=0
                "$PODSTEP" "$@" >"$PODSTEP_OUT" 2>&1 </dev/null || rc=$?
                echo $rc >"$BATS_TEST_TMPDIR/rc"
        ) 3>&- &
}

slow_end() {
        local dir=$BATS_FILE_TMPDIR/$1
        wait_until 100 test -s "$dir/rc" || fail "it did not end within 100 s; output:" "$(cat "$dir/output")"
        status=$(cat "$dir/rc")
        output=$(cat "$dir/output")
        mapfile -t lines <"$dir/output"
        export XDG_STATE_HOME=$dir/state
}

# an engine that accepts and never answers
start_mute() {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: ['true']}]"
        background /usr/bin/python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(8); time.sleep(300)' "$BATS_TEST_TMPDIR/mute.sock"
        wait_until 5 test -S "$BATS_TEST_TMPDIR/mute.sock"
        start_and_note run --engine "unix://$BATS_TEST_TMPDIR/mute.sock"
}

# an engine that stops answering in the middle: what is to be made may be made, but no answer comes
start_stalled() {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: ['true']}]"
        faulty_engine
        # the first ping finds the engine; later ones ask whether it still lives
        fault '[{"match":"/_ping","delay":0},{"match":"/_ping","count":9,"stall":1000},{"match":"POST [^ ]*/containers/create","stall":1000}]'
        start_and_note run --engine "unix://$PROXY_SOCK"
}

# an engine that dies for good while a step runs
start_gone() {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [echo here, sleep 4, echo still here, exit 6]}]"
        own_engine
        start_and_note run --engine "unix://$OWN_SOCK"
        wait_until 20 grep -qx here "$BATS_TEST_TMPDIR/output"
        own_engine_kill
        rm -f "$OWN_SOCK"
}

setup() {
        need_engine
        # the calls that only one of the engines knows
        MADE=('POST [^ ]*/pods/create' 'POST [^ ]*/init') REMOVED=('DELETE [^ ]*/pods/')
        [ "$ENGINE" = podman ] || MADE=('POST [^ ]*/networks/create' 'PUT [^ ]*/archive') REMOVED=('DELETE [^ ]*/containers/' 'DELETE [^ ]*/networks/')
}
teardown() { end_test; }
teardown_file() {
        local dir
        for dir in "$BATS_FILE_TMPDIR"/*/; do
                # also where their tests were not among those that were chosen
                slow_end "$(basename "$dir")"
                BATS_TEST_TMPDIR=${dir%/} stop_background
                "$PODSTEP" prune >/dev/null
        done
        leaks_after
}

one_step() { checkout <<<"steps: [{name: s, image: $IMG/${1:-busybox}:1, commands: [echo hello, exit 3]}]"; }

# ---- images and programs ----

@test "an image that is not there, and may not be pulled" {
        checkout <<-Y
	steps:
	- {name: s, image: localhost/lab/nosuch:1, commands: ['true']}
	- {name: next, image: $IMG/busybox:1, commands: [echo must not run]}
	Y
        podstep run --pull never
        assert_status 125
        assert_output_contains "image 'localhost/lab/nosuch:1': it is not on this machine"
        refute_output_contains "must not run"
        assert_nothing_left
}

@test "an image that cannot be pulled: the engine's own words" {
        checkout <<<"steps: [{name: s, image: localhost/lab/nosuch:1, commands: ['true']}]"
        LIMIT=30 podstep run
        assert_status 125
        assert_output_contains "image 'localhost/lab/nosuch:1'"
        assert_output_matches "connection refused|pinging container registry"
        assert_nothing_left
}

@test "an image without a shell" {
        one_step noshell
        podstep run
        assert_status 125
        assert_output_contains "image '$IMG/noshell:1' has no /bin/sh"
        assert_output_contains "entrypoint"
        assert_nothing_left
}

@test "an image without a shell runs its own program" {
        checkout <<-Y
	steps:
	- {name: plugin, image: $IMG/noshell:1}
	- {name: given, image: $IMG/noshell:1, entrypoint: [/hello, one, two], failure: ignore}
	Y
        podstep_json
        assert_status 0
        assert_query "lines('plugin')" "hello pid=1 uid=0 args=0"
        assert_query "(lines('given'), step('given')['exit_code'])" "(['hello pid=1 uid=0 args=2'], 7)"
}

@test "commands run whatever the image's own entrypoint does with arguments" {
        one_step entry
        podstep run
        assert_status 1
        assert_line hello
        refute_output_contains ENTRY
        assert_output_contains "exit code 3"
}

@test "an entrypoint that does not exist" {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, entrypoint: [/no/such/program]}]"
        podstep run
        assert_status 125
        assert_output_contains "/no/such/program"
        assert_nothing_left
}

@test "a volume whose path is missing" {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: ['true'], volumes: ['/no/such/path:/x']}]"
        podstep run --trusted volumes
        assert_status 125
        if [ "$ENGINE" = docker ]; then
                assert_output_contains "/no/such/path"
                [ ! -e /no ] || fail "Docker made the directory"
        else
                assert_output_contains "there is no '/no/such/path' on this machine"
        fi
        assert_nothing_left
}

# ---- the engine ----

@test "no engine at the place that was named" {
        one_step
        podstep run --engine unix:///no/such.sock
        assert_status 125
        assert_output_contains "unix:///no/such.sock"
        assert_output_contains "no such socket"
}

@test "every kind of call is refused with 500: told, and nothing left" {
        local call
        faulty_engine
        checkout <<-Y
	services:
	- {name: web, image: $IMG/exposes-a:1}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: ['true']}
	Y
        for call in 'GET [^ ]*/images/' "${MADE[@]}" 'POST [^ ]*/volumes/create' 'POST [^ ]*/containers/create' 'POST [^ ]*/start'; do
                fault_reply "$call" "500 Internal Server Error" '{"cause":"odd","message":"out of cheese","response":500}'
                LIMIT=30 podstep run --engine "unix://$PROXY_SOCK"
                [ "$status" = 125 ] || fail "$call: exit code $status" "$output"
                assert_output_contains "out of cheese"
                assert_nothing_left
        done
}

@test "every kind of call is answered with nonsense: told, and nothing left" {
        local call
        faulty_engine
        checkout <<-Y
	services:
	- {name: web, image: $IMG/exposes-a:1}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: ['true']}
	Y
        for call in 'GET [^ ]*/images/' 'POST [^ ]*/volumes/create' 'POST [^ ]*/containers/create'; do
                fault_reply "$call" "200 OK" '[{"Id": 12,]'
                LIMIT=30 podstep run --engine "unix://$PROXY_SOCK"
                [ "$status" = 125 ] || fail "$call: exit code $status" "$output"
                assert_nothing_left
                fault "{\"match\":\"$call\",\"count\":100,\"reply\":\"SSH-2.0-OpenSSH_9.2\\r\\n\\r\\n\"}"
                LIMIT=30 podstep run --engine "unix://$PROXY_SOCK"
                [ "$status" = 125 ] || fail "$call: exit code $status" "$output"
                assert_nothing_left
        done
}

cut_each() {
        local how=$1 call list=
        faulty_engine
        checkout <<-Y
	services:
	- {name: web, image: $IMG/exposes-a:1}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [echo hello, wget -q -O - http://web:8080/, exit 3]}
	Y
        for call in 'GET /_ping' 'GET [^ ]*/images/' "${MADE[@]}" 'POST [^ ]*/volumes/create' 'POST [^ ]*/containers/create' \
                'POST [^ ]*/start' "${REMOVED[@]}" 'DELETE [^ ]*/volumes/'; do
                list+="${list:+,}{\"match\":\"$call\",$how}"
        done
        fault "[$list]"
        LIMIT=40 podstep_json --engine "unix://$PROXY_SOCK"
        assert_status 1
        assert_query "(step('s')['exit_code'], [l for l in lines('s') if l[0] != '+'])" "(3, ['hello', 'a'])"
        assert_nothing_left
        ! grep -q '"count": 1' "$BATS_TEST_TMPDIR/faults.json" || fail "a call was never made:" "$(cat "$BATS_TEST_TMPDIR/faults.json")"
}

@test "the connection is cut before each kind of call: the job does not notice" {
        cut_each '"before":true,"count":1'
}

@test "the connection is cut after each kind of call, before the answer: the job does not notice" {
        cut_each '"cut":0,"count":1'
}

@test "the connection is cut in the middle of each kind of answer: the job does not notice" {
        cut_each '"cut":25,"count":1'
}

@test "what cannot be removed is told, and found by prune" {
        faulty_engine
        one_step
        fault_reply 'DELETE ' "500 Internal Server Error" '{"cause":"odd","message":"out of cheese","response":500}'
        LIMIT=40 podstep run --engine "unix://$PROXY_SOCK"
        assert_status 1
        assert_output_contains "not everything was removed"
        assert_output_contains "out of cheese"
        podstep prune
        assert_status 0
        assert_nothing_left
}

@test "the API service is killed in the middle of a step and comes back: output and exit code are right" {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [echo before, sleep 2.5, seq 100, exit 5]}]"
        own_engine
        podstep_start run --json --engine "unix://$OWN_SOCK"
        wait_output '"line":"before"'
        own_engine_kill
        sleep .5
        own_engine
        podstep_end 30
        assert_status 1
        EVENTS=$PODSTEP_OUT
        assert_query "(step('s')['exit_code'], lines('s')[-1], [l for l in lines('s') if l.isdigit()] == [str(i) for i in range(1, 101)])" "(5, '+ exit 5', True)"
        assert_nothing_left
}

@test "the API service leaves while a silent step runs, and is started again" {
        need_podman "the daemon stays"
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [sleep 4, exit 5]}]"
        # as podman.socket does it, but after 1 s instead of 5
        "$LAB_DIR/sockact" "podman.socket=$BATS_TEST_TMPDIR/act.sock" -- podman system service --time=1 >"$BATS_TEST_TMPDIR/act.log" 2>&1 </dev/null 3>&- &
        echo $! >>"$BATS_TEST_TMPDIR/background"
        wait_until 5 test -S "$BATS_TEST_TMPDIR/act.sock"
        podstep_start run --json --engine "unix://$BATS_TEST_TMPDIR/act.sock"
        wait_until 10 grep -q '"running"' "$PODSTEP_OUT"
        wait_until 10 grep -q 'service exit' "$BATS_TEST_TMPDIR/act.log"
        ! grep -q '"done"' "$PODSTEP_OUT"       # it left while the step ran
        podstep_end 30
        assert_status 1
        EVENTS=$PODSTEP_OUT
        assert_query "step('s')['exit_code']" 5
        assert_nothing_left
}

@test "conmon is killed: the lost exit code is told" {
        need_podman "there is no conmon"
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [echo here, sleep 100]}]"
        podstep_start run
        wait_output '^here$'
        kill -KILL "$(podman inspect --format '{{.State.ConmonPid}}' "$(container_of s)")"
        took 10 podstep_end 20
        assert_status 125
        assert_output_contains "exit code is lost"
        assert_output_contains conmon
        assert_nothing_left
}

@test "the holder is killed: the job ends and says so" {
        checkout <<-Y
	services:
	- {name: web, image: $IMG/exposes-a:1}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: ['trap "exit 0" TERM', echo here, 'while :; do sleep .1; done']}
	Y
        podstep_start run --grace 2s
        wait_output 'here$'
        engine_cli kill --signal KILL "$(ours container | sed -n 's/^container \(.*\.holder\)$/\1/p')" >/dev/null
        podstep_end 20
        assert_status 125
        assert_output_contains holder
        assert_nothing_left
}

@test "a container that somebody removes: told, no hang" {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [echo here, sleep 100]}]"
        podstep_start run
        wait_output '^here$'
        engine_cli rm -f -v "$(container_of s)" >/dev/null
        podstep_end 20
        [ "$status" != 0 ]
        assert_nothing_left
}

# ---- disks ----

# the engine on the tiny file system has its own HOME and runtime directory
on_small() {
        need_small
        export HOME=$SMALL_HOME XDG_RUNTIME_DIR=${SMALL_SOCK%/*} XDG_STATE_HOME=$SMALL_HOME/state CONTAINER_HOST=unix://$SMALL_SOCK
        small_free
}

@test "disk full in the workspace: the step's own failure" {
        on_small
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [dd if=/dev/zero of=big bs=1M count=100]}]"
        podstep run
        assert_status 1
        assert_output_contains "No space left on device"
        assert_nothing_left
        [ "$(df -k --output=avail "$SMALL_HOME" | tail -1)" -gt 10000 ]
}

@test "disk full before the job begins" {
        on_small
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: ['true']}]"
        small_fill 0
        podstep run
        small_free
        assert_status 125
        assert_output_matches "[Nn]o space left"
        "$PODSTEP" prune
        assert_nothing_left
}

@test "disk full by the step's own output: the job ends, and is cleaned up" {
        on_small
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: ['head -c 60000000 /dev/zero | tr \"\\\\0\" x | fold -w 1000', exit 3]}]"
        LIMIT=40 podstep_to "$BATS_TEST_TMPDIR/out" run
        [ "$status" != 0 ]
        assert_nothing_left
        [ "$(df -k --output=avail "$SMALL_HOME" | tail -1)" -gt 10000 ]
}

# ---- what began with the first test ----

@test "an engine that accepts and never answers ends with its deadline" {
        slow_end mute
        assert_status 125
        assert_output_contains mute.sock
        assert_output_matches "answer|within 30s|timed out"
}

@test "an engine that stops answering in the middle ends with its deadline" {
        slow_end stalled
        assert_status 125
        assert_output_matches "answer|within|timed out"
        assert_nothing_left
}

@test "an engine that is gone for good: output and exit code are right, what is left is told and found by prune" {
        slow_end gone
        if [ "$ENGINE" = docker ]; then
                # what happened meanwhile, only the daemon knows
                assert_status 125
                assert_output_contains "following its output: docker: "
        else
                assert_status 1
                assert_line "still here"
                assert_output_contains "exit code 6"
        fi
        assert_output_contains "not everything was removed"
        podstep prune
        assert_status 0
        assert_nothing_left
}
