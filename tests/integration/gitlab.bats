# Files of GitLab CI: jobs, their stages, scripts and services, as GitLab Runner's docker executor would run them.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown() { end_test; }
teardown_file() { leaks_after; }

# gitlab: a checkout with stdin as .gitlab-ci.yml
gitlab() {
        bare_checkout
        cat >.gitlab-ci.yml
        git remote add origin https://gitlab.example/Group/sub/project.git
        git add -A
        git commit -qm "first

what it is about"
}

@test "before_script, script and after_script of a job" {
        gitlab <<-Y
	image: $IMG/tools:1
	variables: {A: one, B: \$A-two}
	before_script: [X=5, 'echo \$B']
	job:
	  script:
	  - echo "\$X in \$PWD as \$(id -un)"
	  - cat README
	  - |
	    echo several
	    echo lines
	  - if [ -n "\$BASH_VERSION" ]; then echo bash; fi
	  after_script: ['echo "after: \$CI_JOB_STATUS, X is <\$X>"', exit 4]
	Y
        podstep_json
        assert_status 0
        assert_query "[l for l in lines('job') if not l.startswith('$ ')]" "one-two
5 in /builds/Group/sub/project as root
hello
several
lines
bash
Running after_script
after: success, X is <>
WARNING: after_script failed, which does not count: exit code 4"
        assert_query "[l for l in lines('job') if 'echo several' in l]" '$ echo several # collapsed multi-line command'
}

@test "a command that fails ends the script, in a pipe too, and after_script is told" {
        gitlab <<-Y
	job:
	  image: $IMG/tools:1
	  script: ['sh -c "exit 3" | cat', echo never]
	  after_script: ['echo "it has \$CI_JOB_STATUS"']
	Y
        podstep run
        assert_status 1
        assert_line "it has failed"
        assert_output_contains "exit code 3"
        refute_output_contains "never"
}

@test "an image without bash" {
        gitlab <<-Y
	job: {image: $IMG/busybox:1, script: ['echo \${BASH_VERSION:-no bash}'], after_script: [echo after]}
	Y
        podstep run
        assert_status 0
        assert_line "no bash"
        assert_line "after"
}

@test "an image without a shell" {
        gitlab <<-Y
	job: {image: {name: $IMG/noshell:1, entrypoint: [""]}, script: [echo never]}
	Y
        podstep run
        assert_status 125
        assert_output_contains "has no /bin/sh"
}

@test "stages: what fails ends them, but for jobs that may fail, always and on_failure" {
        gitlab <<-Y
	image: $IMG/busybox:1
	may fail: {stage: build, script: [exit 5], allow_failure: true}
	fails: {script: [exit 6]}
	beside: {script: [echo ran beside]}
	later: {stage: deploy, script: [echo ran later]}
	cleanup: {stage: deploy, script: [echo ran cleanup], when: on_failure}
	report: {stage: .post, script: [echo ran report], when: always}
	manual: {stage: deploy, script: [echo ran manual], when: manual}
	at once: {stage: deploy, script: [echo ran at once], needs: []}
	Y
        podstep run
        assert_status 1
        assert_output_contains "exit code 5 (ignored)"
        assert_line "ran beside"
        assert_line "ran cleanup"
        assert_line "ran report"
        assert_line "ran at once"
        refute_output_contains "ran later"
        refute_output_contains "ran manual"
        assert_output_contains "job 'later' is skipped: 'fails' has failed"
        assert_output_contains "job 'manual' has nothing to run: it is started by hand"
}

@test "on_failure does not run when all is well" {
        gitlab <<-Y
	image: $IMG/busybox:1
	fine: {stage: build, script: [date]}
	cleanup: {script: [echo ran cleanup], when: on_failure}
	later: {stage: deploy, script: [echo ran later]}
	Y
        podstep run
        assert_status 0
        refute_output_contains "ran cleanup"
        assert_line "ran later"
        assert_output_contains "job 'cleanup' is skipped: 'fine' has not failed"
}

@test "each job has the checkout fresh" {
        gitlab <<-Y
	image: $IMG/busybox:1
	one: {stage: build, script: [echo changed >README, touch new]}
	two: {script: [cat README, ls]}
	Y
        podstep run
        assert_status 0
        assert_line "hello"
        [ "$(grep -cx new <<<"$output")" = 0 ]
        [ "$(cat README)" = hello ]
}

