# The service as it is installed: its units in a real systemd user manager, with the whole sandbox. Only in the machine, which
# tests/lab/engine5 boots: nobody's own service is to be stopped, configured and killed by a test.
load helpers

UNIT=podstep.service

setup_file() {
        [ "$(cat /etc/hostname)" != lab-machine ] || leaks_before
}
setup() {
        need_engine
        [ "$(cat /etc/hostname)" = lab-machine ] || skip "only in the booted machine: it installs, stops and kills the service"
        systemctl --user cat $UNIT >/dev/null 2>&1 || skip "not installed in the machine: tests/lab/engine5 install normal"
        PODSTEP=$(type -P podstep)
        # the service has no other
        unset XDG_STATE_HOME
        CONFIG=$HOME/.config/podstep/podstep.yaml
        DROP_IN=$XDG_RUNTIME_DIR/systemd/user/$UNIT.d/test.conf
        systemctl --user start podstep.socket
}
teardown() {
        [ -n "${CONFIG:-}" ] || return 0
        systemctl --user stop podstep.socket podstep-guard.socket $UNIT
        podman ps -aq --filter label=io.podstep.job | xargs -r podman rm -f -t 0 >/dev/null
        rm -rf "${DROP_IN%/*}" "$HOME/.local/state/podstep" "${CONFIG%/*}"
        systemctl --user daemon-reload
        systemctl --user reset-failed $UNIT 2>/dev/null || true
}
teardown_file() {
        [ "$(cat /etc/hostname)" != lab-machine ] || leaks_after
}

# drop_in LINE...: further settings of the service, until the test is over
drop_in() {
        mkdir -p "${DROP_IN%/*}"
        printf '%s\n' '[Service]' "$@" >"$DROP_IN"
        systemctl --user daemon-reload
}
configure() {
        mkdir -p "${CONFIG%/*}"
        cat >"$CONFIG"
}
property() { systemctl --user show -P "$1" $UNIT; }
is_over() { [ "$(podstep_state "$1")" = done ]; }
podstep_state() { "$PODSTEP" show "$1" --json | jq -r .job.state; }
# one job of one step that prints NUMBER lines, one each tenth of a second
slow() {
        checkout <<-Y
	steps: [{name: one, image: $IMG/busybox:1, commands: ["for i in \$(seq $1); do echo line-\$i; sleep 0.1; done"]}]
	Y
        podstep submit --pull never
        assert_output_contains "job 1: "
        wait_until 20 eval '"$PODSTEP" logs 1 | grep -q line-1' || fail "the job does not begin"
}
# assert_whole NUMBER: the job ended well, and its log has each line once
assert_whole() {
        wait_until 30 is_over 1 || fail "the job does not end:" "$("$PODSTEP" show 1)"
        podstep show 1
        assert_output_contains "state      success"
        podstep logs --plain --step one 1
        assert_equal "$(grep '^line-' <<<"$output")" "$(seq -f line-%g "$1")"
}

@test "the sandbox is as tight as it was promised to be" {
        run systemd-analyze --user security --no-pager --threshold=20 $UNIT
        assert_status 0
        assert_output_matches 'Overall exposure level for podstep.service: [01]\.[0-9]'
}

@test "submit starts it; all that jobs need works inside of the sandbox" {
        mkdir "$BATS_TEST_TMPDIR/allowed"
        configure <<<"{volumes: {allowed: ['$BATS_TEST_TMPDIR/allowed']}}"
        checkout <<-Y
	services: [{name: store, image: $IMG/redis:1, ports: [6379]}]
	steps:
	  - {name: one, image: $IMG/busybox:1, commands: [cat README, echo made >made, 'printf "PING\\\\r\\\\n" | nc -w 2 store 6379']}
	  - {name: two, image: $IMG/busybox:1, volumes: ['deps-of-service:/cache', '$BATS_TEST_TMPDIR/allowed:/allowed'],
	     commands: [cat made, echo kept >/cache/kept, echo out >/allowed/out]}
	  - {name: three, image: $IMG/busybox:1, backend_options: {docker: {user: '77:77'}}, commands: [id -u, 'nc -w 2 169.254.169.254 80 || true']}
	  - {name: four, image: $IMG/busybox:1, volumes: ['deps-of-service:/cache'], environment: {TOKEN: {from_secret: token}}, commands: [cat /cache/kept, 'echo \$TOKEN']}
	Y
        assert_equal "$(property ActiveState)" inactive
        TOKEN=very-hush-hush podstep submit --trusted volumes --pull never --secret TOKEN --wait
        podman volume rm -f deps-of-service >/dev/null
        assert_status 0
        assert_output_contains "[one] hello"
        assert_output_contains "[one] +PONG"
        assert_output_contains "[two] made"
        assert_equal "$(cat "$BATS_TEST_TMPDIR/allowed/out")" out
        [ ! -e made ] || fail "the step wrote into the checkout"
        assert_output_contains "[three] 77"
        assert_output_contains "169.254.169.254): Permission denied"
        assert_output_contains "[four] kept"
        assert_output_contains "[four] ********"
        podstep show 1
        refute_output_contains "not blocked"
        assert_equal "$(property ActiveState)" active
        assert_equal "$(property NRestarts)" 0
}

