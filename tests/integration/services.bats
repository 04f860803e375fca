# Services: reached by their names, waited for, and told of when they fail.
load helpers

setup_file() { leaks_before; }
setup() { need_engine; }
teardown() { end_test; }
teardown_file() { leaks_after; }

@test "a database is ready when the first step runs and reached by its alias" {
        checkout <<-Y
	services:
	  # its port opens a moment before it takes questions
	  database: {image: $IMG/postgres:1, ready: {command: [pg_isready, -q, -h, 127.0.0.1]}}
	steps:
	# as root: for the image's own user the engine would have to shift all its files, which takes seconds
	- {name: ask, image: $IMG/postgres:1, backend_options: {docker: {user: root}}, commands: ['psql -h database -U postgres -Atc "select 6 * 7"']}
	Y
        podstep_json
        assert_status 0
        assert_query "lines('ask')[-1]" 42
        assert_query "at('database', 'ready') < at('ask', 'running')" True
        assert_query "step('database')['result']" stopped
}

@test "two different services at once" {
        checkout <<-Y
	services:
	- {name: cache, image: $IMG/redis:1}
	# its port opens a moment before it takes questions
	- {name: db, image: $IMG/postgres:1, ready: {command: [pg_isready, -q, -h, 127.0.0.1]}}
	steps:
	- {name: ask cache, image: $IMG/redis:1, depends_on: [], entrypoint: [redis-cli, -h, cache, ping]}
	- {name: ask db, image: $IMG/postgres:1, backend_options: {docker: {user: root}}, depends_on: [], commands: [pg_isready -h db]}
	Y
        podstep_json
        assert_status 0
        assert_query "lines('ask cache')" PONG
        assert_query "lines('ask db')[-1].endswith('accepting connections')" True
}

@test "a service with commands, its port named in the file" {
        checkout <<-Y
	services:
	- {name: web, image: $IMG/busybox:1, ports: [8080], commands: [sleep 1, mkdir /www, echo served >/www/index.html, httpd -f -p 8080 -h /www]}
	steps:
	- {name: ask, image: $IMG/busybox:1, commands: [wget -q -O - http://web:8080/]}
	Y
        podstep_json
        assert_status 0
        assert_query "lines('ask')[-1]" served
}

@test "a health check decides when the image has one" {
        checkout <<-Y
	services:
	- {name: sick, image: $IMG/health:1}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [date]}
	Y
        podstep_json
        assert_status 0
        # its container becomes healthy 2 s after it started
        assert_query "[e['duration_ms'] for e in events if e['event'] == 'step' and e['state'] == 'ready' and 'duration_ms' in e and e['duration_ms'] < 1900]" ""
        assert_query "at('sick', 'ready') < at('s', 'running')" True
        assert_query "__import__('datetime').datetime.fromisoformat([e['time'] for e in events if e.get('state') == 'ready'][0].rstrip('Z')) - __import__('datetime').datetime.fromisoformat([e['time'] for e in events if e.get('state') == 'running' and e['step'] == 'sick'][0].rstrip('Z')) > __import__('datetime').timedelta(seconds=1.8)" True
}

@test "a service that neither exposes a port nor has a check is ready when it runs" {
        checkout <<-Y
	services:
	- {name: idle, image: $IMG/busybox:1, entrypoint: [sleep, '1000']}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: ['true']}
	Y
        LIMIT=15 podstep_json
        assert_status 0
        assert_query "at('idle', 'ready') < at('s', 'running')" True
}

@test "a service that dies before it is ready fails the job with its code and last words" {
        checkout <<-Y
	services:
	- {name: web, image: $IMG/exposes-a:1, commands: [echo last words of web, exit 7]}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [echo must not run]}
	Y
        LIMIT=20 podstep run
        assert_status 1
        assert_output_contains "service 'web'"
        assert_output_contains "exit code 7"
        assert_output_contains "last words of web"
        refute_output_contains "must not run"
}

@test "a service that dies later does not fail steps that do not need it" {
        checkout <<-Y
	services:
	- {name: brief, image: $IMG/busybox:1, commands: [sleep 0.5, exit 3]}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [sleep 1.5]}
	Y
        podstep_json
        assert_status 0
        assert_query "(step('s')['result'], step('brief')['exit_code'])" "('success', 3)"
}

@test "a service that is never ready ends with --service-timeout" {
        checkout <<-Y
	services:
	- {name: mute, image: $IMG/exposes-a:1, commands: [echo I never listen, sleep 1000]}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [echo must not run]}
	Y
        LIMIT=20 podstep run --service-timeout 2s --grace 1s
        assert_status 1
        assert_output_contains "not ready within 2s"
        assert_output_contains "port is not open"
        assert_output_contains "I never listen"
        refute_output_contains "must not run"
}

