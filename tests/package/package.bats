# The packages: built from what is committed, clean, and the deb in the booted machine's life: a user logs in and is set up, jobs go
# on after logout and through an upgrade, and nothing is left when it goes. As root on Debian; needs tests/lab/engine5 to be up.
load ../integration/helpers

LAB_SH=$BATS_TEST_DIRNAME/../lab

# PACKAGES: packages that are there already, for whoever works on these tests
setup_file() {
        export QUICK=1 OUT=${PACKAGES:-$BATS_FILE_TMPDIR/packages}
        rm -rf "$OUT/old" "$OUT/old.deb"
        mkdir -p "$OUT"
}
teardown_file() {
        in_machine sh -c 'dpkg --purge podstep; loginctl disable-linger ci; loginctl kill-user ci; sleep 0.5; userdel -rf ci' >/dev/null 2>&1 || true
}

in_machine() { "$LAB_SH/engine5" sh "$@"; }
# login COMMAND: what a user ci does between login and logout
login() { in_machine su -l ci -c "$1"; }
deb() { ls "$OUT"/podstep_*.deb; }
install_deb() {
        in_machine sh -c 'cat >/tmp/podstep.deb && dpkg -i /tmp/podstep.deb; r=$?; rm -f /tmp/podstep.deb; exit $r' <"$1"
}
# what is installed, but for the documentation that each distribution has in its own way
payload() { sed -n '/^\/usr\/lib\/.build-id/d; s,^\./,/,; s,/share/man/\(.*\)\.gz$,/share/man/\1,; /^\/usr\/share\/\(doc\|lintian\|licenses\)/d; /\/$/d; p' | sort; }
# all files of ours, but for what lies in homes
files() {
        in_machine find / -xdev -name '*podstep*' -not -path '/proc/*' -not -path '/var/lib/dpkg/*' -not -path '/run/*' -not -path '/var/cache/*' \
                -not -path '/var/log/*' -not -path '/home/*' -not -path '/tmp/*' | sort
}
job_is() { login "podstep show $1 --json" | jq -e --arg state "$2" '.job.state == $state' >/dev/null; }

@test "the deb is built, and lintian has nothing to say" {
        run "$LAB_SH/package" deb "$OUT"
        assert_status 0
        refute_output_matches '^[EW]: '
        [ -s "$(deb)" ] || fail "no deb"
}

@test "the RPM is built, and rpmlint has nothing to say; it is what the deb is" {
        command -v rpmbuild >/dev/null || skip "no rpmbuild: tests/lab/packages package"
        run "$LAB_SH/package" rpm "$OUT"
        assert_status 0
        assert_output_contains "0 errors, 0 warnings"
        rpm -qpl --nosignature "$OUT"/podstep-[0-9]*.x86_64.rpm 2>/dev/null | while read -r f; do [ "$f" = /usr/libexec/podstep ] || echo "$f"; done |
                payload >"$OUT/files.rpm"
        dpkg-deb --fsys-tarfile "$(deb)" | tar -t | payload >"$OUT/files.deb"
        diff "$OUT/files.deb" "$OUT/files.rpm" >&2
        [ "$(wc -l <"$OUT/files.deb")" -gt 30 ] || fail "few files:" "$(cat "$OUT/files.deb")"
}

