"""Prints path, d_ino and st_ino of all beneath a directory: inodes.py ROOT. JSON; paths are latin1 of their bytes.

The root is '', and its d_ino is that of its own '.', which Python's readdir leaves out: its st_ino stands there too.
"""
import json
import os
import sys

rows = []


def walk(root: bytes, path: bytes) -> None:
    with os.scandir(os.path.join(root, path)) as entries:
        for entry in entries:
            name = os.path.join(path, entry.name)
            rows.append([name.decode("latin1"), entry.inode(), os.lstat(entry.path).st_ino])
            if entry.is_dir(follow_symlinks=False):
                walk(root, name)


top = os.fsencode(sys.argv[1])
rows.append(["", os.lstat(top).st_ino, os.lstat(top).st_ino])
walk(top, b"")
print(json.dumps(rows))
