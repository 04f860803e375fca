# Images from registries: policies, logins, what fails and how it is told. Real registries on the loopback (tests/lab/registry), in
# front of one a proxy with faults.
load helpers

# An engine of our own, whose home is made here: it trusts these registries, and no file of the user's is touched. The storage stays
# the user's, where the test images are.
registry_engine() {
        if [ "$ENGINE" = docker ]; then
                REGISTRY_SOCK=$ENGINE_SOCK      # it trusts whatever is on the loopback
                return
        fi
        REGISTRY_SOCK=$BATS_FILE_TMPDIR/engine.sock
        registry_env exec podman system service --time=0 "unix://$REGISTRY_SOCK" >"$BATS_FILE_TMPDIR/engine.log" 2>&1 </dev/null 3>&- &
        echo $! >"$BATS_FILE_TMPDIR/engine.pid"
        wait_until 10 engine_answers "$REGISTRY_SOCK" || fail "the engine does not come up:" "$(cat "$BATS_FILE_TMPDIR/engine.log")"
}
# registry_env [exec] CMD...: with exec the process of who calls becomes it. On Docker, too, Podman fills the registries.
registry_env() {
        local how=
        [ "$1" != exec ] || { how=exec; shift; }
        $how env -u CONTAINER_HOST -u DOCKER_HOST HOME="$BATS_FILE_TMPDIR/home" XDG_DATA_HOME="$USER_HOME/.local/share" XDG_CONFIG_HOME="$USER_HOME/.config" \
                CONTAINERS_REGISTRIES_CONF="$BATS_FILE_TMPDIR/registries.conf" "$@"
}

# lab_registry up KIND PORT | down PORT: its files are in this file's directory
lab_registry() { XDG_RUNTIME_DIR=$BATS_FILE_TMPDIR "$LAB_DIR/registry" "$@" 3>&-; }

# free_ports N: ports that nobody listens on
free_ports() {
        /usr/bin/python3 -c 'import socket, sys
s = [socket.socket() for _ in range(int(sys.argv[1]))]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*[x.getsockname()[1] for x in s])' "$1"
}

setup_file() {
        [ -n "$ENGINE_OK" ] || return 0
        command -v docker-registry >/dev/null && command -v openssl >/dev/null || return 0
        leaks_before
        export USER_HOME=$HOME
        # Docker trusts whatever is on the loopback
        TLSHOST=127.0.0.1
        [ "$ENGINE" = podman ] || TLSHOST=192.0.2.1
        export TLSHOST
        read -r OPEN AUTH TLS FAULTY DEAD < <(free_ports 5)
        export OPEN AUTH TLS FAULTY DEAD
        mkdir -p "$BATS_FILE_TMPDIR/home/.config/containers/certs.d/$TLSHOST:$TLS"
        for port in $OPEN $AUTH $FAULTY $DEAD; do
                printf '[[registry]]\nlocation = "127.0.0.1:%s"\ninsecure = true\n' "$port"
        done >"$BATS_FILE_TMPDIR/registries.conf"
        lab_registry up none "$OPEN"
        lab_registry up auth "$AUTH"
        REGADDR=$TLSHOST lab_registry up tls "$TLS"
        /usr/bin/python3 "$SUPPORT_DIR/faultproxy.py" "$FAULTY" "$OPEN" >"$BATS_FILE_TMPDIR/proxy.log" 2>&1 </dev/null 3>&- &
        echo $! >"$BATS_FILE_TMPDIR/proxy.pid"
        registry_engine
        export REGISTRY_SOCK REGISTRIES=1
        ca=$BATS_FILE_TMPDIR/podstep-lab/reg-$TLS/ca.crt
        registry_env podman push -q --tls-verify=false "$IMG/busybox:1" "127.0.0.1:$OPEN/lab/busybox:1"
        registry_env podman push -q --tls-verify=false "$IMG/entry:1" "127.0.0.1:$OPEN/lab/busybox:2"
        registry_env podman push -q --tls-verify=false --creds ci:s3cret "$IMG/busybox:1" "127.0.0.1:$AUTH/lab/busybox:1"
        mkdir -p "$BATS_FILE_TMPDIR/certs"
        cp "$ca" "$BATS_FILE_TMPDIR/certs/ca.crt"
        [ "$ENGINE" = docker ] ||
                registry_env podman push -q --cert-dir "$BATS_FILE_TMPDIR/certs" "$IMG/busybox:1" "$TLSHOST:$TLS/lab/busybox:1"
}