@test "a health check that never passes ends with --service-timeout" {
        checkout <<-Y
	services:
	- {name: ill, image: $IMG/health:1, entrypoint: [sleep, '1000']}
	steps:
	- {name: s, image: $IMG/busybox:1, commands: [echo must not run]}
	Y
        LIMIT=20 podstep run --service-timeout 3s --grace 1s
        assert_status 1
        assert_output_contains "not ready within 3s"
        assert_output_contains "health check"
        refute_output_contains "must not run"
}

@test "two services that expose the same port get a private network, and both are reached" {
        checkout <<-Y
	services:
	- {name: blue, image: $IMG/exposes-a:1}
	- {name: green, image: $IMG/exposes-b:1}
	steps:
	- {name: ask, image: $IMG/busybox:1, commands: [wget -q -O - http://blue:8080/, wget -q -O - http://green:8080/]}
	Y
        podstep_json
        assert_status 0
        assert_query "events[0]['event'], 'private network' in events[0]['text']" "('job-started', True)"
        assert_query "[l for l in lines('ask') if l in 'ab']" $'a\nb'
        assert_nothing_left
}

@test "--network bridge gives each container an address of its own" {
        checkout <<-Y
	services:
	- {name: web, image: $IMG/exposes-a:1}
	steps:
	- {name: ask, image: $IMG/busybox:1, commands: [wget -q -O - http://web:8080/, '! wget -q -O - http://127.0.0.1:8080/']}
	Y
        podstep_json --network bridge
        assert_status 0
        assert_query "'a' in lines('ask')" True
        assert_nothing_left
}

@test "every one of eight parallel steps reaches the service and knows all names" {
        need_podman "only what runs has a name in its DNS"
        local i file
        file="services:"$'\n'"- {name: web, image: $IMG/exposes-a:1}"$'\n'steps:
        for i in 1 2 3 4 5 6 7 8; do
                file+=$'\n'"- {name: step$i, image: $IMG/busybox:1, depends_on: [], commands: ['for i in 1 2 3 4 5 6 7 8 9 10; do wget -q -O /dev/null http://web:8080/ || exit 9; grep -q -w step8 /etc/hosts || exit 8; done']}"
        done
        checkout <<<"$file"
        podstep_json
        assert_status 0
        assert_query "[s['result'] for s in result['steps'] if s['step'].startswith('step')]" "$(printf 'success\n%.0s' {1..8})"
}

@test "a step reaches another that runs beside it by its name" {
        checkout <<-Y
	steps:
	# a standard input without end: else the caller may see that end before it has said its word
	- {name: listener, image: $IMG/busybox:1, depends_on: [], commands: [mkfifo /tmp/f, nc -l -p 7000 0<>/tmp/f]}
	- {name: caller, image: $IMG/busybox:1, depends_on: [], commands: ['until echo word | nc listener 7000; do sleep .1; done']}
	Y
        LIMIT=20 podstep_json
        assert_status 0
        assert_query "lines('listener')[-1]" word
}

@test "names that are no host names: as written where that can be, else as a label" {
        checkout <<-Y
	services:
	- {name: My_DB, image: $IMG/exposes-a:1}
	- {name: Web Server/v2, image: $IMG/redis:1}
	steps:
	- {name: ask, image: $IMG/busybox:1, commands: [wget -q -O - http://my-db:8080/, wget -q -O - http://My_DB:8080/, 'nc -w 2 web-server-v2 6379 </dev/null']}
	Y
        podstep_json
        assert_status 0
        assert_query "[l for l in lines('ask') if l == 'a']" $'a\na'
}

@test "ten services" {
        local i file=services: ask=
        for i in 1 2 3 4 5 6 7 8 9 10; do
                file+=$'\n'"- {name: s$i, image: $IMG/busybox:1, ports: [$((8000 + i))], commands: [mkdir /www, echo $i >/www/index.html, httpd -f -p $((8000 + i)) -h /www]}"
                ask+="wget -q -O - http://s$i:$((8000 + i))/, "
        done
        checkout <<<"$file"$'\nsteps:\n'"- {name: ask, image: $IMG/busybox:1, commands: [$ask 'true']}"
        podstep_json
        assert_status 0
        assert_query "[l for l in lines('ask') if l.isdigit()]" "$(seq 10)"
}

@test "a service keeps its image's own user and data" {
        checkout <<-Y
	services:
	- {name: db, image: $IMG/postgres:1, ready: {command: [pg_isready, -q, -h, 127.0.0.1]}}
	steps:
	- {name: ask, image: $IMG/postgres:1, backend_options: {docker: {user: root}}, commands: ['psql -h db -U postgres -Atc "create table t (n int); insert into t values (5); select n from t"']}
	- {name: again, image: $IMG/postgres:1, backend_options: {docker: {user: root}}, commands: ['psql -h db -U postgres -Atc "select n + 1 from t"']}
	Y
        podstep_json
        assert_status 0
        assert_query "lines('again')[-1]" 6
}

@test "ready: a line of the output tells" {
        checkout <<-Y
	services:
	- {name: slow, image: $IMG/exposes-a:1, entrypoint: [sh, -c, "echo coming; sleep 1; echo it is up now; sleep 60"], ready: {log: 'is up( now)?$'}}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: [echo ran]}
	Y
        podstep_json
        assert_status 0
        assert_query "at('slow', 'ready') < at('a', 'running')" True
        assert_query "lines('slow')[:2]" "coming
it is up now"
        assert_query "[e for e in events if e.get('step') == 'slow' and e.get('state') == 'ready'][0]['duration_ms'] >= 1000" True
}

@test "ready: a command in the service tells, and the image's own check does not count" {
        checkout <<-Y
	services:
	- {name: slow, image: $IMG/health:1, entrypoint: [sh, -c, "sleep 1; touch /is-up; sleep 60"], ready: {command: [test, -e, /is-up]}}
	- {name: text, image: $IMG/busybox:1, entrypoint: [sh, -c, "touch /a /b; sleep 60"], ready: {command: "test -e /a && test -e /b"}}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: [echo ran]}
	Y
        podstep run
        assert_status 0
        assert_output_matches 'service slow: ready after [1-9]'
}

@test "ready: the port of the file's, not those of the image's" {
        checkout <<-Y
	services:
	- {name: web, image: $IMG/exposes-a:1, entrypoint: [sh, -c, "nc -ll -p 7777 -e true"], ready: {port: 7777}}
	- {name: old, image: $IMG/exposes-b:1, environment: {healthcheck_tcp_port: "7778"}, entrypoint: [sh, -c, "nc -ll -p 7778 -e true"]}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: [echo ran]}
	Y
        podstep run
        assert_status 0
        assert_output_contains "service web: ready"
        assert_output_contains "service old: ready"
}

@test "ready: not in time, and what it waited for is told" {
        checkout <<-Y
	services:
	- {name: mute, image: $IMG/busybox:1, entrypoint: [sh, -c, "echo last words; sleep 60"], ready: {log: never, timeout: 1s}}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: [echo ran]}
	Y
        podstep run --grace 1s
        assert_status 1
        assert_output_contains "not ready within 1s: no line of its output matches 'never'"
        assert_output_contains "last words"
        refute_output_contains "+ echo ran"
}

@test "a health check port that is none" {
        checkout <<-Y
	services:
	- {name: db, image: $IMG/busybox:1, environment: {HEALTHCHECK_TCP_PORT: http}}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: ["true"]}
	Y
        podstep run
        assert_status 125
        assert_output_contains "service 'db': invalid health check tcp port: http"
}

@test "the health check port of the image's variables, unless the service has one" {
        local image=localhost/itest-port:1
        engine_cli create --name itest-port "$IMG/busybox:1" true >/dev/null
        engine_cli commit --change 'ENV HealthCheck_TCP_Port=8081' --change 'EXPOSE 9999' itest-port "$image" >/dev/null 2>&1
        engine_cli rm itest-port >/dev/null
        checkout <<-Y
	services:
	- {name: web, image: '$image', entrypoint: [httpd, -f, -p, '8081', -h, /etc]}
	- {name: own, image: '$image', entrypoint: [httpd, -f, -p, '8082', -h, /etc], environment: {HEALTHCHECK_TCP_PORT: 8082}}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: ['nc web 8081 </dev/null', 'nc own 8082 </dev/null']}
	Y
        podstep run --service-timeout 40s
        engine_cli rmi "$image" >/dev/null
        assert_status 0
}

