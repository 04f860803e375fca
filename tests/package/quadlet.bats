# The agent in a container, as contrib/podman has it, in the booted machine: what Quadlet makes of it, started by its socket, and a
# job through it. The image is made of this machine's programs, as there is no registry to take Debian's from.
load ../integration/helpers

LAB_SH=$BATS_TEST_DIRNAME/../lab
CONTRIB=$BATS_TEST_DIRNAME/../../contrib/podman
SYSTEMD=$BATS_TEST_DIRNAME/../../systemd

setup() { . "$LAB_SH/env.sh"; }
teardown_file() {
        . "$BATS_TEST_DIRNAME/../lab/env.sh"
        as sh -c 'systemctl --user stop podstep.socket podstep-guard.socket podstep.service
                podman rm -af -t 0; podman rmi -f localhost/podstep/agent; podman volume rm -af
                rm -rf ~/.config/podstep ~/.config/containers/systemd ~/.config/systemd/user/podstep* ~/.local/state/podstep ~/quadlet
                systemctl --user daemon-reload' >/dev/null 2>&1 || true
        rm -rf "$STAGE/quadlet"
}

as() { "$BATS_TEST_DIRNAME/../lab/engine5" as "$@"; }
# what the agent's own container has put there
agents() { as /home/lab/.local/state/podstep/programs/podstep "$@"; }

@test "Quadlet takes the file, and means by it what it says" {
        local built=$STAGE/normal/usr/local
        [ -x "$built/bin/podstep" ] || skip "nothing is staged: tests/lab/stage build normal"
        "$LAB_SH/engine5" uninstall
        mkdir -p "$STAGE/quadlet/image/programs"
        cp "$CONTRIB"/{podstep.container,podstep-guard@.service} "$STAGE/quadlet/"
        for socket in podstep podstep-guard; do cp "$SYSTEMD/$socket.socket.in" "$STAGE/quadlet/$socket.socket"; done
        cp "$built/bin/podstep" "$built"/libexec/podstep/* "$CONTRIB/agent-in-container" "$STAGE/quadlet/image/programs/"
        # shellcheck disable=SC2046
        "$LAB_SH/img-hostcopy" "$STAGE/quadlet/image/root.tar" /bin/sh /bin/mkdir /bin/cp /bin/mv \
                $(ldd "$built/bin/podstep" "$built/libexec/podstep/podstep-agent" | awk '$2 == "=>" {print $3}' | sort -u)
        cat >"$STAGE/quadlet/image/Containerfile" <<-'F'
	FROM scratch
	ADD root.tar /
	COPY programs/podstep programs/agent-in-container /usr/bin/
	COPY programs/podstep-agent programs/podstep-holder /usr/libexec/podstep/
	ENTRYPOINT ["/usr/bin/agent-in-container"]
	F
        chmod -R a+rX "$STAGE/quadlet"
        as podman build -q -t localhost/podstep/agent:latest "$STAGE/quadlet/image"
        as sh -ec "mkdir -p ~/.config/containers/systemd ~/.config/systemd/user
                cp $STAGE/quadlet/podstep.container ~/.config/containers/systemd/
                cp $STAGE/quadlet/podstep*.socket $STAGE/quadlet/podstep-guard@.service ~/.config/systemd/user/"
        run as /usr/libexec/podman/quadlet -dryrun -user
        assert_status 0
        refute_output_matches '(error|warning|unsupported)'
        assert_output_matches 'ExecStart=.*--cap-drop all .*--read-only .*--userns keep-id .*localhost/podstep/agent:latest --idle-timeout 60s'
}

@test "its socket starts it, and a job runs through it with all that jobs have" {
        as sh -ec 'systemctl --user daemon-reload; systemctl --user start podman.socket podstep.socket
                mkdir -p ~/.config/podstep ~/quadlet/repo ~/quadlet/allowed; cd ~/quadlet/repo
                echo "volumes: {allowed: [/home/lab/quadlet/allowed]}" >~/.config/podstep/podstep.yaml
                git init -q -b main .; echo hello >README; cat >.woodpecker.yaml' <<-'Y'
	services: [{name: store, image: localhost/lab/redis:1, ports: [6379]}]
	steps:
	  - {name: one, image: localhost/lab/busybox:1, commands: [cat README, echo made >made, 'printf "PING\r\n" | nc -w 2 store 6379']}
	  - {name: two, image: localhost/lab/busybox:1, volumes: ['/home/lab/quadlet/allowed:/allowed'], commands: [cat made, echo out >/allowed/out]}
	  - {name: three, image: localhost/lab/busybox:1, backend_options: {docker: {user: '77:77'}}, commands: [id -u, 'nc -w 2 169.254.169.254 80 || true']}
	Y
        # the first one is somebody else's podstep: there is none of the agent's yet
        run as "$STAGE/normal/usr/local/bin/podstep" info
        assert_status 0
        run as sh -c 'cd ~/quadlet/repo && ~/.local/state/podstep/programs/podstep submit --trusted volumes --pull never --wait'
        assert_status 0
        assert_output_contains "[one] hello"
        assert_output_contains "[one] +PONG"
        assert_output_contains "[two] made"
        assert_output_contains "[three] 77"
        assert_output_contains "169.254.169.254): Permission denied"
        assert_equal "$(as cat /home/lab/quadlet/allowed/out)" out
}

@test "its container is replaced while a job runs, and the job goes on" {
        as sh -ec 'cd ~/quadlet/repo; cat >.woodpecker.yaml' <<-'Y'
	steps:
	  - name: one
	    image: localhost/lab/busybox:1
	    volumes: ['/home/lab/quadlet/allowed:/allowed']
	    commands: [echo line-1, 'until [ -e /allowed/over ]; do sleep 0.1; done', echo line-2]
	Y
        as sh -ec 'cd ~/quadlet/repo; ~/.local/state/podstep/programs/podstep submit --trusted volumes --pull never'
        wait_until 20 eval 'agents logs 2 | grep -q "^.one. line-1"' || fail "$(agents show 2)"
        as systemctl --user restart podstep.service
        run agents show 2
        assert_output_contains "state      running"
        as touch /home/lab/quadlet/allowed/over
        wait_until 20 eval 'agents show 2 | grep -q "state      success"' || fail "$(agents show 2)"
        run agents logs --plain --step one 2
        assert_equal "$(grep '^line-' <<<"$output")" "$(printf 'line-1\nline-2')"
        as systemctl --user stop podstep.service 2>/dev/null
        assert_equal "$(as podman ps -aq)" ""
}