@test "in a network of its own a step is kept from credentials, too, and what is mounted is looked at" {
        mkdir "$BATS_TEST_TMPDIR/allowed"
        configure <<<"{volumes: {allowed: ['$BATS_TEST_TMPDIR/allowed']}}"
        checkout <<-Y
	steps: [{name: one, image: $IMG/busybox:1, volumes: ['$BATS_TEST_TMPDIR/allowed:/allowed'], commands: ['nc -w 2 169.254.169.254 80 || true', echo out >/allowed/out]}]
	Y
        podstep submit --trusted volumes --pull never --wait
        assert_status 0
        assert_output_contains "169.254.169.254): Permission denied"
        # without the one outside it is told, and nothing is mounted that nobody could look at
        systemctl --user mask --runtime --now podstep-guard.socket
        systemctl --user restart $UNIT
        podstep submit --trusted volumes --pull never --wait
        systemctl --user unmask --runtime podstep-guard.socket
        assert_status 125
        assert_output_contains "podstep-guard.socket does not answer"
}

@test "a guard that is there and does not answer: nothing starts that could reach credentials" {
        local drop_in=$XDG_RUNTIME_DIR/systemd/user/podstep-guard@.service.d
        mkdir -p "$drop_in"
        printf '%s\n' '[Service]' ExecStart= 'ExecStart=sleep infinity' RuntimeMaxSec=1s >"$drop_in/test.conf"
        systemctl --user daemon-reload
        # a network of its own, and one that steps share
        checkout one <<-Y
	steps: [{name: one, image: $IMG/busybox:1, commands: [echo it ran]}]
	Y
        podstep submit --pull never --wait
        local first=$status said=$output
        checkout two <<-Y
	steps:
	- {name: one, image: $IMG/busybox:1, commands: [echo it ran], depends_on: []}
	- {name: two, image: $IMG/busybox:1, commands: [echo it ran], depends_on: []}
	Y
        podstep submit --pull never --wait
        rm -r "$drop_in"
        systemctl --user daemon-reload
        assert_status 125
        assert_equal "$first" 125
        output+=$said
        assert_output_contains "were not blocked: what podstep-guard@.service answers"
        refute_output_contains "it ran"
        configure <<<'{network: {allow_metadata: true}}'
        systemctl --user restart $UNIT
        podstep submit --pull never --wait
        assert_status 0
        assert_output_contains "[two] it ran"
}

@test "a source that is uploaded is unpacked, and a commit fetched" {
        checkout <<-Y
	steps: [{name: one, image: $IMG/busybox:1, commands: [cat README]}]
	Y
        podstep submit --git "file://$CHECKOUT" --ref main --pull never --wait
        assert_status 0
        assert_output_contains "[one] hello"
        tar -cf "$BATS_TEST_TMPDIR/source.tar" README
        run curl -sS --fail-with-body --unix-socket "$XDG_RUNTIME_DIR/podstep/podstep.sock" http://podstep/v1/sources \
                -H 'Content-Type: application/x-tar' --data-binary "@$BATS_TEST_TMPDIR/source.tar"
        assert_status 0
        assert_output_contains '"id":'
}

