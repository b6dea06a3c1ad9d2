# upper-errors.sh quota|io: writes to an upper whose file system answers EDQUOT, or EIO. Prints the user's errors.
#
# Runs in a mount namespace of its own, in an empty directory. $S runs stratafs.
set -euo pipefail
export LC_ALL=C
stratafs() { bash -c "$S"' "$@"' sh "$@"; }

# append FILE COUNT: writes zeros, and syncs them; prints ok, or the error.
append() {
  python3 - "$@" <<'END'
import errno, os, sys
left = int(sys.argv[2])
try:
    file = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while left > 0:
        left -= os.write(file, bytes(left))
    os.fsync(file)
    print("ok")
except OSError as error:
    print(errno.errorcode[error.errno])
END
}

# The lower file shows, as it was; and nothing is left of its copy.
check_lower() {
  cmp low/big mnt/big
  [ "$(stat -c '%s %Y' low/big)" = "$(stat -c '%s %Y' mnt/big)" ]
  [ "$(find disk/v/work/work -mindepth 1 ! -name '#whiteout' | wc -l)" = 0 ]
}
mount_upper() {
  mkdir disk/v/upper disk/v/work
  stratafs mount -o lowerdir=low,upperdir=disk/v/upper,workdir=disk/v/work mnt
}

mkdir disk low
head -c 12000000 /dev/urandom >low/big && touch -d @1000000000 low/big && echo text >low/small

quota() {
  truncate -s 128M image && mkfs.btrfs -q -m single image >/dev/null
  mount -o loop image disk
  btrfs quota enable disk
  btrfs subvolume create disk/v >/dev/null
  btrfs qgroup limit 8M disk/v
  mount_upper
  echo "copy-up: $(append mnt/big 1)" && check_lower
  echo "small copy-up: $(append mnt/small 1)"
  echo "room: $(append mnt/room 6000000)"
  echo "write: $(append mnt/fill 6000000)"
  echo "copy-up: $(append mnt/big 1)" && check_lower
  cmp <(head -c 5 mnt/small) low/small
  rm mnt/fill mnt/room && btrfs filesystem sync disk && btrfs qgroup limit 32M disk/v
  echo "with room: $(append mnt/big 1)"
}

io() {
  local device
  truncate -s 64M image && mkfs.ext4 -q -O ^has_journal -E lazy_itable_init=1 image
  device=$(losetup -f --show image)
  mount "$device" disk && losetup -d "$device"
  mkdir disk/v
  mount_upper
  echo "before: $(append mnt/early 9000000)"
  # The device ends before the file system does.
  truncate -s 14M image && losetup -c "$device"
  echo "copy-up: $(append mnt/big 1)" && check_lower
  echo "write: $(append mnt/new 12000000)"
  echo "copy-up: $(append mnt/big 1)" && check_lower
  truncate -s 64M image && losetup -c "$device"
  echo "with room: $(append mnt/big 1)"
}

trap 'stratafs unmount mnt; umount disk' EXIT
"$1"
[ "$(stat -c %s mnt/big)" = 12000001 ] && cmp -n 12000000 low/big mnt/big