@test "a user logs in and is set up" {
        [ -s "$(deb)" ] || skip "no deb"
        # what came by 'meson install' would hide it
        "$LAB_SH/engine5" uninstall
        files >"$OUT/before"
        # an earlier release
        dpkg-deb -R "$(deb)" "$OUT/old"
        sed -i 's/^Version: .*/Version: 0.0.1-1/' "$OUT/old/DEBIAN/control"
        dpkg-deb --root-owner-group -Znone -b "$OUT/old" "$OUT/old.deb" >/dev/null
        run install_deb "$OUT/old.deb"
        assert_status 0
        # the host's ps shows its processes, too: not by the number of a user who is looked after there
        in_machine useradd -m -s /bin/bash -u 5501 ci
        # no controllers for users in the machine, and no registry
        login 'mkdir -p ~/.config/containers && printf "[containers]\npids_limit = 0\n" >~/.config/containers/containers.conf &&
                printf "[storage]\ndriver = \"overlay\"\n" >~/.config/containers/storage.conf'
        "$LAB_SH/engine5" as podman save -q localhost/lab/busybox:1 | login 'podman load -q'
        run login 'podstep setup --yes'
        [ "$status" -le 1 ] || fail "$output"
        assert_output_contains "podman.socket: done"
        assert_output_contains "podstep.socket: done"
        # whom polkit does not let, root's command is told
        if [[ $output != *"linger: done"* ]]; then
                assert_output_contains "loginctl enable-linger ci"
                in_machine loginctl enable-linger ci
        fi
        assert_equal "$(in_machine loginctl show-user ci -P Linger)" yes
        run login 'podstep setup --yes'
        assert_output_contains "Nothing to do."
        run login 'podstep doctor --quiet'
        [ "$status" -le 1 ] || fail "$output"
}

@test "a job goes on after logout" {
        login 'mkdir repo && cd repo && git init -q -b main . && cat >.woodpecker.yaml' <<-'Y'
	steps: [{name: one, image: localhost/lab/busybox:1, commands: ["for i in $(seq 30); do echo line-$i; sleep 0.1; done"]}]
	Y
        login 'cd repo && podstep submit --pull never'
        wait_until 10 eval '! in_machine loginctl list-sessions --no-legend | grep " ci .* user "' || fail "$(in_machine loginctl list-sessions)"
        wait_until 30 job_is 1 done || fail "$(login 'podstep show 1')"
        run login 'podstep logs --plain --step one 1 | grep ^line-'
        assert_equal "$output" "$(seq -f line-%g 30)"
}

@test "it is upgraded while a job runs: another agent, the same job" {
        login 'mkdir wait && cd repo && cat >.woodpecker.yaml' <<-'Y'
	steps:
	  - name: one
	    image: localhost/lab/busybox:1
	    volumes: ["/home/ci/wait:/wait"]
	    commands: ["for i in $(seq 10); do echo line-$i; done; until [ -e /wait/over ]; do sleep 0.1; done; echo line-11"]
	Y
        login 'cd repo && podstep submit --pull never --trusted volumes'
        wait_until 20 eval "login 'podstep logs 2' | grep -q line-10" || fail "$(login 'podstep show 2')"
        before=$(login 'systemctl --user show -P MainPID podstep.service')
        run install_deb "$(deb)"
        assert_status 0
        after=$(login 'systemctl --user show -P MainPID podstep.service')
        [ "$before" != "$after" ] || fail "it is the same agent: $before"
        assert_equal "$(in_machine readlink "/proc/$after/exe")" /usr/libexec/podstep/podstep-agent
        job_is 2 running || fail "$(login 'podstep show 2')"
        login 'touch wait/over'
        wait_until 40 job_is 2 done || fail "$(login 'podstep show 2')"
        run login 'podstep show 2'
        assert_output_contains "state      success"
        run login 'podstep logs --plain --step one 2 | grep ^line-'
        assert_equal "$output" "$(seq -f line-%g 11)"
}

@test "removed, it leaves nothing: no process, no container, no unit, no file" {
        login 'cd repo && cat >.woodpecker.yaml' <<-'Y'
	services: [{name: stays, image: localhost/lab/busybox:1, commands: [sleep 600]}]
	steps: [{name: one, image: localhost/lab/busybox:1, commands: [echo begun, sleep 600]}]
	Y
        login 'cd repo && podstep submit --pull never --grace 1s'
        wait_until 20 eval "login 'podstep logs 3' | grep -q begun" || fail "$(login 'podstep show 3')"
        run in_machine dpkg --purge podstep
        assert_status 0
        ! in_machine pgrep -u ci -l podstep || fail "it runs"
        assert_equal "$(login 'podman ps -aq')" ""
        assert_equal "$(login 'systemctl --user list-units --all --no-legend "podstep*"')" ""
        assert_equal "$(login 'find ~/.config/systemd -name "podstep*"')" ""
        files | diff "$OUT/before" - >&2
}
