#!/bin/sh
# Fails on a line of C that is wider than 120 columns, and on a file of src that is longer than 500 lines. Tables of
# tests that switch the layout off may be wider: there a case is a row.
cd "${1:-.}" || exit 1
find src tests -name '*.[ch]' -exec awk '
        FNR == 1 { is_off = 0 }
        /clang-format off/ { is_off = FILENAME ~ "^tests/" }
        /clang-format on/ { is_off = 0 }
        length > 120 && !is_off { print FILENAME ":" FNR ": " length " columns; a line has at most 120"; bad = 1 }
        FNR == 501 && FILENAME ~ "^src/" { print FILENAME ": a file of src has at most 500 lines"; bad = 1 }
        END { exit bad }' {} +
