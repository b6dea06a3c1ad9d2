"""A load whose daemon is killed, and the check of what is left.

crash.py begin ROOT STATE         remembers in the file STATE what ROOT shows
crash.py load ROOT STATE SEED     changes ROOT until the mount dies; a dot on the standard output for each change that is done
crash.py check ROOT STATE         checks that ROOT has all changes; of the last one nothing, all, or a part of its bytes

A journal beside STATE records the changes: a line before each change, and a line after it.
"""
import copy
import errno
import json
import os
import pickle
import random
import stat
import sys

DEAD = (errno.ENOTCONN, errno.ECONNABORTED)


class Node:
    def __init__(self, kind, mode, content=b""):
        self.kind, self.mode, self.content = kind, mode, content


def walk(root):
    """path -> Node; one Node for the names of one inode."""
    names, by_ino = {}, {}
    pending = [""]
    while pending:
        directory = pending.pop()
        for entry in os.scandir(os.path.join(root, directory)):
            path = os.path.join(directory, entry.name)
            status = entry.stat(follow_symlinks=False)
            if status.st_ino not in by_ino:
                kind = stat.S_IFMT(status.st_mode)
                content = b""
                if kind == stat.S_IFREG:
                    with open(entry.path, "rb") as file:
                        content = file.read()
                by_ino[status.st_ino] = Node(kind, stat.S_IMODE(status.st_mode), content)
            names[path] = by_ino[status.st_ino]
            links = status.st_nlink
            names[path].links = links
            if stat.S_ISDIR(status.st_mode):
                pending.append(path)
    return names


def canonical(names):
    firsts, shown = {}, {}
    for path in sorted(names):
        node = names[path]
        first = firsts.setdefault(id(node), path)
        shown[path] = (node.kind, node.mode, node.content, first)
    return shown


def pattern(seed, length):
    return random.Random(seed).randbytes(length)


def beneath(names, path):
    return [name for name in names if name == path or name.startswith(path + "/")]


def spliced(content, offset, data):
    if len(content) < offset:
        content += bytes(offset - len(content))
    return content[:offset] + data + content[offset + len(data) :]


def apply(names, change):
    """What a change does to the model, in place."""
    call, path, *rest = change
    node = names.get(path)
    if call == "create":
        names[path] = Node(stat.S_IFREG, 0o644, pattern(*rest))
    elif call == "write":
        offset, seed, length = rest
        node.content = spliced(node.content, offset, pattern(seed, length))
    elif call == "truncate":
        node.content = node.content[: rest[0]] + bytes(max(0, rest[0] - len(node.content)))
    elif call == "chmod":
        node.mode = rest[0]
    elif call == "mkdir":
        names[path] = Node(stat.S_IFDIR, 0o755)
    elif call == "link":
        names[rest[0]] = node
    elif call in ("unlink", "rmdir"):
        del names[path]
    elif call == "rename":
        if names.get(rest[0]) is node:
            return
        moved = {name: names.pop(name) for name in beneath(names, path)}
        for name in beneath(names, rest[0]):
            del names[name]
        names.update({rest[0] + name[len(path) :]: moved_node for name, moved_node in moved.items()})


def perform(root, change):
    call, path, *rest = change
    full = os.path.join(root, path)
    if call in ("create", "write"):
        flags = os.O_CREAT | os.O_EXCL if call == "create" else 0
        file = os.open(full, os.O_WRONLY | flags, 0o644)
        try:
            os.pwrite(file, pattern(*rest[-2:]), 0 if call == "create" else rest[0])
            if rest[-1] % 2:
                os.fsync(file)
        finally:
            os.close(file)
    elif call == "truncate":
        os.truncate(full, rest[0])
    elif call == "chmod":
        os.chmod(full, rest[0])
    elif call == "mkdir":
        os.mkdir(full)
    elif call == "link":
        os.link(full, os.path.join(root, rest[0]))
    elif call == "unlink":
        os.unlink(full)
    elif call == "rmdir":
        os.rmdir(full)
    elif call == "rename":
        os.rename(full, os.path.join(root, rest[0]))


