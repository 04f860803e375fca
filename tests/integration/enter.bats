# 'podstep enter': a shell in the container of a step that was kept, with a terminal and without.
load helpers

setup_file() { leaks_before; }
setup() {
        need_engine
        export PODSTEP_SOCKET=$BATS_TEST_TMPDIR/agent.sock
}
teardown() {
        "$PODSTEP" prune --all >/dev/null 2>&1 || true
        end_test
}
teardown_file() { leaks_after; }

# a job that fails in its step 'fails', kept; $JOB
kept_job() {
        checkout <<-Y
	services:
	- {name: db, image: $IMG/busybox:1, commands: [sleep 1000]}
	steps:
	- {name: makes, image: $IMG/busybox:1, commands: [echo evidence >trace]}
	- name: fails
	  image: $IMG/tools:1
	  environment: {COLOUR: mauve, TOKEN: {from_secret: tok}}
	  commands: ['test "\$\${#TOKEN}" = 13', 'echo "\$\$TOKEN"', 'echo installed >/tmp/installed', 'test -e fixed']
	  backend_options: {docker: {user: '1234:1234'}}
	Y
        tok=sesame-street podstep run --keep --secret tok "$@"
        assert_status 1
        JOB=$(sed -n 's/.*podstep enter \([0-9a-z]*\).*/\1/p' <<<"$output")
        [ -n "$JOB" ] || fail "it does not say how to enter" "$output"
}

# what runs in the containers of this test's jobs
running_containers() { engine_cli ps --filter "label=io.podstep.state=$XDG_STATE_HOME/podstep" --format '{{.Names}}'; }

@test "same user, files, variables, workspace and names of services; commands from standard input; its exit code" {
        kept_job
        run "$PODSTEP" enter "$JOB" <<<'id -u; pwd; cat trace; cat /tmp/installed; echo "$COLOUR"; grep -c "db$" /etc/hosts; echo "token ${TOKEN:-none}"; exit 7'
        assert_status 7
        if [ "$ENGINE" = docker ]; then
                assert_equal "$(grep -vx 1 <<<"$output")" $'1234\n/woodpecker/src\nevidence\ninstalled\nmauve\n0\ntoken none'
        else
                assert_equal "$output" $'1234\n/woodpecker/src\nevidence\ninstalled\nmauve\n1\ntoken none'
        fi
        # nobody is left in there, and the container waits for the next one
        run running_containers
        refute_output_contains fails
        podstep enter
        assert_status 0
        # another step, a service that still runs
        podstep enter "${JOB:0:20}" makes -- cat trace
        assert_line evidence
        podstep enter "$JOB" db -- sleep 0
        assert_status 0
        run running_containers
        assert_output_contains db
}

@test "secrets were not kept; given again, they are in no inspect and no file" {
        kept_job
        ! grep -rq sesame-street "$XDG_STATE_HOME" || fail "the secret is kept: $(grep -rl sesame-street "$XDG_STATE_HOME")"
        podstep enter "$JOB" -- sh -e /podstep/again
        assert_status 1
        touch_and_run='touch fixed; sh -e /podstep/again; echo "again: $?"; sleep 1000'
        TOKEN=sesame-street podstep_start enter "$JOB" -e TOKEN -- sh -c "$touch_and_run"
        wait_output '^again: 0$'
        engine_cli inspect "$(container_of fails)" >"$BATS_TEST_TMPDIR/inspect"
        ! grep -q sesame-street "$BATS_TEST_TMPDIR/inspect" || fail "the secret is in inspect"
        ! grep -q '[s]esame-street' <(ps -eo args) || fail "the secret is in a command line"
        kill -TERM "$PODSTEP_PID"
        podstep_end 20
        assert_status 143
        ! grep -rq sesame-street "$XDG_STATE_HOME" || fail "the secret is kept: $(grep -rl sesame-street "$XDG_STATE_HOME")"
        run running_containers
        refute_output_contains fails
}

