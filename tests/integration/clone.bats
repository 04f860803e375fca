# --clone: the workspace is a clone, made by git of this machine or by the workflow's own steps.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown() { end_test; }
teardown_file() { leaks_after; }

# cloned COMMANDS...: a checkout with two commits whose only step runs the commands
cloned() {
        local command file
        file="steps:"$'\n'"- name: look"$'\n'"  image: $IMG/busybox:1"$'\n'"  commands:"
        for command; do file+=$'\n'"  - '$command'"; done
        checkout <<<"$file"
        echo second >>README
        git commit -qam second
}

@test "--clone: steps see what is committed and nothing else" {
        cloned 'cat README' 'ls' 'cat .git/HEAD .git/refs/heads/main'
        echo dirty >>README
        touch untracked
        podstep_json --clone
        assert_status 0
        assert_query "[e['step'] for e in events if e['event'] == 'step' and e['state'] == 'done']" $'clone\nlook'
        assert_query "[l for l in lines('look') if l[0] != '+']" $'hello\nsecond\nREADME\nref: refs/heads/main\n'"$(git rev-parse HEAD)"
        assert_equal "$(cat README | tail -1)" dirty
        assert_nothing_left
}

@test "a clone needs no network and leaves no trace in the checkout" {
        cloned 'true'
        git remote add origin https://nowhere.invalid/o/n.git
        find .git -type f | sort | xargs md5sum >"$BATS_TEST_TMPDIR/before"
        podstep run --clone
        assert_status 0
        find .git -type f | sort | xargs md5sum | cmp - "$BATS_TEST_TMPDIR/before"
        assert_line "+ git remote add -- origin https://nowhere.invalid/o/n.git"
}

@test "--clone-depth" {
        cloned 'cat .git/shallow'
        podstep run --clone --clone-depth 1
        assert_status 0
        assert_line "$(git rev-parse HEAD)"
        podstep run --clone
        assert_status 1         # no such file
}

@test "services and parallel steps wait for the clone" {
        checkout <<-Y
	services:
	- {name: reads, image: $IMG/busybox:1, commands: ['cat README; sleep 100']}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: [cat README], depends_on: []}
	- {name: b, image: $IMG/busybox:1, commands: [cat README], depends_on: []}
	- {name: c, image: $IMG/busybox:1, commands: [cat README], depends_on: [a, b]}
	Y
        podstep_json --clone
        assert_status 0
        assert_query "[lines(s)[-1] for s in ('reads', 'a', 'b', 'c')]" $'hello\nhello\nhello\nhello'
        assert_query "all(at('clone', 'done') < at(s, 'running') for s in ('reads', 'a', 'b'))" True
}

@test "only what is written after the clone is a change, and it can be exported" {
        cloned 'mkdir out && echo made >out/file && echo more >>README'
        podstep_json --clone --export 'out/*' --export-to "$BATS_TEST_TMPDIR/results"
        assert_status 0
        assert_query "[e['text'] for e in events if e['event'] == 'change']" $'M README\nA out/file'
        assert_equal "$(cat "$BATS_TEST_TMPDIR/results/out/file")" made
        assert_equal "$(cat README)" $'hello\nsecond'
}

@test "a step as another user owns what was cloned" {
        checkout <<-Y
	steps:
	- name: other
	  image: $IMG/busybox:1
	  commands: [id -u, stat -c %u README, echo x >>README]
	  backend_options: {docker: {user: "1234:1234"}}
	Y
        podstep run --clone
        assert_status 0
        assert_line 1234
}

@test "a worktree, a detached commit, a tag" {
        cloned 'cat README' 'cat .git/HEAD'
        git tag v1
        git worktree add -q --detach ../side HEAD~1
        cd ../side
        podstep run --clone
        assert_status 0
        assert_line hello
        refute_output_contains second
        cd ../repo
        podstep run --clone --event tag
        assert_status 0
        assert_output_contains "--tags"
}

@test "a checkout that borrows its objects from another repository" {
        cloned 'cat README'
        git clone -q --shared . ../borrower
        cd ../borrower
        podstep run --clone
        assert_status 0
        assert_line second
}

@test "--clone-from origin: a repository of this machine" {
        cloned 'cat README'
        git clone -q --bare . ../origin.git
        git remote add origin ../origin.git
        podstep run --clone --clone-from origin
        assert_status 0
        assert_line second
        git commit -q --allow-empty -m "not there yet"
        podstep run --clone --clone-from origin
        assert_status 1
        assert_output_contains "$(git rev-parse HEAD)"
}