setup() {
        need_engine
        [ -n "${REGISTRIES:-}" ] || skip "no docker-registry"
        export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config HOME=$BATS_TEST_TMPDIR CONTAINER_HOST=unix://$REGISTRY_SOCK
        unset REGISTRY_AUTH_FILE WOODPECKER_DOCKER_CONFIG DOCKER_CONFIG DOCKER_AUTH_CONFIG
        mkdir -p "$XDG_CONFIG_HOME/containers"
        forget
}

teardown() {
        [ -z "${REGISTRIES:-}" ] || { fault_clear; forget; }
        end_test
}

teardown_file() {
        [ -n "${REGISTRIES:-}" ] || return 0
        forget
        kill "$(cat "$BATS_FILE_TMPDIR/proxy.pid")"
        for port in $OPEN $AUTH $TLS; do lab_registry down "$port"; done
        if [ "$ENGINE" = podman ]; then
                kill "$(cat "$BATS_FILE_TMPDIR/engine.pid")"
                wait_until 10 eval "! engine_answers '$REGISTRY_SOCK'" || true
        fi
        leaks_after
}

# api METHOD PATH: of the engine with the registries
api() { curl -sS -m 60 --unix-socket "$REGISTRY_SOCK" -X "$1" "http://d$API$LIBPOD$2"; }

