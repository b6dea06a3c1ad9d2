"""A writer changes files of a mount while readers look at them; whatever a change has returned from must show.

Usage: fast-path.py ROOT DIRECTORIES FILES SEED. ROOT/dN/fN hold "v0000000" each and mode 644.

A record a file stands in shared memory: a sequence number, odd while the file is being changed; then what the file is
like, written only while that number is odd. A reader that finds the same even number before and after it looked must
have seen just that. Readers look where
the writer is about to change something, so that the first change of a file falls between their requests. Prints how
often each kind of look was compared with the model.
"""
import collections
import errno
import json
import mmap
import os
import random
import sys

RECORD = 4  # words: sequence, exists, mode, version
READERS = 3


class Model:
    """Each word is stored at once: `struct.pack_into` clears a record before it writes it, which a reader would see."""

    def __init__(self, count):
        self.words = memoryview(mmap.mmap(-1, 4 * (RECORD * count + 2))).cast("I")
        self.progress = RECORD * count  # how far the writer is; whether it has ended
        for i in range(count):
            self.words[RECORD * i + 1] = 1
            self.words[RECORD * i + 2] = 0o644

    def get(self, i):
        return tuple(self.words[RECORD * i + n] for n in range(RECORD))

    def begin(self, i):
        self.words[RECORD * i] += 1

    def end(self, i, *fields):
        for n, field in enumerate(fields):
            self.words[RECORD * i + 1 + n] = field
        self.words[RECORD * i] += 1


def contents(version):
    return b"v%07d" % version


def write(path, version):
    fd = os.open(path, os.O_WRONLY)
    os.pwrite(fd, contents(version), 0)
    os.close(fd)


def replace(path, version):
    """A new file takes the name: other readers of the old one keep it."""
    beside = path + ".new"
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    os.write(fd, contents(version))
    os.close(fd)
    os.rename(beside, path)


def change(chance, path, exists, mode, version):
    """One change; answers what the file is like then."""
    kind = chance.randrange(5)
    if not exists:
        replace(path, version + 1)
        os.chmod(path, 0o644)
        return 1, 0o644, version + 1
    if kind == 0:
        os.unlink(path)
        return 0, mode, version
    if kind == 1:
        os.chmod(path, 0o600)
        return 1, 0o600, version
    if kind == 2:
        replace(path, version + 1)
        os.chmod(path, 0o644)
        return 1, 0o644, version + 1
    if kind == 3:
        os.rename(path, path + ".away")
        os.rename(path + ".away", path)
        return 1, mode, version
    write(path, version + 1)
    return 1, mode, version + 1


def change_all(model, paths, order, chance):
    for n, i in enumerate(order):
        model.words[model.progress] = n
        if n % 100 == 0 and os.geteuid() == 0:
            with open("/proc/sys/vm/drop_caches", "w") as file:
                file.write("2")
        for _ in range(2):
            _, exists, mode, version = model.get(i)
            model.begin(i)
            model.end(i, *change(chance, paths[i], exists, mode, version))


def stat(path):
    try:
        return os.stat(path).st_mode & 0o7777
    except FileNotFoundError:
        return None


def read(path):
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return os.pread(fd, 100, 0)
    finally:
        os.close(fd)


def compare(model, i, look, wanted):
    """True where nothing changed meanwhile, and the model was right."""
    before = model.get(i)
    found = look()
    if before[0] % 2 == 1 or model.get(i)[0] != before[0]:
        return False
    expected = wanted(*before[1:])
    if found != expected:
        raise AssertionError(f"file {i}, change {before[0] // 2}: found {found}, expected {expected}")
    return True


def hold(model, i, path):
    """A descriptor opened before the file's first change shows what is written later, unless the name went to another."""
    before = model.get(i)
    if before[0] != 0:
        return False
    fd = os.open(path, os.O_RDONLY)
    try:
        for _ in range(300):
            found = os.pread(fd, 100, 0)
            sequence, exists, _, version = model.get(i)
            if sequence == 2 and exists and version == 1 and os.stat(path).st_ino == os.fstat(fd).st_ino:
                if model.get(i)[0] == 2 and os.pread(fd, 100, 0) != contents(1):
                    raise AssertionError(f"file {i}: an open descriptor shows {found}")
                return True
        return False
    finally:
        os.close(fd)


def look_at_all(model, paths, order, chance):
    seen = collections.Counter()
    while not model.words[model.progress + 1]:
        i = order[min(len(order) - 1, max(0, model.words[model.progress] + chance.randrange(-2, 8)))]
        path = paths[i]
        seen["stat"] += compare(model, i, lambda: stat(path), lambda exists, mode, _: mode if exists else None)
        seen["read"] += compare(
            model, i, lambda: read(path), lambda exists, _, version: contents(version) if exists else None
        )
        directory, name = os.path.split(path)
        seen["list"] += compare(
            model, i, lambda: name in os.listdir(directory), lambda exists, _mode, _version: bool(exists)
        )
        if chance.randrange(4) == 0:
            try:
                seen["held"] += hold(model, i, path)
            except FileNotFoundError:
                pass
    return seen


def spawn(work):
    """Runs `work` in a child; answers its pid and where its answer, as JSON, is read."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid != 0:
        os.close(writing)
        return pid, reading
    os.close(reading)
    answer = {"error": "died"}
    try:
        answer = work() or {}
    except BaseException as error:  # any exception: the parent reports it
        name = errno.errorcode.get(getattr(error, "errno", None) or 0, "")
        answer = {"error": f"{type(error).__name__} {name}: {error}"}
    finally:
        with os.fdopen(writing, "w") as file:
            json.dump(answer, file)
        os._exit(0)


def main():
    root, directories, files, seed = sys.argv[1], *map(int, sys.argv[2:])
    paths = [f"{root}/d{d}/f{f}" for d in range(directories) for f in range(files)]
    order = list(range(len(paths)))
    random.Random(seed).shuffle(order)
    model = Model(len(paths))

    def as_writer():
        try:
            change_all(model, paths, order, random.Random(seed + 1))
        finally:
            model.words[model.progress + 1] = 1

    children = [
        spawn(lambda n=n: look_at_all(model, paths, order, random.Random(seed + 2 + n))) for n in range(READERS)
    ]
    children.append(spawn(as_writer))
    total = collections.Counter()
    failures = []
    for pid, reading in children:
        with os.fdopen(reading) as file:
            answer = json.load(file)
        os.waitpid(pid, 0)
        failures += [answer.pop("error")] if "error" in answer else []
        total.update(answer)
    if failures:
        sys.exit("\n".join(failures))
    print(json.dumps(total))


main()
