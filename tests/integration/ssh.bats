# An engine behind a real sshd, which runs as the tests' own user on the loopback: found, trusted, used and left.
load helpers

setup_file() {
        leaks_before
        [ -n "$ENGINE_OK" ] && [ -x /usr/sbin/sshd ] && command -v ssh >/dev/null || return 0
        export SSH_DIR=$BATS_FILE_TMPDIR/ssh
        mkdir -m 700 "$SSH_DIR" "$SSH_DIR/bin"
        ssh-keygen -q -t ed25519 -N '' -f "$SSH_DIR/host"
        ssh-keygen -q -t ed25519 -N '' -f "$SSH_DIR/key"
        ssh-keygen -q -t ed25519 -N '' -f "$SSH_DIR/other"
        cp "$SSH_DIR/key.pub" "$SSH_DIR/authorized_keys"
        cat >"$SSH_DIR/sshd_config" <<-C
	ListenAddress 127.0.0.1
	HostKey $SSH_DIR/host
	AuthorizedKeysFile $SSH_DIR/authorized_keys
	PidFile $SSH_DIR/pid
	StrictModes no
	UsePAM no
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	C
        # ssh looks for ~/.ssh in the user's real home, which is not for tests: so it is told of its files
        printf '#!/bin/sh\nexec /usr/bin/ssh -o UserKnownHostsFile="$KNOWN_HOSTS" -o GlobalKnownHostsFile=/dev/null -o IdentitiesOnly=yes "$@"\n' >"$SSH_DIR/bin/ssh"
        chmod 755 "$SSH_DIR/bin/ssh"
        sshd_up
}

# another may take a port between our look and sshd's bind
sshd_up() {
        local i
        for i in 1 2 3 4 5; do
                SSH_PORT=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
                /usr/sbin/sshd -f "$SSH_DIR/sshd_config" -p "$SSH_PORT" -E "$SSH_DIR/log" 3>&-
                wait_until 5 test -s "$SSH_DIR/pid" && break
        done
        [ -s "$SSH_DIR/pid" ] || fail "sshd does not come up:" "$(cat "$SSH_DIR/log")"
        export SSH_PORT
        printf '[127.0.0.1]:%s %s\n' "$SSH_PORT" "$(cut -d' ' -f1,2 "$SSH_DIR/host.pub")" >"$SSH_DIR/known_hosts"
}

setup() {
        need_engine
        [ -n "${SSH_PORT:-}" ] || skip "no sshd on this machine"
        unset CONTAINER_HOST DOCKER_HOST
        export KNOWN_HOSTS=$SSH_DIR/known_hosts PATH=$SSH_DIR/bin:$PATH CONTAINER_SSHKEY=$SSH_DIR/key
        FAR=ssh://$(id -un)@127.0.0.1:$SSH_PORT$ENGINE_SOCK
}
teardown() { end_test; }
teardown_file() {
        [ -z "${SSH_PORT:-}" ] || kill "$(cat "$SSH_DIR/pid")"
        leaks_after
}

no_tunnel_left() { [ -z "$(find "$XDG_RUNTIME_DIR" -maxdepth 1 -name 'podstep-ssh-*')" ] || fail "$(ls "$XDG_RUNTIME_DIR")"; }

@test "a job: the checkout goes there, a service is reached, results and exit code come back" {
        checkout <<-Y
	services:
	- {name: web, image: $IMG/exposes-a:1}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [cat sent, 'wget -q -O - http://web:8080/', seq 2000, echo made >out, exit 3]}
	Y
        echo from here >sent
        podstep_json --engine "$FAR" --export out
        assert_status 1
        assert_query "step('s')['exit_code']" 3
        assert_query "[l for l in lines('s') if l.isdigit()] == [str(i) for i in range(1, 2001)]" True
        assert_query "[l for l in lines('s') if l in ('from here', 'a')]" $'from here\na'
        assert_equal "$(cat out)" made
        assert_nothing_left_there
        no_tunnel_left
}

# looked at without ssh
assert_nothing_left_there() {
        [ "$ENGINE" = podman ] || export DOCKER_HOST=unix://$ENGINE_SOCK
        assert_nothing_left
        unset DOCKER_HOST
}

@test "CONTAINER_HOST and a connection of Podman's with its own key" {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [echo it ran]}]"
        CONTAINER_HOST=$FAR podstep run
        assert_status 0
        assert_line "it ran"
        export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
        mkdir -p "$XDG_CONFIG_HOME/containers"
        printf '{"Connection":{"Default":"far","Connections":{"far":{"URI":"%s","Identity":"%s"}}}}' "$FAR" "$SSH_DIR/key" \
                >"$XDG_CONFIG_HOME/containers/podman-connections.json"
        CONTAINER_SSHKEY='' podstep run
        assert_status 0
        assert_line "it ran"
        no_tunnel_left
}

@test "a step that is kept there is entered: what is typed arrives, also its end, and much goes through" {
        checkout <<<"steps: [{name: s, image: $IMG/tools:1, commands: [echo evidence >trace, exit 3]}]"
        podstep run --keep --engine "$FAR"
        assert_status 1
        run "$PODSTEP" enter <<<'cat trace; exit 7'
        assert_status 7
        assert_line evidence
        assert_equal "$(head -c 3000000 /dev/zero | "$PODSTEP" enter -- wc -c)" 3000000
        assert_equal "$("$PODSTEP" enter -- head -c 3000000 /dev/zero | wc -c)" 3000000
        podstep prune --all --engine "$FAR"
        assert_status 0
        assert_nothing_left_there
        no_tunnel_left
}

@test "a host key that is not known, and a key that is not allowed: ssh's own words" {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [echo it ran]}]"
        KNOWN_HOSTS=/dev/null podstep run --engine "$FAR"
        assert_status 125
        assert_output_contains "Host key verification failed"
        CONTAINER_SSHKEY=$SSH_DIR/other podstep run --engine "$FAR"
        assert_status 125
        assert_output_contains "Permission denied (publickey)"
        refute_output_matches '^it ran$'
        no_tunnel_left
}

@test "nobody listens at the far end" {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: ['true']}]"
        LIMIT=60 podstep run --engine "${FAR%/*}/nothing.sock"
        assert_status 125
        no_tunnel_left
}

@test "the connection is cut while a step runs: it is made again, and output and exit code are whole" {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [echo before, sleep 3, seq 100, exit 5]}]"
        podstep_start run --json --engine "$FAR"
        wait_output '"line":"before"'
        pkill -KILL -P "$(cat "$SSH_DIR/pid")"
        podstep_end 60
        assert_status 1
        EVENTS=$PODSTEP_OUT
        assert_query "(step('s')['exit_code'], [l for l in lines('s') if l.isdigit()] == [str(i) for i in range(1, 101)])" "(5, True)"
        assert_nothing_left_there
        no_tunnel_left
}

@test "canceled, and pruned from far" {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [echo here, sleep 100]}]"
        podstep_start run --engine "$FAR" --grace 1s
        wait_output '^here$'
        kill -INT "$PODSTEP_PID"
        podstep_end 30
        assert_status 130
        assert_nothing_left_there
        podstep_start run --engine "$FAR"
        wait_output '^here$'
        kill -KILL "$PODSTEP_PID"
        podstep_end 5
        CONTAINER_HOST=$FAR podstep prune
        assert_status 0
        assert_output_contains "removed container"
        assert_nothing_left_there
        rm -rf "$XDG_RUNTIME_DIR"/podstep-ssh-*
}
