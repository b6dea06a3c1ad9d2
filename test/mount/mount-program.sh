# Builds on an image with buildah in the directory $PLACE, with "$@" as mount_program or, where that is nothing, with kernel
# overlayfs, and lists the layer that comes of it.
# To be run in a mount namespace of its own; $IMAGE is an archive.
set -euo pipefail
cd "${PLACE:?}"
mkdir root run
printf '#!/bin/sh\nexec %s "$@"\n' "$*" >mount-program
chmod 755 mount-program
cat >storage.conf <<END
[storage]
driver = "overlay"
runroot = "$PLACE/run"
graphroot = "$PLACE/root"
END
if [ $# -gt 0 ]; then
  printf '[storage.options.overlay]\nmount_program = "%s"\n' "$PLACE/mount-program" >>storage.conf
fi
export CONTAINERS_STORAGE_CONF=$PLACE/storage.conf TMPDIR=$PLACE
trap 'umount -R root 2>umount.log || true' EXIT

buildah pull -q "docker-archive:${IMAGE:?}" >pull.log
image=$(buildah images -q | head -n 1)
container=$(buildah from "$image")
mount=$(buildah mount "$container")
mountpoint -q "${mount:?}"
findmnt -n -o FSTYPE "$mount" >type
(
  cd "${mount:?}/usr/src"
  rm -r app/public && mkdir app/public && echo hi >app/public/x
  mv app/node_modules app/modules
  chmod 700 app/server.js && ln app/server.js hard && ln -s a link && mkfifo pipe && mknod null c 1 3
  printf more >>app/package.json
)
buildah unmount "$container" >unmount.log
buildah push -q "$(buildah commit -q "$container")" "oci:$PLACE/out:x"
podman image mount "$image" >mounted
ls "$(cat mounted)" >listing
podman image umount "$image" >unmounted

# The layer is the only blob that is not in the image.
manifest=$(python3 -c 'import json; print(json.load(open("out/index.json"))["manifests"][0]["digest"][7:])')
layer=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["layers"][-1]["digest"][7:])' "out/blobs/sha256/$manifest")
tar -tvzf "out/blobs/sha256/$layer" --numeric-owner | awk '{$4 = ""; $5 = ""; print}' | sort -k4
cat listing
