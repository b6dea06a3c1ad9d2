"""Carries out file operations one by one and prints what came of each: execute.py ROOT UID GID BEGIN.

Operations come as a JSON list of lists on the standard input; one JSON object an operation goes out: "result" (a value
or an errno's name), which two file systems must agree on, and "wrong", a list of what no file system may do: an inode
number that changes, a directory entry listed twice. ROOT becomes the root directory. Times since
BEGIN (milliseconds) are shown as "now". Strings are latin1 of bytes.
"""
import ctypes
import errno
import json
import mmap
import os
import stat
import sys

from operation_state import (
    AT_EMPTY_PATH,
    AT_FDCWD,
    Place,
    RENAMEAT2,
    Stream,
    at,
    canonical,
    check,
    described,
    digest,
    file_inos,
    files,
    forget,
    libc,
    list_directory,
    mappings,
    move,
    pattern,
    raw,
    remember,
    streams,
    wrong,
)


def drop(slot):
    if slot in files:
        os.close(files.pop(slot))


def do_open(slot, path, flags, mode):
    drop(slot)
    descriptor = os.open(at(path), flags | os.O_NONBLOCK | os.O_NOCTTY, mode)
    status = os.fstat(descriptor)
    files[slot] = descriptor
    file_inos[slot] = status.st_ino
    if flags & os.O_TMPFILE != os.O_TMPFILE:
        where = canonical(descriptor)
        if flags & os.O_CREAT and where is not None:
            Place(where).touch()  # where a symlink at `path` led to
        remember(where, status.st_ino)
    return described(status)


def do_close(slot):
    os.close(files.pop(slot))


def aligned(length):
    """O_DIRECT wants memory, length and offset aligned."""
    return mmap.mmap(-1, max(length, 1))


def do_read(slot, offset, length):
    buffer = aligned(length)
    return digest(buffer[: os.preadv(files[slot], [buffer], offset)])


def do_write(slot, offset, length, seed):
    buffer = aligned(length)
    buffer[:length] = pattern(seed, length)
    return os.pwritev(files[slot], [memoryview(buffer)[:length]], offset)


def do_fallocate(slot, mode, offset, length):
    call = libc.fallocate
    call.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_longlong, ctypes.c_longlong]
    check(call(files[slot], mode, offset, length))


def do_copy(source, source_offset, target, target_offset, length):
    return os.copy_file_range(files[source], files[target], length, source_offset, target_offset)


def do_seek(slot, offset, whence):
    if stat.S_ISDIR(os.fstat(files[slot]).st_mode):
        return "a directory"  # where no two file systems agree, and FUSE isn't asked
    return os.lseek(files[slot], offset, whence)


def do_fstat(slot):
    status = os.fstat(files[slot])
    if status.st_ino != file_inos[slot]:
        wrong.append("st_ino of a descriptor was %d, is %d" % (file_inos[slot], status.st_ino))
    return described(status)


def do_stat(path):
    status = os.lstat(at(path))
    remember(Place(at(path)).path, status.st_ino)
    return described(status)


def made(path):
    place = Place(at(path))
    place.touch()
    status = os.lstat(at(path))
    remember(place.path, status.st_ino)
    return described(status)


def do_mkdir(path, mode):
    os.mkdir(at(path), mode)
    return made(path)


def do_symlink(target, path):
    os.symlink(raw(target), at(path))
    return made(path)


def do_mknod(path, mode, rdev):
    os.mknod(at(path), mode, rdev)
    return made(path)


def do_link(path, new):
    ino = os.lstat(at(path)).st_ino
    os.link(at(path), at(new), follow_symlinks=False)
    if os.lstat(at(new)).st_ino != ino:
        wrong.append("a link has another inode")
    return made(new)


def do_linkfd(slot, path):
    check(libc.linkat(files[slot], b"", AT_FDCWD, at(path), AT_EMPTY_PATH))
    return made(path)


def gone(path, call):
    place = Place(at(path))
    call(at(path))
    place.touch()
    forget(place.path)


def do_unlink(path):
    gone(path, os.unlink)


def do_rmdir(path):
    gone(path, os.rmdir)


def do_rename(path, new, flags):
    old_place, new_place = Place(at(path)), Place(at(new))
    before = new_before = None
    if os.path.lexists(at(path)):
        before = os.lstat(at(path)).st_ino
    if os.path.lexists(at(new)):
        new_before = os.lstat(at(new)).st_ino
    check(libc.syscall(RENAMEAT2, AT_FDCWD, at(path), AT_FDCWD, at(new), flags))
    if before == new_before and flags == 0:
        return  # names of one inode: both stay
    old_place.touch()
    new_place.touch()
    move(old_place, new_place, flags == 2)


