# The operator's settings: each is seen in what the engine says of the container, and in what the step finds inside.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown() {
        podstep prune --all
        end_test
}
teardown_file() { leaks_after; }

# step COMMAND...: a job of one step that runs the commands and fails, so that its container is kept to be looked at
step() {
        local command text
        text=$(printf 'steps:\n- name: a\n  image: %s/busybox:1\n  commands:' "$IMG")
        for command in "$@" 'exit 3'; do text+=$(printf "\n  - '%s'" "${command//\'/\'\'}"); done
        rm -rf "$BATS_TEST_TMPDIR/repo"
        checkout <<<"$text"
        podstep run --keep
        assert_status 1
}

# inspected EXPRESSION: of the container of step a; d is its inspect, h its HostConfig, c its Config
inspected() {
        local job
        job=$(sed -n 's/^job \([0-9a-z]*\):.*/\1/p' <<<"$output" | head -1)
        container_json "podstep-$job-a" |
                python3 -c 'import json, sys; d = json.load(sys.stdin); h = d["HostConfig"]; c = d["Config"]; print(eval(sys.argv[1]))' "$1"
}

assert_inspected() {
        local got
        got=$(inspected "$1")
        [ "$got" = "$2" ] || { printf '%s is %s, not %s\n' "$1" "$got" "$2" >&2; return 1; }
}

@test "nothing set: nothing gains privileges, and only capabilities that builds need are left" {
        step "grep -E 'NoNewPrivs|CapEff' /proc/self/status"
        assert_output_matches 'NoNewPrivs:\s*1'
        # CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE, SYS_CHROOT, SETFCAP
        assert_output_matches 'CapEff:\s*00000000800404fb'
        assert_inspected '"no-new-privileges" in h["SecurityOpt"]' True
        assert_inspected 'h["Privileged"]' False
}

@test "another user than root has no capabilities at all" {
        checkout <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, backend_options: {docker: {user: "1234:1234"}}, commands: ["grep CapEff /proc/self/status"]}
	Y
        podstep run
        assert_status 0
        assert_output_matches 'CapEff:\s*0000000000000000'
}

@test "packages of root's: owners, modes, other users, file capabilities" {
        checkout <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, commands: ["touch /f", "chown 7:7 /f", "chmod 4755 /f", "su -s /bin/sh nobody -c 'id -u' || id nobody", "mkdir /r && chroot / true"]}
	Y
        podstep run
        assert_status 0
}

@test "cap_add, cap_drop" {
        settings <<<'{steps: {cap_add: [SYS_PTRACE], cap_drop: [kill]}}'
        step "grep CapEff /proc/self/status"
        # without KILL (5), with SYS_PTRACE (19)
        assert_output_matches 'CapEff:\s*00000000800c04db'
}

@test "capabilities: a list of one's own" {
        settings <<<'{steps: {capabilities: [CHOWN, NET_RAW]}}'
        step "grep CapEff /proc/self/status"
        assert_output_matches 'CapEff:\s*0000000000002001'
}

@test "cap_drop: all" {
        settings <<<'{steps: {cap_drop: [all]}}'
        step "grep CapBnd /proc/self/status"
        assert_output_matches 'CapBnd:\s*0000000000000000'
}

@test "security_opt, no_new_privileges" {
        settings <<-Y
	steps:
	  no_new_privileges: false
	  security_opt: [seccomp=unconfined, mask=/etc/passwd, "label=level:s0:c1,c2"]
	Y
        step "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status" "wc -c /etc/passwd || true"
        assert_output_matches 'NoNewPrivs:\s*0'
        # in a machine that is a container itself there is one around it
        assert_output_matches "Seccomp:\\s*$(awk '/^Seccomp:/ {print $2}' /proc/self/status)"
        assert_output_matches '^0 /etc/passwd'
}

@test "privileged" {
        settings <<<'{steps: {privileged: true}}'
        if [ "$ENGINE" = docker ]; then
                # the lab's daemon has less capabilities itself than it would give: that it is asked to is all there is to see
                checkout <<<"steps: [{name: a, image: $IMG/busybox:1, commands: ['true']}]"
                podstep run --keep
        else
                step true
        fi
        assert_inspected 'h["Privileged"]' True
}

