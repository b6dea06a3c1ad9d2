"""Runs a mount or umount, again as long as others are in its way: insist.py PROGRAM ARGUMENT...

Another test may look at the mount just now, or have what is mounted in a mount namespace of its own. The processes
that do so are shown, and it waits until they end. Ends as the program does; with its failure, once LIMIT seconds have passed.
"""
import os
import re
import select
import subprocess
import sys
import time

LIMIT = 60
# Tries where nobody is found: who was in the way has just ended, and the kernel is still putting away what it had.
TRIES = 200


def links(pid):
    directory = "/proc/%d/" % pid
    names = ["cwd", "root"]
    for kind in ("fd", "map_files"):
        try:
            names += [kind + "/" + name for name in os.listdir(directory + kind)]
        except OSError:
            pass  # ENOENT, EACCES: it has ended
    for name in names:
        try:
            yield os.readlink(directory + name)
        except OSError:
            pass


def mounts(pid):
    try:
        with open("/proc/%d/mountinfo" % pid, errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def holders(place, upper):
    """Processes that have something beneath `place` open, or a mount whose upper directory is `upper`."""
    inside = place + "/"
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        pid = int(name)
        if any((link + "/").startswith(inside) for link in links(pid)):
            yield pid
        elif upper is not None and upper in mounts(pid):
            yield pid


def wait_for_one(pids, seconds):
    poll = select.poll()
    ends = []
    for pid in pids:
        try:
            ends.append(os.pidfd_open(pid))
        except ProcessLookupError:
            return
    for end in ends:
        poll.register(end, select.POLLIN)
    poll.poll(max(0, seconds) * 1000)
    for end in ends:
        os.close(end)


def main(command):
    place = os.path.abspath(command[-1])
    upper = re.search(r"upperdir=[^,]+", " ".join(command))
    limit = time.monotonic() + LIMIT
    unknown = 0
    while True:
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if done.returncode == 0 or not re.search("busy|already mounted", done.stderr):
            break
        pids = list(holders(place, upper and upper.group()))
        unknown += not pids
        if unknown > TRIES or time.monotonic() > limit:
            break
        if pids:
            print("waiting for", *pids, file=sys.stderr, flush=True)
            wait_for_one(pids, limit - time.monotonic())
    sys.stderr.write(done.stderr)
    return done.returncode


sys.exit(main(sys.argv[1:]))
