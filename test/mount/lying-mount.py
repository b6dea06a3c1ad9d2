"""A FUSE mount of type fuse.stratafs, which any user can mount with fusermount3. Its root returns ANSWER for user.stratafs.mount.

lying-mount.py MOUNTPOINT ANSWER: returns when it is mounted; the server ends with the mount.
"""
import errno, os, socket, struct, subprocess, sys

mountpoint, answer = sys.argv[1], sys.argv[2].encode()
ours, theirs = socket.socketpair()
subprocess.run(['fusermount3', '-o', 'allow_other,fsname=liar,subtype=stratafs', '--', mountpoint], check=True,
               pass_fds=[theirs.fileno()], env={**os.environ, '_FUSE_COMMFD': str(theirs.fileno())})
fuse = socket.recv_fds(ours, 1, 1)[1][0]
if os.fork() > 0:
    os._exit(0)
null = os.open('/dev/null', os.O_RDWR)
for fd in 0, 1, 2:
    os.dup2(null, fd)

INIT = struct.pack('<IIIIHHIIHHI28x', 7, 31, 0, 0, 12, 9, 4096, 1, 0, 0, 0)
DIRECTORY = struct.pack('<6Q10I', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, os.getuid(), os.getgid(), 0, 4096, 0)


def getxattr(body):
    size, name = struct.unpack('<I', body[:4])[0], body[8:-1]
    if name != b'user.stratafs.mount':
        return -errno.ENODATA
    return answer if size > 0 else struct.pack('<II', len(answer), 0)


HANDLERS = {
    26: lambda body: INIT,
    3: lambda body: struct.pack('<QII', 0, 0, 0) + DIRECTORY,
    22: getxattr,
    17: lambda body: bytes(80),  # STATFS
    27: lambda body: bytes(16),  # OPENDIR
    28: lambda body: b'',  # READDIR
    29: lambda body: b'',  # RELEASEDIR
    1: lambda body: -errno.ENOENT,  # LOOKUP
}
while True:
    try:
        request = os.read(fuse, 1 << 20)
    except OSError:  # ENODEV: it is unmounted
        sys.exit(0)
    opcode, unique = struct.unpack('<IQ', request[4:16])
    if opcode in (2, 36, 42):  # FORGET, INTERRUPT, BATCH_FORGET have no answer
        continue
    result = HANDLERS.get(opcode, lambda body: -errno.ENOSYS)(request[40:])
    status, data = (result, b'') if isinstance(result, int) else (0, result)
    os.write(fuse, struct.pack('<IiQ', 16 + len(data), status, unique) + data)
