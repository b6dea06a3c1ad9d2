# Makes an idmapped mount (mount_setattr(2)) of SOURCE on IDMAPPED, which shows each owner 100000 higher, and prints what users
# can do there, what both mounts show, and what kernel overlayfs shows over it.
#
#   idmap.py SOURCE IDMAPPED WORK ro|rw
#
# SOURCE holds "root" of 0:0, "user" of 1000:1000 with mode 0644, and a directory "open" of mode 1777. Needs root, and a mount
# namespace of its own. util-linux knows X-mount.idmap from 2.39 on; here the system calls are made directly.
import ctypes
import os
import struct
import subprocess
import sys

SHIFT = 100000
AT_FDCWD = -100
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
SYS_open_tree, SYS_move_mount, SYS_mount_setattr = 428, 429, 442
libc = ctypes.CDLL(None, use_errno=True)


def call(*args):
    result = libc.syscall(*args)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def user_namespace():
    """A descriptor of a user namespace that maps 0 to 65535 to 100000 and the following."""
    holder = subprocess.Popen(["unshare", "--user", "sh", "-c", "echo; read line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/{holder.pid}/{name}", "w") as table:
            table.write(f"0 {SHIFT} 65536")
    namespace = os.open(f"/proc/{holder.pid}/ns/user", os.O_RDONLY)
    holder.communicate(b"\n")
    return namespace


def mount_idmapped(source, target):
    tree = call(SYS_open_tree, AT_FDCWD, source.encode(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
    # struct mount_attr: attr_set (MOUNT_ATTR_IDMAP), attr_clr, propagation, userns_fd.
    attributes = struct.pack("QQQQ", 0x100000, 0, 0, user_namespace())
    call(SYS_mount_setattr, tree, b"", 0x1000, attributes, len(attributes))
    call(SYS_move_mount, tree, b"", AT_FDCWD, target.encode(), 4)


def attempt(user, title, action):
    """Prints what `action` ends with, done by `user` (of the group of the same number) in a process of its own."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        try:
            action()
            print(user, title, "ok")
        except OSError as error:
            print(user, title, error.strerror)
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)


def show(title, directory):
    for base, directories, files in os.walk(directory):
        directories.sort()
        for name in sorted(directories + files):
            path = os.path.join(base, name)
            status = os.lstat(path)
            print(title, os.path.relpath(path, directory), f"{status.st_mode:o}", status.st_uid, status.st_gid)


def write(path, text="x"):
    with open(path, "w") as file:
        file.write(text)


def allocate(path):
    file = os.open(path, os.O_WRONLY)
    os.posix_fallocate(file, 0, 8192)
    os.close(file)


def change(source, target):
    os.umask(0o022)
    user, other = SHIFT + 1000, SHIFT + 2000
    at = lambda name: os.path.join(target, name)
    attempt(user, "write own", lambda: write(at("user")))
    attempt(other, "write another's", lambda: write(at("user")))
    attempt(1000, "write what is stored as one's own", lambda: write(at("user")))
    attempt(user, "chmod own", lambda: os.chmod(at("user"), 0o666))
    attempt(other, "chmod another's", lambda: os.chmod(at("user"), 0o600))
    attempt(user, "chown", lambda: os.chown(at("user"), other, -1))
    attempt(user, "create", lambda: write(at("open/file")))
    attempt(user, "mkdir", lambda: os.mkdir(at("open/directory"), 0o2755))
    attempt(user, "mkdir in it", lambda: os.mkdir(at("open/directory/inner")))
    attempt(user, "symlink", lambda: os.symlink("to", at("open/symlink")))
    attempt(user, "link", lambda: os.link(at("open/file"), at("open/link")))
    attempt(user, "mkfifo", lambda: os.mkfifo(at("open/fifo")))
    attempt(user, "rename", lambda: os.rename(at("open/fifo"), at("open/pipe")))
    attempt(user, "setxattr", lambda: os.setxattr(at("open/file"), "user.name", b"value"))
    attempt(other, "setxattr of another's", lambda: os.setxattr(at("open/file"), "user.name", b"other"))
    attempt(other, "create", lambda: write(at("open/other")))
    attempt(other, "unlink another's in a sticky directory", lambda: os.unlink(at("open/file")))
    attempt(other, "truncate another's", lambda: os.truncate(at("open/file"), 0))
    attempt(user, "create where root may", lambda: write(at("new")))
    attempt(0, "create, not mapped", lambda: write(at("new")))
    attempt(0, "chown to what is mapped", lambda: os.chown(at("root"), user, other))
    attempt(0, "chown to what is not", lambda: os.chown(at("root"), 7, 7))
    # Set-ID bits: kept for root, lost for others, also where the group may not execute.
    attempt(user, "set-ID", lambda: os.chmod(at("user"), 0o6777))
    attempt(other, "write set-ID", lambda: write(at("user")))
    show("set-ID", target)
    attempt(user, "set-ID again", lambda: os.chmod(at("user"), 0o6777))
    attempt(other, "fallocate set-ID", lambda: allocate(at("user")))
    attempt(user, "set-ID of its own", lambda: os.chmod(at("open/file"), 0o6755))
    attempt(0, "fallocate as root", lambda: allocate(at("open/file")))
    show("idmapped", target)
    show("stored", source)


def show_overlay(target, work):
    """Kernel overlayfs over the idmapped mount, and what it copies up."""
    for name in ("upper", "work", "merged"):
        os.mkdir(os.path.join(work, name))
    options = f"lowerdir={target},upperdir={work}/upper,workdir={work}/work"
    subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", f"{work}/merged"], check=True)
    attempt(SHIFT + 1000, "write through overlayfs", lambda: write(f"{work}/merged/user", "overlay"))
    show("overlay", f"{work}/merged")
    show("copied up", f"{work}/upper")


source, target, work, access = sys.argv[1:]
mount_idmapped(source, target)
show("shown", target)
if access == "rw":
    change(source, target)
else:
    attempt(SHIFT + 1000, "write own", lambda: write(os.path.join(target, "user")))
show_overlay(target, work)
