# podstep doctor: what it says of a real engine, and of one that is not there.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown() { end_test; }
teardown_file() { leaks_after; }

# finding CHECK: its level and what was found, of the JSON in $output
finding() {
        python3 -c '
import json, sys
for f in json.load(sys.stdin)["findings"]:
    if f["check"] == sys.argv[1]:
        print(f["level"], f["what"])' "$1" <<<"$output"
}

@test "jobs run on this engine, and doctor says so" {
        podstep doctor
        [ "$status" -le 1 ] || fail "$output"
        if [ "$ENGINE" = docker ]; then
                assert_output_matches "^note +engine +Docker "
                assert_output_matches 'ok +versions +docker [0-9]'
                refute_output_matches ' (subuid|idmap|mapping|network|dns|short-names) '
        else
                assert_output_matches "^ok +engine +Podman "
                assert_output_matches 'ok +subuid +[0-9]+ ids'
        fi
        assert_output_matches '(Jobs will run|All is well)'
}

@test "as JSON it tells of each check" {
        local code
        podstep doctor --json
        code=$status
        for i in session linger engine versions storage space clock; do
                [ -n "$(finding $i)" ] || fail "nothing about $i in: $output"
        done
        [[ $(finding storage) == "ok overlay"* ]] || fail "$output"
        if [ "$ENGINE" = podman ]; then
                for i in userns subuid subgid idmap mapping network cgroups place workspace exits; do
                        [ -n "$(finding $i)" ] || fail "nothing about $i in: $output"
                done
                assert_equal "$(finding workspace)" "ok overlay"
        fi
        case $code in
        0) assert_output_matches '"verdict": ?"fine"' ;;
        1) assert_output_matches '"verdict": ?"warnings"' ;;
        *) fail "exit code $code: $output" ;;
        esac
}

@test "quiet is quiet about what is well" {
        podstep doctor --quiet
        [[ $output != *"ok       "* && $output != *"note     "* ]] || fail "$output"
}

@test "without an engine no job will run" {
        podstep doctor --engine "unix://$BATS_TEST_TMPDIR/nothing.sock"
        assert_status 2
        assert_output_matches 'fault +engine '
        assert_output_contains "No job will run: "
}

@test "Docker is told from Podman" {
        fake_engine <<<'[{"match": "GET /_ping", "headers": {"Libpod-Api-Version": null, "Server": "Docker/27"}, "body": "OK"},
                {"match": "GET [^ ]*/info", "body": "{\"ServerVersion\": \"27.0\", \"MemoryLimit\": true, \"SwapLimit\": true, \"PidsLimit\": true, \"CpuCfsQuota\": true, \"CpuCfsPeriod\": true, \"CPUShares\": true, \"CPUSet\": true, \"SecurityOptions\": [\"name=seccomp,profile=builtin\"]}"}]'
        podstep doctor --engine "unix://$FAKE_SOCK" --json
        assert_status 0
        assert_equal "$(finding engine | cut -d' ' -f1,2)" "note Docker"
        [ -z "$(finding storage)" ] || fail "$output"
}

@test "without XDG_RUNTIME_DIR it tells how to log in" {
        unset XDG_RUNTIME_DIR
        podstep doctor
        assert_status 2
        assert_output_contains "XDG_RUNTIME_DIR is not set"
        assert_output_matches '# machinectl shell '
}

@test "a killed job is told of" {
        mkdir -p "$XDG_STATE_HOME/podstep/jobs/0123456789abcdef"
        podstep doctor
        assert_output_matches 'note +leftovers +of 1 job whose podstep was killed'
        assert_output_contains '$ podstep prune'
        podstep prune
        assert_status 0
}

@test "it changes nothing" {
        local before
        before=$(engine_cli ps -aq; ls -AR "$XDG_STATE_HOME" 2>&1 || true)
        podstep doctor
        assert_equal "$(engine_cli ps -aq; ls -AR "$XDG_STATE_HOME" 2>&1 || true)" "$before"
}