# forget: no image of these registries is on this machine
forget() {
        local name
        for name in $(api GET /images/json | /usr/bin/python3 -c 'import json, sys
print(*[n for i in json.load(sys.stdin) or [] for n in (i.get("RepoTags") or i.get("RepoDigests") or []) if n.startswith("127.0.0.1:")])'); do
                api DELETE "/images/$(printf %s "$name" | sed 's,/,%2F,g')" >/dev/null
        done
}

# registry_fault JSON: see tests/support/faultproxy.py; registry_requests: what went through since the last fault_clear
registry_fault() { curl -sS -m 10 -X PUT -d "$1" "http://127.0.0.1:$FAULTY/_fault" >/dev/null; }
fault_clear() { curl -sS -m 10 -X DELETE "http://127.0.0.1:$FAULTY/_fault" >/dev/null; }
registry_requests() { curl -sS -m 10 "http://127.0.0.1:$FAULTY/_fault"; }

# login_file PATH PORT [USER:PASSWORD]
login_file() {
        mkdir -p "$(dirname "$1")"
        printf '{"auths":{"127.0.0.1:%s":{"auth":"%s"}}}' "$2" "$(printf %s "${3:-ci:s3cret}" | base64 -w0)" >"$1"
}

# image PORT [TAG]: a checkout whose one step says hello
image() { checkout <<<"steps: [{name: s, image: '127.0.0.1:$1/lab/busybox:${2:-1}', commands: [echo hello]}]"; }

# ---- fetching ----

@test "an image is fetched, told with its digest, and then used as it is" {
        image "$OPEN"
        podstep run
        assert_status 0
        assert_output_matches "pulled image 127.0.0.1:$OPEN/lab/busybox:1 \(digest sha256:[0-9a-f]{64}, id [0-9a-f]{12}\)"
        podstep run
        assert_status 0
        assert_output_matches "using image 127.0.0.1:$OPEN/lab/busybox:1 \(digest sha256:[0-9a-f]{64}, id [0-9a-f]{12}\)"
        refute_output_contains "pulled image"
}

@test "always asks the registry, missing and never do not" {
        image "$FAULTY"
        podstep run
        assert_status 0
        fault_clear
        podstep run --pull missing
        assert_status 0
        podstep run --pull never
        assert_status 0
        [ "$(registry_requests)" = "[]" ] || fail "asked: $(registry_requests)"
        podstep run --pull always
        assert_status 0
        [[ $(registry_requests) == *manifests* ]] || fail "not asked"
}

@test "newer fetches what the registry has anew, and goes on with what is here when it is away" {
        image "$FAULTY" moving
        api_push() { registry_env podman push -q --tls-verify=false "$IMG/$1:1" "127.0.0.1:$OPEN/lab/busybox:moving"; }
        api_push busybox
        podstep run --pull newer
        assert_status 0
        assert_output_contains "pulled image"
        first=$(grep -o 'id [0-9a-f]*' <<<"$output" | tail -1)
        api_push entry
        podstep run --pull missing
        assert_output_contains "$first"
        podstep run --pull newer
        [[ $output != *"$first"* ]] || fail "not fetched anew:" "$output"
        registry_fault '{"match":"","status":502,"count":1000}'
        podstep run --pull newer
        [ "$status" = 0 ] || fail "not gone on:" "$output"
}

@test "policies are tried in their order" {
        image "$FAULTY"
        podstep run
        assert_status 0
        registry_fault '{"match":"","status":502,"count":1000}'
        podstep run --pull always,if-not-present
        assert_status 0
        assert_output_contains "Failed to pull image '127.0.0.1:$FAULTY/lab/busybox:1' with policy \"always\": "
        assert_output_contains 'Attempt #2: Trying "if-not-present" pull policy'
        assert_output_contains 'Using locally found image version due to "if-not-present" pull policy'
}

@test "the same policy twice is a second try" {
        image "$FAULTY"
        # Docker asks twice by itself
        registry_fault "{\"match\":\"manifests\",\"status\":500,\"count\":$([ "$ENGINE" = docker ] && echo 2 || echo 1)}"
        podstep run --pull always,always
        assert_status 0
        assert_output_contains 'Attempt #2: Trying "always" pull policy'
        assert_output_contains "pulled image"
}

@test "several podsteps fetch an image once" {
        local pids=() i
        image "$FAULTY"
        registry_fault '{"match":"manifests","delay":2,"count":1}'
        for i in 1 2 3; do
                "$PODSTEP" run >"$BATS_TEST_TMPDIR/out.$i" 2>&1 </dev/null 3>&- &
                pids+=($!)
        done
        for i in "${pids[@]}"; do wait "$i" || fail "one failed:" "$(cat "$BATS_TEST_TMPDIR"/out.*)"; done
        [ "$(grep -l 'pulled image' "$BATS_TEST_TMPDIR"/out.* | wc -l)" = 1 ] || fail "$(cat "$BATS_TEST_TMPDIR"/out.*)"
        [ "$(grep -l 'another podstep is fetching' "$BATS_TEST_TMPDIR"/out.* | wc -l)" = 2 ] || fail "$(cat "$BATS_TEST_TMPDIR"/out.*)"
        [ "$(registry_requests | grep -oE '(GET|HEAD) [^"]*manifests/1"' | wc -l)" = 1 ] || fail "$(registry_requests)"
}

@test "one that waits goes on when the one that fetches is killed" {
        image "$FAULTY"
        registry_fault '{"match":"manifests","delay":60,"count":1}'
        podstep_start run
        wait_until 20 eval "registry_requests | grep -q manifests"
        first=$PODSTEP_PID
        podstep_start run
        wait_output "another podstep is fetching"
        kill -KILL "$first"
        podstep_end 30
        assert_status 0
        assert_output_contains "pulled image"
}

@test "an image for another platform than was asked for is refused" {
        checkout <<<"steps: [{name: s, image: '127.0.0.1:$OPEN/lab/busybox:1', commands: [echo hello]}]"
        podstep run --set images.platform=linux/s390x
        assert_status 125
        assert_output_contains "not made for linux/s390x"
        podstep run
        assert_status 0
        podstep run --pull never --set images.platform=linux/s390x
        assert_status 125
        assert_output_contains "it is on this machine for linux/amd64, not for linux/s390x"
}

# ---- logins ----