def do_truncate(path, size):
    os.truncate(at(path), size)


def do_ftruncate(slot, size):
    os.ftruncate(files[slot], size)


def do_chmod(path, mode):
    os.chmod(at(path), mode)


def do_fchmod(slot, mode):
    os.fchmod(files[slot], mode)


def do_chown(path, uid, gid):
    os.lchown(at(path), uid, gid)


def do_fchown(slot, uid, gid):
    os.fchown(files[slot], uid, gid)


def do_utimens(path, atime, mtime):
    os.utime(at(path), ns=(atime, mtime), follow_symlinks=False)
    status = os.lstat(at(path))
    return [status.st_atime_ns, status.st_mtime_ns]


def do_touch(path):
    os.utime(at(path))


def do_readlink(path):
    return os.readlink(at(path)).decode("latin1")


def do_access(path, mode):
    return os.access(at(path), mode)


def do_setxattr(path, name, value, flags):
    os.setxattr(at(path), raw(name), raw(value), flags, follow_symlinks=False)


def do_getxattr(path, name):
    return os.getxattr(at(path), raw(name), follow_symlinks=False).decode("latin1")


def do_removexattr(path, name):
    os.removexattr(at(path), raw(name), follow_symlinks=False)


def do_listxattr(path):
    return sorted(os.listxattr(at(path), follow_symlinks=False))


def do_fsync(slot):
    os.fsync(files[slot])


def do_readdir(path):
    descriptor = os.open(at(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        entries = list_directory(descriptor)
        result = []
        for name, kind, ino, _ in entries:
            try:
                shown = os.lstat(name, dir_fd=descriptor) if name != b".." else None
            except FileNotFoundError:
                wrong.append("listed, not found: %r" % name)
                continue
            except PermissionError:
                shown = None
            if shown is not None and shown.st_ino != ino:
                wrong.append("d_ino of %r is %d, st_ino %d" % (name, ino, shown.st_ino))
            result.append([name.decode("latin1"), kind])
        return sorted(result)
    finally:
        os.close(descriptor)


def do_diropen(slot, path):
    if slot in streams:
        streams.pop(slot).end()
    streams[slot] = Stream(at(path))


def do_dirread(slot, size):
    streams[slot].read(size)


def do_dirseek(slot, n):
    streams[slot].seek(n)


def do_dirend(slot):
    streams.pop(slot).end()


def do_mmap(slot, file, writable):
    descriptor = os.dup(files[file])
    try:
        length = min(os.fstat(descriptor).st_size, 1 << 20)
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        if length == 0 or not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "nothing to map")
        mapping = mmap.mmap(descriptor, length, mmap.MAP_SHARED, protection)
    except BaseException:
        os.close(descriptor)
        raise
    do_munmap(slot, False)
    mappings[slot] = (mapping, descriptor, length)
    return length


def mapped(slot, offset, length):
    """The part of a range that is mapped and inside the file: beyond it is SIGBUS."""
    mapping, descriptor, mapped_length = mappings[slot]
    end = min(offset + length, mapped_length, os.fstat(descriptor).st_size)
    return mapping, min(offset, end), end


def do_mread(slot, offset, length):
    """Through the kernel, which answers EFAULT or less than was asked for where a page can't be had: no SIGBUS."""
    mapping, start, end = mapped(slot, offset, length)
    copy = os.memfd_create("mread")
    try:
        with memoryview(mapping) as view:
            return digest(os.pread(copy, os.pwrite(copy, view[start:end], 0), 0))
    finally:
        os.close(copy)


def do_mwrite(slot, offset, length, seed):
    mapping, start, end = mapped(slot, offset, length)
    try:
        mapping[start:end] = pattern(seed, end - start)
    except TypeError:
        raise OSError(errno.EACCES, "mapped for reading")
    return end - start


def do_msync(slot):
    mappings[slot][0].flush()


def do_munmap(slot, is_wanted=True):
    if slot in mappings or is_wanted:
        mapping, descriptor, _ = mappings.pop(slot)
        mapping.close()
        os.close(descriptor)


def do_umask(mask):
    os.umask(mask)


def perform(name, arguments):
    del wrong[:]
    try:
        result = globals()["do_" + name](*arguments)
    except KeyError:
        result = "no such slot"
    except OSError as error:
        result = errno.errorcode.get(error.errno, str(error.errno))
    return {"result": result, "wrong": list(wrong)}


def main():
    root, uid, gid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    operations = json.load(sys.stdin)
    os.chroot(root)
    os.chdir("/")
    os.umask(0o022)
    if uid != 0:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    for name, *arguments in operations:
        print(json.dumps(perform(name, arguments)), flush=True)
    for mapping, _, _ in mappings.values():
        mapping.close()


main()
