# Makes each call in a directory of its own that holds immutable or append-only files, and prints its errno.
#
# protected.py layer DIRECTORY: makes the lower layer.
# protected.py flagged-layer immutable|append DIRECTORY: makes one that holds all, with its flags.
# protected.py run immutable|append MOUNTPOINT: adds the rest, sets the flags, makes the calls.
# protected.py run-flagged immutable|append MOUNTPOINT: makes the calls, prints the flags before and after, takes them off.
# protected.py clear DIRECTORY: takes all flags off.
import ctypes
import errno
import fcntl
import os
import struct
import sys

GETFLAGS, SETFLAGS = 0x80086601, 0x40086602
FLAGS = {"append": 0x20, "immutable": 0x10}
NOREPLACE, EXCHANGE = 1, 2
libc = ctypes.CDLL(None, use_errno=True)


def renameat2(old, new, flags):
    if libc.renameat2(-100, old.encode(), -100, new.encode(), flags) < 0:
        raise OSError(ctypes.get_errno(), old)


def opening(flags):
    return lambda path: os.close(os.open(path, flags, 0o600))


def append(path):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(fd, b"more")
    os.close(fd)
    with open(path, "rb") as file:
        return file.read().decode()


def truncate_open(path):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.ftruncate(fd, 0)
    finally:
        os.close(fd)


create = opening(os.O_CREAT | os.O_EXCL | os.O_WRONLY)

# d: a directory with the flag. v: one without, and v/full, v/empty and v/f have it. l...: of the lower layer.
CALLS = [
    ("rmdir", os.rmdir, "d/full"),
    ("rmdir", os.rmdir, "d/lfull"),
    ("rmdir", os.rmdir, "d/empty"),
    ("rmdir", os.rmdir, "d/lempty"),
    ("rmdir", os.rmdir, "d/none"),
    ("unlink", os.unlink, "d/f"),
    ("unlink", os.unlink, "d/lf"),
    ("unlink", os.unlink, "d/none"),
    ("rename", os.rename, "d/f", "d/g"),
    ("rename", os.rename, "d/lf", "d/g"),
    ("rename", os.rename, "d/lfull", "d/g"),
    ("rename", os.rename, "d/f", "g"),
    ("rename", os.rename, "f", "d/g"),
    ("rename", os.rename, "f", "d/f"),
    ("rename", os.rename, "f", "d/lf"),
    ("rename", os.rename, "empty", "d/full"),
    ("rename", os.rename, "empty", "d/lfull"),
    ("rename", os.rename, "empty", "d/empty"),
    ("rename", os.rename, "empty", "d/lempty"),
    ("rename", os.rename, "d/empty", "full"),
    ("noreplace", lambda a, b: renameat2(a, b, NOREPLACE), "d/f", "d/lf"),
    ("exchange", lambda a, b: renameat2(a, b, EXCHANGE), "d/f", "d/lf"),
    ("exchange", lambda a, b: renameat2(a, b, EXCHANGE), "d/full", "d/lfull"),
    ("exchange", lambda a, b: renameat2(a, b, EXCHANGE), "f", "d/lf"),
    ("create", create, "d/new"),
    ("create", create, "d/f"),
    ("mkdir", os.mkdir, "d/new"),
    ("mkdir", os.mkdir, "d/full"),
    ("symlink", lambda path: os.symlink("x", path), "d/new"),
    ("link", os.link, "f", "d/new"),
    ("link", os.link, "d/f", "new"),
    ("chmod", lambda path: os.chmod(path, 0o700), "d"),
    ("utime now", os.utime, "d"),
    ("utime", lambda path: os.utime(path, (1, 1)), "d"),
    ("setxattr", lambda path: os.setxattr(path, "user.a", b"1"), "d"),
    ("open to write", opening(os.O_WRONLY), "d/f"),
    ("append", append, "d/lf"),
    ("chmod", lambda path: os.chmod(path, 0o600), "d/f"),
    ("rmdir", os.rmdir, "v/full"),
    ("rmdir", os.rmdir, "v/empty"),
    ("unlink", os.unlink, "v/f"),
    ("rename", os.rename, "v/f", "v/g"),
    ("rename", os.rename, "f", "v/f"),
    ("rename", os.rename, "empty", "v/full"),
    ("rename", os.rename, "empty", "v/empty"),
    ("rename", os.rename, "v/full", "new"),
    ("rename", os.rename, "v/full", "full"),
    ("link", os.link, "v/f", "v/g"),
    ("open to read", opening(os.O_RDONLY), "v/f"),
    ("open to write", opening(os.O_WRONLY), "v/f"),
    ("open for both", opening(os.O_RDWR), "v/f"),
    ("open to append", opening(os.O_WRONLY | os.O_APPEND), "v/f"),
    ("open to append, truncated", opening(os.O_WRONLY | os.O_APPEND | os.O_TRUNC), "v/f"),
    ("append", append, "v/f"),
    ("truncate", lambda path: os.truncate(path, 0), "v/f"),
    ("truncate while open", truncate_open, "v/f"),
    ("chmod", lambda path: os.chmod(path, 0o600), "v/f"),
    ("chown", lambda path: os.chown(path, 1, 1), "v/f"),
    ("utime now", os.utime, "v/f"),
    ("utime", lambda path: os.utime(path, (1, 1)), "v/f"),
    ("setxattr", lambda path: os.setxattr(path, "user.a", b"1"), "v/f"),
]


