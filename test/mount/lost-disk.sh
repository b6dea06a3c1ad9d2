# Writes to a volatile upper whose disk is lost, and mounts it again. $1: kernel, or ours; $S runs stratafs.
#
# Runs in a mount namespace of its own, in an empty directory.
set -eu
truncate -s 64M image && mkfs.ext4 -q image && mkdir low disk point && mount -o loop image disk
mkdir disk/u disk/w && echo below >low/file && tar -cf low.tar -C low . && sync -f disk

start() {
  case $1 in
    kernel) mount -t overlay overlay -o lowerdir=low,upperdir=disk/u,workdir=disk/w,volatile point ;;
    ours) eval "$S mount -o upperdir=disk/u,workdir=disk/w,volatile low.tar point" ;;
  esac
}
end() { if [ "$1" = kernel ]; then umount point; else eval "$S unmount point"; fi; }

start "$1"
echo written >point/file
# The directory entries get to the disk, what comes after does not.
sync -f disk
echo lost >point/lost
# EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH: as if the disk was pulled out.
python3 -c 'import fcntl, os, struct; fcntl.ioctl(os.open("disk", os.O_RDONLY), 0x8004587d, struct.pack("I", 2))'
end "$1" || :
umount disk && mount -o loop image disk
if start "$1"; then echo mounted && end "$1"; else echo refused; fi
umount disk