@test "no login: denied, and told what to do" {
        image "$AUTH"
        podstep run
        assert_status 125
        assert_output_contains "the registry wants another login"
        assert_output_contains "--authfile"
        assert_output_matches "unauthorized|authentication required|no basic auth credentials"
}

@test "a login of each file that Podman and Docker know, and of the option" {
        image "$AUTH"
        for file in "$XDG_CONFIG_HOME/containers/auth.json" "$HOME/.docker/config.json" "$HOME/.dockercfg"; do
                if [ "${file##*/}" = .dockercfg ]; then
                        printf '{"http://127.0.0.1:%s/v1/":{"auth":"%s"}}' "$AUTH" "$(printf ci:s3cret | base64)" >"$file"
                else
                        login_file "$file" "$AUTH"
                fi
                podstep run --pull always
                rm "$file"
                assert_status 0
                assert_output_contains "Authenticating with credentials from $file"
        done
        login_file "$BATS_TEST_TMPDIR/auth.json" "$AUTH"
        podstep run --pull always --authfile "$BATS_TEST_TMPDIR/auth.json"
        assert_status 0
        REGISTRY_AUTH_FILE=$BATS_TEST_TMPDIR/auth.json podstep run --pull always
        assert_status 0
        WOODPECKER_DOCKER_CONFIG=$BATS_TEST_TMPDIR/auth.json podstep run --pull always
        assert_status 0
        podstep run --pull always --set "images.auth_file=$BATS_TEST_TMPDIR/auth.json"
        assert_status 0
}

@test "a wrong password is denied, and never shown" {
        image "$AUTH"
        login_file "$BATS_TEST_TMPDIR/auth.json" "$AUTH" ci:wr0ngpass
        podstep run --authfile "$BATS_TEST_TMPDIR/auth.json"
        assert_status 125
        assert_output_contains "the registry wants another login"
        refute_output_contains "wr0ngpass"
        refute_output_contains "$(printf ci:wr0ngpass | base64)"
}

@test "a file that was named and is not there, or is damaged" {
        image "$OPEN"
        podstep run --authfile "$BATS_TEST_TMPDIR/missing.json"
        assert_status 2
        assert_output_contains "cannot read the logins of '$BATS_TEST_TMPDIR/missing.json': No such file or directory"
        echo '{"auths":{"r":{"auth":"x"}}}' >"$BATS_TEST_TMPDIR/bad.json"
        podstep run --authfile "$BATS_TEST_TMPDIR/bad.json"
        assert_status 2
        assert_output_contains "the login for 'r' is damaged"
        cp "$BATS_TEST_TMPDIR/bad.json" "$XDG_CONFIG_HOME/containers/auth.json"
        podstep run
        assert_status 0
        assert_output_contains "going on without it"
}

@test "a credential helper gives the login" {
        image "$AUTH"
        mkdir -p "$BATS_TEST_TMPDIR/bin"
        printf '#!/bin/sh\nread -r server || :\necho "$* $server" >>"%s"\necho "{\\"Username\\":\\"ci\\",\\"Secret\\":\\"s3cret\\"}"\n' \
                "$BATS_TEST_TMPDIR/asked" >"$BATS_TEST_TMPDIR/bin/docker-credential-lab"
        chmod 755 "$BATS_TEST_TMPDIR/bin/docker-credential-lab"
        printf '{"credHelpers":{"127.0.0.1:%s":"lab"}}' "$AUTH" >"$XDG_CONFIG_HOME/containers/auth.json"
        PATH=$BATS_TEST_TMPDIR/bin:$PATH podstep run
        assert_status 0
        [ "$(cat "$BATS_TEST_TMPDIR/asked")" = "get 127.0.0.1:$AUTH" ] || fail "$(cat "$BATS_TEST_TMPDIR/asked")"
        # a job names no programs
        forget
        rm "$XDG_CONFIG_HOME/containers/auth.json" "$BATS_TEST_TMPDIR/asked"
        export DOCKER_AUTH_CONFIG="{\"credHelpers\":{\"127.0.0.1:$AUTH\":\"lab\"},\"credsStore\":\"lab\"}"
        PATH=$BATS_TEST_TMPDIR/bin:$PATH podstep run --secret DOCKER_AUTH_CONFIG
        assert_status 125
        [ ! -e "$BATS_TEST_TMPDIR/asked" ] || fail "a helper was run for a job"
}