def choose(rng, names):
    """A change that must succeed."""
    kinds = {kind: [] for kind in (stat.S_IFREG, stat.S_IFDIR)}
    for path, node in sorted(names.items()):
        kinds.setdefault(node.kind, []).append(path)
    files, directories = kinds[stat.S_IFREG], kinds[stat.S_IFDIR]

    def fresh():
        directory = rng.choice(["", *directories])
        path = os.path.join(directory, rng.choice("abcdefgh") + str(rng.randrange(30)))
        return path if path not in names else fresh()

    dice = rng.randrange(20)
    if dice < 4 or not files:
        return ["create", fresh(), rng.randrange(1 << 30), rng.randrange(20000)]
    file = rng.choice(files)
    if dice < 8:
        offset = rng.randrange(len(names[file].content) + 100)
        return ["write", file, offset, rng.randrange(1 << 30), 1 + rng.randrange(60000)]
    if dice < 9:
        return ["truncate", file, rng.randrange(len(names[file].content) + 5000)]
    if dice < 11:
        return ["chmod", rng.choice(files + directories), rng.choice([0o600, 0o644, 0o755, 0o700])]
    if dice < 12:
        return ["mkdir", fresh()]
    if dice < 13:
        return ["link", file, fresh()]
    if dice < 15:
        return ["unlink", file]
    if dice < 17:
        return ["rename", file, rng.choice([fresh(), rng.choice(files)])]
    if dice < 19 and directories:
        directory, target = rng.choice(directories), fresh()
        if not target.startswith(directory + "/"):
            return ["rename", directory, target]
    empty = [path for path in directories if len(beneath(names, path)) == 1]
    return ["rmdir", rng.choice(empty)] if empty else ["mkdir", fresh()]


def load(root, state, seed):
    with open(state, "rb") as file:
        names = pickle.load(file)
    rng = random.Random(seed)
    journal = os.open(state + ".journal", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    while True:
        change = choose(rng, names)
        os.write(journal, json.dumps(change).encode() + b"\n")
        try:
            perform(root, change)
        except OSError as error:
            if error.errno in DEAD:
                return
            raise SystemExit("%s: %s" % (change, error))
        apply(names, change)
        os.write(journal, b"done\n")
        os.write(1, b".")


def outcomes(before, change):
    """What may be left of a change that was under way."""
    yield before
    call, path, *rest = change
    after = copy.deepcopy(before)
    apply(after, change)
    yield after
    if call not in ("create", "write"):
        return
    # A part of the bytes, from the first on.
    now = shown.get(path)
    if now is None or now.kind != stat.S_IFREG:
        return
    data = pattern(*rest[-2:])
    for length in range(len(data) + 1):
        part = data[:length]
        expected = part if call == "create" else spliced(before[path].content, rest[0], part)
        if expected == now.content:
            partial = copy.deepcopy(before)
            if call == "create":
                partial[path] = Node(stat.S_IFREG, 0o644)
            partial[path].content = expected
            yield partial
            return


def check(root, state):
    global shown
    with open(state, "rb") as file:
        names = pickle.load(file)
    with open(state + ".journal") as file:
        lines = file.read().split("\n")[:-1]
    changes = [json.loads(line) for line in lines if line != "done"]
    pending = changes.pop() if len(changes) > lines.count("done") else None
    for change in changes:
        apply(names, change)
    shown = walk(root)
    found = canonical(shown)
    candidates = [canonical(c) for c in (outcomes(names, pending) if pending else [names])]
    if found not in candidates:
        print("after %d changes, killed in %s:" % (len(changes), pending))
        for number, candidate in enumerate(candidates):
            for path in sorted({*found, *candidate}):
                if found.get(path) != candidate.get(path):
                    print("candidate", number, path, *map(brief, (found.get(path), candidate.get(path))))
        sys.exit(1)
    for path, node in shown.items():
        if node.kind != stat.S_IFDIR and node.links != sum(other is node for other in shown.values()):
            sys.exit("%s has %d links" % (path, node.links))
    begin(root, state)
    print(len(changes))


def brief(entry):
    return entry and (oct(entry[0] | entry[1]), len(entry[2]), hash(entry[2]) & 0xFFFF, entry[3])


def begin(root, state):
    with open(state, "wb") as file:
        pickle.dump(walk(root), file)


command, *arguments = sys.argv[1:]
{"begin": begin, "load": load, "check": check}[command](*arguments)
