# An engine that cannot see this machine's files: Docker always, Podman with --remote. What is sent, what comes back.
load helpers

setup_file() { leaks_before; }
setup() {
        need_engine
        FAR=()
        [ "$ENGINE" = docker ] || FAR=(--remote)
}
teardown() { end_test; }
teardown_file() { leaks_after; }

@test "the checkout is sent as it is, and what changed is told" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [cat dir/file, test -x run, readlink link, echo new >made, echo hallo >README, rm -r gone, touch untouched]}
	Y
        mkdir dir gone
        echo in a directory >dir/file
        printf '#!/bin/sh\n' >run
        chmod 755 run
        ln -s dir/file link
        touch gone/a gone/b untouched
        podstep_json "${FAR[@]}"
        assert_status 0
        assert_query "[l for l in lines('s') if not l.startswith('+')]" $'in a directory\ndir/file'
        assert_query "sorted(e['text'] for e in events if e['event'] == 'change')" $'A made\nD gone\nM README'
        assert_equal "$(cat README)" hello
        [ -e gone/a ] && [ ! -e made ]
        assert_nothing_left
}

@test "--export brings results, --export-to elsewhere" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [mkdir -p out/deep, echo a >out/a, echo b >out/deep/b, chmod 755 out/a, ln -sf a out/l, echo c >other]}
	Y
        podstep run "${FAR[@]}" --export out
        assert_status 0
        assert_equal "$(cat out/a out/deep/b)" $'a\nb'
        [ -x out/a ] && [ "$(readlink out/l)" = a ] && [ ! -e other ]
        podstep run "${FAR[@]}" --export other --export-to "$BATS_TEST_TMPDIR/results"
        assert_status 0
        assert_equal "$(cat "$BATS_TEST_TMPDIR/results/other")" c
}

@test "--write does to the checkout what the job did" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [echo new >made, echo hallo >README, rm -r gone]}
	Y
        mkdir gone
        touch gone/a
        podstep run "${FAR[@]}" --write
        assert_status 0
        assert_equal "$(cat made README)" $'new\nhallo'
        [ ! -e gone ]
        assert_equal "$(find . -not -user "$(id -un)")" ""
}

@test "--clean sends what git tracks" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [ls, echo x >made]}
	Y
        touch untracked
        podstep_json "${FAR[@]}" --clean
        assert_status 0
        assert_query "lines('s')[1:-1]" README
        assert_query "[e['text'] for e in events if e['event'] == 'change']" "A made"
}

@test "steps of different users share the files, whoever wrote them" {
        checkout <<-Y
	steps:
	- {name: one, image: $IMG/busybox:1, commands: [id -u, echo 1 >one, chmod 600 one], backend_options: {docker: {user: "1234:1234"}}}
	- {name: two, image: $IMG/busybox:1, commands: [id -u, cat one, echo 2 >>one, echo 2 >README], backend_options: {docker: {user: "77"}}}
	- {name: root, image: $IMG/busybox:1, commands: [id -u, echo 0 >>one, mkdir d, chmod 700 d, echo 0 >d/f]}
	- {name: again, image: $IMG/busybox:1, commands: [id -u, cat d/f one, rm -r d, echo 3 >>one], backend_options: {docker: {user: "1234:1234"}}}
	Y
        podstep_json "${FAR[@]}" --export one
        assert_status 0
        assert_query "[lines(s)[1] for s in ('one', 'two', 'root', 'again')]" $'1234\n77\n0\n1234'
        assert_equal "$(cat one)" $'1\n2\n0\n3'
        assert_equal "$(stat -c %U one)" "$(id -un)"
        assert_nothing_left
}

@test "a secret of a plugin is in its program's environment, and in no inspect" {
        checkout <<-Y
	steps:
	- name: plugin
	  image: $IMG/busybox:1
	  entrypoint: [/bin/sh, -c, 'test "\$PASSWORD" = s3cr3t-value && echo has it; exit 3']
	  environment: {PASSWORD: {from_secret: token}}
	Y
        TOKEN=s3cr3t-value podstep run "${FAR[@]}" --secret TOKEN --keep
        assert_status 1
        assert_line "has it"
        engine_cli inspect "$(container_of plugin)" >"$BATS_TEST_TMPDIR/inspect"
        ! grep -q s3cr3t "$BATS_TEST_TMPDIR/inspect"
        "$PODSTEP" prune --all >/dev/null
        assert_nothing_left
}

@test "a service is ready when its port is open, and is reached by its name" {
        checkout <<-Y
	services:
	- {name: db, image: $IMG/redis:1}
	steps:
	- {name: s, image: $IMG/redis:1, entrypoint: [redis-cli, -h, db, ping]}
	Y
        podstep_json "${FAR[@]}"
        assert_status 0
        assert_query "lines('s')[-1]" PONG
        assert_nothing_left
}

@test "a service whose health check says so is ready within seconds" {
        checkout <<-Y
	services:
	- {name: web, image: $IMG/health:1}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: ['true']}
	Y
        took 25 podstep run "${FAR[@]}"
        assert_status 0
}

@test "--clone: the repository as it was committed" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [cat README, test ! -e untracked, echo x >made]}
	Y
        touch untracked
        echo changed >README
        podstep_json "${FAR[@]}" --clone
        assert_status 0
        assert_query "lines('s')[1]" hello
        assert_query "[e['text'] for e in events if e['event'] == 'change']" "A made"
        assert_nothing_left
}

@test "a large checkout is sent and fetched with little memory" {
        local peak
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: ['test "\$(wc -c <large)" = 100000000', 'echo x >>large']}
	Y
        head -c 100000000 /dev/urandom >large
        printf 'large\n' >.git/info/exclude
        LIMIT=120 podstep_to "$BATS_TEST_TMPDIR/out" run "${FAR[@]}"
        assert_status 0
        assert_output_contains "M large"
        peak=$(/usr/bin/python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$PODSTEP" run "${FAR[@]}")
        [ "$peak" -lt 40000 ] || [ "${PODSTEP#*asan}" != "$PODSTEP" ] || fail "it took $peak KB"
}
