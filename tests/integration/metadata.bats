# What a run knows of itself: from git, the options, a metadata file and variables.
load helpers

setup_file() { leaks_before; }
teardown() { end_test; }
teardown_file() { leaks_after; }

# plan ARGS...: `podstep plan --json ARGS`; warnings in $stderr
plan() {
        PLAN=$BATS_TEST_TMPDIR/plan
        podstep_to "$PLAN" plan --json "$@"
}

# ci NAME: a variable of the plan's first step; "-": it is not set
ci() {
        /usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["steps"][0]["environment"].get(sys.argv[2], "-"))' "$PLAN" "$1"
}

# assert_ci NAME=VALUE...
assert_ci() {
        local pair got
        for pair; do
                got=$(ci "${pair%%=*}") || fail "no plan:" "$output" "$stderr"
                [ "$got" = "${pair#*=}" ] || fail "${pair%%=*} is '$got', expected '${pair#*=}'"
        done
}

# workflow_about WORD: a checkout with a workflow that only names WORD, as a reason to look for it
workflow_about() {
        checkout <<-Y
	# $1
	steps:
	- {name: one, image: alpine, commands: ['true']}
	Y
}

@test "git tells the commit, the branch, the one before and the repository" {
        workflow_about nothing
        git checkout -qb topic/one
        git commit -q --allow-empty -m $'second\n\nwith a body'
        git remote add origin ssh://git@forge.example.org:2222/group/sub/hello.git
        git update-ref refs/remotes/origin/trunk HEAD~1
        git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/trunk
        plan
        assert_status 0
        assert_equal "$stderr" ""
        assert_ci CI_COMMIT_SHA="$(git rev-parse HEAD)" CI_PREV_COMMIT_SHA="$(git rev-parse HEAD~1)" CI_COMMIT_BRANCH=topic/one \
                CI_COMMIT_REF=refs/heads/topic/one CI_COMMIT_MESSAGE=$'second\n\nwith a body' CI_PREV_COMMIT_MESSAGE=first \
                CI_COMMIT_AUTHOR=Lab CI_COMMIT_AUTHOR_EMAIL=lab@localhost CI_COMMIT_TIMESTAMP=1704164645 CI_COMMIT_TAG=- \
                CI_REPO=group/sub/hello CI_REPO_OWNER=group/sub CI_REPO_NAME=hello CI_REPO_DEFAULT_BRANCH=trunk \
                CI_REPO_URL=https://forge.example.org/group/sub/hello CI_REPO_CLONE_URL=https://forge.example.org/group/sub/hello.git \
                CI_REPO_CLONE_SSH_URL=ssh://git@forge.example.org:2222/group/sub/hello.git CI_PIPELINE_EVENT=manual CI=woodpecker
}

@test "user and password of a remote are in no variable" {
        workflow_about nothing
        git remote add origin https://anna:s3cr3t@example.org/o/n.git
        plan
        assert_status 0
        assert_ci CI_REPO=o/n CI_REPO_CLONE_URL=https://example.org/o/n.git
        refute_output_contains s3cr3t
        refute_output_contains anna
}

@test "insteadOf of the user's git settings is followed" {
        workflow_about nothing
        git config url.https://example.org/.insteadOf ex:
        git remote add origin ex:o/n
        plan
        assert_ci CI_REPO_URL=https://example.org/o/n
}

@test "without git, a commit or a branch it goes on, and warns only where it matters" {
        mkdir "$BATS_TEST_TMPDIR/bare"
        cd "$BATS_TEST_TMPDIR/bare"
        printf 'steps:\n- {name: one, image: alpine, commands: [date]}\n' >.woodpecker.yaml
        plan
        assert_status 0
        assert_equal "$stderr" ""
        assert_ci CI_REPO=bare CI_COMMIT_BRANCH=main CI_COMMIT_SHA=- CI_PIPELINE_FILES=[]

        git init -q -b dev .
        plan
        assert_status 0
        assert_equal "$stderr" ""
        assert_ci CI_COMMIT_BRANCH=dev CI_COMMIT_REF=refs/heads/dev CI_COMMIT_SHA=-

        git add -A
        git commit -qm one
        git checkout -q --detach
        git branch -qD dev
        plan
        assert_status 0
        assert_equal "$stderr" ""
        assert_ci CI_COMMIT_BRANCH=main CI_COMMIT_SHA="$(git rev-parse HEAD)"
        printf 'when: {branch: main}\nsteps:\n- {name: one, image: alpine, commands: [date]}\n' >.woodpecker.yaml
        plan
        assert_status 0
        [[ $stderr == *"no branch is checked out, 'main' is assumed"* ]] || fail "$stderr"

        # no git at all
        PATH=/nonexistent "$(command -v timeout)" 20 "$PODSTEP" plan --json >"$PLAN" 2>"$BATS_TEST_TMPDIR/stderr" </dev/null
        assert_ci CI_COMMIT_BRANCH=main CI_COMMIT_SHA=-
        grep -q "the commit is not known: git is not installed" "$BATS_TEST_TMPDIR/stderr"
}

