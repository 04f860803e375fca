# Secrets are not to be seen, wherever one looks.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown() { end_test; }
teardown_file() { leaks_after; }

SECRET='s3cr3t-Value/42 &xyz'

workflow() {
        checkout <<-Y
	steps:
	- name: s
	  image: $IMG/busybox:1
	  environment: {TOKEN: {from_secret: token}}
	  commands: [$1]
	Y
}

@test "a secret reaches the step and is masked in what it prints" {
        workflow '"test $${#TOKEN} = 20", echo "<$TOKEN>", echo "$TOKEN" >&2'
        TOKEN=$SECRET podstep run --secret TOKEN
        assert_status 0
        assert_line "<********>"
        assert_line "********"
        refute_output_contains s3cr3t
}

@test "masked in base64 and as part of a URL" {
        workflow 'printf %s "$TOKEN" | base64, echo "x$TOKEN" | base64, echo "xy$TOKEN" | base64, echo http://me:s3cr3t-Value%2F42%20%26xyz@host/'
        TOKEN=$SECRET podstep_json --secret TOKEN
        assert_status 0
        # the last command holds the secret in the file itself: also the echo of the command is masked
        assert_query "[l for l in lines('s') if 's3cr3t' in l or 'Value' in l]" ""
        assert_query "[l for l in lines('s') if '$(printf %s "$SECRET" | base64 | cut -c4-20)' in l or '$(printf 'x%s' "$SECRET" | base64 | cut -c8-20)' in l or '$(printf 'xy%s' "$SECRET" | base64 | cut -c8-20)' in l]" ""
        assert_query "len([l for l in lines('s') if '********' in l and not l.startswith('+')])" 4
}

@test "masked when it is folded over lines and when it comes in pieces" {
        checkout <<-'Y'
	steps:
	- name: s
	  image: localhost/lab/busybox:1
	  environment: {TOKEN: {from_secret: token}}
	  entrypoint: [sh, -c, 'echo "$TOKEN" | fold -w 3; echo begin; printf s3cr; sleep .3; printf 3t-Val; sleep .3; printf "ue/42 &xyz\n"; echo end']
	Y
        TOKEN=$SECRET podstep_json --secret TOKEN
        assert_status 0
        assert_query "set(b''.join(output('s').split(b'begin')[0].split())) == set(b'*')" True
        assert_query "output('s').split(b'begin')[1]" "b'\\n********\\nend\\n'"
}

@test "masked line by line when it has several lines" {
        printf 'token="first-line-of-it\\nsecond-line-of-it"\n' >"$BATS_TEST_TMPDIR/secrets"
        workflow 'echo "$TOKEN", echo "$TOKEN" | tail -n 1'
        podstep run --secrets-file "$BATS_TEST_TMPDIR/secrets"
        assert_status 0
        refute_output_contains first-line
        refute_output_contains second-line
}

@test "--secrets-file gives secrets, its comments and quotes are understood" {
        printf '# a comment\nTOKEN="quoted value"\nother=plain=with=equals\n' >"$BATS_TEST_TMPDIR/secrets"
        checkout <<-Y
	steps:
	- name: s
	  image: $IMG/busybox:1
	  environment: {A: {from_secret: token}, B: {from_secret: other}}
	  commands: ['test "\$A" = "quoted value"', 'test "\$B" = plain=with=equals']
	Y
        sed -i 's/"quoted value"/"\$(printf "quoted%svalue" " ")"/; s/plain=with=equals/\$(echo plain=with%equals | tr % =)/' .woodpecker.yaml
        podstep run --secrets-file "$BATS_TEST_TMPDIR/secrets"
        assert_status 0
}

@test "while the step runs its secret is in no inspect of the container" {
        workflow 'echo here, test -n "$TOKEN", sleep 100'
        export TOKEN=$SECRET
        podstep_start run --secret TOKEN --grace 1s
        unset TOKEN
        wait_output '^here$'
        engine_cli inspect "$(container_of s)" >"$BATS_TEST_TMPDIR/inspect"
        kill -INT "$PODSTEP_PID"
        podstep_end 20
        assert_status 130
        grep -q CI_STEP_NAME "$BATS_TEST_TMPDIR/inspect"        # the environment is in it
        ! grep -q s3cr3t "$BATS_TEST_TMPDIR/inspect"
}

@test "a plugin's secret setting is in no inspect, and removed from the engine" {
        checkout <<-Y
	steps:
	- name: plugin
	  image: $IMG/entry:1
	  settings: {password: {from_secret: token}}
	Y
        TOKEN=$SECRET podstep run --secret TOKEN --keep
        assert_status 1         # the image's program fails, which keeps the container
        refute_output_contains s3cr3t
        engine_cli inspect "$(container_of plugin)" >"$BATS_TEST_TMPDIR/inspect"
        grep -q CI_STEP_NAME "$BATS_TEST_TMPDIR/inspect"        # the environment is in it
        ! grep -q s3cr3t "$BATS_TEST_TMPDIR/inspect"
        "$PODSTEP" prune --all >/dev/null
        assert_nothing_left
        [ "$ENGINE" = docker ] || assert_equal "$(podman secret ls -q --filter name=podstep)" ""
}

@test "a plugin gets its secret setting" {
        # env is no shell: the secret cannot come from a script
        checkout <<-Y
	steps:
	- name: plugin
	  image: $IMG/busybox:1
	  entrypoint: [env]
	  environment: {PASSWORD: {from_secret: token}}
	Y
        TOKEN=$SECRET podstep_split run --secret TOKEN
        assert_status 0
        assert_line 'PASSWORD=********'
}

@test "the plan does not tell secrets" {
        workflow 'echo "$TOKEN"'
        TOKEN=$SECRET podstep plan --json --secret TOKEN
        assert_status 0
        assert_output_contains '********'
        refute_output_contains s3cr3t
        TOKEN=$SECRET podstep plan --secret TOKEN
        assert_status 0
        refute_output_contains s3cr3t
}

@test "a secret that is not given is an error with its line and a way out" {
        workflow 'echo "$TOKEN"'
        podstep run
        assert_status 2
        assert_output_matches '^[^ ]*\.woodpecker\.yaml:4:'
        assert_output_contains "secret 'token' is not given"
        assert_output_contains --secret
}

@test "a step that is not chosen may lack its secret; the plan is shown all the same" {
        cat >.woodpecker.yaml <<-'END'
	steps:
	  test: {image: localhost/lab/busybox:1, commands: echo tested}
	  deploy: {image: localhost/lab/busybox:1, commands: 'true', environment: {TOKEN: {from_secret: token}}}
	END
        podstep run --step test
        assert_status 0
        assert_line tested
        podstep plan
        assert_status 2
        assert_output_contains "secret 'token' is not given"
        assert_output_matches '^    not given    token$'
}

@test "a secret's value on the command line is refused and not repeated" {
        workflow 'echo "$TOKEN"'
        podstep run --secret "TOKEN=$SECRET"
        assert_status 2
        assert_output_contains "command line"
        refute_output_contains s3cr3t
}

@test "errors of the engine are masked too" {
        checkout <<-Y
	steps:
	- {name: s, image: 'localhost/lab/s3cr3t-image:1', commands: ['true']}
	Y
        TOKEN=s3cr3t-image podstep_json --secret TOKEN --pull never
        assert_status 125
        assert_query "'s3cr3t' in ' '.join(e.get('text', '') for e in events)" False
        [[ $stderr != *s3cr3t* ]]
}
