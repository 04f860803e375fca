# What steps see of the checkout, what becomes of what they write, and whom the files belong to.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown() { end_test; }
teardown_file() { leaks_after; }

# everything in the checkout with type, mode, owner, time and content
fingerprint() { find . -printf '%p %y %m %u %T@ %l\n' | sort | sha256sum; find . -type f -exec sha256sum {} + | sort | sha256sum; }
changes() { query "[e['text'] for e in events if e['event'] == 'change']"; }

@test "the checkout stays as it is, later steps see what earlier ones wrote" {
        local before
        bare_checkout
        mkdir -p sub/deep
        echo old >changed; echo gone >deleted; echo x >sub/deep/file; ln -s README link; echo "#!/bin/sh" >tool; chmod 755 tool
        cat >.woodpecker.yaml <<-Y
	steps:
	- {name: write, image: $IMG/busybox:1, commands: [echo new >changed, rm deleted, rm -r sub, mkdir made, echo made >made/file, chmod 600 tool, ln -sf changed link]}
	- {name: read, image: $IMG/busybox:1, commands: [cat changed made/file, test ! -e deleted, test ! -e sub]}
	Y
        git add -A
        git commit -qm first
        echo untracked >untracked
        before=$(fingerprint)
        podstep_json
        assert_status 0
        assert_query "lines('read')[1:3]" $'new\nmade'
        assert_equal "$(fingerprint)" "$before"
        assert_equal "$(git status --porcelain)" "?? untracked"
        run changes
        assert_line "M changed"
        assert_line "D deleted"
        assert_line "A made/file"
        assert_line "M tool"
}

@test "files outside the index are seen by steps as well" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [cat untracked .git/HEAD]}
	Y
        echo not added >untracked
        podstep run
        assert_status 0
        assert_line "not added"
        assert_line "ref: refs/heads/main"
}

@test "run from a directory below works on the whole checkout" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [cat README]}
	Y
        mkdir below
        cd below
        podstep run
        assert_status 0
        assert_line hello
}

@test "--write writes into the checkout" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [echo kept >result, rm README]}
	Y
        podstep run --write
        assert_status 0
        assert_equal "$(cat result)" kept
        [ ! -e README ]
        assert_equal "$(stat -c %u result)" "$(id -u)"
}

@test "--export copies files, directories and patterns out, also of a job that failed" {
        checkout <<-Y
	steps:
	- name: s
	  image: $IMG/busybox:1
	  commands: [mkdir -p dist/sub logs, echo 1 >dist/a, echo 2 >dist/sub/b, echo 3 >one.txt, echo 4 >logs/x.log, echo 5 >logs/y.txt, ln -s a dist/link, chmod 750 dist/a, exit 4]
	Y
        podstep run --export dist --export one.txt --export 'logs/*.log' --export-to "$BATS_TEST_TMPDIR/out"
        assert_status 1
        cd "$BATS_TEST_TMPDIR/out"
        assert_equal "$(find . -type f -o -type l | sort | tr '\n' ' ')" "./dist/a ./dist/link ./dist/sub/b ./logs/x.log ./one.txt "
        assert_equal "$(cat dist/sub/b one.txt logs/x.log | tr '\n' ' ')" "2 3 4 "
        assert_equal "$(stat -c '%a %u' dist/a) $(readlink dist/link)" "750 $(id -u) a"
}

@test "--export without a place puts results into the checkout, and nothing else" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [echo wanted >result, echo other >other]}
	Y
        podstep run --export result
        assert_status 0
        assert_equal "$(git status --porcelain)" "?? result"
        assert_equal "$(cat result)" wanted
}

@test "--export of something that is not there is a failure" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [echo x >there]}
	Y
        podstep run --export 'nosuch/*'
        assert_status 1
        assert_output_contains "nosuch/*"
        assert_equal "$(git status --porcelain)" ""
}

@test "--export does not follow a link out of its directory" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [mkdir out, echo bad >out/evil]}
	Y
        mkdir "$BATS_TEST_TMPDIR/elsewhere" "$BATS_TEST_TMPDIR/target"
        ln -s ../elsewhere "$BATS_TEST_TMPDIR/target/out"
        podstep run --export out --export-to "$BATS_TEST_TMPDIR/target"
        assert_equal "$(ls "$BATS_TEST_TMPDIR/elsewhere")" ""
}

