# env.sh: names shared by all scripts of the lab; sourced, never run.
# shellcheck shell=bash
# PODSTEP_LAB and LABUSER: a lab beside the usual one, with a user, engines and images of its own
if [ "$(id -u)" = 0 ]; then
        LAB=/run/${PODSTEP_LAB:-podstep-lab}            # runtime: namespace handles, sockets, pid files (lost at reboot)
        CACHE=/var/cache/${PODSTEP_LAB:-podstep-lab}    # images, machine trees (kept between runs; may be removed at any time)
else                                    # an ordinary user with a Podman of their own
        LAB=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/podstep-lab
        CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/podstep-lab
fi
U=${LABUSER:-lab}                       # the host lab's ordinary user, whose rootless Podman is tested
STAGE=$LAB/stage                        # what was built, at the same path on the host and in the machine
HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")    # tests/lab
ROOT=$(dirname "$(dirname "$HERE")")                    # the source tree

die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }
lab_uid() { id -u "$U"; }
lab_home() { getent passwd "$U" | cut -d: -f6; }

# what is made here is read by other users
umask 022
