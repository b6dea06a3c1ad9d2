#!/bin/sh
# The main job on an image that ships here: mount it, look around, see what was mounted, unmount.
# Run by `npm run demo`; needs /dev/fuse, and root or fusermount3.
set -eu
cd "$(dirname "$0")/.."
image=fixtures/expressweb.tar
stratafs() { node dist/cli/main.js "$@"; }

mountpoint=$(mktemp -d "${TMPDIR:-/tmp}/stratafs-demo-XXXXXX")
mounted=no
cleanup() {
  [ "$mounted" = no ] || stratafs unmount "$mountpoint"
  rmdir "$mountpoint"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { printf '\n$ %s\n' "$*"; }

say "stratafs mount $image DIR"
stratafs mount "$image" "$mountpoint"
mounted=yes
say "ls -l DIR/usr/src/app"
ls -l "$mountpoint/usr/src/app"
say "cat DIR/usr/src/app/package.json"
cat "$mountpoint/usr/src/app/package.json"
say "find DIR | wc -l"
find "$mountpoint" | wc -l
say "stratafs ls"
stratafs ls
say "stratafs stats DIR"
stratafs stats "$mountpoint"
say "stratafs unmount DIR"
stratafs unmount "$mountpoint"
mounted=no