@test "--clean: only what git tracks, and what is changed in it" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [cat README, test ! -e untracked, test ! -e ignored, git=no, test -d .git, echo out >result]}
	Y
        echo ignored >.gitignore
        git add .gitignore
        git commit -qm ignore
        echo changed >README
        touch untracked ignored
        podstep_json --clean
        assert_status 0
        assert_query "lines('s')[1]" changed
        assert_query "[e['text'] for e in events if e['event'] == 'change']" "A result"
        assert_equal "$(git status --porcelain | tr '\n' ' ')" " M README ?? untracked "
}

@test "--clean outside of git is an error that says so" {
        bare_checkout
        rm -rf .git
        printf 'steps: [{name: s, image: %s/busybox:1, commands: ["true"]}]\n' $IMG >.woodpecker.yaml
        GIT_CEILING_DIRECTORIES=/ podstep run --clean
        [ "$status" != 0 ]
        assert_output_contains "--clean"
        assert_output_contains git
}

@test "a checkout without git works" {
        bare_checkout
        rm -rf .git
        printf 'steps: [{name: s, image: %s/busybox:1, commands: [cat README]}]\n' $IMG >.woodpecker.yaml
        podstep run
        assert_status 0
        assert_line hello
}

@test "a checkout whose name overlay mounts cannot hold is copied" {
        need_podman "there is no overlay: every checkout is sent"
        checkout 'odd, name: "x' <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [cat README, echo new >made, echo more >>README, rm .woodpecker.yaml]}
	Y
        podstep_json
        assert_status 0
        assert_query "lines('s')[1]" hello
        assert_query "sorted(e['text'] for e in events if e['event'] == 'change')" $'A made\nD .woodpecker.yaml\nM README'
        assert_query "any('copied' in e.get('text', '') for e in events if e['event'] == 'note')" True
        assert_equal "$(git status --porcelain)" ""
}

@test "a checkout with a space in its name" {
        checkout 'a name' <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [cat README]}
	Y
        podstep run
        assert_status 0
        assert_line hello
}

# ---- users ----

@test "root, a number, a name and the image's own user share the workspace" {
        checkout <<-Y
	steps:
	- {name: root, image: $IMG/busybox:1, commands: [id -u, echo root >f]}
	- {name: number, image: $IMG/busybox:1, commands: [id -u, echo number >>f, 'stat -c owner=%u:%g f README'], backend_options: {docker: {user: "1234:4321"}}}
	- {name: no group, image: $IMG/busybox:1, commands: ['echo "\$(id -u) \$(id -g)"', echo more >>f, echo x >g], backend_options: {docker: {user: "77"}}}
	- {name: name, image: $IMG/tools:1, commands: [id -un, echo name >>f, 'stat -c owner=%U f'], backend_options: {docker: {user: build}}}
	- {name: image, image: $IMG/nonroot:1, commands: [id -u, echo image >>f, 'echo "\$HOME"', cat f]}
	Y
        podstep_json --export f --export g
        assert_status 0
        assert_query "lines('root')[1]" 0
        assert_query "(lines('number')[1], lines('number')[-2:])" "('1234', ['owner=1234:4321', 'owner=1234:4321'])"
        assert_query "lines('no group')[1]" "77 0"
        assert_query "(lines('name')[1], lines('name')[-1])" "('build', 'owner=build')"
        assert_query "(lines('image')[1], lines('image')[-5:])" "('1000', ['root', 'number', 'more', 'name', 'image'])"
        assert_equal "$(stat -c '%u %h' f)" "$(id -u) 1"
        assert_equal "$(stat -c '%u:%g' g)" "$(id -u):$(id -g)"
}

@test "a user that the image does not know is an error that says so" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: ['true'], backend_options: {docker: {user: nobody-here}}}
	Y
        podstep run
        assert_status 125
        assert_output_contains "nobody-here"
        assert_output_contains "/etc/passwd"
}

@test "a user id outside of the subordinate ids is an error that tells the range" {
        need_podman "users are not mapped, so there is no range"
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: ['true'], backend_options: {docker: {user: "3000000000"}}}
	Y
        podstep run
        assert_status 125
        assert_output_contains 3000000000
        assert_output_contains /etc/subuid
}

