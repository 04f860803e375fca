# Every example of the two documents that podstep began with, GitLab's page on the docker executor and Woodpecker's on
# its docker backend: a file of seed/ each, with its text as it stands there. Numbers count the examples in their order.
#
# Images that are not to be had stand in for those of the same name: small ones that show what they were asked for.
load helpers

setup_file() {
        leaks_before
        [ -n "$ENGINE_OK" ] || return 0
        make_stand_ins
}
setup() { need_engine; }
teardown() { end_test; }
teardown_file() {
        [ -z "$ENGINE_OK" ] || podman rmi -f $(sort -u "$BATS_FILE_TMPDIR/images") >/dev/null
        leaks_after
}

# stand_in NAME [PROGRAM...]: an image made of stdin, lines of a Containerfile, with these programs of $PROGRAMS in /bin
stand_in() {
        local name=$1 dir=$BATS_FILE_TMPDIR/context program
        shift
        ! podman image exists "$name" || podman rmi -f "$name" >/dev/null
        rm -rf "$dir"
        mkdir -p "$dir/bin" "$dir/www"
        echo "$name" >"$dir/www/index.html"
        for program; do cp "$PROGRAMS/$program" "$dir/bin/"; done
        { printf 'FROM localhost/lab/busybox:1\nCOPY . /\n'; cat; } >"$dir/Containerfile"
        podman build -q --layers=false --format docker -t "$name" "$dir" >/dev/null
        echo "$name" >>"$BATS_FILE_TMPDIR/images"
}

program() {
        { echo '#!/bin/sh'; cat; } >"$PROGRAMS/$1"
        chmod 755 "$PROGRAMS/$1"
}

make_programs() {
        # tells that it was called, and asks the database, by the name of its image
        program bundle <<-'E'
	echo "bundle $* with ruby $RUBY"
	[ "$1" != exec ] || wget -q -O - http://postgres:5432/
	E
        # what a docker client would need of its daemon: that it is there, and has all rights
        program docker <<-'E'
	echo "docker $* at $(wget -q -O - http://docker:2375/)"
	wget -q -O - http://docker:2375/capabilities
	E
        program dockerd <<-'E'
	grep CapEff /proc/self/status >/www/capabilities
	id -u >>/www/capabilities
	exec httpd -f -p 2375 -h /www
	E
        program podman <<-'E'
	echo "podman $*"
	E
        program buildah <<-'E'
	echo "buildah $*"
	E
}

serve() { printf 'EXPOSE %s\nCMD ["httpd", "-f", "-p", "%s", "-h", "/www"]\n' "$1" "$1"; }

make_stand_ins() {
        local version
        PROGRAMS=$BATS_FILE_TMPDIR/programs
        mkdir -p "$PROGRAMS"
        make_programs
        for version in 2.6 2.7; do stand_in docker.io/library/ruby:$version bundle <<<"ENV RUBY=$version"; done
        for version in 9.3 9.4; do serve 5432 | stand_in docker.io/library/postgres:$version; done
        serve 3306 | stand_in docker.io/library/mysql:latest
        serve 6379 | stand_in docker.io/library/redis:latest
        serve 80 | stand_in docker.io/tutum/wordpress:latest
        # its port is not told by the image
        stand_in docker.io/library/mongo:latest <<<'CMD ["sh", "-c", "sleep 1; exec httpd -f -p 27017 -h /www"]'
        stand_in docker.io/library/docker:git docker </dev/null
        printf 'EXPOSE 2375\nCMD ["dockerd"]\n' | stand_in docker.io/library/docker:dind dockerd
        printf 'EXPOSE 2375\nUSER build\nCMD ["dockerd"]\n' | sed 's/^USER.*/RUN chown -R build \/www\n&/' |
                stand_in docker.io/library/docker:dind-rootless dockerd
        stand_in my.registry.tld:5000/namespace/image:tag </dev/null
        stand_in my.registry.tld:5000/alpine:latest </dev/null
        stand_in docker.io/library/my-image:latest <<<'ENTRYPOINT ["/bin/false"]'
        stand_in quay.io/podman/stable:latest podman </dev/null
        stand_in quay.io/buildah/stable:latest buildah </dev/null
        stand_in docker.io/library/alpine:latest </dev/null
}

# seed NUMBER [NAME]: a fresh checkout whose file is that example, and what stands on stdin behind it
seed() {
        bare_checkout
        cat "$BATS_TEST_DIRNAME"/seed/"$1"-* - >"${2:-.gitlab-ci.yml}"
        git remote add origin https://gitlab.example/Group/project.git
        git add -A
        git commit -qm "example $1"
}

@test "02 an image and a service for all jobs" {
        seed 02 </dev/null
        podstep_json
        assert_status 0
        assert_query "lines('test')" "\$ bundle install
bundle install with ruby 2.7
\$ bundle exec rake spec
bundle exec rake spec with ruby 2.7
docker.io/library/postgres:9.3"
}

