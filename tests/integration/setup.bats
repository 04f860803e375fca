# podstep setup: in a machine with a real systemd what it says it does; elsewhere nothing.
load helpers

# in the machine podstep is installed, and setup knows its socket: nothing of it is left after this file
in_machine() { [ "$(cat /etc/hostname 2>/dev/null)" = lab-machine ] && systemctl --user cat podstep.socket >/dev/null 2>&1; }
setup_file() {
        ! in_machine || systemctl --user stop podstep.socket podstep-guard.socket podstep.service
        leaks_before
        ! in_machine || systemctl --user enable --now podstep.socket
}
setup() { need_engine; }
teardown() { end_test; }
teardown_file() {
        if in_machine; then
                systemctl --user disable --now podstep.socket
                systemctl --user stop podstep-guard.socket podstep.service
        fi
        leaks_after
}

need_systemd() { [ -S "$XDG_RUNTIME_DIR/systemd/private" ] || skip "no systemd of the user's here"; }
socket_state() { echo "$(systemctl --user is-enabled podman.socket) $(systemctl --user is-active podman.socket)"; }
# lingering ON|OFF: logind's own word for it
lingering() { busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager SetUserLinger ubb "$(id -u)" "$1" false; }
lingers() { loginctl show-user "$(id -un)" --property=Linger --value; }

@test "where all is as it should be there is nothing to do" {
        [ ! -S "$XDG_RUNTIME_DIR/systemd/private" ] || systemctl --user enable --now podman.socket
        podstep setup --yes
        [ "$status" -le 1 ] || fail "$output"
        assert_output_contains "Nothing to do."
}

@test "the socket is enabled and started, once" {
        need_systemd
        systemctl --user disable podman.socket
        podstep setup --dry-run
        assert_output_contains "podman.socket   enable and start it"
        assert_equal "$(socket_state)" "disabled active"

        podstep setup --yes
        [ "$status" -le 1 ] || fail "$output"
        assert_line "podman.socket: done"
        assert_equal "$(socket_state)" "enabled active"

        podstep setup --yes
        assert_line "Nothing to do."
}

@test "a socket that does not listen is started" {
        need_systemd
        systemctl --user stop podman.socket podman.service
        podstep doctor
        assert_status 2
        assert_output_matches 'fault +engine'
        podstep setup --yes --json
        [ "$status" -le 1 ] || fail "$output"
        assert_output_matches '"state": ?"done"'
        assert_equal "$(socket_state)" "enabled active"
        podstep doctor --quiet
        [ "$status" -le 1 ] || fail "$output"
}

@test "lingering is switched on where the system lets users do that" {
        need_systemd
        lingering true || skip "users may not let their services linger here"
        lingering false
        assert_equal "$(lingers)" no
        podstep doctor
        assert_output_matches 'warning +linger +off'
        podstep setup --yes
        lingering true
        assert_line "linger: done"
        [[ $output != *"linger "*" off"* ]] || fail "$output"
        assert_equal "$(lingers)" yes
}

@test "where nobody can be asked nothing is done" {
        need_systemd
        systemctl --user disable podman.socket
        podstep setup </dev/null
        assert_status 2
        assert_output_contains "--yes"
        assert_equal "$(socket_state)" "disabled active"
        podstep setup --json
        assert_status 2
        assert_equal "$(socket_state)" "disabled active"
        systemctl --user enable podman.socket
}

@test "a no is a no, a yes a yes" {
        need_systemd
        systemctl --user disable podman.socket
        run /usr/bin/python3 "$SUPPORT_DIR/terminal.py" "$BATS_TEST_TMPDIR/no" 80 24 --type 'y/N' '\r' "$PODSTEP" setup
        [ "$status" -le 1 ] || fail "$output"
        assert_equal "$(socket_state)" "disabled active"
        run /usr/bin/python3 "$SUPPORT_DIR/terminal.py" "$BATS_TEST_TMPDIR/yes" 80 24 --type 'y/N' 'y\r' "$PODSTEP" setup
        [ "$status" -le 1 ] || fail "$output"
        grep -q "podman.socket: done" "$BATS_TEST_TMPDIR/yes.screen" || fail "$(cat "$BATS_TEST_TMPDIR/yes.screen")"
        assert_equal "$(socket_state)" "enabled active"
}
