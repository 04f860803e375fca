#!/bin/sh
# Fails on an include that does not point down. Floors from the ground up, neighbours joined by a comma.
cd "${1:-.}" || exit 1
grep -rn '^#include "[a-z]*/' src | awk -F'[/:"]' -v floors='base loop,document http,pipeline config,engine job agent,doctor cli' '
        BEGIN { n = split(floors, f, " "); for (i = 1; i <= n; i++) { k = split(f[i], g, ","); while (k) at[g[k--]] = i } }
        $2 != $6 && at[$6] >= at[$2] { print "does not point down: " $0; bad = 1 }
        END { exit bad }'