@test "on a terminal: its size and its changes, Ctrl-C for the program inside, Ctrl-P for the shell, and all as before in the end" {
        kept_job
        # each is typed when the shell asks for it: what comes before is lost or shown twice, as on any terminal
        local ask='bash-[0-9.]+\$ '
        on_terminal \
                --type "$ask" 'sh -c "echo rea'"''"'dy $LINES $COLUMNS; exec sleep 1000"\n' \
                --type '\nready 24 80' '\x03' --type "\^C[\\s\\S]*$ask" 'echo inter""rupted\n' \
                --resize "\\ninterrupted[\\s\\S]*$ask" 100x30 --type '' 'until [ "$COLUMNS" = 100 ]; do sleep .1; done; echo resi""zed $LINES $COLUMNS\n' \
                --type "\\nresized 30 100[\\s\\S]*$ask" 'echo a""gain\n' --type "\\nagain[\\s\\S]*$ask" '\x10\n' \
                --type "\\nagain[\\s\\S]*$ask" 'test -t 0 && test -t 2 && echo is""TERM=$TERM\n' --type "\\nisTERM=xterm[\\s\\S]*$ask" 'exit 9\n' \
                "$PODSTEP" enter "$JOB" -- bash --norc -i
        assert_status 9
        assert_output_contains "its secrets were not kept: TOKEN"
        refute_output_contains "modes changed"
}

@test "ended by a signal it gives the terminal back" {
        kept_job
        on_terminal --type '/again' 'echo in""side\n' --signal 'inside' 15 "$PODSTEP" enter "$JOB"
        assert_status 143
        refute_output_contains "modes changed"
        run running_containers
        refute_output_contains fails
}

@test "much goes through in both directions, standard error apart" {
        kept_job
        seq 1 200000 >"$BATS_TEST_TMPDIR/numbers"
        "$PODSTEP" enter "$JOB" -- sh -c 'cat; seq 1 3 >&2; exit 4' <"$BATS_TEST_TMPDIR/numbers" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" || status=$?
        assert_status 4
        cmp "$BATS_TEST_TMPDIR/numbers" "$BATS_TEST_TMPDIR/out"
        assert_equal "$(cat "$BATS_TEST_TMPDIR/err")" $'1\n2\n3'
        cat "$BATS_TEST_TMPDIR/numbers" | "$PODSTEP" enter "$JOB" -- wc -l | grep -qx 200000
}

@test "a plugin, a GitLab job with an entrypoint of its image, and a program that is not there" {
        checkout <<-Y
	steps:
	- {name: plugin, image: $IMG/entry:1, entrypoint: [/bin/sh, -c, 'test "\$\$PLUGIN_WORD" = say && echo it runs; exit 3'], environment: {PLUGIN_WORD: say}}
	Y
        podstep run --keep
        assert_status 1
        assert_line "it runs"
        podstep enter -- sh -c 'echo "$PLUGIN_WORD"'
        assert_line say
        podstep -127 enter -- no-such-program
        assert_output_contains "cannot start 'no-such-program'"
        "$PODSTEP" prune --all
        bare_checkout gitlab
        cat >.gitlab-ci.yml <<-Y
	job:
	  image: $IMG/entry:1
	  variables: {WORD: say}
	  script: [exit 3]
	  after_script: [echo after]
	Y
        podstep run --keep .gitlab-ci.yml
        assert_status 1
        podstep enter -- sh -c 'echo "$WORD"; sh /podstep/again; echo "code $?"'
        assert_line say
        assert_line after
        assert_line "code 3"
}

