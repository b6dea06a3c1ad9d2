# Mounts by mount(8) itself, from lines of a fstab(5) and by type, with the helpers where mount(8) looks for them. Prints
# what it shows.
#
# Runs in a mount namespace of its own, so that this fstab and these helpers are nobody else's. $IMAGE is an image, $BIN a
# directory with stratafs, mount.stratafs and umount.fuse.stratafs.
set -euo pipefail
export LC_ALL=C
place=$PWD

# over DIRECTORY: what it holds, and what $BIN does.
over() { mount -t overlay -o "ro,lowerdir=${BIN:?}:$1" none "$1"; }
over /usr/sbin
over /usr/local/bin

mkdir a b up work image stack auto typed
echo a >a/a && echo b >b/b
cat >fstab <<END
$IMAGE  $place/image  stratafs       ro,noauto                                                    0 0
pair    $place/stack  fuse.stratafs  noauto,lowerdir=$place/b:$place/a,upperdir=$place/up,workdir=$place/work  0 0
$IMAGE  $place/auto   stratafs       ro,nofail,x-systemd.automount                                0 0
END
[ -e /etc/fstab ] || : >/etc/fstab
mount --bind fstab /etc/fstab

mounts() { { findmnt -rno TARGET,SOURCE,FSTYPE -t fuse.stratafs || true; } | sed -n "s|^$place/||p" | sed "s|$IMAGE|IMAGE|" | sort; }

echo '# mount DIR'
mount "$place/image" && mount "$place/stack"
mounts
ls image/usr/src/app/package.json stack
echo c >stack/c
umount "$place/stack" && umount "$place/image"
ls up && mounts

echo '# mount -a, twice'
mount -a -t stratafs,fuse.stratafs -T fstab && mount -a -t stratafs,fuse.stratafs -T fstab
mounts
umount "$place/auto"

echo '# mount -t'
mount -t fuse.stratafs "$IMAGE" "$place/typed" && mounts && umount "$place/typed"
mount -t stratafs -o upperdir=up,workdir=work,force-upper "$IMAGE" typed && echo typed >typed/typed && mounts
umount typed && ls up
mount -t fuse.stratafs none.tar "$place/typed" 2>&1 | sed 's|^.*: none.tar|none.tar|' || true
mounts
