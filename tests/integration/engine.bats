# The lab itself, without podstep: if these fail, look at tests/lab, not at src.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown_file() { leaks_after; }

@test "the engine answers and is new enough" {
        run engine_api GET "$LIBPOD/_ping"
        assert_equal "$output" OK
        [ "$ENGINE" = podman ] || return 0
        run engine_api GET /libpod/info
        assert_output_matches '"rootless":true'
}

@test "the test images are there" {
        local i
        for i in busybox tools postgres redis noshell entry nonroot health exposes-a exposes-b; do
                assert_equal "$(engine_status GET "$LIBPOD/images/$IMG/$i:1/json")" 200
        done
        assert_equal "$(engine_status GET "$LIBPOD/images/localhost/podstep/busybox:1/json")" 200
}

@test "the image health has a health check, exposes-a a port" {
        run engine_api GET "$LIBPOD/images/$IMG/health:1/json"
        assert_output_contains '"Healthcheck":{"Test":["CMD-SHELL","test -e /tmp/ok"]'
        run engine_api GET "$LIBPOD/images/$IMG/exposes-a:1/json"
        assert_output_contains '"8080/tcp":{}'
}

@test "a pod without infra container runs a step as another user" {
        need_podman "there are no pods"
        local id log=$BATS_TEST_TMPDIR/log pod=lab-pod-$RANDOM
        engine_api POST /libpod/pods/create "{\"name\":\"$pod\",\"no_infra\":true}" >/dev/null
        id=$(engine_api POST /libpod/containers/create "{\"name\":\"$pod-1\",\"pod\":\"$pod\",\"image\":\"$IMG/busybox:1\",
                \"command\":[\"sh\",\"-c\",\"id -u; exit 7\"],\"user\":\"1234:1234\",
                \"userns\":{\"nsmode\":\"keep-id\",\"value\":\"uid=1234,gid=1234\"},\"netns\":{\"nsmode\":\"none\"},
                \"log_configuration\":{\"driver\":\"k8s-file\",\"path\":\"$log\"}}" | sed -n 's/.*"Id":"\([^"]*\)".*/\1/p')
        assert_equal "$(engine_status POST "/libpod/containers/$id/init")" 204
        assert_equal "$(engine_status POST "/libpod/containers/$id/start")" 204
        assert_equal "$(engine_api POST "/libpod/containers/$id/wait")" 7
        run cat "$log"
        assert_output_matches ' stdout F 1234$'
        engine_api DELETE "/libpod/pods/$pod?force=true&timeout=0" >/dev/null
        assert_equal "$(engine_status GET "/libpod/pods/$pod/exists")" 404
}

@test "the service leaves when idle and comes back" {
        need_podman "the daemon stays"
        sleep 6
        assert_equal "$(engine_api GET /libpod/_ping)" OK
}

@test "the fake engine plays its script" {
        fake_engine <<<'[{"match":"GET .*/_ping","count":1,"status":503,"body":"no"},{"match":"GET .*/_ping","body":"OK"}]'
        run curl -s --unix-socket "$FAKE_SOCK" http://d/_ping
        assert_equal "$output" no
        run curl -s --unix-socket "$FAKE_SOCK" http://d/_ping
        assert_equal "$output" OK
        stop_background
}

@test "the proxy cuts an answer once" {
        faulty_engine
        fault '{"match":"_ping","cut":10}'
        run curl -s --unix-socket "$PROXY_SOCK" "http://d$API$LIBPOD/_ping"
        [ "$status" != 0 ]
        run curl -s --unix-socket "$PROXY_SOCK" "http://d$API$LIBPOD/_ping"
        assert_equal "$output" OK
        stop_background
}

@test "the tiny file system fills and empties" {
        need_small
        small_fill 100
        [ "$(df -k --output=avail "$SMALL_HOME" | tail -1)" -lt 200 ]
        small_free
        run curl -s --unix-socket "$SMALL_SOCK" http://d/v4.0.0/libpod/_ping
        assert_equal "$output" OK
}
