# helpers.bash: what the integration tests share. Use it so:
#
#   load helpers
#   setup_file()    { leaks_before; }
#   setup()         { need_engine; }
#   teardown()      { end_test; }
#   teardown_file() { leaks_after; }
#
#   @test "the exit code is the step's" {
#           checkout <<-Y
#           steps:
#             - name: fail
#               image: $IMG/busybox:1
#               commands: [exit 3]
#           Y
#           podstep run
#           assert_status 1
#           assert_output_contains "exit code 3"
#   }
#
# $PODSTEP is the binary, $IMG the prefix of the test images, $ENGINE_SOCK the engine's socket.
# shellcheck shell=bash disable=SC2154

bats_require_minimum_version 1.5.0

LAB_DIR=$BATS_TEST_DIRNAME/../lab
SUPPORT_DIR=$BATS_TEST_DIRNAME/../support
EXAMPLES_DIR=$BATS_TEST_DIRNAME/../../examples

# need_engine: also gives the test a state directory to itself, so that what one leaves is neither swept nor counted by another
need_engine() {
        [ -n "$ENGINE_OK" ] || skip "no engine at $ENGINE_SOCK"
        export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
}

# need_podman WHY: skip on Docker, where the test makes no sense
need_podman() { [ "$ENGINE" = podman ] || skip "on Docker: $1"; }

# engine_cli ARGS...: the engine's own command line, in the words that both know
engine_cli() { "$ENGINE" "$@"; }

# lab_podman ARGS...: Podman's command line as a tool, to fill a registry: it works on the user's own storage, in each run
lab_podman() { env -u CONTAINER_HOST -u DOCKER_HOST podman "$@"; }

# engine_has KIND NAME: image, volume, network, container
engine_has() { engine_cli "$1" inspect "$2" >/dev/null 2>&1; }

# need_version 5: skip on older engines (the reason names what is missing)
need_version() {
        local have
        need_podman "versions are Podman's"
        have=$(engine_api GET /version | sed -n 's/.*"Version":"\([0-9]*\)\..*/\1/p')
        [ "${have:-0}" -ge "$1" ] || skip "needs Podman $1, this is ${have:-unknown}"
}

# ---- checkouts ----

# settings: stdin is the configuration of the operator
settings() {
        cat >"$BATS_TEST_TMPDIR/podstep.yaml"
        export PODSTEP_CONFIG=$BATS_TEST_TMPDIR/podstep.yaml
}

# checkout [NAME]: a fresh git checkout with stdin as .woodpecker.yaml, committed; it becomes the working directory
checkout() {
        bare_checkout "${1:-repo}"
        cat >.woodpecker.yaml
        git add -A
        git commit -qm "first"
}

# bare_checkout [NAME]: a git repository with one file and nothing committed yet
bare_checkout() {
        CHECKOUT=$BATS_TEST_TMPDIR/${1:-repo}
        mkdir -p "$CHECKOUT"
        cd "$CHECKOUT" || return 1
        git init -q -b main .
        echo "hello" >README
}

# example NAME: a copy of examples/NAME as a git checkout
example() {
        CHECKOUT=$BATS_TEST_TMPDIR/$1
        cp -r "$EXAMPLES_DIR/$1" "$CHECKOUT"
        chmod -R u+w "$CHECKOUT"
        cd "$CHECKOUT" || return 1
        git init -q -b main .
        git add -A
        git commit -qm "example"
}

# ---- running podstep ----

# podstep ARGS...: run it to its end (at most $LIMIT seconds, 60); $status, $output (stdout and stderr), $lines are set.
# -127 in front of all: bats must not wonder about that exit code.
podstep() { limited run "$@"; }

# podstep_split ARGS...: the same with stderr apart in $stderr and $stderr_lines
podstep_split() { limited run --separate-stderr "$@"; }

