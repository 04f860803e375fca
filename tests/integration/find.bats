# Which engine is taken, and what is said if there is none of use.
load helpers

setup_file() { leaks_before; }
setup() {
        need_engine
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [echo it ran]}]"
        # not what the machine's user happens to have configured
        export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
        mkdir -p "$XDG_CONFIG_HOME/containers"
        [ "$ENGINE" = podman ] || found_docker
}

# Docker where the rootless one of a user is, and no Podman beside it
found_docker() {
        unset CONTAINER_HOST DOCKER_HOST
        export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
        mkdir -m 700 "$XDG_RUNTIME_DIR"
        ln -s "$ENGINE_SOCK" "$XDG_RUNTIME_DIR/docker.sock"
}
teardown() { end_test; }
teardown_file() { leaks_after; }

# a proxy before the engine; afterwards `was_used` tells whether anyone asked there
witness() {
        faulty_engine
        fault '{"match":"_ping","count":1,"delay":0}'
}
was_used() { grep -q '"count": 0' "$BATS_TEST_TMPDIR/faults.json"; }

assert_ran_there() {
        assert_status 0
        assert_line "it ran"
        was_used || fail "another engine was asked than the one named"
}

old_engine() {
        fake_engine <<<'[{"match":"_ping","headers":{"Libpod-Api-Version":"4.2.0"},"body":"OK"}]'
}

@test "without being told: the user's socket" {
        podstep run
        assert_status 0
        assert_line "it ran"
}

@test "without XDG_RUNTIME_DIR nothing is said of logins that nobody has" {
        unset XDG_RUNTIME_DIR
        podstep run --engine "unix://$ENGINE_SOCK"
        assert_status 0
        refute_output_contains "logins"
}

@test "--engine is asked, whatever the environment says" {
        witness
        CONTAINER_HOST=unix:///nonexistent podstep run --engine "unix://$PROXY_SOCK"
        assert_ran_there
}

@test "CONTAINER_HOST" {
        witness
        CONTAINER_HOST=unix://$PROXY_SOCK DOCKER_HOST=unix:///nonexistent podstep run
        assert_ran_there
}

@test "CONTAINER_HOST that does not answer is an error that names it" {
        CONTAINER_HOST=unix:///nonexistent/p.sock podstep run
        assert_status 125
        assert_output_contains CONTAINER_HOST
        assert_output_contains /nonexistent/p.sock
        refute_output_contains "it ran"
}

@test "DOCKER_HOST, if Podman answers there" {
        witness
        DOCKER_HOST=unix://$PROXY_SOCK podstep run
        assert_ran_there
}

@test "DOCKER_SOCK, if Podman answers there" {
        witness
        DOCKER_SOCK=$PROXY_SOCK podstep run
        assert_ran_there
}

@test "DOCKER_HOST where Docker answers is passed over while there is Podman" {
        need_podman "there is no Podman beside it"
        fake_engine <<<'[{"match":"_ping","headers":{"Libpod-Api-Version":null,"Server":"Docker/1.12","Api-Version":"1.24"},"body":"OK"}]'
        DOCKER_HOST=unix://$FAKE_SOCK podstep run
        assert_status 0
        assert_line "it ran"
        DOCKER_HOST=unix://$FAKE_SOCK XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR podstep run
        assert_status 125
        assert_output_contains "this Docker is too old"
}

@test "the default connection of podman-connections.json" {
        witness
        printf '{"Connection":{"Default":"mine","Connections":{"other":{"URI":"unix:///nonexistent"},"mine":{"URI":"unix://%s"}}}}' "$PROXY_SOCK" \
                >"$XDG_CONFIG_HOME/containers/podman-connections.json"
        podstep run
        assert_ran_there
}

@test "the active service of containers.conf" {
        witness
        printf '[engine]\nactive_service = "mine"\n[engine.service_destinations.mine]\nuri = "unix://%s" # here\n' "$PROXY_SOCK" \
                >"$XDG_CONFIG_HOME/containers/containers.conf"
        podstep run
        assert_ran_there
}