@test "of a broken repository nothing is known, which is told, and nothing fails" {
        workflow_about CI_PIPELINE_FILES
        echo "not a ref" >.git/HEAD
        plan
        assert_status 0
        assert_ci CI_COMMIT_SHA=- CI_COMMIT_BRANCH=main
        [[ $stderr == *"warning: the commit is not known: git says: fatal: "* ]] || fail "$stderr"
        plan --base main
        assert_status 2
        [[ $stderr == *"'--base main': git says: fatal: "* ]] || fail "$stderr"
        CI_COMMIT_SHA=4f1c2e7d0b9a8c6e5d4f3a2b1c0d9e8f7a6b5c4d plan --env CI_COMMIT_SHA
        assert_status 0
        assert_equal "$stderr" ""
}

@test "a checkout of somebody else's, at which git will not look, is told" {
        workflow_about CI_PIPELINE_FILES
        GIT_TEST_ASSUME_DIFFERENT_OWNER=1 GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 plan
        assert_status 0
        assert_ci CI_COMMIT_SHA=-
        [[ $stderr == *"git says: fatal: "*"dubious ownership"* ]] || fail "$stderr"
}

@test "a worktree is a checkout like any other" {
        workflow_about nothing
        git worktree add -q -b side ../side
        cd ../side
        plan
        assert_status 0
        assert_ci CI_COMMIT_BRANCH=side CI_COMMIT_SHA="$(git rev-parse HEAD)"
}

# ---- changed files ----

@test "changed are the files of the last commit, what is not committed, and what git does not know" {
        workflow_about CI_PIPELINE_FILES
        mkdir src
        echo a >src/a
        echo b >'b "ü'
        echo '*.o' >.gitignore
        git add -A
        git commit -qm second
        plan
        assert_ci CI_PIPELINE_FILES='[".gitignore","b \"ü","src/a"]'
        git commit -q --allow-empty -m third
        plan
        assert_ci CI_PIPELINE_FILES=[]
        git mv src/a src/moved
        echo more >>README
        touch new x.o
        plan
        assert_ci CI_PIPELINE_FILES='["README","src/a","src/moved","new"]'
}

@test "in the first commit all files are new" {
        workflow_about CI_PIPELINE_FILES
        plan
        assert_ci CI_PIPELINE_FILES='[".woodpecker.yaml","README"]'
}

@test "--base: from where the branches parted" {
        workflow_about nothing
        git checkout -qb topic
        touch t1; git add t1; git commit -qm t1
        touch t2; git add t2; git commit -qm t2
        git checkout -q main
        touch m1; git add m1; git commit -qm m1
        git checkout -q topic
        plan
        assert_ci CI_PIPELINE_FILES=[]          # nobody asks
        plan --base main
        assert_ci CI_PIPELINE_FILES='["t1","t2"]' CI_PREV_COMMIT_SHA="$(git rev-parse main)"
        plan --base topic
        assert_ci CI_PIPELINE_FILES=[] CI_PREV_COMMIT_SHA="$(git rev-parse HEAD)"
        plan --base nonsense
        assert_status 2
        [[ $stderr == *"'--base nonsense': git knows no such commit"* ]] || fail "$stderr"
        podstep plan --base --output=x
        assert_status 2
        podstep plan --base main..topic
        assert_status 2
        assert_output_contains "expected a branch, tag or commit"
}

@test "a path condition sees the changed files, also more than fit into a variable" {
        local i
        checkout <<-'Y'
	when: {event: push}
	steps:
	- {name: always, image: alpine, commands: [date]}
	- {name: docs, image: alpine, commands: [date], when: {path: 'docs/**'}}
	- {name: many, image: alpine, commands: [date], when: {path: many/600}}
	Y
        mkdir many docs
        for ((i = 1; i <= 600; i++)); do : >many/$i; done
        git add -A
        git commit -qm many
        plan --event push
        assert_ci CI_PIPELINE_FILES=-
        run grep '"name"' "$PLAN"
        assert_output_contains '"many"'
        podstep plan --event push
        assert_output_contains many
        touch docs/x
        git add -A
        git commit -qm docs
        plan --event push
        assert_ci CI_PIPELINE_FILES='["docs/x"]'
        plan --event push --env 'CI_PIPELINE_FILES=["many/600"]'
        assert_ci CI_PIPELINE_FILES='["many/600"]'
        assert_equal "$(/usr/bin/python3 -c 'import json, sys; print([s["name"] for s in json.load(open(sys.argv[1]))["steps"]])' "$PLAN")" "['always', 'many']"
}

