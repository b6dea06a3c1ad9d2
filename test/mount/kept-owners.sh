# Owners and modes kept in xattrs, exchanged between stratafs-overlay and fuse-overlayfs. Prints what shows.
#
# $OURS runs stratafs-overlay. Its daemon has no capability to chown(2) or mknod(2), as a rootless one has none.
set -euo pipefail
limited=(setpriv --bounding-set -chown,-mknod,-fsetid --inh-caps -chown,-mknod,-fsetid)

ours() { "${limited[@]}" bash -c "$OURS"' "$@"' sh "$@"; }
theirs() { fuse-overlayfs "$@" 2>&1 | { grep -v '^unknown argument ignored: lazytime$' || true; }; }

# show DIRECTORY: its names, types, modes, owners, sizes of files
show() {
  (cd "$1" && find . \( -type d -printf '%p %M %U:%G\n' \) -o -printf '%p %M %U:%G %s\n' | LC_ALL=C sort)
}

# look PROGRAM LOWERS [OPTIONS]: what a mount of them shows
look() {
  "$1" -o "lowerdir=$2${3:+,$3}" mnt
  show mnt
  umount mnt
}

# Every change that fuse-overlayfs 1.10 keeps rightly: chmod comes before chown, which it forgets otherwise, and files
# that are made are 0755 to it.
change() {
  (
    cd mnt
    echo new >new && chmod 4750 new && chown 1000:1001 new
    mkdir directory && chmod 1777 directory && chown 1002:1003 directory
    echo in >directory/in && chmod 604 directory/in && chown 3000000000:7 directory/in
    chown 1004:1005 lower && echo more >>lower/file
    chmod 600 lower/file && chown 7:8 lower/file
  )
}

mkdir -p layer/lower && echo text >layer/lower/file && chown 3:4 layer/lower/file && chmod 640 layer/lower/file

exchange() {
  local writer=$1 mode=$2 u=$1.$2
  mkdir "U.$u" "W.$u" "W2.$u" "W3.$u"
  "$writer" -o "lowerdir=layer,upperdir=U.$u,workdir=W.$u,xattr_permissions=$mode" mnt
  change
  show mnt >"written.$u"
  umount mnt
  find "U.$u" -mindepth 1 -printf '%U:%G\n' | sort -u >"stored.$u"
  look theirs layer "upperdir=U.$u,workdir=W2.$u,xattr_permissions=$mode" >"theirs.$u"
  look theirs "U.$u:layer" >"theirs-as-layer.$u"
  look ours "U.$u:layer" >"ours-as-layer.$u"
  look ours layer "upperdir=U.$u,workdir=W3.$u" >"ours.$u"
  for shown in theirs theirs-as-layer ours-as-layer ours; do diff "written.$u" "$shown.$u" || echo "$shown differs"; done
}

for mode in 1 2; do
  exchange ours $mode
  exchange theirs $mode
  diff written.ours.$mode written.theirs.$mode
done
cat written.ours.2 stored.ours.2
