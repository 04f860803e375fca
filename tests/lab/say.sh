# say.sh: one line per stage, the full output in a log; sourced by ./quickstart and ./check.
# shellcheck shell=bash

now_ms() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }
seconds() { printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100)); }

# stage TEXT LOG CMD...: run CMD with its output in LOG; prints TEXT and the time; on failure also the log's end, returns 1
stage() {
        local text=$1 log=$2 start rc=0
        shift 2
        start=$(now_ms)
        printf '%-68s' "$text"
        "$@" >"$log" 2>&1 </dev/null || rc=$?
        if [ $rc = 0 ]; then
                printf ' %8s\n' "$(seconds $(($(now_ms) - start)))"
        else
                printf '   FAILED\n'
                tail -n 25 "$log" | sed 's/^/    | /'
                printf '    whole output: %s\n' "$log"
        fi
        return $rc
}