@test "privileged only for listed images" {
        settings <<<'{trusted: [security], images: {allowed_privileged: ["docker:*"]}}'
        checkout <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, privileged: true, commands: [exit 3]}
	Y
        podstep run --keep
        assert_status 1
        assert_output_contains "step 'a' runs without privileged mode"
        assert_inspected 'h["Privileged"]' False
}

@test "ulimits, shm_size, oom_score_adjust, sysctls, hostname, init, stop at once" {
        settings <<-Y
	steps:
	  ulimits: [nofile=512:1024]
	  shm_size: 1m
	  oom_score_adjust: 500
	  sysctls: {net.ipv4.ip_unprivileged_port_start: "77"}
	  hostname: builder
	  init: true
	Y
        step "ulimit -Sn; ulimit -Hn" "df -k /dev/shm | tail -1" "cat /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_unprivileged_port_start" hostname
        assert_output_matches '^512$'
        assert_output_matches '^1024$'
        assert_output_matches 'shm +1024 '
        assert_output_matches '^500$'
        assert_output_matches '^77$'
        assert_output_matches '^builder$'
        assert_inspected 'h["Init"]' True
        assert_inspected 'h["ShmSize"]' 1048576
        assert_inspected 'h["OomScoreAdj"]' 500
        assert_inspected 'c["Hostname"]' builder
        assert_inspected '[u["Hard"] for u in h["Ulimits"] if u["Name"].lower().endswith("nofile")]' '[1024]'
}

@test "tmpfs, read_only" {
        settings <<<'{steps: {read_only: true, tmpfs: {/scratch: "size=1m,mode=1777"}}}'
        step "touch /x || echo cannot" "touch /tmp/x /run/x /scratch/x && echo can" "df -k /scratch | tail -1"
        assert_output_contains cannot
        assert_output_matches '^can$'
        assert_output_matches ' 1024 .*/scratch'
        assert_inspected 'h["ReadonlyRootfs"]' True
}

@test "devices" {
        settings <<<'{steps: {devices: ["/dev/null:/dev/mine:rw"]}}'
        step "test -c /dev/mine && echo there"
        assert_output_matches '^there$'
}

@test "devices for some images only" {
        settings <<<'{steps: {image_devices: {"elsewhere/*": [/dev/null:/dev/theirs], "**/busybox:*": [/dev/null:/dev/mine]}}}'
        step "ls /dev"
        assert_output_matches '^mine$'
        refute_output_contains theirs
}

@test "groups, ipc_mode, pid_mode" {
        settings <<<'{steps: {group_add: ["4321"], ipc_mode: private, pid_mode: private}}'
        step "id -G"
        assert_output_matches '(^| )4321( |$)'
        assert_inspected 'h["GroupAdd"]' "['4321']"
        assert_inspected 'h["IpcMode"] in ("private", "shareable")' True
}

@test "user: the operator's counts, and lists who is allowed" {
        settings <<<'{steps: {user: "1234:1234"}}'
        step "id -u"
        assert_output_matches '^1234$'
        settings <<<'{steps: {allowed_users: ["1234:1234"]}}'
        checkout other <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, backend_options: {docker: {user: root}}, commands: [id]}
	Y
        podstep run
        assert_status 3
        assert_output_matches "^.*:2:[0-9]+: error: step 'a' wants to run as user 'root', who is not an allowed one"
}

# enforced: which of these limits hold on this machine
enforced() {
        engine_api GET "$LIBPOD/info" | python3 -c 'import json, sys
info = json.load(sys.stdin)
words = {"MemoryLimit": "memory", "PidsLimit": "pids", "CpuCfsQuota": "cpu"}
has = info["host"].get("cgroupControllers") or [] if "host" in info else [words[w] for w in words if info[w]]
print(*sorted({"memory", "pids", "cpu"} & set(has)))'
}