@test "--step takes jobs, those started by hand too; --from takes stages" {
        gitlab <<-Y
	image: $IMG/busybox:1
	build: {stage: build, script: [echo ran build]}
	test: {script: [echo ran test]}
	by hand: {stage: deploy, script: [echo ran by hand], when: manual, needs: [build]}
	Y
        podstep run --step "by hand"
        assert_status 0
        assert_line "ran by hand"
        refute_output_contains "ran build"
        podstep run --from test
        assert_status 0
        assert_line "ran test"
        refute_output_contains "ran build"
        podstep run --step tset
        assert_status 2
        assert_output_contains "did you mean 'test'?"
}

@test "the image's entrypoint is handed the script" {
        gitlab <<-Y
	job: {image: $IMG/entry:1, script: [echo script]}
	shell: {image: {name: $IMG/busybox:1, entrypoint: [/bin/sh, -c]}, script: [echo from a text]}
	word: {image: {name: $IMG/busybox:1, entrypoint: [/bin/sh, -c, 'X=5 exec \$0']}, script: ['echo word \$X']}
	none: {image: {name: $IMG/entry:1, entrypoint: [""]}, script: [echo none]}
	Y
        podstep run
        assert_status 0
        assert_line "ENTRY:sh /podstep/script"
        assert_line "script"
        assert_line "from a text"
        assert_line "word 5"
        assert_line "none"
        [ "$(grep -c ENTRY: <<<"$output")" = 1 ]
}

@test "users: the image's, and the file's; the checkout is theirs" {
        gitlab <<-Y
	image's: {image: $IMG/nonroot:1, script: [id -un, touch new]}
	file's: {image: {name: $IMG/busybox:1, docker: {user: nobody}}, script: [id -un, touch new]}
	Y
        podstep run
        assert_status 0
        assert_line build
        assert_line nobody
}

@test "services: aliases, variables, command, and they reach the job as 'build'" {
        gitlab <<-Y
	job:
	  image: $IMG/busybox:1
	  variables: {COMMON: both}
	  services:
	  - name: $IMG/busybox:1
	    alias: web www
	    variables: {OWN: mine, HEALTHCHECK_TCP_PORT: 8081}
	    command: [sh, -c, 'mkdir /www; env >/www/index.html; exec httpd -f -p 8081 -h /www']
	  - $IMG/exposes-b:1
	  script:
	  - wget -q -O - http://web:8081/ | grep -E '^(OWN|COMMON|CI_JOB_NAME)='
	  - for name in www localhost__lab__busybox localhost-lab-busybox localhost__lab__exposes-b build; do { nc -w 2 \$name 9 2>&1 || true; } | grep -c refused; done
	Y
        podstep_json
        assert_status 0
        assert_query "sorted(l for l in lines('job') if '=' in l and not l.startswith('$'))" "CI_JOB_NAME=job
COMMON=both
OWN=mine"
        assert_query "lines('job').count('1')" 5
}

@test "two services on one port, each at its own name" {
        gitlab <<-Y
	job:
	  image: $IMG/busybox:1
	  services: ["$IMG/exposes-a:1", "$IMG/exposes-b:1"]
	  script: ['wget -q -O - http://localhost__lab__exposes-a:8080/', 'wget -q -O - http://localhost-lab-exposes-b:8080/']
	Y
        podstep_json
        assert_status 0
        assert_query "[l for l in lines('job') if len(l) == 1]" "a
b"
}

@test "a service that does not get ready is told of, and the job goes on" {
        gitlab <<-Y
	job:
	  image: $IMG/busybox:1
	  services: [{name: "$IMG/busybox:1", variables: {HEALTHCHECK_TCP_PORT: 4711}, command: [sleep, "100"]}]
	  script: [echo went on]
	Y
        podstep run --service-timeout 1s
        assert_status 0
        assert_output_contains "not ready within 1s: its port is not open; going on without that"
        assert_line "[job] went on"
}

