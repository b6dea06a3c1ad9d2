"""A listing that begins after a change, while one that began before it fills the kernel's cache of the directory.

Usage: listing-cache.py DIRECTORY. Prints, as JSON, the names of the later listing after each change, and the names that
should be in it. The earlier listing ends between two reads of the later one.
"""
import ctypes
import json
import os
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.getdents64.restype = ctypes.c_ssize_t
HEADER = struct.Struct("=QqHB")


def getdents(fd, size=32768):
    buffer = ctypes.create_string_buffer(size)
    length = libc.getdents64(fd, buffer, ctypes.c_size_t(size))
    if length < 0:
        raise OSError(ctypes.get_errno(), "getdents64")
    names, at = [], 0
    while at < length:
        _, _, record, _ = HEADER.unpack_from(buffer, at)
        names.append(os.fsdecode(buffer.raw[at + HEADER.size : at + record].split(b"\0")[0]))
        at += record
    return names


def listed_after(directory, change):
    """The names of a listing that begins after `change`, sorted."""
    flags = os.O_RDONLY | os.O_DIRECTORY
    # Empties the cache, so that the earlier listing fills it.
    os.mkdir(f"{directory}/other")
    os.rmdir(f"{directory}/other")
    earlier = os.open(directory, flags)
    getdents(earlier)
    change()
    later = os.open(directory, flags)
    names = getdents(later)
    while getdents(earlier):
        pass
    while more := getdents(later):
        names += more
    os.close(earlier)
    os.close(later)
    return sorted(set(names) - {".", ".."})


def main():
    directory = sys.argv[1]
    expected = set(os.listdir(directory))
    results = []

    def create(name):
        os.close(os.open(f"{directory}/{name}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        expected.add(name)

    def remove(name):
        os.unlink(f"{directory}/{name}")
        expected.discard(name)

    def move(name, target):
        os.rename(f"{directory}/{name}", f"{directory}/{target}")
        expected.discard(name)
        expected.add(target)

    first = sorted(expected)[0]
    last = sorted(expected)[-1]
    for change in [
        lambda: remove(last),
        lambda: create("new"),
        lambda: remove("new"),
        lambda: remove(first),
        lambda: create(first),
        lambda: move(first, "moved"),
        lambda: move("moved", last),
        lambda: remove(last),
    ]:
        names = listed_after(directory, change)
        results.append([names, sorted(expected)])
    print(json.dumps(results))


main()