# limited RUN [OPTION] ARGS...: 124 is also podstep's own code for a step's timeout, so the clock tells whether it hung
limited() {
        local how=("$1") end=$((SECONDS + ${LIMIT:-60}))
        shift
        case ${1:-} in
        --separate-stderr | -127)
                how+=("$1")
                shift
                ;;
        esac
        "${how[@]}" timeout -k 10 "${LIMIT:-60}" "$PODSTEP" "$@" </dev/null
        { [ "$status" != 124 ] && [ "$status" != 137 ]; } || [ $SECONDS -lt $end ] ||
                fail "podstep $* did not end within ${LIMIT:-60} s; output:" "$output" "${stderr:-}"
}

# podstep_json ARGS...: `podstep run --json ARGS`, its events in $EVENTS for `query`; stderr in $stderr
podstep_json() {
        EVENTS=$BATS_TEST_TMPDIR/events.$RANDOM
        podstep_to "$EVENTS" run --json "$@"
}

# podstep_to FILE ARGS...: stdout into a file, for output that bash would choke on or change
podstep_to() {
        local file=$1 end=$((SECONDS + ${LIMIT:-60}))
        shift
        status=0
        timeout -k 10 "${LIMIT:-60}" "$PODSTEP" "$@" </dev/null >"$file" 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
        stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
        output=$(head -c 20000 "$file" | tr -d '\0')
        mapfile -t lines <<<"$output"
        { [ "$status" != 124 ] && [ "$status" != 137 ]; } || [ $SECONDS -lt $end ] ||
                fail "podstep $* did not end within ${LIMIT:-60} s; output:" "$output" "$stderr"
}

# query EXPRESSION: Python over the events, see query.py
query() {
        /usr/bin/python3 "$BATS_TEST_DIRNAME/query.py" "$1" <"$EVENTS"
}

# assert_query EXPRESSION EXPECTED
assert_query() {
        local got
        got=$(query "$1" 2>&1) || fail "query '$1': $got" "$(head -c 5000 "$EVENTS")" "$stderr"
        [ "$got" = "$2" ] || fail "$1 is '$got', expected '$2'; events:" "$(head -c 5000 "$EVENTS")" "$stderr"
}

# podstep_terminal [--type PATTERN TEXT | ...]... ARGS...: on a terminal of 80 x 24; see terminal.py; $RAW what was written, $output the screen in the end
podstep_terminal() {
        local type=()
        while [[ $1 =~ ^--(type|resize|signal)$ ]]; do
                type+=("${@:1:3}")
                shift 3
        done
        on_terminal "${type[@]}" "$PODSTEP" "$@"
}

# on_terminal [--type ... | ...]... CMD...: the same for any command
on_terminal() {
        local end=$((SECONDS + ${LIMIT:-60}))
        RAW=$BATS_TEST_TMPDIR/raw.$RANDOM
        status=0
        TERM=xterm timeout -k 10 "${LIMIT:-60}" /usr/bin/python3 "$SUPPORT_DIR/terminal.py" "$RAW" 80 24 "$@" </dev/null || status=$?
        [ $SECONDS -lt $end ] || fail "$* did not end within ${LIMIT:-60} s; output:" "$(cat "$RAW")"
        output=$(cat "$RAW.screen")
        mapfile -t lines <"$RAW.screen"
}

# podstep_start ARGS...: run it in the background; $PODSTEP_PID, output in $PODSTEP_OUT
podstep_start() {
        PODSTEP_OUT=$BATS_TEST_TMPDIR/output.$RANDOM
        # a shell without job control starts background jobs with SIGINT ignored: undo that
        env --default-signal=INT,QUIT,PIPE "$PODSTEP" "$@" >"$PODSTEP_OUT" 2>&1 </dev/null 3>&- &
        PODSTEP_PID=$!
        echo "$PODSTEP_PID" >>"$BATS_TEST_TMPDIR/background"
}

# background CMD...: another program (a fake engine, a proxy) that is ended after the test
background() {
        "$@" >"$BATS_TEST_TMPDIR/background.$RANDOM.log" 2>&1 </dev/null 3>&- &
        echo $! >>"$BATS_TEST_TMPDIR/background"
}

