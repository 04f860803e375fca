# Last of all: nothing is left of all these tests, whichever it may have been.
load helpers

@test "no container, pod, volume, network, secret, process, namespace or file is left" {
        need_engine
        cp "$BATS_SUITE_TMPDIR/leaks.before" "$BATS_FILE_TMPDIR/"
        leaks_after
}