@test "what a job's login opened is not for other jobs" {
        image "$AUTH"
        login_file "$BATS_TEST_TMPDIR/auth.json" "$AUTH"
        DOCKER_AUTH_CONFIG=$(cat "$BATS_TEST_TMPDIR/auth.json")
        export DOCKER_AUTH_CONFIG
        podstep run --secret DOCKER_AUTH_CONFIG
        assert_status 0
        assert_output_contains 'Authenticating with credentials from $DOCKER_AUTH_CONFIG'
        # the same job again: asked, and allowed
        podstep run --secret DOCKER_AUTH_CONFIG
        assert_status 0
        assert_output_contains "using image"
        unset DOCKER_AUTH_CONFIG
        for policy in missing never newer always,missing; do
                podstep run --pull "$policy"
                assert_status 125
                refute_output_contains "hello"
        done
        podstep run
        assert_output_contains "it is here, but was fetched with a login, and this job may not have it"
        # not by its digest either
        digest=$(api GET "/images/127.0.0.1:$AUTH%2Flab%2Fbusybox:1/json" | grep -o "127.0.0.1:$AUTH/lab/busybox@sha256:[0-9a-f]*" | head -1)
        [ -n "$digest" ]
        checkout other <<<"steps: [{name: s, image: '$digest', commands: [echo hello]}]"
        podstep run
        assert_status 125
        refute_output_contains "hello"
        # but with a login of the operator
        podstep run --authfile "$BATS_TEST_TMPDIR/auth.json"
        assert_status 0
}

@test "what the operator's login opened is there without asking, while the login is" {
        image "$AUTH"
        login_file "$BATS_TEST_TMPDIR/auth.json" "$AUTH"
        podstep run --authfile "$BATS_TEST_TMPDIR/auth.json"
        assert_status 0
        lab_registry down "$AUTH"
        podstep run --authfile "$BATS_TEST_TMPDIR/auth.json"
        lab_registry up auth "$AUTH"
        assert_status 0
        podstep run
        assert_status 125
        refute_output_contains "hello"
}

@test "a public image that was fetched with a login is asked for once, then open" {
        image "$FAULTY"
        login_file "$BATS_TEST_TMPDIR/auth.json" "$FAULTY"
        podstep run --authfile "$BATS_TEST_TMPDIR/auth.json"
        assert_status 0
        fault_clear
        podstep run
        assert_status 0
        [[ $(registry_requests) == *manifests/sha256:* ]] || fail "not asked: $(registry_requests)"
        [ "$(registry_requests | grep -o blobs | wc -l)" -le 1 ] || fail "downloaded: $(registry_requests)" # its configuration
        fault_clear
        podstep run
        assert_status 0
        [ "$(registry_requests)" = "[]" ] || fail "asked again: $(registry_requests)"
}

# ---- what goes wrong on the way ----

@test "TLS with a CA of its own: refused while it is not trusted" {
        checkout <<<"steps: [{name: s, image: '$TLSHOST:$TLS/lab/busybox:1', commands: [echo hello]}]"
        podstep run
        assert_status 125
        assert_output_contains "certificate is not trusted"
        assert_output_contains "certs.d"
        [ "$ENGINE" = podman ] || return 0      # whom its daemon trusts is root's to say
        cp "$BATS_FILE_TMPDIR/certs/ca.crt" "$BATS_FILE_TMPDIR/home/.config/containers/certs.d/$TLSHOST:$TLS/"
        podstep run
        rm "$BATS_FILE_TMPDIR/home/.config/containers/certs.d/$TLSHOST:$TLS/ca.crt"
        assert_status 0
}

@test "no such image, no such tag" {
        image "$OPEN" nosuch
        podstep run
        assert_status 125
        assert_output_contains "image '127.0.0.1:$OPEN/lab/busybox:nosuch': the registry has no such image or tag: look at the spelling ("
        checkout other <<<"steps: [{name: s, image: '127.0.0.1:$OPEN/lab/nosuch:1', commands: [echo hello]}]"
        podstep run
        assert_status 125
        assert_output_contains "the registry has no such image or tag"
}

