#!/bin/sh
# Loads image ARCHIVE into a podman of its own beneath directory HOME, and prints what NAME shows as snapshot.py does.
# Usage: podman-show.sh HOME ARCHIVE NAME SNAPSHOT.PY. To be run in a mount namespace of its own.
set -eu
home=${1:?}
# What podman mounts stays in here: it is gone with the namespace.
mount --make-rprivate /
mount -t tmpfs none "${home:?}"
set -- "$home" "$2" "$3" "$4"
podman_() {
  podman --root "${home:?}/root" --runroot "${home:?}/run" --tmpdir "${home:?}/tmp" --storage-driver overlay \
    --events-backend none "$@"
}
podman_ load -q -i "$2" >&2
root=$(podman_ image mount "$3")
python3 "$4" "${root:?}"
podman_ image unmount "$3" >&2
