# What a hostile file or step cannot have, whatever else it is allowed: no privilege, mount, network, device, user, label
# or name beyond what the operator gave, nothing of the agent's, nothing of another job's. Each of these fails if the
# wall that it tries is taken away.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown() {
        podstep prune --all
        end_test
}
teardown_file() { leaks_after; }

# tries STEP-TEXT: a job whose one step has this, as flow YAML
tries() {
        rm -rf "$BATS_TEST_TMPDIR/repo"
        checkout <<<"steps: [{name: a, image: $IMG/busybox:1, commands: [echo it-ran], $1}]"
        podstep run "${@:2}"
}

# assert_refused MESSAGE: by the policy, with a place in the file, and before anything ran
assert_refused() {
        assert_status 3
        assert_output_matches '^[^ ]+:1:[0-9]+: error: '
        assert_output_contains "$1"
        refute_output_matches '^job '
}

# runs COMMAND...: a job of one step that runs as root with what root is left with
runs() {
        local command text
        text=$(printf 'steps:\n- name: a\n  image: %s/busybox:1\n  commands:' "$IMG")
        for command in "$@"; do text+=$(printf "\n  - '%s'" "${command//\'/\'\'}"); done
        rm -rf "$BATS_TEST_TMPDIR/repo"
        checkout <<<"$text"
        podstep run
}

@test "without trust nothing of the host's" {
        tries 'privileged: true'
        assert_refused "wants privileged mode"
        tries 'volumes: ["/etc:/host"]'
        assert_refused "wants volumes"
        tries 'volumes: ["data:/data"]'
        assert_refused "wants volumes"
        tries 'devices: [/dev/fuse]'
        assert_refused "wants devices of the host"
        tries 'tmpfs: [/x]'
        assert_refused "wants file systems in memory"
        tries 'network_mode: host'
        assert_refused "wants its own network mode"
        tries 'dns: 1.1.1.1'
        assert_refused "wants its own DNS servers"
        tries 'extra_hosts: ["a:1.1.1.1"]'
        assert_refused "wants its own host names"
}

@test "trust in one thing is none in another" {
        tries 'privileged: true' --trusted volumes,network
        assert_refused "wants privileged mode"
        tries 'network_mode: host' --trusted volumes,security
        assert_refused "wants its own network mode"
        tries 'volumes: ["/etc:/host"]' --trusted security,network
        assert_refused "wants volumes"
}

@test "an allowed directory does not allow its neighbours: dots, doubled slashes, /proc" {
        mkdir -p "$BATS_TEST_TMPDIR/ok" "$BATS_TEST_TMPDIR/ok2"
        settings <<<"{trusted: [volumes], volumes: {allowed: [$BATS_TEST_TMPDIR/ok]}}"
        tries "volumes: ['$BATS_TEST_TMPDIR/ok/../ok2:/x']"
        assert_refused "which is not an allowed directory"
        tries "volumes: ['$BATS_TEST_TMPDIR//ok2:/x']"
        assert_refused "which is not an allowed directory"
        tries "volumes: ['/proc/self/root/$BATS_TEST_TMPDIR/ok:/x']"
        assert_refused "which is not an allowed directory"
        tries "volumes: ['/proc/self/cwd:/x']"
        assert_refused "which is not an allowed directory"
        tries "volumes: ['$BATS_TEST_TMPDIR/ok:/x']"
        assert_status 0
}

