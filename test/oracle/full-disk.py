"""Writes until the upper's file system is full: full-disk.py ROOT STAGING FEATURES.

A failing call reports the errno and leaves existing files unchanged; calls that need no room succeed. STAGING is W/work, empty but for a
whiteout; FEATURES metacopy=on or off.
"""
import errno
import hashlib
import os
import sys
import time

root, staging, features = sys.argv[1:]
staging = os.path.abspath(staging)
os.chdir(root)


def fails(code, call, *arguments):
    try:
        result = call(*arguments)
    except OSError as error:
        assert error.errno == code, (call, arguments, error)
        return
    raise SystemExit("%s%s answered %s" % (call.__name__, arguments, result))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.md5(file.read()).hexdigest()


def append(path, length):
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        return os.write(file, bytes(length))
    finally:
        os.close(file)


def unchanged(before):
    assert digest("big") == before[0], "the content of big"
    status = os.stat("big")
    assert (status.st_size, status.st_mtime_ns) == before[1:], status
    left = [name for name in os.listdir(staging) if name != "#whiteout"]
    assert not left, left


code = errno.ENOSPC
big = (digest("big"), os.stat("big").st_size, os.stat("big").st_mtime_ns)

# A copy-up that doesn't fit leaves the lower file, and what it had copied takes no room.
fails(code, append, "big", 1)
fails(code, os.truncate, "big", 11_999_999)
unchanged(big)
if features == "metacopy=on":
    os.chmod("big", 0o600)
else:
    fails(code, os.chmod, "big", 0o600)
fails(code, append, "big", 1)
unchanged(big)
assert append("room", 3_000_000) == 3_000_000

# The part of a write that fits is written, and its length returned.
written = 0
try:
    while True:
        written += append("fill", 100_000)
except OSError as error:
    assert error.errno == code, error
assert os.stat("fill").st_size == written, (os.stat("fill").st_size, written)
fails(code, append, "small", 100_000)
unchanged(big)

# Freed space can be used again, after the kernel has released the files.
os.unlink("fill")
os.unlink("room")
for tried in range(200):
    free = os.statvfs(".")
    if free.f_bavail * free.f_frsize > 3_000_000:
        break
    time.sleep(0.01)
assert append("small", 1) == 1
assert os.stat("small").st_size == 50_001

# No inodes left.
made = 0
try:
    while True:
        os.mkdir("made%d" % made)
        made += 1
except OSError as error:
    assert error.errno == code, error
parent = os.stat(".").st_mtime_ns
fails(code, os.mkdir, "other")
fails(code, os.symlink, "a", "other")
fails(code, os.chmod, "d/g", 0o600)
fails(code, os.rename, "d", "other")
assert os.stat(".").st_mtime_ns == parent, "a failure changed the parent's mtime"
assert sorted(os.listdir("d")) == ["e", "f", "g"] and os.stat("d/g").st_nlink == 2
for number in range(6):
    os.rmdir("made%d" % number)
os.chmod("d/g", 0o600)
os.rename("d", "other")
assert os.stat("other/f").st_mode == os.stat("other/g").st_mode
unchanged(big)
