"""Reads every file beneath a directory: read-all.py ROOT [SEED]. Prints JSON: path (latin1) -> sha256 or errno's name.

With SEED files are read in an order of their own, and in pieces of several sizes.
"""
import errno
import hashlib
import json
import os
import random
import sys


def digest(path: bytes, piece: int) -> str:
    sha256 = hashlib.sha256()
    try:
        with open(path, "rb", buffering=0) as file:
            while bytes_read := file.read(piece):
                sha256.update(bytes_read)
    except OSError as error:
        return errno.errorcode[error.errno]
    return sha256.hexdigest()


root = os.fsencode(sys.argv[1])
paths = [
    os.path.join(directory, name)
    for directory, _, names in os.walk(root)
    for name in names
    if os.path.isfile(os.path.join(directory, name)) and not os.path.islink(os.path.join(directory, name))
]
chance = random.Random(sys.argv[2] if len(sys.argv) > 2 else "0")
if len(sys.argv) > 2:
    chance.shuffle(paths)
print(json.dumps({
    os.path.relpath(path, root).decode("latin1"): digest(path, chance.choice([4096, 70_001, 1 << 20]))
    for path in paths
}))
