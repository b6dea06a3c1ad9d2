// Owners at the edge: what a session shows of the file system's owners, and what the file system is requests in its callers' name.
import { describe, expect, it } from 'vitest';
import { fakeRootOwners } from '../../../src/fuse/owners/fake-root.ts';
import { makeOwnerMaps } from '../../../src/fuse/owners/id-mapping.ts';
import { mappedOwners } from '../../../src/fuse/owners/mapped-owners.ts';
import type { OwnerView } from '../../../src/fuse/owners/owner-view.ts';
import { InitFlag, Opcode } from '../../../src/fuse/wire/protocol.ts';
import { type Attr, S_IFDIR, S_IFMT } from '../../../src/vfs/attr.ts';
import { EINVAL, EOVERFLOW } from '../../../src/vfs/errno.ts';
import type { DirectorySink, Entry, NodeId } from '../../../src/vfs/filesystem.ts';
import { EVERY_FLAG, TestSession, errorOf, hex, initBody, message, numbers } from '../message.ts';
import { RecordingFileSystem } from '../recording-file-system.ts';

const FILE = 4;
const DIRECTORY = 2;
const S_ISVTX = 0o1000;
const HEADER = 16;
/** In struct fuse_attr. */
const [MODE, UID, GID] = [60, 68, 72];
const ENTRY_ATTR = HEADER + 40;
const ATTR_OUT_ATTR = HEADER + 16;

/** Owners are 3:4, directories are sticky, and one ACL names user 3. */
class OwnedFileSystem extends RecordingFileSystem {
  override getattr(node: NodeId, out: Attr): number {
    const status = super.getattr(node, out);
    out.uid = 3;
    out.gid = 4;
    if ((out.mode & S_IFMT) === S_IFDIR) out.mode |= S_ISVTX;
    return status;
  }

  override lookup(parent: NodeId, name: Uint8Array, out: Entry): number {
    const status = super.lookup(parent, name, out);
    return status < 0 ? status : this.getattr(out.nodeId, out.attr);
  }

  override readdir = (node: NodeId, cookie: number, sink: DirectorySink): number =>
    this.below.readdir(node, cookie, {
      wantsAttributes: sink.wantsAttributes,
      add: (names, start, end, next, entry) => {
        if (entry.nodeId !== 0) this.getattr(entry.nodeId, entry.attr);
        return sink.add(names, start, end, next, entry);
      },
    });

  override getxattr = (_node: NodeId, name: Uint8Array): Uint8Array =>
    acl(Buffer.from(name).toString('latin1').startsWith('system.') ? 3 : 103);
}

/** A POSIX ACL of one entry, that of user `id`. */
const acl = (id: number): Buffer => Buffer.concat([hex('02000000 0200 0400'), numbers([4, id])]);

function serve(owners: OwnerView, fileSystem = new OwnedFileSystem()) {
  return { fileSystem, test: TestSession.serving(fileSystem, EVERY_FLAG, { owners }) };
}

/** Mode, user and group of the struct fuse_attr at `at`. */
const shownAt = (reply: Buffer, at: number): number[] =>
  [MODE, UID, GID].map((offset) => reply.readUInt32LE(at + offset));

const name = (text: string): Buffer => Buffer.from(`${text}\0`);
const mkdirBody = Buffer.concat([numbers([4, 0o755], [4, 0]), name('d')]);
/** struct fuse_setattr_in of mode, user and group, as far as `valid` names them. */
function setattrBody(valid: number, uid: number, gid: number): Buffer {
  const body = Buffer.alloc(88);
  body.writeUInt32LE(valid, 0);
  body.writeUInt32LE(0o755, 68);
  body.writeUInt32LE(uid, 76);
  body.writeUInt32LE(gid, 80);
  return body;
}

// The caller of all messages is 1000:100.
const range = (stored: number, shown: number) => ({ stored, shown, count: 10 });
const mapped = mappedOwners(makeOwnerMaps({ uids: [range(0, 1000)], gids: [range(0, 100)] }));
const strange = mappedOwners(makeOwnerMaps({ uids: [range(0, 2000)], gids: [range(0, 100)] }));

