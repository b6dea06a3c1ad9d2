"""Prints what a directory tree holds, one JSON object a line: the oracle's side of a comparison.

Usage: snapshot.py ROOT. Paths, targets and xattrs are latin1 of their bytes. Reads content; follows no symlink.
"""
import hashlib
import json
import os
import stat
import sys


def content(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def holes(path, size):
    """Offsets where data and holes begin in turn, data first, up to the size."""
    edges = []
    with open(path, "rb") as file:
        offset = 0
        while offset < size:
            try:
                offset = os.lseek(file.fileno(), offset, os.SEEK_DATA)
            except OSError:
                break
            end = os.lseek(file.fileno(), offset, os.SEEK_HOLE)
            edges += [offset, end]
            offset = end
    return edges


def describe(root, path, inodes):
    full = os.path.join(root, path) if path else root
    status = os.lstat(full)
    is_file = stat.S_ISREG(status.st_mode)
    return {
        "path": path.decode("latin1"),
        "mode": status.st_mode,
        "uid": status.st_uid,
        "gid": status.st_gid,
        "size": 0 if stat.S_ISDIR(status.st_mode) else status.st_size,
        "mtime": str(status.st_mtime_ns),
        "nlink": status.st_nlink,
        # One number an inode, whatever devices the tree spans.
        "ino": inodes.setdefault((status.st_dev, status.st_ino), len(inodes)),
        "rdev": [os.major(status.st_rdev), os.minor(status.st_rdev)],
        "target": os.readlink(full).decode("latin1") if stat.S_ISLNK(status.st_mode) else "",
        "sha256": content(full) if is_file else "",
        "data": holes(full, status.st_size) if is_file else [],
        "xattrs": {
            name: os.getxattr(full, name, follow_symlinks=False).decode("latin1")
            for name in sorted(os.listxattr(full, follow_symlinks=False))
        },
    }


def main():
    root = os.fsencode(sys.argv[1])
    inodes = {}
    print(json.dumps(describe(root, b"", inodes)))
    for directory, names, files in os.walk(root):
        for name in names + files:
            full = os.path.join(directory, name)
            # Kernel overlayfs lists whiteouts of directories that it merges with nothing, but doesn't find them.
            if os.path.lexists(full):
                print(json.dumps(describe(root, os.path.relpath(full, root), inodes)))


main()
