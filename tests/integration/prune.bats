# 'podstep prune' of what podstep keeps on purpose: images that it fetched, caches. Things of others stand beside them and stay.
load helpers

# An engine of our own that trusts a registry on the loopback.
setup_file() {
        [ -n "$ENGINE_OK" ] || return 0
        command -v docker-registry >/dev/null || return 0
        leaks_before
        OPEN=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        printf '[[registry]]\nlocation = "127.0.0.1:%s"\ninsecure = true\n' "$OPEN" >"$BATS_FILE_TMPDIR/registries.conf"
        XDG_RUNTIME_DIR=$BATS_FILE_TMPDIR "$LAB_DIR/registry" up none "$OPEN" 3>&-
        export OPEN CONTAINERS_REGISTRIES_CONF=$BATS_FILE_TMPDIR/registries.conf
        for name in a b c; do
                head -c 400000 /dev/urandom >"$BATS_FILE_TMPDIR/noise"
                tar -C "$BATS_FILE_TMPDIR" -c noise | lab_podman import -q -c 'CMD ["/nothing"]' - "127.0.0.1:$OPEN/lab/$name:1" 3>&-
                lab_podman push -q --tls-verify=false "127.0.0.1:$OPEN/lab/$name:1" 3>&-
                lab_podman rmi "127.0.0.1:$OPEN/lab/$name:1" >/dev/null
        done
}

setup() {
        need_engine
        [ -n "${OPEN:-}" ] || skip "no docker-registry"
        [ "$ENGINE" = docker ] || own_engine    # Docker trusts the loopback as it is
        export CONTAINER_HOST=unix://${OWN_SOCK:-$ENGINE_SOCK}
}

teardown() {
        local name
        engine_cli rm -f itest-user >/dev/null 2>&1 || true
        engine_cli volume rm -f itest-foreign itest-cache itest-cache-old >/dev/null 2>&1 || true
        engine_cli network rm itest-foreign >/dev/null 2>&1 || true
        for name in $(engine_cli images --format '{{.Repository}}:{{.Tag}}' | grep -E '^(127.0.0.1:|localhost/itest)'); do engine_cli rmi -f "$name" >/dev/null; done
        end_test
}

teardown_file() {
        [ -n "${OPEN:-}" ] || return 0
        XDG_RUNTIME_DIR=$BATS_FILE_TMPDIR "$LAB_DIR/registry" down "$OPEN"
        leaks_after
}

# fetch NAME...: podstep pulls them, in this order (their programs do not exist, which is no matter)
fetch() {
        local name
        for name; do
                checkout "repo-$name" <<<"steps: [{name: s, image: '127.0.0.1:$OPEN/lab/$name:1'}]"
                podstep run
                assert_output_contains "pulled image 127.0.0.1:$OPEN/lab/$name:1"
        done
}
has_image() { engine_has image "127.0.0.1:$OPEN/lab/$1:1"; }
has_volume() { engine_has volume "$1"; }

@test "images that podstep fetched go, those of others stay" {
        engine_cli pull -q "127.0.0.1:$OPEN/lab/c:1"
        engine_cli tag "$IMG/busybox:1" localhost/itest/foreign:1
        fetch a b
        # podstep used c, too, but did not bring it here
        checkout repo-c <<<"steps: [{name: s, image: '127.0.0.1:$OPEN/lab/c:1'}]"
        podstep run --pull always
        engine_cli create --name itest-user "127.0.0.1:$OPEN/lab/b:1" >/dev/null
        podstep prune images --dry-run
        assert_status 0
        assert_output_matches "^would remove image 127.0.0.1:$OPEN/lab/a:1 \([0-9.]+ kB\)$"
        has_image a
        podstep prune images
        assert_status 0
        assert_output_matches "^removed image 127.0.0.1:$OPEN/lab/a:1 "
        assert_output_matches '^the engine used [0-9.]+ [kMG]B, now it uses [0-9.]+ [kMG]B$'
        ! has_image a || fail "a is left"
        has_image b || fail "b is in use, and gone"
        has_image c || fail "c is not podstep's, and gone"
        engine_has image localhost/itest/foreign:1
        podstep prune images
        assert_output_contains "nothing to remove"
        engine_cli rm itest-user >/dev/null
        podstep prune prune
        assert_output_matches "^removed image 127.0.0.1:$OPEN/lab/b:1 "
        ! has_image b || fail "b is left"
}