@test "limits that hold nothing here are told and not sent, or refuse the job" {
        [ -z "$(enforced)" ] || skip "this machine enforces limits"
        settings <<<'{steps: {memory: 64m, pids: 50}}'
        step true
        assert_output_contains "limits for each step hold nothing on this machine: memory, pids"
        assert_inspected 'h["Memory"]' 0
        settings <<<'{jobs: {refuse_unenforced: true}, steps: {memory: 64m}}'
        podstep run
        assert_status 3
        assert_output_contains "the operator wants limits for each step that hold nothing on this machine: memory"
}

@test "limits, where the machine enforces them" {
        [ "$(enforced)" = "cpu memory pids" ] || skip "this machine enforces none"
        settings <<<'{steps: {memory: 64m, memory_swap: 64m, pids: 50, cpus: 0.5}}'
        step "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max"
        assert_output_matches '^67108864$'
        assert_output_matches '^50$'
        assert_inspected 'h["NanoCpus"]' 500000000
}

@test "what a step prints is cut at the limit, and the step goes on" {
        settings <<<'{jobs: {log_size: 1k}}'
        step "yes | head -n 2000" "touch /went-on"
        assert_output_contains "its output is larger than 1024 bytes: the rest is cut, the step goes on"
        [ "${#output}" -lt 6000 ]
        assert_output_contains "exit code 3"
}

@test "labels and variables of the operator's; ours count more" {
        settings <<<'{jobs: {labels: {team: blue}, environment: {COLOUR: blue, CI_STEP_NAME: mine}}}'
        step 'echo $COLOUR $CI_STEP_NAME'
        assert_output_matches '^blue a$'
        assert_inspected 'c["Labels"]["team"]' blue
        assert_inspected 'c["Labels"]["io.podstep.step"]' a
}

@test "a volume of the operator's, and a host directory read-only" {
        mkdir -p "$BATS_TEST_TMPDIR/certs"
        echo ours >"$BATS_TEST_TMPDIR/certs/ca"
        settings <<<"{volumes: {mounts: ['$BATS_TEST_TMPDIR/certs:/certs:ro']}}"
        step "cat /certs/ca" "touch /certs/x || echo cannot"
        assert_output_matches '^ours$'
        assert_output_contains cannot
}

@test "a cache of the project's outlives the job, has GitLab's name and our labels, and other projects have their own" {
        local name=runner-podstep-project-acme-app-643c82ee-concurrent-0-cache-3c3f060a0374fc8bc39395164f415a70
        settings <<<'{volumes: {mounts: [/cache]}}'
        checkout <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, commands: ["cat /cache/f || true", "date > /cache/f"]}
	Y
        podstep run --env CI_REPO=acme/app
        assert_status 0
        assert_output_contains "can't open"
        podstep run --env CI_REPO=acme/app
        assert_status 0
        refute_output_contains "can't open"
        podstep run --env CI_REPO=acme/other
        assert_output_contains "can't open"
        run engine_cli volume inspect "$name"
        assert_output_contains "\"io.podstep.cache\": \"$name\""
        refute_output_contains io.podstep.job
        engine_cli volume rm "$name" "$(engine_cli volume ls -q --filter name=runner-podstep-project-acme-other-)" >/dev/null
}

# on Docker what root of a container wrote is root's outside, too
remove_caches() {
        engine_cli run --rm -v "$BATS_TEST_TMPDIR:/d" "$IMG/busybox:1" rm -rf /d/caches
}

@test "a cache in a directory of the host's; none at all" {
        settings <<<"{volumes: {mounts: [/cache], cache_directory: $BATS_TEST_TMPDIR/caches}}"
        checkout <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, commands: ["ls /cache", "date > /cache/f"]}
	Y
        podstep run --env CI_REPO=17
        assert_status 0
        [ -s "$BATS_TEST_TMPDIR/caches/runner-podstep-project-17-concurrent-0/3c3f060a0374fc8bc39395164f415a70/f" ]
        settings <<<"{volumes: {mounts: [/cache], cache_directory: $BATS_TEST_TMPDIR/none, disable_cache: true}}"
        podstep run --env CI_REPO=17
        assert_status 0
        [ ! -e "$BATS_TEST_TMPDIR/none" ]
        podstep run --env CI_REPO=17
        refute_output_matches '^f$'
        remove_caches
}