@test "a link below an allowed directory is judged by where it leads" {
        mkdir -p "$BATS_TEST_TMPDIR/ok/real" "$BATS_TEST_TMPDIR/secret"
        ln -s "$BATS_TEST_TMPDIR/secret" "$BATS_TEST_TMPDIR/ok/out"
        ln -s real "$BATS_TEST_TMPDIR/ok/in"
        settings <<<"{trusted: [volumes], volumes: {allowed: [$BATS_TEST_TMPDIR/ok]}}"
        tries "volumes: ['$BATS_TEST_TMPDIR/ok/out:/x']"
        assert_status 125
        assert_output_contains "is really '$BATS_TEST_TMPDIR/secret', which is not an allowed directory"
        refute_output_matches '^it-ran'
        tries "volumes: ['$BATS_TEST_TMPDIR/ok/in:/x']"
        assert_status 0
        # the operator's own directory may be reached by a link
        ln -s ok "$BATS_TEST_TMPDIR/alias"
        settings <<<"{trusted: [volumes], volumes: {allowed: [$BATS_TEST_TMPDIR/alias]}}"
        tries "volumes: ['$BATS_TEST_TMPDIR/alias/real:/x']"
        assert_status 0
}

@test "a directory that is exchanged for a link while it is being mounted" {
        local job
        mkdir -p "$BATS_TEST_TMPDIR/ok/dir" "$BATS_TEST_TMPDIR/secret"
        echo hush >"$BATS_TEST_TMPDIR/secret/file"
        settings <<<"{trusted: [volumes], volumes: {allowed: [$BATS_TEST_TMPDIR/ok]}}"
        checkout <<<"steps: [{name: a, image: $IMG/busybox:1, volumes: ['$BATS_TEST_TMPDIR/ok/dir:/x'], commands: [cat /x/file]}]"
        need_podman "the daemon and its containers are root's, so nobody can compare"
        faulty_engine
        fault '{"match": "/init", "delay": 3}'
        podstep_start run --engine "unix://$PROXY_SOCK"
        wait_output '^job '
        job=$(sed -n 's/^job \([0-9a-z]*\):.*/\1/p' "$PODSTEP_OUT")
        wait_until 20 bash -c "curl -sf --unix-socket '$ENGINE_SOCK' 'http://d$API$LIBPOD/containers/podstep-$job-a/json' >'$BATS_TEST_TMPDIR/made'"
        mv "$BATS_TEST_TMPDIR/ok/dir" "$BATS_TEST_TMPDIR/ok/away"
        ln -s ../secret "$BATS_TEST_TMPDIR/ok/dir"
        podstep_end
        assert_status 125
        assert_output_contains "was exchanged while it was being mounted"
        refute_output_contains hush
        stop_background
}

@test "mounting over what the operator mounts" {
        mkdir -p "$BATS_TEST_TMPDIR/certs"
        settings <<<"{trusted: [volumes], volumes: {mounts: ['$BATS_TEST_TMPDIR/certs:/certs:ro']}}"
        tries 'volumes: ["mine:/certs"]'
        assert_refused "where the operator mounts something"
}

@test "volumes, networks and caches of other jobs and projects, whatever the trust" {
        tries 'volumes: ["podstep-01m8kpsaa10vhjwe494t9vet12-data:/x"]' --trusted all
        assert_refused "which belongs to another job or project"
        tries 'volumes: ["runner-podstep-project-1-concurrent-0-cache-3c3f060a0374fc8bc39395164f415a70:/x"]' --trusted all
        assert_refused "which belongs to another job or project"
        tries 'network_mode: podstep-01m8kpsaa10vhjwe494t9vet12' --trusted all
        assert_refused "which belongs to another container or job"
        tries 'network_mode: "container:podstep-01m8kpsaa10vhjwe494t9vet12.holder"' --trusted all
        assert_status 2
        refute_output_matches '^job '
}

