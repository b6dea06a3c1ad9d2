"""What execute.py knows while it carries out operations: open files, mappings, listings, and inode numbers by path.

Times since BEGIN (the fourth argument of execute.py, in milliseconds) are shown as "now".
"""
import ctypes
import hashlib
import os
import stat
import struct
import sys
import time

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
RENAMEAT2 = 316
GETDENTS64 = 217
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
HOUR = 3600 * 10**9

procfs = os.open("/proc", os.O_PATH)
begin = int(sys.argv[4]) * 10**6
wrong = []
files = {}  # slot -> descriptor
file_inos = {}  # slot -> st_ino when it was opened
mappings = {}  # slot -> (mmap, descriptor)
streams = {}  # slot -> Stream
inos = {}  # canonical path -> st_ino as last seen


def check(result):
    """The result of a call by ctypes, its errno raised."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def raw(text):
    return text.encode("latin1")


def at(path):
    """The root is ''."""
    return raw(path) or b"."


def moment(ns):
    """A time is the same on both sides only where a tar or utimensat gave it."""
    return "now" if begin <= ns <= time.time_ns() + HOUR else ns


class Place:
    """A name in its directory, whatever symlinks lead there: path is canonical, None where the directory is missing."""

    def __init__(self, path):
        directory, self.name = os.path.split(path.rstrip(b"/"))
        self.path = self.directory = None
        try:
            handle = os.open(directory or b".", os.O_PATH | os.O_DIRECTORY)
        except OSError:
            return
        try:
            self.directory = os.fstat(handle).st_ino
            where = os.readlink(b"self/fd/%d" % handle, dir_fd=procfs)
        finally:
            os.close(handle)
        if not where.endswith(b" (deleted)"):
            self.path = where.rstrip(b"/") + b"/" + self.name

    def touch(self):
        """The name came or went."""
        for stream in streams.values():
            if stream.ino == self.directory:
                stream.changed.add(self.name)


def canonical(descriptor):
    where = os.readlink(b"self/fd/%d" % descriptor, dir_fd=procfs)
    return None if where.endswith(b" (deleted)") else where


def remember(path, ino):
    if path is None or os.path.basename(path) in (b"", b".", b".."):
        return
    before = inos.setdefault(path, ino)
    if before != ino:
        wrong.append("st_ino of %s was %d, is %d" % (path.decode("latin1"), before, ino))
        inos[path] = ino


def forget(path):
    for known in [known for known in inos if known == path or known.startswith((path or b"//") + b"/")]:
        del inos[known]


def take(path):
    """Removes and returns all that is known at and beneath a path."""
    prefix = path + b"/"
    taken = {k[len(path) :]: v for k, v in inos.items() if k == path or k.startswith(prefix)}
    forget(path)
    return taken


def move(old, new, exchange):
    if old.path is None or new.path is None or old.path == new.path:
        return
    there = take(new.path)
    here = take(old.path)
    inos.update({new.path + k: v for k, v in here.items()})
    if exchange:
        inos.update({old.path + k: v for k, v in there.items()})


def described(status):
    is_directory = stat.S_ISDIR(status.st_mode)
    return [
        status.st_mode,
        status.st_uid,
        status.st_gid,
        0 if is_directory else status.st_size,
        0 if is_directory else status.st_nlink,
        moment(status.st_mtime_ns),
        status.st_rdev,
    ]


def digest(data):
    return [len(data), hashlib.md5(data).hexdigest()[:8]]


def pattern(seed, length):
    piece = b"%d;" % seed
    return (piece * (length // len(piece) + 1))[:length]


def get_entries(descriptor, size):
    """One getdents64: (name, type, ino, offset after it)."""
    buffer = ctypes.create_string_buffer(size)
    length = check(libc.syscall(GETDENTS64, descriptor, buffer, size))
    data = buffer.raw[:length]
    entries = []
    at = 0
    while at < length:
        ino, offset, record, kind = struct.unpack_from("=QqHB", data, at)
        name = data[at + 19 : at + record].split(b"\0", 1)[0]
        entries.append((name, kind, ino, offset))
        at += record
    return entries


def list_directory(descriptor, size=4096):
    entries = []
    while more := get_entries(descriptor, size):
        entries += more
    return entries


class Stream:
    """A directory being read while it changes: what stays must be listed once."""

    def __init__(self, path):
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self.ino = os.fstat(self.descriptor).st_ino
        self.changed = set()
        self.seen = []
        with_all = os.open(b".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.descriptor)
        self.initial = {name for name, *_ in list_directory(with_all)}
        os.close(with_all)

    def read(self, size):
        entries = get_entries(self.descriptor, size)
        self.seen += entries
        return len(entries)

    def seek(self, n):
        if n < len(self.seen):
            os.lseek(self.descriptor, self.seen[n][3], os.SEEK_SET)
            del self.seen[n + 1 :]

    def end(self):
        while self.read(300):
            pass
        os.close(self.descriptor)
        names = [name for name, *_ in self.seen if name not in self.changed]
        for name in sorted(set(names)):
            if names.count(name) > 1:
                wrong.append("listed twice: %r" % name)
        for name in sorted(self.initial - self.changed - set(names)):
            wrong.append("not listed: %r" % name)
        for name in sorted(set(names) - self.initial):
            wrong.append("listed, though never there: %r" % name)