# wait_output PATTERN [SECONDS]: until the background podstep has printed a line that matches (grep -E)
wait_output() {
        wait_until "${2:-20}" grep -qE -e "$1" "$PODSTEP_OUT" || fail "no line matches '$1' in:" "$(cat "$PODSTEP_OUT")"
}

# podstep_end [SECONDS]: wait for the background podstep; sets $status and $output as run does
podstep_end() {
        local i
        for ((i = 0; i < ${1:-60} * 20; i++)); do
                running "$PODSTEP_PID" || break
                sleep .05
        done
        running "$PODSTEP_PID" && { kill -KILL "$PODSTEP_PID"; fail "podstep did not end within ${1:-60} s:" "$(cat "$PODSTEP_OUT")"; }
        status=0
        wait "$PODSTEP_PID" || status=$?
        output=$(cat "$PODSTEP_OUT")
        mapfile -t lines <"$PODSTEP_OUT"
}

# tcp_engine: the engine on a port of the loopback, with TLS if it is Docker; $TCP_ENGINE
tcp_engine() {
        local i port pid
        if [ "$ENGINE" = docker ]; then
                export DOCKER_CERT_PATH=$DOCKER_LAB/tls DOCKER_TLS_VERIFY=1
                TCP_ENGINE=tcp://127.0.0.1:2376
                return
        fi
        for i in 1 2 3 4 5; do # another may take the port between our look and Podman's bind
                port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
                TCP_ENGINE=tcp://127.0.0.1:$port
                background env -u XDG_CONFIG_HOME podman system service --time=0 "$TCP_ENGINE"
                pid=$!
                wait_until 30 eval "curl -sf -o /dev/null http://127.0.0.1:$port/_ping || ! running $pid" || true
                running "$pid" && return
        done
        fail "Podman does not come up at a port:" "$(cat "$BATS_TEST_TMPDIR"/background.*.log)"
}

# a zombie does not run
running() { kill -0 "$1" 2>/dev/null && [[ $(ps -o stat= -p "$1") != Z* ]]; }

# wait_until SECONDS CMD...: until CMD succeeds
wait_until() {
        local end=$((SECONDS + $1))
        shift
        until "$@"; do
                [ $SECONDS -le $end ] || return 1
                sleep .05
        done
}

# end_test: what every teardown does. Jobs that are over have no directory any more; the engine is looked at by leaks_after.
# A test that failed takes its things with it, so that one failure stays one.
end_test() {
        stop_background
        [ -n "${BATS_TEST_COMPLETED:-}" ] || [ ! -e "$XDG_STATE_HOME/podstep/jobs" ] || "$PODSTEP" prune --all >&2 || true
        [ -z "${BATS_TEST_COMPLETED:-}" ] || [ -z "$(ls "$XDG_STATE_HOME/podstep/jobs" 2>/dev/null)" ] ||
                fail "job directories are left:" "$(find "$XDG_STATE_HOME/podstep/jobs")"
}

stop_background() {
        local pid
        [ -e "$BATS_TEST_TMPDIR/background" ] || return 0
        while read -r pid; do
                running "$pid" || continue
                kill -TERM "$pid" 2>/dev/null || true
                wait_until 10 eval "! running $pid" || kill -KILL "$pid" 2>/dev/null || true
        done <"$BATS_TEST_TMPDIR/background"
        rm -f "$BATS_TEST_TMPDIR/background"
}

# ---- engines ----

# engine_api METHOD PATH [JSON]: a call of the real engine, the body on stdout; fails on a status of 400 and more
engine_api() {
        local method=$1 path=$2
        shift 2
        curl -sS --fail-with-body -m 60 --unix-socket "$ENGINE_SOCK" -X "$method" \
                ${1:+-H 'Content-Type: application/json' -d "$1"} "http://d$API$path"
}

