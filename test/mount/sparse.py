"""Compares files piece by piece as read in a mount and elsewhere: sparse.py MOUNT OTHER NAME...

Pieces begin and end around every border between data and holes, and span several; seeks go from every such place.
Reads through descriptors and mappings. Prints the count of comparisons.
"""
import mmap
import os
import sys


def edges(fd: int, size: int) -> list:
    found, offset = [], 0
    while offset < size:
        try:
            offset = os.lseek(fd, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno != 6:  # ENXIO: no data any more
                raise
            break
        found.append(offset)
        offset = os.lseek(fd, offset, os.SEEK_HOLE)
        found.append(offset)
    return found


def seek(fd: int, offset: int, whence: int):
    try:
        return os.lseek(fd, offset, whence)
    except OSError as error:
        return -error.errno


mount, other, *names = sys.argv[1:]
compared = 0
for name in names:
    here = os.open(os.path.join(mount, name), os.O_RDONLY)
    there = os.open(os.path.join(other, name), os.O_RDONLY)
    size = os.fstat(there).st_size
    assert os.fstat(here).st_size == size, name
    borders = edges(there, size)
    assert edges(here, size) == borders, (name, edges(here, size), borders)
    places = sorted({max(0, at + step) for at in [0, *borders, size] for step in (-4097, -1, 0, 1, 511)})
    for start in places:
        for whence in (os.SEEK_DATA, os.SEEK_HOLE):
            assert seek(here, start, whence) == seek(there, start, whence), (name, start, whence)
        for length in (1, 4096, 100_003):
            assert os.pread(here, length, start) == os.pread(there, length, start), (name, start, length)
            compared += 1
    assert os.pread(here, size + 1, 0) == os.pread(there, size + 1, 0), name
    with mmap.mmap(here, 0, prot=mmap.PROT_READ) as ours, mmap.mmap(there, 0, prot=mmap.PROT_READ) as theirs:
        assert ours[:] == theirs[:], name
    # Past the cache too.
    os.posix_fadvise(here, 0, 0, os.POSIX_FADV_DONTNEED)
    for start in reversed(places):
        assert os.pread(here, 5000, start) == os.pread(there, 5000, start), (name, start)
        compared += 1
    os.close(here)
    os.close(there)
print(compared)