@test "an image with a further name stays for who gave it that" {
        fetch a
        engine_cli tag "127.0.0.1:$OPEN/lab/a:1" localhost/itest/mine:1
        podstep prune images
        assert_status 0
        ! has_image a || fail "podstep's own name is left"
        engine_has image localhost/itest/mine:1 || fail "somebody's image is gone"
}

@test "the age counts from the last use; the quota takes the longest unused first" {
        fetch a b c
        # as if it had been long ago
        record() { find "$XDG_STATE_HOME/podstep/images" -path "*/lab/$1/.image-*"; }
        touch -d '-20 days' "$(record a)"
        touch -d '-10 days' "$(record b)"
        podstep prune images --older-than 14d
        assert_status 0
        assert_output_contains "lab/a:1"
        refute_output_contains "lab/b:1"
        podstep prune images --keep-storage 500k
        assert_status 0
        assert_output_contains "lab/b:1"
        has_image c || fail "it fits, and is gone"
        podstep prune images --keep-storage 10g
        assert_output_contains "nothing to remove"
}

@test "caches go by age, not while they are used; volumes and networks of others stay" {
        engine_cli volume create --label io.podstep.cache=itest-cache --label "io.podstep.created=$(date +%s)" itest-cache >/dev/null
        engine_cli volume create --label io.podstep.cache=itest-cache-old --label "io.podstep.created=$(($(date +%s) - 864000))" itest-cache-old >/dev/null
        engine_cli volume create itest-foreign >/dev/null
        engine_cli network create itest-foreign >/dev/null
        podstep prune volumes --older-than 5d
        assert_status 0
        ! has_volume itest-cache-old || fail "the old one is left"
        has_volume itest-cache || fail "the new one is gone"
        engine_cli create --name itest-user -v itest-cache:/c "$IMG/busybox:1" true >/dev/null
        podstep prune prune-volumes
        assert_status 0
        has_volume itest-cache || fail "it is in use, and gone"
        engine_cli rm itest-user >/dev/null
        podstep prune all
        assert_status 0
        ! has_volume itest-cache || fail "the cache is left"
        has_volume itest-foreign && engine_has network itest-foreign || fail "something of others is gone"
        ! engine_has container itest-user || fail "a container is left"
}

@test "space tells what there is and what could go" {
        fetch a
        podstep prune space
        assert_status 0
        assert_output_matches '^images +[0-9]+ +[0-9]+ +[0-9.]+ [kMG]B +4[01][0-9] kB$'
        assert_output_matches '^volumes +[0-9]+ '
        has_image a
        podstep_split prune space --json
        assert_status 0
        run /usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
print(d["dry_run"], d["before"] == d["after"], d["before"]["image"]["bytes"] > 400000, [i["kind"] for i in d["removed"]])' <<<"$output"
        [ "$output" = "True True True ['image']" ] || fail "$output"
}

@test "words: help, and what is none" {
        podstep prune help
        assert_status 0
        assert_output_contains "prune-volumes"
        podstep prune nonsense
        assert_status 2
        assert_output_contains "'nonsense' is nothing that 'podstep prune' knows"
        podstep prune --older-than 5d
        assert_status 2
        podstep prune images --keep-storage much
        assert_status 2
        assert_output_contains "'much' is no value for '--keep-storage'"
}

@test "an engine that does not answer: nothing is said of what there is to remove" {
        CONTAINER_HOST=unix:///nonexistent/p.sock podstep prune
        assert_status 125
        assert_output_contains /nonexistent/p.sock
        refute_output_contains "nothing to remove"
}