@test "it leaves when idle, and nothing runs; the next one comes and knows all jobs" {
        drop_in 'ExecStart=' "ExecStart=$PODSTEP agent --idle-timeout 300ms"
        checkout <<-Y
	steps: [{name: one, image: $IMG/busybox:1, commands: [echo hello]}]
	Y
        podstep submit --pull never --wait
        assert_status 0
        wait_until 20 eval '[ "$(property ActiveState)" = inactive ]' || fail "it does not leave"
        assert_equal "$(property Result)" success
        ! pgrep -u "$UID" -l podstep || fail "processes are left"
        assert_equal "$(systemctl --user is-active podstep.socket)" active
        podstep ps --all
        assert_output_matches "1  success"
}

@test "stopped, it leaves its jobs running; restarted and started, it takes them up" {
        slow 40
        systemctl --user restart $UNIT
        systemctl --user stop $UNIT 2>/dev/null
        assert_equal "$(property ActiveState)" inactive
        assert_equal "$(property Result)" success
        [ -n "$(podman ps -q --filter label=io.podstep.step=one)" ] || fail "the step does not run"
        podstep ps
        assert_output_matches "1  running"
        assert_whole 40
}

@test "one that hangs is killed and replaced, and its job ends as it should" {
        drop_in WatchdogSec=3s TimeoutAbortSec=100ms RestartSec=100ms LimitCORE=0
        slow 60
        kill -STOP "$(property MainPID)"
        wait_until 30 eval '[ "$(property NRestarts)" -ge 1 ] && [ "$(property ActiveState)" = active ]' || fail "$(systemctl --user status $UNIT)"
        assert_whole 60
        run journalctl --user -q -o cat -u $UNIT --since -1min
        assert_output_contains "Watchdog timeout"
}

@test "reloaded, it reads its configuration again, for jobs from then on" {
        checkout <<-Y
	steps: [{name: one, image: $IMG/busybox:1, commands: [echo hello]}]
	Y
        podstep submit --pull never --wait
        assert_status 0
        configure <<<'{images: {allowed: [registry.example.org/*]}}'
        systemctl --user reload $UNIT
        podstep submit --pull never
        assert_status 3
        rm "$CONFIG"
        systemctl --user reload $UNIT
        podstep submit --pull never --wait
        assert_status 0
        assert_equal "$(property NRestarts)" 0
}

@test "the journal knows of each job, and the catalog what to do" {
        checkout <<-Y
	steps: [{name: one, image: $IMG/busybox:1, commands: [exit 3]}]
	Y
        podstep submit --pull never --label team --wait
        assert_status 1
        id=$("$PODSTEP" show 1 --json | jq -r .job.id)
        journal() { journalctl --user -q "$@" PODSTEP_JOB="$id"; }
        wait_until 10 eval '[ "$(journal -o cat | wc -l)" = 2 ]' || fail "$(journal)"
        assert_equal "$(journal -o json | jq -rs '.[0] | [.PODSTEP_NUMBER, .PODSTEP_WORKFLOW, .PODSTEP_LABEL, .MESSAGE, ._SYSTEMD_USER_UNIT] | join("|")')" \
                "1|woodpecker|team|Job 1 ('woodpecker') started|podstep.service"
        assert_equal "$(journal -o json | jq -rs '.[1] | [.PODSTEP_RESULT, .PRIORITY] | join("|")')" "failure|4"
        run journal -x
        assert_output_contains "Subject: Job 1 of the podstep agent has finished: failure"
        assert_output_contains "podstep logs 1"
}

@test "the daily clean-up works, and has a time" {
        systemctl --user start podstep-prune.service
        assert_equal "$(systemctl --user show -P Result podstep-prune.service)" success
        systemctl --user start podstep-prune.timer
        run systemctl --user list-timers --no-pager podstep-prune.timer
        systemctl --user stop podstep-prune.timer
        assert_output_matches '[0-9]{4}-[0-9]{2}-[0-9]{2} .* podstep-prune.timer +podstep-prune.service'
}

@test "doctor knows whether it can be reached, and whether it has failed" {
        podstep doctor
        assert_output_matches 'note +agent +podstep.socket is disabled and active'
        drop_in 'ExecStart=' 'ExecStart=/bin/false' RestartSec=50ms
        podstep info
        assert_status 125
        wait_until 20 eval '[ "$(property ActiveState)" = failed ]' || fail "$(systemctl --user status $UNIT)"
        podstep doctor
        assert_status 1
        assert_output_matches 'warning +agent +the agent has failed'
        assert_output_contains '$ journalctl --user -u podstep.service'
}
