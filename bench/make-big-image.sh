#!/bin/bash
# Makes the image that the bars are measured on, and its contenders, with other
# people's tools: six layers of Debian packages, some 100,000 files and 1.2 GB,
# with whiteouts, an opaque directory and replaced files in the upper ones.
# usage: bench/make-big-image.sh [OUT-DIR]   (default: /var/tmp/stratafs-bench)
# Makes nothing that is there already. In OUT-DIR:
#   big.tar     docker-archive, plain layers (skopeo)
#   big-gzip/   OCI layout, gzip layers      big-zstd/   OCI layout, zstd layers
#   layers/1..6 the layers unpacked as overlayfs wants them, base first (podman load)
#   rootfs/     the image unpacked (umoci)
# Needs root, apt-get (it unpacks packages and installs none), about 5 GB in
# OUT-DIR on ext4 with overlayfs, and
#   apt-get install --no-install-recommends buildah skopeo umoci podman
set -euo pipefail
out=${1:-/var/tmp/stratafs-bench}
mkdir -p "$out"
out=$(readlink -f "$out")
export LC_ALL=C TZ=UTC
umask 022

for program in apt-get dpkg-deb buildah skopeo umoci podman; do
  command -v $program >/dev/null || { echo "make-big-image.sh: $program is missing, see the head of this file" >&2; exit 1; }
done

# Packages of each step; what they depend on comes with them.
base='base-files base-passwd bash coreutils dash debianutils diffutils dpkg findutils grep gzip hostname libc-bin login
  ncurses-base ncurses-bin perl-base sed sysvinit-utils tar util-linux apt ca-certificates locales tzdata'
tools='build-essential git cmake linux-headers-amd64 libboost-dev'
runtime='nodejs npm python3-django python3-numpy'
replaced='coreutils libc-bin perl-base git python3-django'

work=$out/work
engine=(--root "$work/storage" --runroot "$work/run" --storage-driver overlay)
buildah() { command buildah "${engine[@]}" "$@"; }
leave() {
  [ ! -d "$work/storage" ] || command buildah "${engine[@]}" umount --all >/dev/null 2>&1 || true
  ! mountpoint -q "$work/storage/overlay" || umount "$work/storage/overlay"
}
trap leave EXIT

# download STEP PACKAGES: the packages, and all they need that no earlier step has, into debs/STEP.
download() {
  local step=$1
  shift
  [ ! -e "$work/debs/$step.done" ] || return 0
  mkdir -p "$work/debs/all/partial" "$work/debs/$step"
  : >"$work/debs/status" # apt believes that nothing is installed
  apt-get -qq -y --no-install-recommends --download-only -o Debug::NoLocking=1 -o APT::Sandbox::User=root \
    -o Dir::State::status="$work/debs/status" -o Dir::Cache::archives="$work/debs/all" install "$@" >/dev/null
  local deb
  for deb in "$work"/debs/all/*.deb; do
    [ -n "$(find "$work/debs" ! -path '*/all/*' -name "${deb##*/}" -print -quit)" ] ||
      ln "$deb" "$work/debs/$step/"
  done
  touch "$work/debs/$step.done"
}

# layer NUMBER COMMAND: a layer on top of the one before: COMMAND changes the root directory that is its argument.
layer() {
  local number=$1 below=scratch container root
  shift
  [ "$number" = 1 ] || below=localhost/bench:$((number - 1))
  container=$(buildah from --pull-never "$below")
  root=$(buildah mount "$container")
  "$@" "$root"
  buildah umount "$container" >/dev/null
  buildah commit --quiet --rm "$container" "localhost/bench:$number" >/dev/null
  echo "layer $number made: $1" >&2
}
unpack() { # unpack STEP ROOT
  local deb
  for deb in "$work/debs/$1"/*.deb; do dpkg-deb -x "$deb" "$2"; done
}
base() { unpack base "$1"; }
tools() { unpack tools "$1"; }
runtime() { unpack runtime "$1"; }
slim() { # whiteouts, and with the new usr/share/man an opaque directory
  rm -rf "$1"/usr/share/{man,info,lintian} "$1"/usr/share/doc/[l-z]*
  mkdir "$1/usr/share/man"
  find "$1/usr/share/locale" -mindepth 1 -maxdepth 1 -type d ! -name 'en*' -exec rm -rf {} +
}
upgrade() { # replaced files and changed attributes
  local package
  for package in $replaced; do dpkg-deb -x "$work"/debs/all/"${package}"_*.deb "$1"; done
  chmod 750 "$1/usr/lib/gcc" "$1/usr/src"
  find "$1/usr/lib/python3" -name '*.py' -path '*test*' -delete
}
app() { # what `COPY .` and `RUN npm ci` add
  mkdir -p "$1/srv/app/src"
  cp -r "$1/usr/share/nodejs" "$1/srv/app/node_modules"
  local number
  for number in $(seq 2000); do echo "export default $number;" >"$1/srv/app/src/part-$number.js"; done
}

if [ ! -e "$out/big.tar" ]; then
  mkdir -p "$work"
  echo "downloading packages" >&2
  # shellcheck disable=SC2086 # lists of words
  { download base $base; download tools $tools; download runtime $runtime; }
  rm -rf "$work/storage" "$work/run"
  number=0
  for step in base tools runtime slim upgrade app; do layer $((++number)) $step; done
  stored="containers-storage:[overlay@$work/storage+$work/run]localhost/bench:$number"
  rm -rf "$out"/big-gzip "$out"/big-zstd "$out/big.tar.part"
  skopeo copy --quiet --dest-compress-format gzip "$stored" "oci:$out/big-gzip:latest"
  skopeo copy --quiet --dest-compress-format zstd "$stored" "oci:$out/big-zstd:latest"
  skopeo copy --quiet "$stored" "docker-archive:$out/big.tar.part:localhost/bench:latest"
  leave
  mv "$out/big.tar.part" "$out/big.tar"
fi

if [ ! -e "$out/layers" ]; then
  rm -rf "$out/storage" "$out/layers.part"
  engine=(--root "$out/storage" --runroot "$work/run" --storage-driver overlay)
  podman "${engine[@]}" load --quiet --input "$out/big.tar" >/dev/null
  mkdir "$out/layers.part"
  # podman names the topmost first: the image's own directory, then what lies below.
  number=$(find "$out/storage/overlay" -mindepth 2 -maxdepth 2 -name diff | wc -l)
  podman "${engine[@]}" image inspect --format '{{.GraphDriver.Data.UpperDir}}:{{.GraphDriver.Data.LowerDir}}' \
    localhost/bench:latest | tr : '\n' | while read -r directory; do
    ln -s "$directory" "$out/layers.part/$((number--))"
  done
  ! mountpoint -q "$out/storage/overlay" || umount "$out/storage/overlay"
  mv "$out/layers.part" "$out/layers"
fi

if [ ! -e "$out/rootfs" ]; then
  rm -rf "$out/rootfs.part"
  umoci raw unpack --image "$out/big-gzip:latest" "$out/rootfs.part"
  mv "$out/rootfs.part" "$out/rootfs"
fi

rm -rf --one-file-system "$work"
printf '%s files, %s MB plain, %s MB gzip, %s MB zstd in %s\n' "$(find "$out/rootfs" | wc -l)" \
  "$(du -m "$out/big.tar" | cut -f1)" "$(du -sm "$out/big-gzip" | cut -f1)" "$(du -sm "$out/big-zstd" | cut -f1)" "$out"
