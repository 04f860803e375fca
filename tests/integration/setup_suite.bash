# setup_suite.bash: bats runs this once before all files of this folder.
# shellcheck shell=bash

setup_suite() {
        # the engine is chosen by each test, never by what the caller happens to have set
        unset CONTAINER_HOST CONTAINER_CONNECTION DOCKER_HOST DOCKER_SOCK DOCKER_CONTEXT NO_COLOR
        export LANG=C.UTF-8 TERM=dumb
        export IMG=localhost/lab
        export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
        export ENGINE_SOCK=${ENGINE_SOCK:-$XDG_RUNTIME_DIR/podman/podman.sock}
        # the engine of this run: Podman, where podstep finds it, or the lab's Docker, which must be named
        export ENGINE=podman API=/v4.0.0 LIBPOD=/libpod
        if [ -n "${DOCKER_LAB:-}" ]; then
                export ENGINE=docker API='' LIBPOD=''
                export DOCKER_HOST=unix://$ENGINE_SOCK CONTAINER_HOST=unix://$ENGINE_SOCK
        fi
        export PODSTEP=${PODSTEP:-$BATS_TEST_DIRNAME/../../build/src/cli/podstep}
        # git asks for an author in throw-away checkouts
        export GIT_AUTHOR_NAME=Lab GIT_AUTHOR_EMAIL=lab@localhost GIT_COMMITTER_NAME=Lab GIT_COMMITTER_EMAIL=lab@localhost
        export GIT_AUTHOR_DATE='2024-01-02T03:04:05Z' GIT_COMMITTER_DATE='2024-01-02T03:04:05Z'
        export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null

        if curl -sf -m 20 --unix-socket "$ENGINE_SOCK" http://d/_ping >/dev/null; then
                export ENGINE_OK=1
                # zz-leaks.bats compares
                "$BATS_TEST_DIRNAME/../lab/leaks" >"$BATS_SUITE_TMPDIR/leaks.before"
        elif [ -n "${PODSTEP_NEED_ENGINE:-}" ]; then
                echo "no engine answers at $ENGINE_SOCK" >&2
                return 1
        else
                export ENGINE_OK=
        fi
}

teardown_suite() { :; }
