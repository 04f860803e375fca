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
        [ -z "$ENGINE_OK" ] || engine_cli rmi -f $(sort -u "$BATS_FILE_TMPDIR/images") >/dev/null
        leaks_after
}

# stand_in NAME [PROGRAM...]: an image made of stdin, lines of a Containerfile, with these programs of $PROGRAMS in /bin
stand_in() {
        local name=$1 dir=$BATS_FILE_TMPDIR/context program
        shift
        ! engine_has image "$name" || engine_cli rmi -f "$name" >/dev/null
        rm -rf "$dir"
        mkdir -p "$dir/bin" "$dir/www"
        echo "$name" >"$dir/www/index.html"
        for program; do cp "$PROGRAMS/$program" "$dir/bin/"; done
        { printf 'FROM localhost/lab/busybox:1\nCOPY . /\n'; cat; } >"$dir/Containerfile"
        if [ "$ENGINE" = docker ]; then
                DOCKER_BUILDKIT=0 docker build -q --no-cache --rm -f "$dir/Containerfile" -t "$name" "$dir" >/dev/null
        else
                podman build -q --layers=false --format docker -t "$name" "$dir" >/dev/null
        fi
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
        stand_in my.registry.tld:5000/ruby:2.7 bundle <<<"ENV RUBY=2.7"
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

# runner NUMBER [SED]: that example imported; $CONFIG is the configuration, $REPORT what was told of it. "(...)" stands
# for lines that the example leaves out.
runner() {
        local toml=$BATS_TEST_TMPDIR/config.toml
        CONFIG=$BATS_TEST_TMPDIR/podstep.yaml
        sed -e 's/^\( *\)(\.\.\.)$/\1# (...)/' ${2:+-e "$2"} "$BATS_TEST_DIRNAME"/seed/"$1"-*.toml >"$toml"
        export PODSTEP_IMAGES_RETRIES=0 # nobody listens where some of the images are: registry.bats has what is tried again
        "$PODSTEP" config import "$toml" --output "$CONFIG" >"$BATS_TEST_TMPDIR/report" 2>&1 || { cat "$BATS_TEST_TMPDIR/report"; return 1; }
        REPORT=$(cat "$BATS_TEST_TMPDIR/report")
        [[ $REPORT == *"0 refused"* ]] || fail "not all was imported:" "$REPORT"
}

# job: a fresh checkout whose .gitlab-ci.yml is stdin
job() {
        bare_checkout
        cat >.gitlab-ci.yml
        git add -A
        git commit -qm job
}

# with ARGS...: run with the imported configuration; stand-ins are local, so they are not asked for anew
with() { podstep run --config "$CONFIG" --pull missing "$@"; }

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
        # the note that tells of the image does not count
        [[ $'\n'"$output"$'\n' != *$'\ndocker.io/library/my-image:latest\n'* ]] || fail "$output"
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

@test "01 the sample: default image, allowed images and pull policies, cache" {
        runner 01
        job <<-Y
	job: {script: [cat /www/index.html, 'grep -c " /cache " /proc/mounts']}
	Y
        with --set volumes.driver_options= --set volumes.disable_cache=true
        assert_status 0
        assert_line my.registry.tld:5000/alpine:latest
        assert_line 1
        sed -i "1s/^/image: ruby:2.7\n/" .gitlab-ci.yml
        with
        assert_status 3
        assert_output_contains "ruby:2.7"
        printf 'job: {image: {name: "my.registry.tld:5000/alpine:latest", pull_policy: never}, script: [date]}\n' >.gitlab-ci.yml
        podstep run --config "$CONFIG"
        assert_status 3
        assert_output_contains "never"
}

@test "04 an image and services for all jobs" {
        runner 04
        job <<-Y
	job: {script: ['echo "\$RUBY"', 'wget -q -O - http://db:3306/', 'wget -q -O - http://cache:6379/']}
	Y
        podstep_json --config "$CONFIG" --pull missing
        assert_status 0
        assert_query "[l for l in lines('job') if not l.startswith('$')]" "2.7
docker.io/library/mysql:latest
docker.io/library/redis:latest"
}

# a job and a service that find each other by name
network() {
        job <<-Y
	job:
	  image: $IMG/busybox:1
	  services: ["$IMG/exposes-a:1"]
	  script: ['wget -q -O - http://localhost-lab-exposes-a:8080/', 'cat /sys/class/net/eth0/mtu']
	Y
}

@test "06 a network for each job, by a variable" {
        runner 06
        network
        with
        assert_status 0
        assert_output_contains "private network"
        assert_line "[job] a"
}

@test "07 a network for each job, by a flag" {
        runner 07
        network
        with
        assert_status 0
        assert_output_contains "private network"
        assert_line "[job] a"
}

@test "08 the bridge" {
        runner 08
        network
        with
        assert_status 0
        assert_line "[job] a"
}

@test "09 the MTU of the network" {
        runner 09
        network
        with
        assert_status 0
        assert_line "[job] a"
        assert_line "[job] 1402"
}

@test "10 only images of one registry" {
        runner 10
        job <<-Y
	job: {image: "my.registry.tld:5000/alpine:latest", script: [cat /www/index.html]}
	Y
        with
        assert_status 0
        assert_line my.registry.tld:5000/alpine:latest
        sed -i 's/image: .*latest"/image: ruby:2.7/' .gitlab-ci.yml
        with
        assert_status 3
        assert_output_contains "ruby:2.7"
        job <<-Y
	job: {image: "my.registry.tld:5000/alpine:latest", services: [postgres:9.4], script: [date]}
	Y
        with
        assert_status 3
        assert_output_contains "postgres:9.4"
}

@test "11 only some images and services" {
        runner 11
        job <<-Y
	job: {image: "my.registry.tld:5000/ruby:2.7", services: [postgres:9.4], script: [bundle exec rake]}
	Y
        with
        assert_status 0
        assert_line "[job] docker.io/library/postgres:9.4"
        sed -i 's/postgres:9.4/postgres:9.3/' .gitlab-ci.yml
        with
        assert_status 3
        assert_output_contains "postgres:9.3"
        sed -i 's/postgres:9.3/postgres:9.4/; s/5000.ruby/5000\/alpine/' .gitlab-ci.yml
        with
        assert_status 3
        assert_output_contains "5000/alpine:2.7"
}

@test "13 directories in memory" {
        runner 13
        job <<-Y
	job:
	  image: $IMG/busybox:1
	  services:
	  - name: $IMG/busybox:1
	    alias: sql
	    variables: {HEALTHCHECK_TCP_PORT: 8081}
	    command: [sh, -c, 'mkdir /www; grep /var/lib/mysql /proc/mounts >/www/index.html; exec httpd -f -p 8081 -h /www']
	  script: [grep /var/lib/mysql /proc/mounts, wget -q -O - http://sql:8081/]
	Y
        podstep_json --config "$CONFIG" --pull missing
        assert_status 0
        assert_query "[l.split()[2] + ' ' + str('noexec' in l) for l in lines('job') if not l.startswith('$')]" "tmpfs True
tmpfs True"
}

@test "15 options of the volume driver" {
        runner 15
        job <<-Y
	job: {image: "$IMG/busybox:1", script: [echo ran]}
	Y
        podstep config --config "$CONFIG" volumes.driver_options
        assert_status 0
        assert_output_contains "size=50G"
        # what the option means is the driver's: where the file system knows no quotas, the volume cannot be mounted
        with --set volumes.mounts=/data
        if [ "$ENGINE" = docker ]; then
                assert_output_contains "quota"  # and Docker does not even make it
                return
        fi
        volume=$(engine_cli volume ls -q --filter name=runner-podstep-)
        [ "$(engine_cli volume inspect --format '{{.Options.size}}' "$volume")" = 50G ]
        engine_cli volume rm "$volume"
}

# dind: a job whose docker finds its daemon, and whether that has all capabilities
dind() { podstep_json --config "$CONFIG" --pull missing; }
need_capabilities() { need_podman "the lab's root has less capabilities than Docker gives to a privileged container"; }
all_capabilities='CapEff:	000001ffffffffff'

@test "16 and 17 privileged: docker in docker" {
        need_capabilities
        runner 16
        seed 17 </dev/null
        dind
        assert_status 0
        assert_query "lines('build')[1]" "docker build -t my-image . at docker.io/library/docker:dind"
        assert_query "'$all_capabilities' in lines('build')" True
}

@test "18 and 19 privileged: only the services that are listed" {
        runner 18
        seed 19 </dev/null
        dind
        assert_status 0
        assert_query "lines('build')[1]" "docker build -t my-image . at docker.io/library/docker:dind-rootless"
        assert_query "'1000' in lines('build')" True
        # the other one is not in the list
        cp "$BATS_TEST_DIRNAME"/seed/17-dind.yml .gitlab-ci.yml
        dind
        assert_status 0
        assert_query "'$all_capabilities' in lines('build')" False
}

@test "21 and 22 privileged: an image whose entrypoint does the work" {
        need_capabilities
        stand_in docker.io/my/docker-build:image <<-'E'
	RUN printf '#!/bin/sh\necho "building $BUILD_IMAGE"\ngrep CapEff /proc/self/status\n' >/entrypoint.sh
	ENTRYPOINT ["/bin/sh", "/entrypoint.sh"]
	E
        runner 21
        seed 22 </dev/null
        with
        assert_status 0
        assert_line "building my.image"
        assert_line "$all_capabilities"
}

@test "23 and 24 the socket of Podman, and its image" {
        need_capabilities
        # nobody has the number 1012 here
        runner 23 "s|/run/user/1012/podman/podman.sock|$ENGINE_SOCK|"
        seed 24 </dev/null
        CI_REGISTRY_PASSWORD=p4ssw0rd with --step oci-container-build --env CI_REGISTRY_USER=me --secret CI_REGISTRY_PASSWORD
        assert_status 0
        assert_line "podman push registry.gitlab.example/group/project:main"
}

# an image that is there, of a registry that is not
local_image() {
        job <<-Y
	job: {image: "$IMG/busybox:1", script: [echo ran]}
	Y
        podstep run --config "$CONFIG"
}
no_image() {
        job <<-Y
	job: {image: "$IMG/nothing:1", script: [echo ran]}
	Y
        podstep run --config "$CONFIG"
}

@test "27 the pull policy" {
        runner 27
        local_image
        assert_status 125
        refute_output_contains "ran"
}

@test "28 always" {
        runner 28
        local_image
        assert_status 125
        assert_output_contains "localhost/lab/busybox:1"
}

@test "29 if-not-present" {
        runner 29
        local_image
        assert_status 0
        assert_line ran
        no_image
        assert_status 125
}

@test "30 never" {
        runner 30
        local_image
        assert_status 0
        assert_line ran
        no_image
        assert_status 125
        assert_output_contains "localhost/lab/nothing:1"
}

@test "31 always, and what is there if that fails" {
        runner 31
        local_image
        assert_status 0
        assert_line ran
        assert_output_contains 'Attempt #2: Trying "if-not-present" pull policy'
}

@test "32 the pull policies that a file may name" {
        runner 32
        job <<-Y
	job: {image: {name: "$IMG/busybox:1", pull_policy: if-not-present}, script: [echo ran]}
	Y
        podstep run --config "$CONFIG"
        assert_status 0
        sed -i 's/if-not-present/never/' .gitlab-ci.yml
        podstep run --config "$CONFIG"
        assert_status 3
        assert_output_contains "never"
}

@test "33 once more" {
        runner 33
        local_image
        assert_status 125
        assert_output_contains 'Attempt #2: Trying "always" pull policy'
}

@test "34 Windows containers stay where they are" {
        run "$PODSTEP" config import "$BATS_TEST_DIRNAME/seed/34-windows.toml"
        assert_status 3
        assert_output_contains "podstep runs Linux containers only"
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