@test "CONTAINER_CONNECTION names one of them, an unknown one is an error" {
        witness
        printf '{"Connection":{"Default":"bad","Connections":{"bad":{"URI":"unix:///nonexistent"},"mine":{"URI":"unix://%s"}}}}' "$PROXY_SOCK" \
                >"$XDG_CONFIG_HOME/containers/podman-connections.json"
        CONTAINER_CONNECTION=mine podstep run
        assert_ran_there
        CONTAINER_CONNECTION=nobody podstep run
        assert_status 125
        assert_output_contains nobody
}

@test "a broken podman-connections.json is an error that names it" {
        echo '{"Connection":' >"$XDG_CONFIG_HOME/containers/podman-connections.json"
        podstep run
        assert_status 125
        assert_output_contains podman-connections.json
}

@test "tcp:// on the loopback: output and exit codes are right" {
        tcp_engine
        checkout tcp <<-Y
	services:
	- {name: web, image: $IMG/exposes-a:1}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [wget -q -O - http://web:8080/, seq 1000, exit 3]}
	Y
        podstep_json --engine "$TCP_ENGINE"
        assert_status 1
        assert_query "step('s')['exit_code']" 3
        assert_query "[l for l in lines('s') if l.isdigit()] == [str(i) for i in range(1, 1001)]" True
        assert_nothing_left
}

@test "an engine that is too old: told so, with what to do" {
        old_engine
        podstep run --engine "unix://$FAKE_SOCK"
        assert_status 125
        assert_output_contains "4.2.0"
        assert_output_contains "too old"
        assert_output_contains "4.3"
}

@test "none at all: what was tried and the command that helps" {
        XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR podstep run
        assert_status 125
        assert_output_contains "no Podman engine found"
        assert_output_contains "$BATS_TEST_TMPDIR/podman/podman.sock"
        assert_output_contains "/run/podman/podman.sock"
        assert_output_matches "systemctl --user enable --now podman.socket|podman system service"
        refute_output_contains "it ran"
}

@test "a URL that is none" {
        podstep run --engine 'gopher://x'
        assert_status 125
        assert_output_contains gopher
}

@test "ssh:// goes through ssh's own forwarding, with the key that was named" {
        # an ssh that notes how it was called and forwards on this machine
        mkdir "$BATS_TEST_TMPDIR/bin"
        cat >"$BATS_TEST_TMPDIR/bin/ssh" <<-'S'
	#!/bin/sh
	printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/ssh.args"
	while [ "$1" != -L ]; do shift; done
	exec /usr/bin/python3 "$SUPPORT_DIR/sockproxy.py" "${2%%:*}" "${2#*:}" /dev/null
	S
        chmod +x "$BATS_TEST_TMPDIR/bin/ssh"
        checkout far <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [seq 100, exit 3]}
	Y
        export SUPPORT_DIR
        PATH=$BATS_TEST_TMPDIR/bin:$PATH CONTAINER_SSHKEY=/my/key CONTAINER_HOST=ssh://me@far:2222$ENGINE_SOCK podstep_json
        assert_status 1
        assert_query "(step('s')['exit_code'], [l for l in lines('s') if l.isdigit()] == [str(i) for i in range(1, 101)])" "(3, True)"
        run tr '\n' ' ' <"$BATS_TEST_TMPDIR/ssh.args"
        assert_output_contains "-o BatchMode=yes"
        assert_output_contains "-i /my/key"
        assert_output_contains "-p 2222"
        assert_output_contains "-l me"
        assert_output_contains "-- far"
        [ -z "$(find "$XDG_RUNTIME_DIR" -maxdepth 1 -name 'podstep-ssh-*')" ]
        assert_nothing_left
}

@test "ssh: the error of ssh is told" {
        command -v ssh >/dev/null || skip "no ssh on this machine"
        LIMIT=30 podstep run --engine "ssh://nobody@127.0.0.1:1/run/podman/podman.sock"
        assert_status 125
        assert_output_matches "ssh"
        refute_output_contains "it ran"
}
