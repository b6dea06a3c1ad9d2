# An upper that fuse-overlayfs wrote where it could make no whiteout device, shown and changed by us, and shown again by
# fuse-overlayfs and kernel overlayfs. Prints what each shows.
#
# $OURS runs stratafs-overlay, $S stratafs.
set -euo pipefail
ours() { bash -c "$OURS"' "$@"' sh "$@"; }
stratafs() { bash -c "$S"' "$@"' sh "$@"; }
theirs() { fuse-overlayfs "$@" 2>&1 | { grep -v '^unknown argument ignored: lazytime$' || true; }; }
show() { (cd "$1" && find . -mindepth 1 -type f -printf '%P %s\n' -o -mindepth 1 -printf '%P\n' | LC_ALL=C sort | tr '\n' ';'); }
look() {
  printf '%s: ' "$1"
  show mnt
  echo
  umount mnt
}

mkdir -p layer/d/sub layer/e U W W2 W3 W4
echo a >layer/a && echo b >layer/b && echo keep >layer/keep
echo x >layer/d/x && echo y >layer/d/sub/y && echo z >layer/e/z && echo w >layer/e/w

# A preloaded library makes mknod(2) fail as on a file system without devices. Root of a user namespace may not set trusted.* xattrs.
cat >nodevices.c <<'END'
#include <errno.h>
#include <sys/stat.h>
int mknodat(int dir, const char *name, mode_t mode, dev_t device) {
  (void)dir, (void)name, (void)mode, (void)device;
  errno = EPERM;
  return -1;
}
END
cc -shared -fPIC -o nodevices.so nodevices.c
unshare -Urm bash -euo pipefail -c '
  LD_PRELOAD=$PWD/nodevices.so fuse-overlayfs -o lowerdir=layer,upperdir=U,workdir=W mnt 2>/dev/null
  cd mnt && rm a e/z && rm -r d && mkdir d && echo new >d/new && echo more >>b
  cd .. && umount mnt'
echo "upper: $(cd U && find . -name '.wh.*' | LC_ALL=C sort | tr '\n' ' ')$(getfattr --only-values -n user.fuseoverlayfs.opaque U/d)"
cp -a U U2

theirs -o lowerdir=layer,upperdir=U,workdir=W2 mnt && look fuse-overlayfs
stratafs mount -o ro,lowerdir=layer mnt && stat -c %i mnt/b >lower.ino && umount mnt
ours -o lowerdir=layer,upperdir=U,workdir=W3 mnt
stat -c %i mnt/b | diff lower.ino -
! touch mnt/.wh.keep 2>/dev/null
look stratafs-overlay
stratafs mount -o lowerdir=layer,upperdir=U2,workdir=W4,redirect_dir=off mnt && look stratafs-mount

# A directory that stratafs has changed is in the kernel's form, which all three understand.
stratafs mount -o lowerdir=layer,upperdir=U2,workdir=W4,redirect_dir=off mnt
(cd mnt && mkdir a && echo in >a/in && rm b && mv d/new e/z && rmdir d && mv keep e/keep)
look changed
ours -o lowerdir=layer,upperdir=U2,workdir=W2 mnt && look stratafs-overlay
mount -t overlay none mnt -o lowerdir=layer,upperdir=U2,workdir=W3 && look kernel
theirs -o lowerdir=layer,upperdir=U2,workdir=W mnt && look fuse-overlayfs
echo "upper: $(cd U2 && find . -name '.wh.*' | tr '\n' ' ')"