@test "a shallow clone does not know, and says so where a condition asks" {
        checkout <<-'Y'
	steps:
	- {name: one, image: alpine, commands: [date], when: {path: src/x}}
	Y
        git commit -q --allow-empty -m second
        git clone -q --depth 1 "file://$PWD" ../shallow
        cd ../shallow
        plan
        assert_status 0
        assert_equal "$stderr" ""
        plan --event push
        assert_status 0
        [[ $stderr == *"which files changed is not known: this is a shallow clone"* ]] || fail "$stderr"
        assert_ci CI_PIPELINE_FILES=[]
}

@test "git's index is left as it is" {
        workflow_about CI_PIPELINE_FILES
        touch -d '1 hour ago' README
        cp .git/index "$BATS_TEST_TMPDIR/index"
        plan
        cmp .git/index "$BATS_TEST_TMPDIR/index"
}

@test "no program that the checkout's settings name is run" {
        workflow_about CI_PIPELINE_FILES
        printf '#!/bin/sh\ntouch %s/ran\n' "$BATS_TEST_TMPDIR" >evil
        chmod +x evil
        git config core.fsmonitor "$PWD/evil"
        git config diff.external "$PWD/evil"
        git config core.pager "$PWD/evil"
        git config core.hooksPath "$PWD"
        plan
        assert_status 0
        [ ! -e "$BATS_TEST_TMPDIR/ran" ]
}

# ---- options ----

@test "--event, --branch and --tag choose; a typo is told" {
        workflow_about nothing
        plan --event push --branch next
        assert_ci CI_PIPELINE_EVENT=push CI_COMMIT_BRANCH=next CI_COMMIT_REF=refs/heads/next
        plan --event pull_request --source-branch topic
        assert_ci CI_COMMIT_SOURCE_BRANCH=topic CI_COMMIT_TARGET_BRANCH=main CI_COMMIT_BRANCH=main
        plan --tag v1
        assert_ci CI_PIPELINE_EVENT=tag CI_COMMIT_TAG=v1
        git tag v7
        plan --event tag
        assert_ci CI_COMMIT_TAG=v7
        podstep plan --event psuh
        assert_status 2
        assert_output_contains "did you mean 'push'?"
        podstep plan --event push --tag v1
        assert_status 2
        assert_output_contains "'--tag' does not go with '--event push'"
        podstep plan --cron nightly --tag v1
        assert_status 2
}

@test "--event tag without a tag warns" {
        workflow_about nothing
        plan --event tag
        assert_status 0
        [[ $stderr == *"no tag points at the commit"* ]] || fail "$stderr"
}

@test "--cron runs what is for that cron job" {
        checkout <<-'Y'
	steps:
	- {name: always, image: alpine, commands: [date]}
	- {name: nightly, image: alpine, commands: [date], when: {event: cron, cron: nightly}}
	- {name: weekly, image: alpine, commands: [date], when: {event: cron, cron: weekly}}
	Y
        plan --cron nightly
        assert_ci CI_PIPELINE_EVENT=cron
        assert_equal "$(/usr/bin/python3 -c 'import json, sys; print([s["name"] for s in json.load(open(sys.argv[1]))["steps"]])' "$PLAN")" "['always', 'nightly']"
}

@test "--metadata-file: Woodpecker's own form; options and variables count more" {
        workflow_about nothing
        cp "$BATS_TEST_DIRNAME/../golden/metadata/push.json" m.json
        plan --metadata-file m.json
        assert_ci CI_REPO=anna/hello CI_PIPELINE_NUMBER=17 CI_PIPELINE_EVENT=push CI_COMMIT_SHA=4f1c2e7d0b9a8c6e5d4f3a2b1c0d9e8f7a6b5c4d \
                'CI_COMMIT_AUTHOR=Anna Müller' CI_PREV_PIPELINE_STATUS=failure CI_SYSTEM_HOST=ci.example.org
        plan --metadata-file m.json --event tag --tag v3 --env CI_PIPELINE_NUMBER=99
        assert_ci CI_REPO=anna/hello CI_PIPELINE_NUMBER=99 CI_COMMIT_TAG=v3
        echo '{"curr": {"number": "17"}}' >m.json
        podstep plan --metadata-file m.json
        assert_status 2
        assert_output_contains "'m.json': .curr.number: expected whole number, found string"
        podstep plan --metadata-file none.json
        assert_status 2
        assert_output_contains "cannot read 'none.json'"
}

# ---- in a step ----

@test "a step sees it all" {
        need_engine
        checkout <<-Y
	when: {branch: main, event: push}
	steps:
	- name: one
	  image: $IMG/busybox:1
	  commands:
	  - echo "\$CI_REPO \$CI_COMMIT_BRANCH \$CI_COMMIT_SHA \$CI_PIPELINE_FILES"
	  - echo "\${CI_COMMIT_SHA:0:8} \$CI_PIPELINE_EVENT"
	Y
        podstep_split run --event push --env CI_REPO=o/n
        assert_status 0
        assert_line "o/n main $(git rev-parse HEAD) [\".woodpecker.yaml\",\"README\"]"
        assert_line "$(git rev-parse HEAD | cut -c1-8) push"
}
