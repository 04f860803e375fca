# The examples do what their comments say.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown() { end_test; }
teardown_file() { leaks_after; }

@test "every example has its test here" {
        local name
        for name in "$EXAMPLES_DIR"/*/; do
                grep -q "^        example $(basename "$name")$" "$BATS_TEST_DIRNAME/examples.bats"
        done
}

@test "hello: a service, steps side by side, another user" {
        example hello
        podstep_json
        assert_status 0
        assert_query "lines('ask the service')[-1]" "hello from the service"
        assert_query "lines('another user')[1]" 1234
        assert_query "lines('all together')[-2:]" $'Hello, podstep!\nwritten by uid 1234'
        assert_equal "$(git status --porcelain)" ""
}

@test "parallel: the report does not wait for lint" {
        example parallel
        podstep_json
        assert_status 0
        assert_query "(step('lint')['exit_code'], step('report')['result'])" "(3, 'success')"
        assert_query "lines('report')[-2:]" $'unit tests pass\nsystem tests pass'
}

@test "secrets: whatever way it is printed" {
        example secrets
        TOKEN=very-secret-token podstep_json --secret TOKEN
        assert_status 0
        assert_query "[l for l in lines('use it') if not l.startswith('+')][0]" 'the token is ********'
        assert_query "'$(base64 <<<very-secret-token | cut -c1-10)' in ' '.join(lines('use it'))" False
        assert_query "step('after a failure')['result']" skipped
}

@test "services: two with the same port" {
        example services
        LIMIT=20 podstep_json
        assert_status 0
        assert_query "[l for l in lines('ask') if not l.startswith('+')]" $'blue\ngreen'
        assert_query "[s['result'] for s in result['steps']]" $'stopped\nstopped\nsuccess'
}

@test "gitlab: stages, a service of the job, after_script" {
        example gitlab
        podstep run
        assert_status 0
        assert_line "hello from compile, in stage build"
        assert_output_contains "from-the-service"
        assert_output_contains "] the job's status is success"
        assert_output_contains "started by hand"
}
