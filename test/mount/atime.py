# Reads files of a mount in all ways, and says which access times have moved. Each was set to 2001 first, or to now.
import mmap
import os
import sys

OLD = (10**18, 10**18)
root = sys.argv[1]


def write(path):
    with open(path, "w") as file:
        file.write("some")


def read(path):
    with open(path, "rb") as file:
        file.read()


def map_file(path):
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        mapped.read()


def execute(path):
    pid = os.fork()
    if pid == 0:
        os.execv(path, [path])
    os.waitpid(pid, 0)


READS = [
    ("read", read, "d/f"),
    ("map", map_file, "d/g"),
    ("execute", execute, "d/x"),
    ("list", os.listdir, "d"),
    ("list merged", os.listdir, "both"),
    ("list lower", os.listdir, "low"),
    ("list root", os.listdir, "."),
    ("readlink", os.readlink, "d/s"),
    ("follow", lambda path: os.stat(path), "d/t"),
    ("read lower", read, "low/f"),
    ("stat", os.stat, "e"),
    ("look into", lambda path: os.stat(path + "/f"), "e"),
]


def times(path):
    status = os.lstat(path)
    return status.st_atime_ns, status.st_ctime_ns


os.makedirs(f"{root}/d")
os.makedirs(f"{root}/e")
for name in ("d/f", "d/g", "e/f", "both/f"):
    write(f"{root}/{name}")
write(f"{root}/clock")
with open(f"{root}/d/x", "w") as file:
    file.write("#!/bin/true\n")
os.chmod(f"{root}/d/x", 0o755)
for name in ("d/s", "d/t"):
    os.symlink("f", f"{root}/{name}")
for title, call, name in READS:
    path = f"{root}/{name}"
    if title not in ("read lower", "list lower"):
        os.utime(path, ns=OLD, follow_symlinks=False)
    moves = []
    # The second time relatime has nothing to do; the third comes after a change. A symlink can't be changed, and what the kernel
    # has read of one it keeps.
    for turn in range(1 if os.path.islink(path) else 4):
        if turn == 2 and os.path.isdir(path) and "lower" not in title:
            with open(f"{path}/new", "w"):
                pass
        elif turn == 2 and os.path.isfile(path) and "lower" not in title:
            os.utime(path, ns=(OLD[0], os.lstat(path).st_mtime_ns))
        before = times(path)
        # Times move by the tick of the kernel's coarse clock.
        write(f"{root}/clock")
        while os.lstat(f"{root}/clock").st_mtime_ns <= max(before):
            write(f"{root}/clock")
        call(path)
        after = times(path)
        moves.append("moved" if after[0] != before[0] else "stayed")
        if after[1] != before[1]:
            moves.append("ctime moved")
    print(title, *moves)
