#!/bin/sh
# The main job on an image that ships here: mount it, look, find out which layer a file is from, unmount.
# Run by `npm run demo`, as root or as anybody with fusermount3. Leaves nothing mounted and nothing behind.
set -eu
cd "$(dirname "$0")/.."
image=fixtures/expressweb.tar
file=usr/src/app/server.js

work=$(mktemp -d "${TMPDIR:-/tmp}/stratafs-demo-XXXXXX")
export XDG_CACHE_HOME="$work/cache"
mkdir "$work/image" "$work/layer"

# The command to show: that of this directory by default.
stratafs() { "${STRATAFS:-bin/stratafs}" "$@"; }

cleanup() {
  status=$?
  trap - EXIT
  for mountpoint in "$work/layer" "$work/image"; do
    grep -qF " $mountpoint " /proc/self/mountinfo && stratafs unmount --lazy "$mountpoint"
  done
  # Nothing is removed that is still mounted: rmdir fails on it.
  rmdir "$work/image" "$work/layer" && rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

bold= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
show() {
  printf '%s$ %s%s\n' "$bold" "$*" "$plain"
  "$@"
}

say "Mount what docker save wrote: nothing is unpacked."
show stratafs mount "$image" "$work/image"

say "The application, as a container sees it."
show ls -l "$work/image/usr/src/app"
show cat "$work/image/$file"

say "The layers of the image, base first. Which of them is server.js from?"
show stratafs index "$image"
if command -v getfattr > /dev/null; then
  show getfattr --absolute-names --only-values -n user.stratafs.layer "$work/image/$file"
  printf '\n'
fi

say "That layer alone."
show stratafs mount --layer 4 "$image" "$work/layer"
show find "$work/layer" -type f
show stratafs unmount "$work/layer"

say "What is mounted, and what the kernel asked for so far."
show stratafs ls
show stratafs stats "$work/image"

say "Unmount."
show stratafs unmount "$work/image"