@test "another job that runs: its scripts, its secrets and its processes are nowhere to be seen" {
        checkout other <<-Y
	steps:
	- {name: victim, image: $IMG/busybox:1, environment: {TOKEN: {from_secret: token}}, commands: [echo up-now, sleep 300]}
	Y
        token=other-jobs-s3cret podstep_start run --grace 1s --secret token
        wait_output up-now
        checkout <<-Y
	steps:
	- name: spy
	  image: $IMG/busybox:1
	  commands:
	  - ps
	  - cat /proc/*/environ | tr '\\\\0' '\\\\n' || true
	  - grep -rl other-jobs-s3cret / --exclude-dir=proc --exclude-dir=sys 2>/dev/null || true
	  - ls /podstep
	Y
        podstep run
        assert_status 0
        refute_output_contains "sleep 300"
        refute_output_matches 'TOKEN=|other-jobs-s3cret$'
        refute_output_contains victim
        kill "$PODSTEP_PID"
        podstep_end
}

@test "the environment of who runs podstep stays outside" {
        export AGENT_TOKEN=hush-hush-42 DOCKER_AUTH_CONFIG='{"auths": {"hush-hush-43.example": {"auth": "aHVzaDpodXNo"}}}'
        runs "env" "cat /proc/1/environ"
        assert_status 0
        refute_output_contains hush-hush
}

@test "programs gain no privileges by their mode" {
        runs "mkdir /suid && cp /bin/busybox /suid/ && chmod 4755 /suid/busybox && ls -l /suid" "su -s /bin/sh nobody -c \"/suid/busybox id -u\""
        assert_status 0
        assert_output_contains "-rwsr-xr-x"
        refute_output_matches '^0$'
}

@test "root in a step mounts nothing, makes no devices, changes no network" {
        runs "mount -t tmpfs x /mnt || echo no-mount" "mknod /sda b 8 0 || echo no-device" "ip link set lo down || echo no-link" \
                "ip rule del pref 0 || echo no-rule" "chroot /proc/1/root true && echo own-root" "hostname evil || echo no-hostname"
        assert_status 0
        assert_output_matches '^no-mount$'
        assert_output_matches '^no-device$'
        assert_output_matches '^no-link$'
        assert_output_matches '^no-rule$'
        assert_output_matches '^no-hostname$'
}

@test "the block of metadata addresses cannot be lifted from inside" {
        local blocked="Permission denied"
        [ "$ENGINE" = podman ] || blocked="No route to host"
        runs "for i in 1 2 3; do ip rule del prohibit 2>/dev/null || true; ip rule del to 169.254.169.254 2>/dev/null || true; done" \
                "ip route del 169.254.0.0/16 || true" "ip link set eth1 down || true" \
                "ip route add 169.254.169.254 dev lo || echo no-route" "nc -w 9 169.254.169.254 80 || echo still-blocked"
        assert_status 0
        assert_output_matches '^no-route$'
        assert_output_contains "169.254.169.254): $blocked"
        assert_output_matches '^still-blocked$'
}

@test "on the network where metadata addresses lead, neither this machine nor another job is reached" {
        [ "$ENGINE" = docker ] || skip "on Podman these addresses are forbidden in each network namespace"
        checkout other <<-Y
	steps:
	- {name: victim, image: $IMG/busybox:1, commands: ['ip -4 addr show eth1', echo up-now, 'nc -l -p 7777 || true', sleep 300]}
	Y
        podstep_start run --grace 1s
        wait_output 'up-now$'
        address=$(grep -oE '169\.254\.[0-9.]+' "$PODSTEP_OUT" | head -1)
        [ -n "$address" ] || fail "$(cat "$PODSTEP_OUT")"
        runs "nc -w 5 $address 7777 </dev/null || echo no-neighbour" "nc -w 5 169.254.0.1 22 </dev/null || echo no-host"
        assert_status 0
        assert_output_matches '^no-neighbour$'
        assert_output_matches '^no-host$'
        # what is on the bridge is none of this machine's addresses
        ! ip -4 address | grep -F 169.254 || fail "this machine has an address there"
        kill "$PODSTEP_PID"
        podstep_end
}

@test "what podstep gives a step cannot be changed by it" {
        need_podman "what is sent into a volume can be written by the one container that has it"
        checkout <<-Y
	services:
	- {name: db, image: $IMG/exposes-a:1}
	steps:
	- name: a
	  image: $IMG/busybox:1
	  commands:
	  - echo evil >>/podstep/script || echo no-script
	  - echo 1.2.3.4 db >>/etc/hosts || echo no-hosts
	  - rm -rf /podstep/script || echo no-remove
	- {name: b, image: $IMG/busybox:1, commands: [grep 1.2.3.4 /etc/hosts || echo hosts-are-ours]}
	Y
        podstep run
        assert_status 0
        assert_output_contains no-script
        assert_output_contains no-hosts
        assert_output_contains no-remove
        assert_output_contains "] hosts-are-ours"
}

@test "what a step does to its script and its hosts reaches no other step" {
        checkout <<-Y
	services:
	- {name: db, image: $IMG/exposes-a:1}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: [echo 1.2.3.4 db >>/etc/hosts || true, "echo 'echo evil' >>/podstep/script || true"]}
	- {name: b, image: $IMG/busybox:1, commands: ['wget -q -O - http://db:8080/', 'grep -q "ev[i]l" /podstep/script || echo scripts-are-ours']}
	Y
        podstep run
        assert_status 0
        assert_output_contains "] scripts-are-ours"
}

@test "labels and names are ours" {
        local job
        rm -rf "$BATS_TEST_TMPDIR/repo"
        checkout <<-Y
	labels: {io.podstep.job: mine, io.podstep.state: /elsewhere}
	steps:
	- {name: "../../holder", image: $IMG/busybox:1, environment: {io.podstep.job: mine}, commands: [exit 3]}
	Y
        podstep run --keep
        assert_status 1
        job=$(sed -n 's/^job \([0-9a-z]*\):.*/\1/p' <<<"$output" | head -1)
        run engine_api GET "$LIBPOD/containers/json?all=true&filters=%7B%22label%22%3A%5B%22io.podstep.job%3D$job%22%5D%7D"
        assert_output_contains "\"io.podstep.job\":\"$job\""
        refute_output_contains '"io.podstep.job":"mine"'
        refute_output_contains '/elsewhere'
        assert_output_matches "\"Names\":\[\"/?podstep-$job[-.a-z0-9]*\"\]"
}