def write(path):
    with open(path, "w") as file:
        file.write("some")


def make_layer(root):
    for number in range(len(CALLS)):
        place = f"{root}/{number}"
        os.makedirs(f"{place}/d/lfull/x")
        os.mkdir(f"{place}/d/lempty")
        write(f"{place}/d/lf")


def read_flags(path):
    fd = os.open(path, os.O_RDONLY)
    flags = struct.unpack("i", fcntl.ioctl(fd, GETFLAGS, struct.pack("i", 0)))[0]
    os.close(fd)
    return flags


def change_flags(path, change):
    flags = change(read_flags(path))
    fd = os.open(path, os.O_RDONLY)
    fcntl.ioctl(fd, SETFLAGS, struct.pack("i", flags))
    os.close(fd)


FLAGGED = ("d", "v/full", "v/empty", "v/f")


def fill(flag, place):
    for name in ("d/full/x", "d/empty", "v/full/x", "v/empty", "full/x", "empty"):
        os.makedirs(f"{place}/{name}")
    for name in ("d/f", "v/f", "f"):
        write(f"{place}/{name}")
    for name in FLAGGED:
        change_flags(f"{place}/{name}", lambda flags: flags | FLAGS[flag])


def result_of(call, *arguments):
    try:
        return call(*arguments) or "done"
    except OSError as error:
        return errno.errorcode[error.errno]


def run(flag, root, is_filled):
    for number, (title, call, *names) in enumerate(CALLS):
        place = f"{root}/{number}"
        if not is_filled:
            fill(flag, place)
        print(title, *names, "->", result_of(call, *(f"{place}/{name}" for name in names)))


def shown_flags(place):
    return [read_flags(f"{place}/{name}") & 0x30 if os.path.exists(f"{place}/{name}") else None for name in FLAGGED]


def change_contents(place):
    """Changes files in the protected directories, which copies these up."""
    write(f"{place}/d/f")
    write(f"{place}/d/lf")
    write(f"{place}/d/full/x/new")


def run_flagged(flag, root):
    places = [f"{root}/{number}" for number in range(len(CALLS))]
    print("at first", [shown_flags(place) for place in places])
    run(flag, root, True)
    for place in places:
        print(place[len(root) :], result_of(change_contents, place), shown_flags(place))
        for name in FLAGGED:
            path = f"{place}/{name}"
            if os.path.exists(path):
                change_flags(path, lambda flags: flags & ~0x30)
        print(shown_flags(place), result_of(write, f"{place}/v/f"), result_of(write, f"{place}/d/new"))
    change_flags(f"{root}/0/d", lambda flags: flags | FLAGS[flag])


def clear(root):
    for path, _, files in os.walk(root):
        for name in [".", *files]:
            if os.path.isdir(f"{path}/{name}") or os.path.isfile(f"{path}/{name}"):
                change_flags(f"{path}/{name}", lambda flags: flags & ~(FLAGS["append"] | FLAGS["immutable"]))


if sys.argv[1] == "layer":
    make_layer(sys.argv[2])
elif sys.argv[1] == "flagged-layer":
    make_layer(sys.argv[3])
    for number in range(len(CALLS)):
        fill(sys.argv[2], f"{sys.argv[3]}/{number}")
elif sys.argv[1] == "run":
    run(sys.argv[2], sys.argv[3], False)
elif sys.argv[1] == "run-flagged":
    run_flagged(sys.argv[2], sys.argv[3])
else:
    clear(sys.argv[2])