@test "secrets are variables of the job alone, masked, and in no inspect" {
        gitlab <<-Y
	job:
	  image: $IMG/busybox:1
	  variables: {LOGIN: 'me:\$TOKEN'}
	  services: ["$IMG/exposes-a:1"]
	  script: ['test "\$LOGIN" = me:s3cr3t-value', 'echo "\$TOKEN"', echo ready, 'while :; do sleep .1; done']
	Y
        TOKEN=s3cr3t-value podstep_start run --secret TOKEN --grace 1s
        wait_output 'ready$'
        container_json "$(container_of job)" >"$BATS_TEST_TMPDIR/inspect"
        kill -TERM "$PODSTEP_PID"
        podstep_end 15
        grep -q CI_JOB_NAME "$BATS_TEST_TMPDIR/inspect"
        ! grep -q s3cr3t "$BATS_TEST_TMPDIR/inspect"
        assert_output_contains "********"
        refute_output_contains s3cr3t
        assert_nothing_left
}

@test "an entrypoint of its own finds secrets, too" {
        gitlab <<-Y
	job: {image: {name: $IMG/busybox:1, entrypoint: [/bin/sh, -c, 'test "\$TOKEN" = s3cr3t-value && echo found it']}, script: [x]}
	Y
        TOKEN=s3cr3t-value podstep run --secret TOKEN
        assert_status 0
        assert_line "found it"
}

@test "Ctrl-C: all that the script started is told, after_script runs as canceled" {
        gitlab <<-Y
	job:
	  image: $IMG/tools:1
	  script: [echo ready, "sleep 100"]
	  after_script: ['echo "it was \$CI_JOB_STATUS"']
	Y
        podstep_start run
        wait_output '^ready$'
        kill -INT "$PODSTEP_PID"
        podstep_end 15
        assert_status 130
        assert_line "it was canceled"
        assert_nothing_left
}

@test "predefined variables" {
        gitlab <<-Y
	job: {image: $IMG/busybox:1, stage: build, script: [env]}
	Y
        podstep_json
        assert_status 0
        for line in CI=true GITLAB_CI=true CI_JOB_NAME=job CI_JOB_STAGE=build CI_PROJECT_PATH=Group/sub/project \
                CI_PROJECT_DIR=/builds/Group/sub/project CI_COMMIT_BRANCH=main CI_COMMIT_TITLE=first \
                "CI_COMMIT_DESCRIPTION=what it is about" CI_COMMIT_TIMESTAMP=2024-01-02T03:04:05+00:00 CI_JOB_STATUS=running \
                CI_REGISTRY_IMAGE=registry.gitlab.example/group/sub/project "CI_COMMIT_AUTHOR=Lab <lab@localhost>" \
                "CI_COMMIT_SHA=$(git rev-parse HEAD)" CI_RUNNER_EXECUTABLE_ARCH=linux/amd64; do
                assert_query "'$line' in lines('job')" True
        done
        assert_query "[l for l in lines('job') if l.startswith(('CI_STEP', 'CI_WORKFLOW', 'CI_REPO_'))]" ""
}

@test "--clone: the workspace begins empty, and the commit is fetched" {
        gitlab <<-Y
	job: {image: $IMG/busybox:1, services: ["$IMG/exposes-a:1"], script: [ls, cat README]}
	Y
        echo changed >README
        touch untracked
        podstep_json --clone
        assert_status 0
        assert_query "[l for l in lines('job') if not l.startswith('$')]" "README
hello"
}

@test "a Woodpecker workflow counts more, unless the file is named" {
        gitlab <<-Y
	job: {image: $IMG/busybox:1, script: [echo of GitLab]}
	Y
        printf 'steps: [{name: s, image: %s/busybox:1, commands: [echo of Woodpecker]}]\n' "$IMG" >.woodpecker.yaml
        podstep run
        assert_line "of Woodpecker"
        podstep run .gitlab-ci.yml
        assert_status 0
        assert_line "of GitLab"
}

@test "a file that is wrong: all of it is told, nothing runs" {
        gitlab <<-Y
	job:
	  script: [echo a: b]
	  rules: []
	  services: [{nmae: x}]
	Y
        podstep run
        assert_status 2
        assert_output_contains ".gitlab-ci.yml:1:1: error: job 'job' has no image"
        assert_output_contains ".gitlab-ci.yml:2:12: error: script: expected a string, found a map"
        assert_output_contains ".gitlab-ci.yml:3:3: error: key 'rules' in job 'job' is not yet supported"
        assert_output_contains "unknown key 'nmae'"
}