@test "jobs of a project that run at once have a cache each" {
        local sync=$BATS_TEST_TMPDIR/sync at=$BATS_TEST_TMPDIR/caches/runner-web-project-17-concurrent
        mkdir "$sync"
        mkfifo "$sync/began" "$sync/go"
        settings <<<"{volumes: {mounts: [/cache, '$sync:/sync'], cache_directory: $BATS_TEST_TMPDIR/caches}, jobs: {runner: web}}"
        checkout <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, commands: ["ls /cache", "echo x >/cache/\$NAME", 'if [ \$NAME = first ]; then echo >/sync/began; cat /sync/go; fi']}
	Y
        podstep_start run --env CI_REPO=17 --env NAME=first
        timeout 120 cat "$sync/began"
        podstep run --env CI_REPO=17 --env NAME=second
        assert_status 0
        refute_output_matches '\bfirst$'
        echo >"$sync/go"
        podstep_end
        assert_status 0
        [ -s "$at"-0/*/first ] && [ -s "$at"-1/*/second ]
        podstep run --env CI_REPO=17 --env NAME=third
        assert_status 0
        assert_output_matches '\bfirst$'
        refute_output_matches '\bsecond$'
        remove_caches
}

@test "the driver's options of a cache" {
        settings <<<'{volumes: {mounts: [/small], driver_options: {type: tmpfs, device: tmpfs, o: "noexec"}}}'
        checkout <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, commands: ["grep /small /proc/mounts"]}
	Y
        podstep run --env CI_REPO=18
        assert_status 0
        assert_output_matches '^tmpfs /small tmpfs '
        engine_cli volume rm "$(engine_cli volume ls -q --filter name=runner-podstep-project-18-)" >/dev/null
}

@test "network: DNS servers, search domains, options and hosts, alone and beside a service" {
        settings <<<'{network: {dns: [10.9.8.7], dns_search: [corp.test], dns_options: ["ndots:3"], extra_hosts: ["box:10.1.2.3"]}}'
        step "cat /etc/resolv.conf /etc/hosts"
        # Docker's own DNS stands before it, if the container is on a network that was made
        [ "$ENGINE" = docker ] || assert_output_matches '^nameserver 10.9.8.7'
        assert_inspected 'h["Dns"]' "['10.9.8.7']"
        assert_output_matches '^search corp.test'
        assert_output_matches '^options .*ndots:3'
        assert_output_matches '^10.1.2.3\s+box'
        checkout other <<-Y
	services:
	- {name: db, image: $IMG/exposes-a:1}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: [cat /etc/resolv.conf /etc/hosts]}
	Y
        podstep run
        assert_status 0
        [ "$ENGINE" = docker ] || assert_output_matches '\] nameserver 10.9.8.7'
        assert_output_matches '\] search corp.test'
        assert_output_matches '\] options .*ndots:3'
        assert_output_matches '\] 10.1.2.3\s+box'
}

@test "network: IPv6 and MTU of a private network" {
        settings <<<'{network: {ipv6: true, mtu: 1280}}'
        step "cat /sys/class/net/eth0/mtu" "cat /proc/net/if_inet6"
        assert_output_contains "a private network, for IPv6"
        assert_output_matches '^1280$'
        assert_output_matches '^fd.* eth0$'
}

@test "network: an existing one that all join, too" {
        engine_cli network create "opt-join-$$" >/dev/null
        settings <<<"{network: {join: opt-join-$$}}"
        step "ls /sys/class/net"
        assert_output_contains "a private network, since every container joins another one, too"
        assert_output_matches '^eth1$'
        assert_inspected "'opt-join-$$' in d['NetworkSettings']['Networks']" True
        podstep prune --all
        engine_cli network rm "opt-join-$$" >/dev/null
}

@test "network: mode none and host for all" {
        settings <<<'{network: {mode: none}}'
        step "ls /sys/class/net"
        assert_output_contains "network mode 'none'"
        refute_output_matches '^(eth0|tap0)$'
        assert_inspected 'h["NetworkMode"]' none
        settings <<<'{network: {mode: host}}'
        step true
        assert_inspected 'h["NetworkMode"]' host
}

