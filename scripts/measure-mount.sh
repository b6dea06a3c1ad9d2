#!/bin/sh
# Measures how long the first and later mounts of an image take, and the memory of the daemon, in one run of hyperfine.
#
#   scripts/measure-mount.sh IMAGE.tar
#
# The first mount indexes and verifies all layers, so it is compared with `sha256sum` of the archive. A later mount is compared with
# the start of Node. The memory is measured after `find -ls` of the mount. Needs hyperfine and GNU time's /proc; run `npm run build`
# before.
set -eu
image=$1
stratafs=$(dirname "$0")/../bin/stratafs
place=$(mktemp -d)
export XDG_CACHE_HOME="$place/cache"
trap '"$stratafs" unmount --force "$place/mnt" 2> /dev/null; rm -rf "$place/cache"; rmdir "$place/mnt" "$place"' EXIT
mkdir "$place/mnt"
unmount="$stratafs unmount $place/mnt"

hyperfine --warmup 1 \
  --command-name 'sha256sum of the archive' "sha256sum '$image'" \
  --prepare "rm -rf '$XDG_CACHE_HOME'; $unmount || true" \
  --command-name 'first mount' "'$stratafs' mount '$image' '$place/mnt'" 2> /dev/null
hyperfine --warmup 1 --shell none \
  --prepare true --command-name 'start of Node' "node -e 0" \
  --prepare "sh -c '$unmount || true'" \
  --command-name 'later mount' "$stratafs mount $image $place/mnt" 2> /dev/null

find "$place/mnt" -ls > "$place/cache/listing"
pid=$("$stratafs" ls --format '{{.MountPoint}} {{.PID}}' | awk -v at="$place/mnt" '$1 == at { print $2 }')
awk -v names="$(wc -l < "$place/cache/listing")" '/^VmRSS/ { print "memory of the daemon: " $2 " kB for " names " names" }' \
  "/proc/$pid/status"