@test "several services of one image, each with its own variables and name" {
        checkout <<-Y
	services:
	- {name: one, image: $IMG/busybox:1, environment: {N: first}, ports: [8081], commands: ['mkdir /w', 'echo \$N >/w/index.html', 'exec httpd -f -p 8081 -h /w']}
	- {name: two, image: $IMG/busybox:1, environment: {N: second}, ports: [8082], commands: ['mkdir /w', 'echo \$N >/w/index.html', 'exec httpd -f -p 8082 -h /w']}
	- {name: three, image: $IMG/busybox:1, environment: {N: third}, ports: [8083], commands: ['mkdir /w', 'echo \$N >/w/index.html', 'exec httpd -f -p 8083 -h /w']}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: ['wget -qO- one:8081 two:8082 three:8083']}
	Y
        podstep_json
        assert_status 0
        assert_query "[l for l in lines('a') if l in ('first', 'second', 'third')]" $'first\nsecond\nthird'
}

@test "services.timeout: nobody waits" {
        export PODSTEP_SERVICES_TIMEOUT=off
        checkout <<-Y
	services:
	- {name: never, image: $IMG/exposes-a:1, entrypoint: [sleep, "60"]}
	steps:
	- {name: a, image: $IMG/busybox:1, commands: ["true"]}
	Y
        podstep run
        assert_status 0
}