@test "no such host" {
        checkout <<<"steps: [{name: s, image: 'registry.invalid/lab/nosuch:1', commands: [echo hello]}]"
        podstep run
        assert_status 125
        assert_output_contains "the registry's name has no address"
}

@test "nobody listens" {
        image "$DEAD"
        podstep run
        assert_status 125
        assert_output_contains "the registry does not answer"
        assert_output_contains "connection refused"
}

@test "5xx" {
        image "$FAULTY"
        for code in 500 502 503; do
                fault_clear
                registry_fault "{\"match\":\"manifests\",\"status\":$code,\"count\":1000}"
                podstep run
                assert_status 125
                assert_output_contains "the registry is not in order"
        done
}

@test "images.retries: what may pass is tried again, what will not is not" {
        image "$FAULTY"
        registry_fault '{"match":"manifests","status":502,"count":1000}'
        podstep run --pull always --set images.retries=1
        assert_status 125
        assert_output_contains "Failed to pull image \"127.0.0.1:$FAULTY/lab/busybox:1\" (attempt #1), retrying: the registry is not in order ("
        refute_output_contains "(attempt #2)"
        podstep_start run --pull always --set images.retries=100
        wait_output 'attempt #1\), retrying' 60
        fault_clear
        podstep_end 120
        assert_status 0
        assert_output_contains hello
        image "$OPEN" nosuch
        podstep run --pull always --set images.retries=100
        assert_status 125
        refute_output_contains retrying
}

@test "a service is pulled by its own policy, as its step's is not" {
        image "$FAULTY"
        podstep run
        assert_status 0
        for pull in false true; do
                checkout service <<-Y
	services: [{name: d, image: '127.0.0.1:$FAULTY/lab/busybox:1', pull: $pull, entrypoint: [sleep, '100']}]
	steps: [{name: s, image: $IMG/busybox:1, commands: ['true']}]
	Y
                fault_clear
                podstep run
                assert_status 0
                [ "$pull" = false ] || [[ $(registry_requests) == *manifests/* ]] || fail "not asked: $(registry_requests)"
                [ "$pull" = true ] || [ "$(registry_requests)" = "[]" ] || fail "asked: $(registry_requests)"
                cd ..
        done
}

@test "429 with Retry-After: the engine waits" {
        need_podman "it does not wait when a registry asks it to"
        image "$FAULTY"
        registry_fault '{"match":"manifests","status":429,"headers":{"Retry-After":"1"},"count":2}'
        podstep run
        assert_status 0
}

@test "a slow registry is waited for, and can be canceled" {
        image "$FAULTY"
        registry_fault '{"match":"manifests","delay":2,"count":1}'
        podstep run
        assert_status 0
        forget
        registry_fault '{"match":"manifests","delay":50,"count":1}'
        podstep_start run
        wait_until 20 eval "registry_requests | grep -q 'manifests.*manifests'"
        kill -INT "$PODSTEP_PID"
        podstep_end 10
        assert_status 130
        [ -z "$(find "$XDG_STATE_HOME/podstep/images" -name '.lock*')" ] || fail "a lock is left"
}

@test "a download that is cut off: resumed once, an error if it goes on" {
        head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/noise"
        tar -C "$BATS_TEST_TMPDIR" -c noise | registry_env podman import -q - "127.0.0.1:$OPEN/lab/noise:1"
        registry_env podman push -q --tls-verify=false "127.0.0.1:$OPEN/lab/noise:1"
        registry_env podman rmi "127.0.0.1:$OPEN/lab/noise:1"
        checkout <<<"steps: [{name: s, image: '127.0.0.1:$FAULTY/lab/noise:1', entrypoint: [/nothing]}]"
        registry_fault '{"match":"blobs","cut":1000000,"count":1000}'
        podstep run
        assert_status 125
        assert_output_contains "the registry is not in order"
        refute_output_contains "pulled image"
}