@test "metadata addresses cannot be reached, unless the operator says so" {
        local blocked="Permission denied"
        # nobody answers on the network of these addresses that each container is on
        [ "$ENGINE" = podman ] || blocked="No route to host"
        step "nc -w 9 169.254.169.254 80 || true" "nc -w 9 169.254.170.2 80 || true" "nc -w 2 100.100.100.200 80 || true" "ip -6 route || true"
        assert_output_contains "169.254.169.254): $blocked"
        assert_output_contains "169.254.170.2): $blocked"
        # on Docker those of IPv6 are out of reach as long as no network has it
        if [ "$ENGINE" = docker ]; then refute_output_contains default; else assert_output_contains "100.100.100.200): $blocked"; fi
        refute_output_contains "not blocked"
        checkout other <<-Y
	services:
	- {name: db, image: $IMG/exposes-a:1}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: [nc -w 9 169.254.169.254 80 || true]}
	- {name: b, image: $IMG/busybox:1, backend_options: {docker: {user: "77:77"}}, commands: [nc -w 9 169.254.169.254 80 || true]}
	Y
        podstep run
        assert_output_contains "[a] nc: can't connect to remote host (169.254.169.254): $blocked"
        assert_output_contains "[b] nc: can't connect to remote host (169.254.169.254): $blocked"
        if [ "$ENGINE" = docker ]; then
                # Docker asks name servers from inside: without those of the operator's no job has names, a job's lift nothing
                checkout third <<-Y
	steps:
	- {name: a, image: $IMG/busybox:1, dns: [169.254.169.254], commands: [nc -w 9 169.254.170.2 80 || true]}
	Y
                podstep run --trusted network
                assert_output_contains "169.254.170.2): $blocked"
                settings <<<'{network: {dns: [169.254.169.254]}}'
                step "ip route"
                assert_output_contains "not blocked: the name server 169.254.169.254 is link-local as they are"
                refute_output_contains "169.254.0.0/16"
        fi
        settings <<<'{network: {allow_metadata: true}}'
        step "nc -w 2 169.254.169.254 80 || true" "ip route"
        refute_output_contains "$blocked"
        [ "$ENGINE" = podman ] || refute_output_contains "169.254.0.0/16"      # pasta has addresses there
}

@test "services have settings of their own" {
        settings <<<'{services: {tmpfs: {/data: "size=1m"}, cap_drop: [all]}}'
        checkout <<-Y
	services:
	- {name: db, image: $IMG/busybox:1, commands: ["df -k /data | tail -1; grep CapBnd /proc/self/status; sleep 100"]}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: ["test ! -e /data", "sleep 1"]}
	Y
        podstep run --verbose
        assert_status 0
        assert_output_matches 'CapBnd:\s*0000000000000000'
        assert_output_matches ' 1024 .*/data'
}

@test "services of the operator's are beside those of the file" {
        settings <<<"{services: {always: [{image: '$IMG/busybox:1', alias: 'cache store', environment: {WHO: operator, HEALTHCHECK_TCP_PORT: '8085'},
                command: [sh, -c, 'mkdir /w; echo \$WHO >/w/index.html; exec httpd -f -p 8085 -h /w']}], max: 1}}"
        checkout <<-Y
	services:
	- {name: own, image: $IMG/busybox:1, commands: ["sleep 100"]}
	steps:
	- name: a
	  image: $IMG/busybox:1
	  commands: ['wget -qO- store:8085', 'wget -qO- cache:8085', '! nc own 9 </dev/null']
	Y
        podstep_json
        assert_status 0
        assert_query "lines('a').count('operator')" 2
}

@test "too many services" {
        settings <<<'{services: {max: 1}}'
        checkout <<-Y
	services:
	- {name: x, image: $IMG/busybox:1}
	- {name: y, image: $IMG/busybox:1}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: ["true"]}
	Y
        podstep run
        assert_status 3
        assert_output_matches ':3:[0-9]+: error: too many services requested: 2, only 1 allowed'
}
