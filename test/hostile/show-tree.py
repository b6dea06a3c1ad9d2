"""Prints what a mounted hostile image shows, one JSON object a line, so that two drivers can be compared.

Usage: show-tree.py ROOT. Paths, targets and xattrs are latin1 of their bytes. Of each file the first and the last bytes
are read: a sparse one may be of any size. What fails is shown as the name of its errno.
"""
import errno
import hashlib
import json
import os
import stat
import sys

HEAD = 65536
TAIL = 4096


def attempt(act):
    try:
        return act()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))


def ends(full, size):
    with open(full, "rb") as file:
        digest = hashlib.sha256(file.read(HEAD))
        file.seek(max(0, size - TAIL))
        digest.update(file.read(TAIL))
        return digest.hexdigest()


def xattrs(full):
    return {
        name: os.getxattr(full, name, follow_symlinks=False).decode("latin1")
        for name in sorted(os.listxattr(full, follow_symlinks=False))
    }


def describe(full, inodes):
    status = os.lstat(full)
    is_directory = stat.S_ISDIR(status.st_mode)
    return {
        "mode": oct(status.st_mode),
        "owner": [status.st_uid, status.st_gid],
        "size": 0 if is_directory else status.st_size,
        "mtime": str(status.st_mtime_ns),
        "nlink": status.st_nlink,
        # One number an inode: names of one inode have the same.
        "inode": inodes.setdefault(status.st_ino, len(inodes)),
        "rdev": status.st_rdev,
        "target": attempt(lambda: os.readlink(full).decode("latin1")) if stat.S_ISLNK(status.st_mode) else "",
        "ends": attempt(lambda: ends(full, status.st_size)) if stat.S_ISREG(status.st_mode) else "",
        "xattrs": attempt(lambda: xattrs(full)),
    }


def show(full, path, inodes):
    shown = attempt(lambda: describe(full, inodes))
    print(json.dumps([path.decode("latin1"), shown]))
    if isinstance(shown, str) or not stat.S_ISDIR(int(shown["mode"], 8)):
        return
    names = attempt(lambda: sorted(os.listdir(full)))
    if isinstance(names, str):
        print(json.dumps([path.decode("latin1") + "/*", names]))
        return
    for name in names:
        show(os.path.join(full, name), path + b"/" + name, inodes)


sys.setrecursionlimit(10000)
show(os.fsencode(sys.argv[1]), b"", {})
