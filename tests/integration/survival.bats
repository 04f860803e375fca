# Jobs survive the agent: it is killed at each write of a job's journal and at random, some 200 times, and each job ends with its
# true result and the log that an undisturbed agent writes, byte for byte. Nothing is left. PODSTEP_KILLS=2000 kills it more often,
# SEED repeats the random ones.
load helpers

KILLS=${PODSTEP_KILLS:-200}

setup_file() {
        leaks_before
        [ -n "$ENGINE_OK" ] || return 0
        reference
}
setup() {
        need_engine
        SOCK=$BATS_TEST_TMPDIR/agent.sock
        export PODSTEP_SOCKET=$SOCK
}
teardown() { end_test; }
teardown_file() {
        BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR/reference stop_background # where setting up failed
        leaks_after
}

# ---- the jobs: small, and each of another kind ----

# $PAUSE: seconds between the lines of the step "slow", 0.1 when unset. A test that does something while it runs makes it long enough
# for a busy machine; what it logs is the same.

jobs_set() {
        mkdir -p "$1"
        cat >"$1/chain.yaml" <<-Y
	steps:
	  - {name: lines, image: $IMG/busybox:1, commands: [seq 1 3000]}
	  - {name: slow, image: $IMG/busybox:1, environment: {PAUSE: "${PAUSE:-0.1}"},
	     commands: ['for i in 1 2 3 4 5; do echo line \$i; sleep \$PAUSE; done', "printf 'no newline'"]}
	  - {name: fails, image: $IMG/busybox:1, commands: [echo now, exit 3]}
	  - {name: after, image: $IMG/busybox:1, commands: ['echo "status \$CI_PIPELINE_STATUS"'], when: [{status: failure}]}
	  - {name: never, image: $IMG/busybox:1, commands: [echo never]}
	Y
        cat >"$1/services.yaml" <<-Y
	services:
	  - {name: web, image: $IMG/busybox:1, commands: [mkdir -p /www, echo hello >/www/index.html, httpd -f -p 8080 -h /www], ports: [8080]}
	steps:
	  - {name: get, image: $IMG/busybox:1, commands: [wget -q -O - http://web:8080/]}
	  - {name: write, image: $IMG/busybox:1, commands: [echo kept >file], depends_on: [get]}
	  - {name: read, image: $IMG/busybox:1, commands: [cat file, cat README], depends_on: [write]}
	Y
        cat >"$1/parallel.yaml" <<-Y
	steps:
	  - {name: a, image: $IMG/busybox:1, commands: [sleep 0.3, echo a, sleep 0.3, echo aa], depends_on: []}
	  - {name: b, image: $IMG/busybox:1, commands: [sleep 0.2, echo "\$TOKEN"], environment: {TOKEN: {from_secret: token}}, depends_on: []}
	  - {name: c, image: $IMG/busybox:1, commands: [sleep 0.1, echo c], depends_on: [a, b]}
	Y
        cat >"$1/single.yaml" <<-Y
	steps: [{name: only, image: $IMG/busybox:1, commands: [echo one, sleep 0.2, echo two, sleep 0.2, echo three]}]
	Y
        echo hello >"$1/README"
}

# submit_all: the whole set, to an agent that begins none of it
submit_all() {
        local dir=$BATS_TEST_TMPDIR/co file work
        jobs_set "$dir"
        agent_up --disk-free 1000000g
        for file in chain services parallel single; do
                work=("$dir/$file.yaml")
                if [ "$file" = parallel ]; then # as a plan it is the same job
                        TOKEN=hush-hush-secret "$PODSTEP" plan --secret TOKEN --directory "$dir" --json "${work[@]}" >"$dir/plan.json" || fail "no plan"
                        work=(--plan "$dir/plan.json")
                fi
                TOKEN=hush-hush-secret podstep submit --secret TOKEN --directory "$dir" --label "$file" "${work[@]}"
                assert_status 0
        done
        agent_down
}

agent_up() {
        background "$PODSTEP" agent --socket "$SOCK" --jobs 4 "$@"
        AGENT_PID=$!
        wait_until 20 test -S "$SOCK" || fail "the agent does not come up:" "$(cat "$BATS_TEST_TMPDIR"/background.*.log)"
}

agent_down() {
        kill -TERM "$AGENT_PID"
        wait_until 20 eval "! running $AGENT_PID" || fail "the agent does not end"
}

# slow_runs: the step "slow" has printed its first line. A step is "running" before its container is started.
slow_runs() {
        wait_until 30 eval '"$PODSTEP" logs --step slow 1 | grep -q "^line 1"' || fail "it does not begin" "$("$PODSTEP" show 1)"
}

# quietly CMD...: a shell between takes what a shell tells of a child that was killed; $status
quietly() {
        status=0
        sh -c '"$@"; exit $?' sh "$@" </dev/null >>"$BATS_TEST_TMPDIR/lives.log" 2>&1 3>&- || status=$?
}

# life [OPTION]...: an agent until it has nothing to do, or dies; $status
life() {
        quietly timeout -k 1 100 "$PODSTEP" agent --socket "$SOCK" --jobs 4 --idle-timeout 200ms "$@"
}

# results: what became of each job, and what each step printed
results() {
        local n step
        agent_up
        for n in 1 2 3 4; do
                "$PODSTEP" show --json "$n" | /usr/bin/python3 -c '
import json, sys
answer = json.load(sys.stdin)
job = answer["job"]
print("job", job["number"], job["state"], job.get("result"), job.get("reason"))
for step in answer["steps"]:
    print("  step", step["step"], step["state"], step.get("result"), step.get("exit_code"), step.get("reason"))
for note in answer["notes"]:
    if note["kind"] in ("change", "warning"):
        print("  ", note["kind"], note["text"])
'
                "$PODSTEP" show --json "$n" | /usr/bin/python3 -c 'import json, sys; [print(s["step"]) for s in json.load(sys.stdin)["steps"]]' |
                        while read -r step; do
                                echo "  log of $step"
                                "$PODSTEP" logs --step "$step" "$n" | sed 's/^/    /'
                        done
        done
        agent_down
}

reference() {
        BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR/reference
        export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state PODSTEP_SOCKET=$BATS_TEST_TMPDIR/agent.sock
        SOCK=$PODSTEP_SOCKET
        mkdir -p "$BATS_TEST_TMPDIR"
        submit_all
        life
        [ "$status" = 0 ] || fail "the undisturbed agent ended with $status:" "$(cat "$BATS_TEST_TMPDIR/lives.log")"
        results >"$BATS_FILE_TMPDIR/expected"
        stop_background
}

assert_as_undisturbed() {
        results >"$BATS_TEST_TMPDIR/got"
        diff -u "$BATS_FILE_TMPDIR/expected" "$BATS_TEST_TMPDIR/got" || fail "after $rounds kills it is not as it was undisturbed"
        [ -z "$(ls "$XDG_STATE_HOME/podstep/jobs")" ] || fail "left: $(ls "$XDG_STATE_HOME/podstep/jobs")"
        [ -z "$(ours)" ] || fail "left on the engine:" "$(ours)"
        echo "# $rounds kills in $((SECONDS - begin)) s" >&3
}

# die_until_done LEAST CMD...: lives that CMD makes, until one ends by itself
die_until_done() {
        local least=$1
        shift
        rounds=0 begin=$SECONDS
        while "$@"; [ "$status" != 0 ]; do
                [ "$status" = 137 ] || fail "the agent ended with $status:" "$(tail -20 "$BATS_TEST_TMPDIR/lives.log")"
                rounds=$((rounds + 1))
                [ $rounds -lt 400 ] || fail "no progress after $rounds lives"
        done
        [ $rounds -ge "$least" ] || fail "only $rounds kills, expected $least"
}

# ---- tests ----

@test "the undisturbed set: results and logs are what the workflows say" {
        run cat "$BATS_FILE_TMPDIR/expected"
        local text
        for text in "job 1 done failure" "step fails done failure 3" "step never done skipped" "    3000" "    no newline" "    status failure" \
                "job 2 done success" "    hello" "    kept" "job 3 done success" "    ********" "job 4 done success"; do
                assert_output_contains "$text"
        done
        refute_output_contains "hush-hush"
}

# die SHARE LEAST CMD...: SHARE percent of $PODSTEP_KILLS deaths, in as many sets of jobs as that takes
die() {
        local share=$1 least=$2 all=0 i
        shift 2
        for ((i = 0; all * 100 < KILLS * share; i++)); do
                XDG_STATE_HOME=$BATS_TEST_TMPDIR/state.$i
                submit_all
                die_until_done "$least" "$@"
                assert_as_undisturbed
                rm -rf "$XDG_STATE_HOME"
                all=$((all + rounds))
        done
        echo "# $all kills, $i sets of jobs" >&3
}

@test "killed after each write of a journal" {
        die 25 50 life --debug-kill-at 1+
}

@test "killed before every second write of a journal" {
        die 25 45 life --debug-kill-at 2
}

@test "killed at random" {
        # what Docker is asked for takes longer: a life must be long enough for one of these things
        local seconds=1 share=50
        [ "$ENGINE" = podman ] || seconds=3 share=10
        random_life() {
                quietly timeout -s KILL "$((RANDOM % seconds)).$((RANDOM % 5))$((RANDOM % 10))5" "$PODSTEP" agent --socket "$SOCK" --jobs 4 --idle-timeout 10ms
        }
        RANDOM=${SEED:-$$}
        echo "# seed ${SEED:-$$}" >&3
        die $share 1 random_life
}

@test "told to end it leaves its jobs running, and the next agent takes them up" {
        PAUSE=1 submit_all
        agent_up
        slow_runs
        agent_down
        [ -n "$(ours)" ] || fail "nothing runs on the engine"
        rounds=1 begin=$SECONDS
        # 'podstep run' sweeps on its way: not what an agent will take up
        (cd "$BATS_TEST_TMPDIR/co" && "$PODSTEP" prune --all) >&2
        [ -n "$(ours)" ] || fail "prune removed what the agent left"
        life
        assert_as_undisturbed
}

# store_sql SQL...: in the agent's store, while no agent runs; prints what comes of the last
store_sql() {
        /usr/bin/python3 -c '
import sqlite3, sys
store = sqlite3.connect(sys.argv[1])
for sql in sys.argv[2:]:
    rows = store.execute(sql).fetchall()
store.commit()
print(rows[0][0] if rows else "")' "$XDG_STATE_HOME/podstep/agent/agent.db" "$@"
}

@test "an agent of an older store is killed, and this one takes its jobs up" {
        local newest
        PAUSE=1 submit_all
        agent_up
        slow_runs
        kill -KILL "$AGENT_PID"
        wait_until 5 eval "! running $AGENT_PID"
        [ -n "$(ours)" ] || fail "nothing runs on the engine"
        newest=$(store_sql "PRAGMA user_version")
        assert_equal "$newest" 2 # whoever adds a format adds the way back from it
        store_sql "DROP INDEX jobs_by_group" "ALTER TABLE jobs DROP COLUMN is_kept" "PRAGMA user_version = 1"
        rounds=1 begin=$SECONDS
        life
        [ "$status" = 0 ] || fail "the agent ended with $status:" "$(tail -20 "$BATS_TEST_TMPDIR/lives.log")"
        assert_equal "$(store_sql "PRAGMA user_version")" "$newest"
        assert_as_undisturbed
}

@test "the machine was restarted: what ran is lost and says so, what waited runs" {
        PAUSE=20 submit_all
        agent_up --jobs 1
        slow_runs
        kill -KILL "$AGENT_PID"
        wait_until 5 eval "! running $AGENT_PID"
        life --debug-boot-id another
        agent_up
        podstep show 1
        assert_output_contains "state      error: the machine was restarted while the job ran"
        podstep show 4
        assert_output_contains "state      success"
        agent_down
        [ -z "$(ours)" ] || fail "left on the engine:" "$(ours)"
}

@test "conmon was killed while no agent ran: the step fails and says so" {
        need_podman "there is no conmon"
        PAUSE=20 submit_all
        agent_up --jobs 1
        slow_runs
        kill -KILL "$AGENT_PID"
        wait_until 5 eval "! running $AGENT_PID"
        for pid in "$XDG_STATE_HOME"/podstep/jobs/*/output-1.pid; do kill -KILL "$(cat "$pid")"; done
        life
        [ "$status" = 0 ] || fail "the agent ended with $status"
        agent_up
        podstep show 1
        assert_output_matches "slow.*its exit code is lost: the container's monitor"
        agent_down
}

@test "the engine is killed while the agent is away, and while it is there" {
        own_engine
        PAUSE=2 submit_all
        agent_up --engine "unix://$OWN_SOCK" --label-jobs services=0 --label-jobs parallel=0 --label-jobs single=0
        # what is made ahead is made: a Podman that is killed in the middle of making a container leaves half of one in its storage
        slow_runs
        wait_until 20 eval '"$PODSTEP" show 1 | grep -q "prepared .*fails"' || fail "what comes next is not made"
        kill -KILL "$AGENT_PID"
        wait_until 5 eval "! running $AGENT_PID"
        own_engine_kill
        own_engine
        agent_up --engine "unix://$OWN_SOCK"
        wait_until 20 eval '"$PODSTEP" info | grep -q "jobs.running: [1-9]"' || fail "nothing is taken up"
        rounds=1 begin=$SECONDS
        wait_until 60 eval '[ "$("$PODSTEP" ps --quiet)" = "" ]' || fail "it does not end" "$("$PODSTEP" ps)"
        agent_down
        assert_as_undisturbed
}
