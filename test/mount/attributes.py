# Compares the attributes that the kernel keeps of each inode of a mount with those that the daemon answers
# (AT_STATX_FORCE_SYNC), and prints what differs. Arguments: the mount, then shell commands, after each of which it looks.
import ctypes, os, struct, subprocess, sys

libc = ctypes.CDLL(None, use_errno=True)
AT_SYMLINK_NOFOLLOW, FORCE_SYNC, BASIC_STATS = 0x100, 0x2000, 0x7FF
FIELDS = "mode nlink uid gid ino size blocks atime mtime ctime".split()


def statx(path, sync):
    buffer = ctypes.create_string_buffer(256)
    if libc.statx(-100, os.fsencode(path), AT_SYMLINK_NOFOLLOW | sync, BASIC_STATS, buffer):
        raise OSError(ctypes.get_errno(), path)
    mode = struct.unpack_from("=H", buffer, 28)[0]
    nlink, uid, gid = struct.unpack_from("=3I", buffer, 16)
    ino, size, blocks = struct.unpack_from("=3Q", buffer, 32)
    times = [struct.unpack_from("=qI", buffer, at) for at in (64, 112, 96)]
    return dict(zip(FIELDS, [mode, nlink, uid, gid, ino, size, blocks, *times]))


mount, *commands = sys.argv[1:]


def paths():
    yield mount
    for base, dirs, files in os.walk(mount):
        for name in sorted(dirs + files):
            yield os.path.join(base, name)


def differences():
    for path in list(paths()):
        kept = statx(path, 0)
        fresh = statx(path, FORCE_SYNC)
        for field in FIELDS:
            if kept[field] != fresh[field]:
                yield "%s %s: kept %s, fresh %s" % (os.path.relpath(path, mount), field, kept[field], fresh[field])


for _ in differences():
    pass
for command in commands:
    status = subprocess.run(["sh", "-c", command], cwd=mount, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    for line in differences():
        print("after %s (%d): %s" % (command, status, line))
