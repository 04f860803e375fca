# Only beside Docker: a rootless daemon of the tests' own user, found where it stands without being told.
load helpers

SCRIPT=/usr/share/docker.io/contrib/dockerd-rootless.sh

setup_file() {
        [ -n "$ENGINE_OK" ] && [ "$ENGINE" = docker ] || return 0
        command -v rootlesskit >/dev/null && [ -e "$SCRIPT" ] || return 0
        leaks_before
        unset CONTAINER_HOST DOCKER_HOST
        export USERS_RUNTIME=$XDG_RUNTIME_DIR ROOTLESS=$BATS_FILE_TMPDIR/run
        mkdir -m 700 "$ROOTLESS"
        XDG_RUNTIME_DIR=$ROOTLESS DOCKERD_ROOTLESS_ROOTLESSKIT_SLIRP4NETNS_SANDBOX=false DOCKERD_ROOTLESS_ROOTLESSKIT_SLIRP4NETNS_SECCOMP=false \
                sh "$SCRIPT" --data-root "$BATS_FILE_TMPDIR/data" >"$BATS_FILE_TMPDIR/log" 2>&1 </dev/null 3>&- &
        echo $! >"$BATS_FILE_TMPDIR/pid"
        wait_until 60 engine_answers "$ROOTLESS/docker.sock" || fail "it does not come up:" "$(tail -20 "$BATS_FILE_TMPDIR/log")"
        local name
        for name in busybox exposes-a; do
                lab_podman save -q --format docker-archive "$IMG/$name:1" 2>/dev/null 3>&- | DOCKER_HOST=unix://$ROOTLESS/docker.sock docker load -q >&2
        done
}

setup() {
        need_engine
        [ "$ENGINE" = docker ] || skip "needs Docker: this run is on Podman"
        [ -n "${ROOTLESS:-}" ] || skip "no rootlesskit on this machine"
        unset CONTAINER_HOST
        export XDG_RUNTIME_DIR=$ROOTLESS DOCKER_HOST=unix://$ROOTLESS/docker.sock
}
teardown() {
        [ -z "${ROOTLESS:-}" ] || podstep prune --all
        end_test
}
teardown_file() {
        [ -n "${ROOTLESS:-}" ] || return 0
        kill -TERM "$(cat "$BATS_FILE_TMPDIR/pid")"
        wait_until 30 eval "! running $(cat "$BATS_FILE_TMPDIR/pid")" || fail "it does not end"
        lab_podman unshare rm -rf "$BATS_FILE_TMPDIR/data"
        leaks_after
}

@test "it is found, and a job runs: its checkout, a service by its name, results, exit code" {
        unset DOCKER_HOST
        checkout <<-Y
	services:
	- {name: web, image: $IMG/exposes-a:1}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [cat README, 'wget -q -O - http://web:8080/', echo made >out, exit 3]}
	Y
        podstep run --export out
        assert_status 1
        assert_output_contains "docker "
        assert_line "[s] hello"
        assert_line "[s] a"
        assert_output_contains "exit code 3"
        assert_equal "$(cat out) $(stat -c %U out)" "made $(id -un)"
        export DOCKER_HOST=unix://$ROOTLESS/docker.sock
        assert_nothing_left
}

@test "root of a container is who runs the daemon, and other users are their subordinate ids" {
        checkout <<-Y
	steps:
	- {name: root, image: $IMG/busybox:1, commands: [id -u, cat /proc/self/uid_map]}
	- {name: other, image: $IMG/busybox:1, backend_options: {docker: {user: "1234:1234"}}, commands: [id -u, echo theirs >file]}
	Y
        podstep run --write
        assert_status 0
        assert_output_matches "^ +0 +$(id -u) +1$"
        assert_output_matches '^1234$'
        assert_equal "$(stat -c %U file)" "$(id -un)"
}

@test "privileged is all that the user namespace has" {
        checkout <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, privileged: true, commands: [grep CapEff /proc/self/status, mkdir /m, mount -t tmpfs none /m]}
	- {name: b, image: $IMG/busybox:1, commands: [mkdir /m, mount -t tmpfs none /m || echo not-b]}
	Y
        podstep run --trusted security
        assert_status 0
        assert_output_matches 'CapEff:\s*0000003fffffffff'
        assert_output_contains not-b
}

@test "metadata addresses lead nowhere here, too" {
        checkout <<<"steps: [{name: a, image: $IMG/busybox:1, commands: [nc -w 9 169.254.169.254 80 || true]}]"
        podstep run
        assert_status 0
        assert_output_contains "169.254.169.254): No route to host"
}

@test "podstep doctor tells of it" {
        podstep doctor
        [ "$status" -le 1 ] || fail "$output"
        assert_output_matches "^note +engine +Docker "
}