describe('mapped owners', () => {
  it('LOOKUP and GETATTR show mapped owners', () => {
    const { test } = serve(mapped);
    expect(shownAt(test.ask(message(Opcode.LOOKUP, 1, DIRECTORY, name('f0'))), ENTRY_ATTR)).toEqual([
      0o100644, 1003, 104,
    ]);
    expect(shownAt(test.ask(message(Opcode.GETATTR, 2, FILE, Buffer.alloc(16))), ATTR_OUT_ATTR)).toEqual([
      0o100644, 1003, 104,
    ]);
  });

  it('STATX shows mapped owners', () => {
    const reply = serve(mapped).test.ask(message(Opcode.STATX, 1, FILE, Buffer.alloc(24)));
    expect([reply.readUInt32LE(HEADER + 32 + 20), reply.readUInt32LE(HEADER + 32 + 24)]).toEqual([1003, 104]);
  });

  it('READDIRPLUS shows mapped owners, also of an entry that fits only into the next reply', () => {
    const { test } = serve(mapped);
    const body = (offset: number, size: number): Buffer =>
      numbers([8, 0], [8, offset], [4, size], [4, 0], [8, 0], [4, 0], [4, 0]);
    const dot = test.ask(message(Opcode.READDIRPLUS, 1, DIRECTORY, body(0, 2 * 160)));
    expect(dot).toHaveLength(HEADER + 2 * 160);
    const files = test.ask(message(Opcode.READDIRPLUS, 2, DIRECTORY, body(2, 4096)));
    expect(shownAt(files, ENTRY_ATTR)).toEqual([0o100644, 1003, 104]);
  });

  it('a new inode belongs to the stored IDs of the caller, and its owner is shown mapped', async () => {
    const { test, fileSystem } = serve(mapped);
    fileSystem.result = () => Promise.resolve(0);
    test.handle(message(Opcode.MKDIR, 1, DIRECTORY, mkdirBody));
    await Promise.resolve();
    expect(fileSystem.calls.at(-1)?.at(-1)).toBe('0:0');
    expect(shownAt(test.replies.at(-1) as Buffer, ENTRY_ATTR)).toEqual([0o100644, 1003, 104]);
  });

  it('an interrupt reaches the call that the file system has', () => {
    const { test, fileSystem } = serve(mapped);
    fileSystem.result = () => new Promise(() => undefined);
    test.handle(message(Opcode.MKDIR, 7, DIRECTORY, mkdirBody));
    test.handle(message(Opcode.INTERRUPT, 8, 0, numbers([8, 7])));
    expect(fileSystem.passed.at(-1)).toMatchObject({ uid: 0, isInterrupted: true });
  });

  it.each([
    ['MKNOD', Buffer.concat([Buffer.alloc(16), name('f')])],
    ['MKDIR', mkdirBody],
    ['SYMLINK', Buffer.concat([name('l'), name('to')])],
    ['CREATE', Buffer.concat([Buffer.alloc(16), name('f')])],
    ['TMPFILE', Buffer.concat([Buffer.alloc(16), name('')])],
  ] as const)('%s by a caller whose IDs cannot be stored is EOVERFLOW', (kind, body) => {
    const { test, fileSystem } = serve(strange);
    expect(errorOf(test.ask(message(Opcode[kind], 1, DIRECTORY, body)))).toBe(-EOVERFLOW);
    expect(fileSystem.calls).toEqual([]);
  });

  it('a caller whose IDs cannot be stored may link and remove', () => {
    const { test, fileSystem } = serve(strange);
    test.ask(message(Opcode.LINK, 1, DIRECTORY, Buffer.concat([numbers([8, FILE]), name('g')])));
    test.ask(message(Opcode.UNLINK, 2, DIRECTORY, name('f')));
    expect(fileSystem.calls).toEqual([
      ['link', FILE, DIRECTORY, 'g', '1000:100'],
      ['unlink', DIRECTORY, 'f', '1000:100'],
    ]);
  });

  it('SETATTR stores a new owner by its own ID; one that has none is EINVAL', () => {
    const { test, fileSystem } = serve(mapped);
    const reply = test.ask(message(Opcode.SETATTR, 1, FILE, setattrBody(6, 1005, 106)));
    expect(fileSystem.calls).toEqual([['setattr', FILE, { uid: 5, gid: 6 }, '0:0']]);
    expect(shownAt(reply, ATTR_OUT_ATTR)).toEqual([0o100644, 1003, 104]);
    expect(errorOf(test.ask(message(Opcode.SETATTR, 1, FILE, setattrBody(6, 1005, 5))))).toBe(-EINVAL);
    expect(errorOf(test.ask(message(Opcode.SETATTR, 1, FILE, setattrBody(2, 5, 0))))).toBe(-EINVAL);
    expect(fileSystem.calls).toHaveLength(1);
  });

  it('GETXATTR shows the IDs of an ACL mapped, and any other xattr as it is', () => {
    const { test } = serve(mapped);
    const ask = (xattr: string): Buffer =>
      test.ask(message(Opcode.GETXATTR, 1, FILE, Buffer.concat([numbers([4, 100], [4, 0]), name(xattr)])));
    expect(ask('system.posix_acl_access').subarray(HEADER)).toEqual(acl(1003));
    expect(ask('user.acl').subarray(HEADER)).toEqual(acl(103));
  });

  it('SETXATTR stores the IDs of an ACL mapped; one that has none is EINVAL', () => {
    const { test, fileSystem } = serve(mapped);
    const ask = (xattr: string, value: Buffer): number =>
      errorOf(
        test.ask(
          message(
            Opcode.SETXATTR,
            1,
            FILE,
            Buffer.concat([numbers([4, value.length], [4, 0], [4, 0], [4, 0]), name(xattr), value]),
          ),
        ),
      );
    expect(ask('system.posix_acl_access', acl(1005))).toBe(0);
    expect(ask('user.acl', acl(1005))).toBe(0);
    expect(ask('system.posix_acl_access', acl(5))).toBe(-EINVAL);
    expect(fileSystem.calls.map(([, , , value]) => value)).toEqual([
      acl(5).toString('latin1'),
      acl(1005).toString('latin1'),
    ]);
  });
});