@test "files of foreign users are removed with the job" {
        local volumes
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [mkdir -p d/e, touch d/e/f, chown -R 77:77 d, chmod 700 d d/e, mkdir ro, touch ro/x, chmod 500 ro]}
	Y
        podstep_json
        assert_status 0
        assert_nothing_left
        [ "$ENGINE" = docker ] || volumes=$(podman info --format '{{.Store.VolumePath}}')
        [ "$ENGINE" = docker ] || assert_equal "$(find "$volumes" -maxdepth 1 -name "podstep-$(query "result['job']")*")" ""
        assert_equal "$(git status --porcelain)" ""
}

@test "files of foreign users do not stop results from being collected" {
        checkout <<-Y
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [mkdir locked, echo x >locked/f, chown -R 77:77 locked, chmod 700 locked, echo fine >result]}
	Y
        podstep run --export result
        assert_status 0
        assert_equal "$(cat result)" fine
}

# ---- what a step may ask of its host ----

@test "volumes of the host: read-only stays so, a named one is shared by steps" {
        mkdir "$BATS_TEST_TMPDIR/host"
        echo from outside >"$BATS_TEST_TMPDIR/host/file"
        checkout <<-Y
	steps:
	- {name: ro, image: $IMG/busybox:1, volumes: ["$BATS_TEST_TMPDIR/host:/mnt/host:ro"], commands: [cat /mnt/host/file, '! touch /mnt/host/new']}
	- {name: rw, image: $IMG/busybox:1, volumes: ["$BATS_TEST_TMPDIR/host:/mnt/host"], commands: [echo inside >/mnt/host/new]}
	Y
        podstep run --trusted volumes
        assert_status 0
        assert_line "from outside"
        assert_equal "$(cat "$BATS_TEST_TMPDIR/host/new")" inside
}

@test "a privileged step" {
        need_podman "the lab's root has less capabilities than Docker gives to a privileged container"
        checkout <<-Y
	steps:
	- {name: privileged, image: $IMG/busybox:1, privileged: true, commands: ['mount -t tmpfs none /tmp && echo mounted']}
	Y
        podstep run --trusted all
        assert_status 0
        assert_line mounted
}

@test "tmpfs, extra_hosts, devices, dns and network_mode reach the container" {
        checkout <<-Y
	steps:
	- {name: tmpfs, image: $IMG/busybox:1, depends_on: [], tmpfs: ["/fast:size=1m"], commands: ["grep ' /fast tmpfs' /proc/mounts"]}
	- {name: hosts, image: $IMG/busybox:1, depends_on: [], extra_hosts: ["other.lan:192.0.2.7"], commands: [cat /etc/hosts]}
	- {name: devices, image: $IMG/busybox:1, depends_on: [], devices: ["/dev/null:/dev/mine:rw"], commands: [test -c /dev/mine]}
	- {name: dns, image: $IMG/busybox:1, depends_on: [], dns: [192.0.2.53], dns_search: [lab.test], commands: [cat /etc/resolv.conf]}
	- {name: none, image: $IMG/busybox:1, depends_on: [], network_mode: none, commands: ['test "\$(ls /sys/class/net)" = lo']}
	- {name: host, image: $IMG/busybox:1, depends_on: [], network_mode: host, commands: [readlink /proc/self/ns/net]}
	Y
        podstep_json --trusted all
        assert_status 0
        assert_query "'size=1024k' in lines('tmpfs')[-1]" True
        assert_query "any(l.split()[:2] == ['192.0.2.7', 'other.lan'] for l in lines('hosts'))" True
        if [ "$ENGINE" = docker ]; then   # names are its DNS server's there, which asks the servers of the step
                assert_query "'search lab.test' in lines('dns')" True
                return
        fi
        assert_query "any(l.split() == ['127.0.0.1', 'devices'] for l in lines('hosts'))" True
        assert_query "[l for l in lines('dns') if l.startswith(('nameserver 192', 'search'))]" $'nameserver 192.0.2.53\nsearch lab.test'
        assert_query "lines('host')[-1]" "$(readlink /proc/self/ns/net)"
}
