// The file system around a file system: owners on their way out and in, everything else as it is.
import { describe, expect, it } from 'vitest';
import { makeOwnerMaps } from '../../../src/overlay/owners/id-mapping.ts';
import { mapOwners } from '../../../src/overlay/owners/mapped-owners.ts';
import { Overlay } from '../../../src/overlay/read/overlay.ts';
import { buildTree } from '../../../src/tree/merge.ts';
import { Attr } from '../../../src/vfs/attr.ts';
import { EINVAL, EOVERFLOW } from '../../../src/vfs/errno.ts';
import {
  type Entry,
  type NodeId,
  ROOT_NODE_ID,
  type WritableFileSystem,
} from '../../../src/vfs/filesystem.ts';
import { type AttrChanges, Call, OpenFile } from '../../../src/vfs/operation.ts';
import { file, layer } from '../../tree/layer-maker.ts';
import { MemoryReader } from '../memory-reader.ts';

const range = (stored: number, shown: number) => ({ stored, shown, count: 10 });
const maps = makeOwnerMaps({ uids: [range(0, 100)], gids: [range(0, 200)] });
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const newEntry = (): Entry => ({ nodeId: 0 as NodeId, generation: 0, attr: new Attr() });

describe('over a read-only file system', () => {
  const overlay = new Overlay({
    tree: buildTree([layer({ a: file({ uid: 3, gid: 4 }), b: file({ uid: 5, gid: 6 }) })]),
    readers: [new MemoryReader(new Uint8Array(0))],
  });
  const mapped = mapOwners(overlay, maps, true);

  it('lookup and getattr show mapped owners', () => {
    const entry = newEntry();
    expect(mapped.lookup(ROOT_NODE_ID, bytes('a'), entry)).toBe(0);
    expect(entry.attr).toMatchObject({ uid: 103, gid: 204 });
    const attr = new Attr();
    expect(mapped.getattr(entry.nodeId, attr)).toBe(0);
    expect(attr).toMatchObject({ uid: 103, gid: 204 });
  });

  it('a listing with attributes shows them, one without is passed through', () => {
    const owners: (readonly [string, number, number])[] = [];
    const add = (names: Uint8Array, start: number, end: number, _: number, { attr }: Entry): boolean => {
      const name = Buffer.from(names.subarray(start, end)).toString('latin1');
      if (!name.startsWith('.')) owners.push([name, attr.uid, attr.gid]);
      return true;
    };
    expect(mapped.readdir(ROOT_NODE_ID, 0, { wantsAttributes: true, add })).toBe(0);
    expect(owners).toEqual([
      ['a', 103, 204],
      ['b', 105, 206],
    ]);
    expect(mapped.readdir(ROOT_NODE_ID, 0, { wantsAttributes: false, add })).toBe(0);
    expect(owners.slice(2).map(([name]) => name)).toEqual(['a', 'b']);
  });

  it('it stays read-only', () => {
    expect(mapped.isReadOnly).toBe(true);
  });
});

describe('over a writable file system', () => {
  const seen: { call?: Call; changes?: AttrChanges; value?: Uint8Array } = {};
  const fill = (attr: Attr): number => {
    attr.uid = 1;
    attr.gid = 2;
    return 0;
  };
  const inner: Partial<WritableFileSystem> = {
    isReadOnly: false,
    hasPosixAcl: true,
    setattr: (_node, changes, call, out) => {
      Object.assign(seen, { changes, call });
      return Promise.resolve(fill(out));
    },
    mkdir: (_parent, _name, _inode, call, out) => {
      seen.call = call;
      return fill(out.attr);
    },
    create: (_parent, _name, _flags, _inode, call, out) => {
      seen.call = call;
      return Promise.resolve(fill(out.attr));
    },
    unlink: (_parent, _name, call) => {
      seen.call = call;
      return 0;
    },
    setxattr: (_node, _name, value) => {
      seen.value = value;
      return 0;
    },
  };
  const mapped = mapOwners(inner as WritableFileSystem, maps, true) as WritableFileSystem;
  const inode = { mode: 0o755, umask: 0, rdev: 0 };
  const caller = new Call(103, 204, 1);
  const stranger = new Call(0, 0, 1);

  it('what is made belongs to the stored IDs of the caller, and is shown mapped', () => {
    const entry = newEntry();
    expect(mapped.mkdir(ROOT_NODE_ID, bytes('d'), inode, caller, entry)).toBe(0);
    expect(seen.call).toMatchObject({ uid: 3, gid: 4, pid: 1 });
    expect(entry.attr).toMatchObject({ uid: 101, gid: 202 });
  });

  it('an answer that is awaited is mapped when it is there', async () => {
    const entry = newEntry();
    const answer = mapped.create(ROOT_NODE_ID, bytes('f'), 0, inode, caller, entry, new OpenFile());
    expect(await answer).toBe(0);
    expect(entry.attr).toMatchObject({ uid: 101, gid: 202 });
  });

  it('an interruption of the caller reaches the file system', () => {
    const call = new Call(103, 204, 1);
    void mapped.mkdir(ROOT_NODE_ID, bytes('d'), inode, call, newEntry());
    expect(seen.call?.isInterrupted).toBe(false);
    call.isInterrupted = true;
    expect(seen.call?.isInterrupted).toBe(true);
  });

  it('a caller without stored IDs makes nothing, but may remove', () => {
    expect(mapped.mkdir(ROOT_NODE_ID, bytes('d'), inode, stranger, newEntry())).toBe(-EOVERFLOW);
    expect(mapped.unlink(ROOT_NODE_ID, bytes('d'), stranger)).toBe(0);
  });

  it('a new owner is stored by its own ID; one that has none is EINVAL', async () => {
    const attr = new Attr();
    expect(await mapped.setattr(ROOT_NODE_ID, { uid: 105, mode: 0o600 }, caller, attr)).toBe(0);
    expect(seen.changes).toEqual({ uid: 5, mode: 0o600 });
    expect(attr).toMatchObject({ uid: 101, gid: 202 });
    expect(mapped.setattr(ROOT_NODE_ID, { gid: 5 }, caller, attr)).toBe(-EINVAL);
  });

  it('the IDs in an ACL are stored mapped, another xattr as it is', () => {
    const acl = Buffer.from('0200000002000400' + '69000000', 'hex');
    expect(mapped.setxattr(ROOT_NODE_ID, bytes('system.posix_acl_access'), acl, 0, false, caller)).toBe(0);
    expect(Buffer.from(seen.value ?? []).readUInt32LE(8)).toBe(5);
    expect(mapped.setxattr(ROOT_NODE_ID, bytes('user.x'), acl, 0, false, caller)).toBe(0);
    expect(seen.value).toBe(acl);
    acl.writeUInt32LE(5, 8);
    expect(mapped.setxattr(ROOT_NODE_ID, bytes('system.posix_acl_access'), acl, 0, false, caller)).toBe(
      -EINVAL,
    );
  });

  it('without ACLs the kernel is told of none', () => {
    expect(mapped.hasPosixAcl).toBe(true);
    expect(mapOwners(inner as WritableFileSystem, maps, false).hasPosixAcl).toBe(false);
  });
});