describe('fake root', () => {
  it('directories show no sticky bit, and owners are shown as they are stored', () => {
    const { test } = serve(fakeRootOwners);
    const reply = test.ask(message(Opcode.GETATTR, 1, DIRECTORY, Buffer.alloc(16)));
    expect(shownAt(reply, ATTR_OUT_ATTR)).toEqual([0o040755, 3, 4]);
  });

  it('every caller is root', () => {
    const { test, fileSystem } = serve(fakeRootOwners);
    test.ask(message(Opcode.MKDIR, 1, DIRECTORY, mkdirBody));
    test.ask(message(Opcode.UNLINK, 2, DIRECTORY, name('f')));
    expect(fileSystem.calls.map((call) => call.at(-1))).toEqual(['0:0', '0:0']);
  });

  it('a new mode keeps the sticky bit of a directory, which the caller does not see', () => {
    const { test, fileSystem } = serve(fakeRootOwners);
    test.ask(message(Opcode.SETATTR, 1, DIRECTORY, setattrBody(1, 0, 0)));
    test.ask(message(Opcode.SETATTR, 2, FILE, setattrBody(1, 0, 0)));
    expect(fileSystem.calls.map(([, , changes]) => changes)).toEqual([
      { mode: 0o1755, killsPrivileges: false },
      { mode: 0o755, killsPrivileges: false },
    ]);
  });

  it('no write and no truncating open takes set-ID bits off', () => {
    const { test, fileSystem } = serve(fakeRootOwners);
    // O_TRUNC with FUSE_OPEN_KILL_SUIDGID, then WRITE with FUSE_WRITE_KILL_SUIDGID.
    test.ask(message(Opcode.OPEN, 1, FILE, numbers([4, 0o1000], [4, 1])));
    const head = numbers([8, 0], [8, 0], [4, 1], [4, 4], [8, 0], [4, 0], [4, 0]);
    test.ask(message(Opcode.WRITE, 2, FILE, Buffer.concat([head, Buffer.from('x')])));
    expect(fileSystem.calls).toEqual([
      ['open', FILE, 0o1000, false, '0:0'],
      ['write', FILE, 0, 'x', false],
    ]);
  });
});

it('without obeysAcls the kernel is requests to obey none, whatever the inodes have', () => {
  const fileSystem = Object.assign(new OwnedFileSystem(), { hasPosixAcl: true });
  const requests = (obeysAcls: boolean): number => {
    const test = new TestSession(fileSystem, { obeysAcls, cachesMissingAcls: true });
    const reply = test.ask(message(Opcode.INIT, 1, 0, initBody(7, 45, EVERY_FLAG)));
    return reply.readUInt32LE(HEADER + 12) & InitFlag.POSIX_ACL;
  };
  expect([requests(true), requests(false)]).toEqual([InitFlag.POSIX_ACL, 0]);
});
