#!/bin/sh
# Loads image ARCHIVE into a podman of its own beneath directory HOME, and prints what NAME shows as snapshot.py does.
# Usage: podman-show.sh HOME ARCHIVE NAME SNAPSHOT.PY DRIVER. To be run in a mount namespace of its own.
set -eu
home=${1:?}
driver=${5:?}
# What podman mounts stays in here: it is gone with the namespace.
mount --make-rprivate /
mount -t tmpfs none "${home:?}"
podman_() {
  podman --root "${home:?}/root" --runroot "${home:?}/run" --tmpdir "${home:?}/tmp" --storage-driver "${driver:?}" \
    --events-backend none "$@"
}
podman_ load -q -i "$2" >&2
root=$(podman_ image mount "$3")
python3 "$4" "${root:?}"
podman_ image unmount "$3" >&2