# a server of files that wants a user and a password
serve() {
        cat >"$BATS_TEST_TMPDIR/serve.py" <<-'P'
	import base64, functools, http.server, sys

	class Handler(http.server.SimpleHTTPRequestHandler):
	    def do_GET(self):
	        if self.headers.get('Authorization') == 'Basic ' + base64.b64encode(b'anna:s3cr3t').decode():
	            return super().do_GET()
	        self.send_response(401)
	        self.send_header('WWW-Authenticate', 'Basic realm="x"')
	        self.end_headers()

	server = http.server.ThreadingHTTPServer(('', 0), functools.partial(Handler, directory=sys.argv[1]))
	open(sys.argv[2], 'w').write(str(server.server_port))
	server.serve_forever()
	P
        background /usr/bin/python3 "$BATS_TEST_TMPDIR/serve.py" "$1" "$BATS_TEST_TMPDIR/port"
        wait_until 10 test -s "$BATS_TEST_TMPDIR/port" || fail "the server does not come up"
}

@test "--clone-from origin: over the network, with the credentials of CI_NETRC_*" {
        local address
        address=$(hostname -I | cut -d' ' -f1)
        [ -n "$address" ] || skip "needs an address that containers reach"
        cloned 'cat README'
        git clone -q --bare . ../o/n.git
        git -C ../o/n.git update-server-info
        serve "$BATS_TEST_TMPDIR"
        git remote add origin "http://user:ignored@$address:$(cat "$BATS_TEST_TMPDIR/port")/o/n.git"
        printf 'CI_NETRC_MACHINE=%s\nCI_NETRC_USERNAME=anna\nCI_NETRC_PASSWORD=s3cr3t\n' "$address" >../netrc.env
        podstep run --clone --clone-from origin
        assert_status 1
        assert_output_contains "could not read Username"
        podstep run --clone --clone-from origin --env-file ../netrc.env
        assert_status 0
        assert_line second
        refute_output_contains s3cr3t
}

@test "'clone' of the workflow runs with --clone, and is left out without" {
        checkout <<-Y
	clone:
	- {name: first, image: $IMG/busybox:1, commands: ['ls; echo one >made']}
	- {name: second, image: $IMG/busybox:1, commands: ['cat made; echo two >>made']}
	steps:
	- {name: look, image: $IMG/busybox:1, commands: ['cat made || ls']}
	Y
        podstep_json --clone
        assert_status 0
        assert_query "[l for l in lines('look') if l[0] != '+']" $'one\ntwo'
        assert_query "step('first').get('type', 'clone')" clone
        podstep_json
        assert_status 0
        assert_query "[e['step'] for e in events if e['event'] == 'step' and e['state'] == 'done']" look
        podstep plan
        assert_output_contains "first: the checkout is there already, '--clone' fetches it anew (line 2)"
}

@test "skip_clone: nothing is fetched" {
        checkout <<-Y
	skip_clone: true
	steps:
	- {name: look, image: $IMG/busybox:1, commands: ['ls -A | wc -l']}
	Y
        podstep run --clone
        assert_status 0
        assert_line 0
}

@test "--clone without a commit is told" {
        bare_checkout
        printf 'steps: [{name: one, image: %s/busybox:1, commands: [date]}]\n' "$IMG" >.woodpecker.yaml
        podstep run --clone
        assert_status 2
        assert_output_contains "there is no commit to clone"
        podstep run --clone --env CI_COMMIT_SHA=--upload-pack=evil
        assert_status 125
        assert_output_contains "CI_COMMIT_SHA is not the full name of a commit"
        assert_nothing_left
}

@test "--step keeps the clone" {
        checkout <<-Y
	steps:
	- {name: one, image: $IMG/busybox:1, commands: [cat README], depends_on: []}
	- {name: two, image: $IMG/busybox:1, commands: [cat README], depends_on: []}
	Y
        podstep_json --clone --step two
        assert_status 0
        assert_query "[e['step'] for e in events if e['event'] == 'step' and e['state'] == 'done']" $'clone\ntwo'
        podstep_json --clone --from two
        assert_status 0
        assert_query "sorted(set(e['step'] for e in events if e['event'] == 'step' and e['state'] == 'done'))" $'clone\ntwo'
}

@test "what does not go together is told" {
        cloned 'true'
        podstep run --clone --write
        assert_status 2
        podstep run --clone --clean
        assert_status 2
        podstep run --clone-depth 3
        assert_status 2
        podstep run --clone --clone-depth x
        assert_status 2
}

@test "Ctrl-C while cloning" {
        checkout <<-Y
	clone:
	- {name: slow, image: $IMG/busybox:1, commands: [echo here, exec sleep 100]}
	steps:
	- {name: never, image: $IMG/busybox:1, commands: [echo must not run]}
	Y
        podstep_start run --clone --grace 1s
        wait_output '^here'
        kill -INT "$PODSTEP_PID"
        podstep_end 20
        assert_status 130
        refute_output_contains "must not run"
        assert_nothing_left
}