@test "03 images and services of each job" {
        seed 03 </dev/null
        podstep_json --step test:2.6
        assert_status 0
        assert_query "lines('test:2.6')[-1]" docker.io/library/postgres:9.3
        podstep_json --step test:2.7
        assert_status 0
        assert_query "lines('test:2.7')[-2:]" "bundle exec rake spec with ruby 2.7
docker.io/library/postgres:9.4"
        podstep run
        assert_status 0
        assert_line "[test:2.6] bundle exec rake spec with ruby 2.6"
}

@test "05 an image of a private registry" {
        seed 05 <<-Y
	job: {script: [cat /www/index.html]}
	Y
        podstep run
        assert_status 0
        assert_line my.registry.tld:5000/namespace/image:tag
        podstep plan
        assert_output_contains "image        my.registry.tld:5000/namespace/image:tag"
}

@test "12 a service is reached by the names of its image" {
        seed 12 <<-Y
	job:
	  image: $IMG/busybox:1
	  script:
	  - wget -q -O - http://tutum__wordpress/
	  - wget -q -O - http://tutum-wordpress/
	Y
        podstep_json
        assert_status 0
        assert_query "lines('job').count('docker.io/tutum/wordpress:latest')" 2
}

@test "14 the port that tells that a service is ready" {
        seed 14 <<-Y
	  image: $IMG/busybox:1
	  script: [wget -q -O - http://mongo:27017/]
	Y
        podstep_json
        assert_status 0
        assert_query "lines('job')[-1]" docker.io/library/mongo:latest
        assert_query "at('mongo', 'ready') < at('job', 'running')" True
}

@test "20 a job without the entrypoint of its image" {
        seed 20 <<-Y
	job: {script: [cat /www/index.html]}
	Y
        podstep run
        assert_status 0
        assert_line docker.io/library/my-image:latest
        # and with it: the image's program ends at once
        sed -i '/entrypoint:/d' .gitlab-ci.yml
        podstep run
        assert_status 1
        refute_output_contains "docker.io/library/my-image:latest"
}

@test "22 an image whose entrypoint does the work" {
        stand_in docker.io/my/docker-build:image <<-'E'
	RUN printf '#!/bin/sh\necho "building $BUILD_IMAGE in $PWD"\nls\nexit 7\n' >/entrypoint.sh
	ENTRYPOINT ["/bin/sh", "/entrypoint.sh"]
	E
        seed 22 </dev/null
        podstep run
        assert_status 1
        assert_line "building my.image in /builds/Group/project"
        assert_line README
        assert_output_contains "exit code 7"
        refute_output_contains "Dummy Script"
}

@test "24 podman in a job that is started by hand" {
        seed 24 </dev/null
        podstep run --set images.default=quay.io/podman/stable
        assert_status 2
        assert_output_contains "job 'oci-container-build' has nothing to run: it is started by hand"
        CI_REGISTRY_PASSWORD=p4ssw0rd podstep run --step oci-container-build --set images.default=quay.io/podman/stable \
                --env CI_REGISTRY_USER=me --secret CI_REGISTRY_PASSWORD
        assert_status 0
        assert_line "podman login -u me -p ******** registry.gitlab.example"
        assert_line "podman build -t registry.gitlab.example/group/project:main ."
        assert_line "podman push registry.gitlab.example/group/project:main"
        refute_output_contains p4ssw0rd
}

@test "25 buildah in a job that is started by hand" {
        seed 25 </dev/null
        CI_REGISTRY_PASSWORD=p4ssw0rd podstep run --step oci-container-build --env CI_REGISTRY_USER=me --secret CI_REGISTRY_PASSWORD
        assert_status 0
        assert_line "buildah login -u me -p ******** registry.gitlab.example"
        assert_line "buildah bud -t registry.gitlab.example/group/project:main ."
        assert_line "buildah push registry.gitlab.example/group/project:main"
}

@test "26 the user that the image names" {
        stand_in docker.io/my/docker-build:image <<-'E'
	RUN echo 'www:x:1234:1234::/:/bin/sh' >>/etc/passwd
	USER www
	E
        seed 26 </dev/null
        podstep_json
        assert_status 0
        assert_query "lines('build')[-1]" www
}

@test "35 steps are not yet supported, and that is said" {
        seed 35 </dev/null
        podstep run
        assert_status 2
        assert_output_contains ".gitlab-ci.yml:7:3: error: key 'run' in job 'step job' is not yet supported"
        podstep lint
        assert_status 2
        assert_output_contains "key 'run'"
}

@test "36 Woodpecker: the user of a step" {
        seed 36 .woodpecker.yaml </dev/null
        podstep_json
        assert_status 0
        assert_query "lines('example')[-1]" nobody
}
