#!/bin/sh
# Makes an image of Debian packages, as an OCI layout with the tag `latest`: a layer compressed by gzip for each set of packages,
# with what they depend on. The packages are unpacked and not configured: their programs run in a chroot.
#
#   scripts/make-debian-image.sh LAYOUT ['PACKAGE...' ...]        one argument for each layer, base first
#
# Needs apt-get, dpkg-deb and gzip, on Debian or a derivative with the lists of its packages (apt-get update).
set -eu
layout=$1
shift
[ $# -gt 0 ] || set -- 'base-files bash coreutils findutils tar' 'python3' 'python3-numpy git gcc libc6-dev'
mkdir "$layout"
layout=$(cd "$layout" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir -p "$layout/blobs/sha256"
: > "$place/seen"

# Moves a file to its place among the blobs; prints digest and size as JSON.
add_blob() {
  digest=$(sha256sum "$1" | cut -d ' ' -f 1)
  printf '"digest": "sha256:%s", "size": %s' "$digest" "$(stat -c %s "$1")"
  mv "$1" "$layout/blobs/sha256/$digest"
}

layers= diff_ids= history=
for packages in "$@"; do
  mkdir "$place/packages" "$place/root"
  # shellcheck disable=SC2086 # one word for each package
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
    $packages | grep '^[a-z0-9]' | grep -v ':' | sort -u | grep -vxFf "$place/seen" > "$place/names" || true
  cat "$place/names" >> "$place/seen"
  (cd "$place/packages" && xargs -r apt-get -qq download < "$place/names")
  for package in "$place/packages"/*.deb; do dpkg-deb --extract "$package" "$place/root"; done
  tar --numeric-owner --owner 0 --group 0 --sort name --mtime @0 -C "$place/root" -cf "$place/layer.tar" .
  diff_ids="$diff_ids${diff_ids:+, }\"sha256:$(sha256sum "$place/layer.tar" | cut -d ' ' -f 1)\""
  history="$history${history:+, }{\"created_by\": \"$packages\"}"
  gzip -n -6 "$place/layer.tar"
  type=application/vnd.oci.image.layer.v1.tar+gzip
  layers="$layers${layers:+, }{\"mediaType\": \"$type\", $(add_blob "$place/layer.tar.gz")}"
  rm -rf "$place/packages" "$place/root"
done

architecture=$(dpkg --print-architecture)
cat > "$place/config" << EOF
{"architecture": "$architecture", "os": "linux", "config": {"Cmd": ["/bin/bash"]},
 "rootfs": {"type": "layers", "diff_ids": [$diff_ids]}, "history": [$history]}
EOF
type=application/vnd.oci.image.manifest.v1+json
cat > "$place/manifest" << EOF
{"schemaVersion": 2, "mediaType": "$type",
 "config": {"mediaType": "application/vnd.oci.image.config.v1+json", $(add_blob "$place/config")},
 "layers": [$layers]}
EOF
cat > "$layout/index.json" << EOF
{"schemaVersion": 2, "manifests": [{"mediaType": "$type", $(add_blob "$place/manifest"),
  "annotations": {"org.opencontainers.image.ref.name": "latest"}}]}
EOF
echo '{"imageLayoutVersion": "1.0.0"}' > "$layout/oci-layout"