# looked_around ARGS...: what is typed arrives, also its end; much goes through; a terminal is one
looked_around() {
        local n=3000000
        run "$PODSTEP" enter "$@" "$JOB" <<<'id -u; cat trace; echo "to standard error" >&2; exit 7'
        assert_status 7
        assert_line 1234
        assert_line evidence
        assert_line "to standard error"
        assert_equal "$(head -c $n /dev/zero | "$PODSTEP" enter "$@" "$JOB" -- wc -c)" $n
        assert_equal "$("$PODSTEP" enter "$@" "$JOB" -- head -c $n /dev/zero | wc -c)" $n
        on_terminal --type 'bash-[0-9.]+\$ ' 'echo si""ze $LINES $COLUMNS; exit 5\n' "$PODSTEP" enter "$@" "$JOB" -- bash --norc -i
        assert_status 5
        assert_output_contains "size 24 80"
        run running_containers
        refute_output_contains fails
}

@test "an engine over TCP: with TLS if it is Docker" {
        tcp_engine
        kept_job --engine "$TCP_ENGINE"
        looked_around
}

@test "what cannot be entered is said" {
        podstep enter
        assert_status 2
        assert_output_contains "no job is kept"
        kept_job
        podstep enter nothing
        assert_status 2
        assert_output_contains "no job 'nothing' is kept"
        podstep enter "$JOB" other
        assert_status 2
        assert_output_contains "has no step 'other' that began; it has: db, makes, fails"
        podstep enter "$JOB" fails more
        assert_status 2
        assert_output_contains "a command stands behind '--'"
        tok=sesame-street podstep run --keep --secret tok
        JOB=$(sed -n 's/.*podstep enter \([0-9a-z]*\).*/\1/p' <<<"$output")
        podstep enter
        assert_status 2
        assert_output_contains "several jobs are kept"
        assert_output_contains "$JOB  woodpecker, step fails"
        engine_cli rm -f -v "$(container_of fails | head -1)" "$(container_of fails | tail -1)"
        podstep enter "$JOB"
        assert_status 125
        assert_output_contains "the container of step 'fails' is not on the engine"
}

@test "kept jobs expire; who is inside keeps them" {
        kept_job --set jobs.keep_time=1h
        podstep_start enter "$JOB" -- sh -c 'echo inside; sleep 1000'
        wait_output '^inside$'
        past=$(sed 's/"until": *[0-9]*/"until":1/' "$XDG_STATE_HOME/podstep/jobs/$JOB/kept")
        printf '%s' "$past" >"$XDG_STATE_HOME/podstep/jobs/$JOB/kept"
        podstep prune --all
        assert_output_contains "nothing to remove"
        running "$PODSTEP_PID"
        kill -TERM "$PODSTEP_PID"
        podstep_end 20
        podstep prune
        assert_status 0
        assert_nothing_left
}

@test "a job of the agent, by its number and by its id" {
        background "$PODSTEP" agent --socket "$PODSTEP_SOCKET" --keep-time 1h
        wait_until 20 test -S "$PODSTEP_SOCKET"
        checkout <<<"steps: [{name: fails, image: $IMG/busybox:1, environment: {A: {from_secret: tok}}, commands: ['echo \$\$A', 'echo evidence >trace', exit 1]}]"
        tok=sesame-street podstep submit --keep --wait --secret tok
        assert_status 1
        JOB=$(sed -n 's/.*podstep enter \([0-9a-z]*\).*/\1/p' <<<"$output")
        ! grep -rq sesame-street "$XDG_STATE_HOME" || fail "the secret is kept: $(grep -rl sesame-street "$XDG_STATE_HOME")"
        podstep enter 1 -- cat trace
        assert_line evidence
        podstep enter "$JOB" -- cat trace
        assert_line evidence
        # while somebody is inside, the agent leaves it
        podstep_start enter 1 -- sh -c 'echo inside; sleep 1000'
        wait_output '^inside$'
        curl -sf --unix-socket "$PODSTEP_SOCKET" -X POST 'http://d/v1/prune' >&2 || true
        running "$PODSTEP_PID"
        [ -n "$(container_of fails)" ]
        kill -TERM "$PODSTEP_PID"
        podstep_end 20
}
