# Only on Docker: how it is reached and found.
load helpers

setup_file() { leaks_before; }
setup() {
        need_engine
        [ "$ENGINE" = docker ] || skip "needs a Docker daemon: this run is on Podman"
        unset CONTAINER_HOST DOCKER_HOST
        checkout <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [echo it ran]}]"
}
teardown() { end_test; }
teardown_file() { leaks_after; }

@test "--engine names a Docker: its version is shown" {
        podstep run --engine "unix://$ENGINE_SOCK"
        assert_status 0
        assert_output_matches 'docker [0-9]+\.[0-9]+'
        assert_line "it ran"
}

@test "DOCKER_HOST, where there is no Podman" {
        DOCKER_HOST=unix://$ENGINE_SOCK XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR podstep run
        assert_status 0
        assert_output_matches ': docker '
}

@test "TLS: DOCKER_CERT_PATH with a client's certificate" {
        DOCKER_CERT_PATH=$DOCKER_LAB/tls DOCKER_TLS_VERIFY=1 podstep run --engine tcp://127.0.0.1:2376
        assert_status 0
        assert_line "it ran"
}

@test "TLS: without a certificate the daemon refuses, with another authority we do" {
        mkdir "$BATS_TEST_TMPDIR/none"
        cp "$DOCKER_LAB/tls/ca.pem" "$BATS_TEST_TMPDIR/none/"
        CONTAINER_TLS_CA=$DOCKER_LAB/tls/ca.pem podstep run --engine tcp://127.0.0.1:2376
        assert_status 125
        DOCKER_CERT_PATH=$BATS_TEST_TMPDIR/none podstep run --engine tcp://127.0.0.1:2376
        assert_status 125
        openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=other -keyout "$BATS_TEST_TMPDIR/key.pem" -out "$BATS_TEST_TMPDIR/ca.pem" 2>/dev/null
        CONTAINER_TLS_CA=$BATS_TEST_TMPDIR/ca.pem CONTAINER_TLS_CERT=$DOCKER_LAB/tls/cert.pem CONTAINER_TLS_KEY=$DOCKER_LAB/tls/key.pem \
                podstep run --engine tcp://127.0.0.1:2376
        assert_status 125
        assert_output_contains certificate
}

@test "an image that is not there is told as Docker tells it" {
        checkout other <<<"steps: [{name: s, image: '127.0.0.1:9/none:1', commands: ['true']}]"
        podstep run --engine "unix://$ENGINE_SOCK"
        assert_status 125
        assert_output_contains 127.0.0.1:9
}

@test "prune removes what a killed run left on Docker" {
        checkout other <<<"steps: [{name: s, image: $IMG/busybox:1, commands: [echo ready, sleep 100]}]"
        export CONTAINER_HOST=unix://$ENGINE_SOCK
        podstep_start run
        wait_output '^ready$'
        kill -KILL "$PODSTEP_PID"
        podstep_end 5
        [ -n "$(DOCKER_HOST=$CONTAINER_HOST ours)" ]
        podstep prune
        assert_status 0
        export DOCKER_HOST=$CONTAINER_HOST
        assert_nothing_left
}

id_in() { grep -oE '"Id":"[0-9a-f]+"' | cut -d'"' -f4; }

@test "networks that were removed while nobody was on them are made again" {
        checkout other <<-Y
	steps:
	- {name: first, image: $IMG/busybox:1, network_mode: none, commands: [mkfifo /tmp/go, echo ready, read x </tmp/go]}
	- {name: second, image: $IMG/busybox:1, commands: [nc -w 9 169.254.169.254 80 || true, ip route, echo it ran, exit 7]}
	Y
        podstep_start run --engine "unix://$ENGINE_SOCK"
        wait_output 'ready$'
        job=$(grep -oE '^job [0-9a-z]+' "$PODSTEP_OUT" | cut -d' ' -f2)
        engine_api DELETE "/networks/podstep-$job"
        engine_api DELETE /networks/podstep-unreachable
        first=$(engine_api GET '/containers/json?filters=%7B%22label%22:%5B%22io.podstep.step=first%22%5D%7D' | id_in)
        exec=$(engine_api POST "/containers/$first/exec" '{"Cmd":["sh","-c","echo >/tmp/go"]}' | id_in)
        engine_api POST "/exec/$exec/start" '{"Detach":true}'
        podstep_end
        assert_status 1
        assert_output_contains "169.254.169.254): No route to host"
        assert_line "it ran"
        assert_output_matches 'second.*exit code 7'
        assert_nothing_left
}
