# env.sh: names shared by all scripts of the lab; sourced, never run.
# shellcheck shell=bash
LAB=/run/podstep-lab                    # runtime: namespace handles, sockets, pid files (lost at reboot)
CACHE=/var/cache/podstep-lab            # image store, machine trees (kept between runs; may be removed at any time)
LABUSER=${LABUSER:-lab}                 # the ordinary user whose rootless Podman is tested
U=$LABUSER
STAGE=$LAB/stage                        # what was built, at the same path on the host and in the machine
HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")    # tests/lab
ROOT=$(dirname "$(dirname "$HERE")")                    # the source tree

die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }
lab_uid() { id -u "$U"; }
lab_home() { getent passwd "$U" | cut -d: -f6; }