# engine_status METHOD PATH [JSON]: only the HTTP status
engine_status() {
        local method=$1 path=$2
        shift 2
        curl -sS -o /dev/null -w '%{http_code}' -m 60 --unix-socket "$ENGINE_SOCK" -X "$method" \
                ${1:+-H 'Content-Type: application/json' -d "$1"} "http://d$API$path"
}

# container_json NAME: what the engine says of a container
container_json() { engine_api GET "$LIBPOD/containers/$1/json"; }

# fake_engine <script.json: an engine that plays a script, see tests/support/fakepodman.py; $FAKE_SOCK is its socket
fake_engine() {
        FAKE_SOCK=$BATS_TEST_TMPDIR/fake.sock
        cat >"$BATS_TEST_TMPDIR/fake.json"
        background /usr/bin/python3 "$SUPPORT_DIR/fakepodman.py" "$FAKE_SOCK" "$BATS_TEST_TMPDIR/fake.json"
        wait_until 10 test -S "$FAKE_SOCK" || fail "the fake engine does not come up"
}

# faulty_engine: a proxy before the real engine at $PROXY_SOCK; `fault JSON` sets its faults, see tests/support/sockproxy.py
faulty_engine() {
        PROXY_SOCK=$BATS_TEST_TMPDIR/proxy.sock
        background /usr/bin/python3 "$SUPPORT_DIR/sockproxy.py" "$PROXY_SOCK" "$ENGINE_SOCK" "$BATS_TEST_TMPDIR/faults.json"
        wait_until 10 test -S "$PROXY_SOCK" || fail "the proxy does not come up"
}
fault() { printf '%s' "$1" >"$BATS_TEST_TMPDIR/faults.json"; }
# fault_reply MATCH STATUS BODY: whatever matches is answered so, and the engine not asked
fault_reply() {
        /usr/bin/python3 -c 'import json, sys
match, status, body = sys.argv[1:]
reply = "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body)
print(json.dumps({"match": match, "count": 1000, "reply": reply}))' "$@" >"$BATS_TEST_TMPDIR/faults.json"
}

# own_engine [SECONDS]: an API service of our own at $OWN_SOCK with pid $OWN_PID, that leaves when idle so long (default: never);
# may be called again for the next one at the same place. The daemon of Docker is root's: there it is a proxy, whose end cuts all
# connections as the daemon's would.
own_engine() {
        OWN_SOCK=$BATS_TEST_TMPDIR/own.sock
        rm -f "$OWN_SOCK"
        if [ "$ENGINE" = docker ]; then
                background /usr/bin/python3 "$SUPPORT_DIR/sockproxy.py" "$OWN_SOCK" "$ENGINE_SOCK" /dev/null
        else
                background podman system service --time="${1:-0}" "unix://$OWN_SOCK"
        fi
        OWN_PID=$!
        wait_until 10 engine_answers "$OWN_SOCK" || fail "the engine of our own does not come up"
}
# rootless Podman is two processes: the one that we started waits for the one that works in the user namespace
own_engine_kill() { kill -KILL $(pgrep -P "$OWN_PID") "$OWN_PID"; }
engine_answers() { curl -sf -m 5 -o /dev/null --unix-socket "$1" http://d/_ping; }

# ours [KIND]: what this test's podstep has on the engine: containers, pods, volumes, networks
ours() {
        local kind label=label=io.podstep.state=$XDG_STATE_HOME/podstep
        for kind in ${1:-container pod volume network}; do
                case $kind in
                # what a failed removal leaves in the storage has no labels any more: known by its name
                container)
                        engine_cli ps -a --filter "$label" --format 'container {{.Names}}'
                        [ "$ENGINE" = docker ] || podman ps -a --external --format '{{.Status}} {{.Names}}' | sed -n 's/^Storage podstep-/container podstep-/p'
                        ;;
                pod) [ "$ENGINE" = docker ] || podman pod ls --filter "$label" --format 'pod {{.Name}}' ;;
                volume) engine_cli volume ls --filter "$label" --format 'volume {{.Name}}' ;;
                network) engine_cli network ls --filter "$label" --format 'network {{.Name}}' ;;
                esac
        done
}