@test "pull policies, users and devices that the operator did not allow" {
        settings <<<'{images: {allowed_pull: [missing]}}'
        tries 'pull: true'
        assert_refused "always"
        settings <<<'{steps: {allowed_users: ["1000", "1000:1000"]}}'
        tries 'backend_options: {docker: {user: "1000:0"}}'
        assert_refused "who is not an allowed one"
        settings <<<'{trusted: [volumes], steps: {allowed_devices: [/dev/fuse]}}'
        tries 'devices: ["/dev/null:/dev/fuse"]'
        assert_refused "the device '/dev/null', which is not an allowed one"
}

@test "limits of the operator's hold for what a file starts beside them, too" {
        settings <<<'{steps: {ulimits: [nofile=256:256]}}'
        runs "ulimit -n 512 || echo no-more" "ulimit -n"
        assert_output_contains no-more
        assert_output_matches '^256$'
}

@test "files that a step leaves as links are not followed when they are copied out" {
        echo mine >"$BATS_TEST_TMPDIR/private"
        checkout <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, commands: ["ln -s $BATS_TEST_TMPDIR/private out", "ln -s $BATS_TEST_TMPDIR dir", "ln -s / root"]}
	Y
        podstep run --export out --export dir/private --export root/etc/passwd --export-to "$BATS_TEST_TMPDIR/results" || true
        run find "$BATS_TEST_TMPDIR/results" -type f
        assert_equal "$output" ""
}

@test "the index of a checkout that names files outside: --clean copies none of them" {
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: ['true']}]"
        mkdir aa
        echo b >aa/evil
        git add -A
        python3 - <<-'P'
	import hashlib
	data = open(".git/index", "rb").read()[:-20].replace(b"aa/evil", b"../evil")
	open(".git/index", "wb").write(data + hashlib.sha1(data).digest())
	P
        echo outside >../evil
        podstep run --clean
        assert_status 125
        assert_output_contains "names '../evil', which lies outside"
}
