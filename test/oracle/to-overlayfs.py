"""Turns unpacked layers in AUFS form (.wh. files) into kernel overlayfs's: usage: to-overlayfs.py LAYER..."""
import os
import sys

PREFIX = b".wh."
OPAQUE = b".wh..wh..opq"


def convert(directory, names):
    status = os.stat(directory)
    for name in names:
        if not name.startswith(PREFIX):
            continue
        os.unlink(os.path.join(directory, name))
        if name == OPAQUE:
            os.setxattr(directory, "trusted.overlay.opaque", b"y")
        else:
            os.mknod(os.path.join(directory, name[len(PREFIX) :]), 0o020000, os.makedev(0, 0))
    os.utime(directory, ns=(status.st_atime_ns, status.st_mtime_ns))


for layer in sys.argv[1:]:
    for directory, _, names in os.walk(os.fsencode(layer), topdown=False):
        convert(directory, names)