# assert_nothing_left: neither on the engine nor in the state directory; what ends in this moment is waited for
assert_nothing_left() {
        wait_until 5 nothing_left || fail "left behind:" "$(ours)" "$(find "$XDG_STATE_HOME/podstep/jobs" -mindepth 1 2>/dev/null)"
}
nothing_left() {
        [ -z "$(ours)" ] && [ -z "$(ls "$XDG_STATE_HOME/podstep/jobs" 2>/dev/null)" ]
}

# container_of STEP: the id of the container of a step or service, by its label
container_of() {
        engine_cli ps -a --no-trunc --filter "label=io.podstep.step=$1" --filter "label=io.podstep.state=$XDG_STATE_HOME/podstep" --format '{{.ID}}'
}

# need_small: an engine of its own at $SMALL_SOCK, with its HOME on a file system of 24 MB (tests/lab/small)
need_small() { [ -n "${SMALL_SOCK:-}" ] || skip "needs the tiny file system of the host lab"; }
# small_fill [KB]: leave only so much free; small_free: room again
small_fill() {
        local free
        free=$(df -k --output=avail "$SMALL_HOME" | tail -1)
        head -c $(((free - ${1:-0}) * 1024)) /dev/zero >"$SMALL_HOME/fill" 2>/dev/null || true
}
small_free() { rm -f "$SMALL_HOME/fill"; }

# ---- asserts: each shows what podstep printed ----

fail() {
        printf '%s\n' "$@" >&2
        return 1
}

assert_status() {
        [ "$status" = "$1" ] || fail "exit status $status, expected $1; output:" "$output" "${stderr:-}"
}

# a whole line
assert_line() {
        local l
        for l in "${lines[@]}"; do
                [ "$l" != "$1" ] || return 0
        done
        fail "no line '$1' in:" "$output"
}

assert_output_contains() {
        [[ $output == *"$1"* ]] || fail "no '$1' in:" "$output"
}

# without what is random: a job's id can spell any word of its letters ("...nkryran2h...")
refute_output_contains() {
        [[ $(without_ids "$output") != *"$1"* ]] || fail "unexpected '$1' in:" "$output"
}

refute_output_matches() {
        ! grep -qE -e "$1" <<<"$(without_ids "$output")" || fail "'$1' matches:" "$output"
}

# jobs' ids, and those of containers and images
without_ids() { sed -E 's/\b[0-9a-hjkmnp-tv-z]{26}\b/ID/g; s/\b[0-9a-f]{12,64}\b/ID/g' <<<"$1"; }

# grep -E on the lines
assert_output_matches() {
        grep -qE -e "$1" <<<"$output" || fail "no line matches '$1' in:" "$output"
}

assert_equal() {
        [ "$1" = "$2" ] || fail "got      '$1'" "expected '$2'"
}

# took LESS_THAN_SECONDS CMD...: run CMD, fail when it took longer
took() {
        local limit=$1 start=$EPOCHREALTIME ms
        shift
        "$@"
        ms=$(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 1000))
        [ $ms -lt $((limit * 1000)) ] || fail "$* took $ms ms, at most ${limit} s allowed"
}

# ---- nothing left ----

leaks_before() {
        "$LAB_DIR/leaks" >"$BATS_FILE_TMPDIR/leaks.before"
}

# what is more than before; clean-up processes of the engine get some seconds to end
leaks_after() {
        local i new=
        [ -e "$BATS_FILE_TMPDIR/leaks.before" ] || return 0
        for i in 1 2 3 4 5 6; do
                new=$("$LAB_DIR/leaks" | comm -13 "$BATS_FILE_TMPDIR/leaks.before" -)
                [ -n "$new" ] || return 0
                sleep 1
        done
        fail "left behind:" "$(head -40 <<<"$new")"
}
