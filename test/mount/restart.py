# Reads a mount while its daemons are killed: usage: restart.py MOUNTPOINT SUMS
#
# Again and again, until its standard input ends: the kernel forgets what it caches of the mount, then all names are listed and all
# files are read. Prints the number of rounds, or the first difference.
import ctypes
import hashlib
import os
import select
import sys

MS_RDONLY = 1
MS_REMOUNT = 32
mountpoint, sums = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)


def forget():
    # Remounting drops all dentries that nobody uses, and with them the inodes and their pages.
    if libc.mount(None, mountpoint.encode(), None, MS_REMOUNT | MS_RDONLY, None) != 0:
        raise OSError(ctypes.get_errno(), 'remount')


def digest(path):
    with open(path, 'rb', buffering=0) as file:
        return hashlib.file_digest(file, 'sha256').hexdigest() if hasattr(hashlib, 'file_digest') else hashlib.sha256(file.read()).hexdigest()


expected = dict(line.rstrip('\n').split('  ', 1)[::-1] for line in open(sums))
rounds = 0
print('begun', flush=True)
while rounds == 0 or not select.select([sys.stdin], [], [], 0)[0]:
    forget()
    found = {}
    for directory, _, names in os.walk(mountpoint, onerror=lambda error: sys.exit(repr(error))):
        for name in names:
            path = os.path.join(directory, name)
            found['./' + os.path.relpath(path, mountpoint)] = digest(path)
    if found != expected:
        differing = [path for path in found.keys() | expected.keys() if found.get(path) != expected.get(path)]
        sys.exit(f'{len(differing)} differ: {differing[:3]}')
    rounds += 1
print(rounds)
