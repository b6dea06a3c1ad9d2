// KeptOwners: owners and modes in xattrs of upper files. Compares the upper with what the overlay shows, without a kernel mount.
import { execFileSync } from 'node:child_process';
import { lstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { OwnerKeeping } from '../../../src/overlay/upper/kept-owners.ts';
import { S_IFCHR, S_IFREG } from '../../../src/vfs/attr.ts';
import { EIO, ENODATA, EPERM } from '../../../src/vfs/errno.ts';
import type { Status } from '../../../src/vfs/filesystem.ts';
import { bytesOf, latin1Of } from '../../../src/vfs/names.ts';
import { type AttrChanges, Call } from '../../../src/vfs/operation.ts';
import { describeWith } from '../../requirements.ts';
import { directory, file, layer } from '../../tree/layer-maker.ts';
import { MemoryReader } from '../memory-reader.ts';
import { Bench, check, plain, settle } from '../writable.ts';

const USER = 'user.fuseoverlayfs.override_stat';
const CONTAINERS = 'user.containers.override_stat';

const benches: Bench[] = [];
function open(ownerKeeping: OwnerKeeping = 'user'): Bench {
  const tree = layer({
    d: directory({ f: file({ size: 10, uid: 3, gid: 4 }) }),
    device: { ...file(), mode: S_IFCHR | 0o640, rdev: 0x103 },
  });
  const bench = new Bench([tree], [new MemoryReader(Buffer.alloc(100, 'lower'))], { ownerKeeping });
  benches.push(bench);
  return bench;
}
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

const caller = new Call(1000, 1001, process.pid);
const stored = (bench: Bench, path: string, attribute = USER): string => {
  const at = join(bench.upper, path);
  return execFileSync('getfattr', ['-h', '--only-values', '-n', attribute, at], { stdio: 'pipe' }).toString();
};
const setStored = (bench: Bench, path: string, value: string, attribute = USER): void => {
  execFileSync('setfattr', ['-n', attribute, '-v', value, join(bench.upper, path)]);
};
const permissions = (bench: Bench, path: string): string =>
  (lstatSync(join(bench.upper, path)).mode & 0o7777).toString(8);
const shows = (bench: Bench, path: string): string => {
  const { uid, gid, mode } = bench.lookup(path).attr;
  return `${uid}:${gid}:${mode.toString(8)}`;
};
async function change(bench: Bench, path: string, changes: AttrChanges, by = bench.call()): Promise<void> {
  const { nodeId, attr } = bench.lookup(path);
  await settle(bench.overlay.setattr(nodeId, changes, by, attr), 'setattr');
}
function make(bench: Bench, path: string, mode: number, rdev = 0): void {
  const inode = { ...plain(mode), rdev };
  const status = bench.at(path, (parent, name) =>
    bench.overlay.mknod(parent, name, inode, caller, bench.newEntry()),
  );
  check(status, 'mknod', path);
}
function makeDirectory(bench: Bench, path: string, mode: number): void {
  const status = bench.at(path, (parent, name) =>
    bench.overlay.mkdir(parent, name, plain(mode), caller, bench.newEntry()),
  );
  check(status, 'mkdir', path);
}

describeWith([{ program: 'setfattr' }], 'an upper that keeps owners in xattrs', () => {
  test('sets the xattr on its root', () => {
    const bench = open();
    const { uid, gid } = lstatSync(bench.upper);
    expect(stored(bench, '')).toBe(`${uid}:${gid}:755`);
  });

  test('stores the owner of a new file in the xattr, and the inode belongs to the process', () => {
    const bench = open();
    make(bench, 'new', S_IFREG | 0o4751);
    expect(stored(bench, 'new')).toBe('1000:1001:4751');
    expect(shows(bench, 'new')).toBe('1000:1001:104751');
    expect(permissions(bench, 'new')).toBe('751');
    expect(lstatSync(join(bench.upper, 'new')).uid).toBe(process.geteuid?.());
  });

  test('applies a set-group-ID directory, whose inode does not have the bit', async () => {
    const bench = open();
    makeDirectory(bench, 'd2', 0o750);
    await change(bench, 'd2', { gid: 7, mode: 0o2750 });
    expect([stored(bench, 'd2'), permissions(bench, 'd2')]).toEqual(['1000:7:2750', '750']);
    makeDirectory(bench, 'd2/below', 0o700);
    make(bench, 'd2/f', S_IFREG | 0o640);
    expect([shows(bench, 'd2/below'), shows(bench, 'd2/f')]).toEqual(['1000:7:42700', '1000:7:100640']);
  });

  test('stores owner and mode of a copy and of its directory', async () => {
    const bench = open();
    await bench.write('d/f', 'x');
    expect([stored(bench, 'd/f'), shows(bench, 'd/f')]).toEqual(['3:4:644', '3:4:100644']);
    expect(shows(bench, 'd')).toBe('0:0:40755');
    await bench.remount();
    expect(shows(bench, 'd/f')).toBe('3:4:100644');
  });

  test('clears set-ID bits after chown(2), and after a write by another user', async () => {
    const bench = open();
    make(bench, 'f', S_IFREG | 0o6755);
    await change(bench, 'f', { uid: 5 });
    expect(stored(bench, 'f')).toBe('5:1001:755');
    await change(bench, 'f', { mode: 0o4711 });
    await change(bench, 'f', { size: 0, killsPrivileges: true }, caller);
    expect(stored(bench, 'f')).toBe('5:1001:711');
  });

  test('lets the process read and write a file whose shown owner may not', async () => {
    const bench = open();
    make(bench, 'f', S_IFREG | 0o600);
    await change(bench, 'f', { mode: 0 });
    expect([shows(bench, 'f'), permissions(bench, 'f')]).toEqual(['1000:1001:100000', '600']);
  });

  test('shows the permission bits that an ACL gives', () => {
    const bench = open();
    make(bench, 'f', S_IFREG | 0o600);
    // Version 2; user::r--, user:7:rw-, group::---, mask::rw-, other::r--.
    const entries = [
      [1, 4, -1],
      [2, 6, 7],
      [4, 0, -1],
      [16, 6, -1],
      [32, 4, -1],
    ] as const;
    const acl = Buffer.alloc(4 + 8 * entries.length);
    acl.writeUInt32LE(2, 0);
    entries.forEach(([tag, bits, id], i) => {
      acl.writeUInt16LE(tag, 4 + 8 * i);
      acl.writeUInt16LE(bits, 6 + 8 * i);
      acl.writeInt32LE(id, 8 + 8 * i);
    });
    const name = bytesOf('system.posix_acl_access');
    const { nodeId } = bench.lookup('f');
    check(bench.overlay.setxattr(nodeId, name, acl, 0, false, bench.call()) as Status, 'setxattr');
    expect([shows(bench, 'f'), permissions(bench, 'f')]).toEqual(['1000:1001:100464', '664']);
    expect(bench.overlay.getxattr(nodeId, name)).toEqual(acl);
  });

  test('hides the xattr, and refuses to set it', () => {
    const bench = open();
    make(bench, 'f', S_IFREG | 0o644);
    const { nodeId } = bench.lookup('f');
    expect(latin1Of(bench.overlay.listxattr(nodeId) as Uint8Array)).not.toContain('override');
    for (const name of [USER, CONTAINERS, 'security.fuseoverlayfs.override_stat'].map(bytesOf)) {
      expect(bench.overlay.getxattr(nodeId, name)).toBe(-ENODATA);
      const value = bytesOf('0:0:4755');
      expect(bench.overlay.setxattr(nodeId, name, value, 0, false, bench.call())).toBe(-EPERM);
      expect(bench.overlay.removexattr(nodeId, name, bench.call())).toBe(-ENODATA);
    }
  });

  test('fails with EIO if the xattr can not be parsed', () => {
    const bench = open();
    make(bench, 'f', S_IFREG | 0o644);
    setStored(bench, 'f', 'root:root:rwx');
    expect(bench.overlay.getattr(bench.node('d'), bench.newEntry().attr)).toBe(0);
    expect(bench.at('f', (parent, name) => bench.overlay.lookup(parent, name, bench.newEntry()))).toBe(-EIO);
  });

  test('shows a file as the device in its xattr; a device 0:0 hides nothing', async () => {
    const bench = open();
    for (const [name, value] of [
      ['null', 'char-1-3'],
      ['device', 'char-0-0'],
    ] as const) {
      writeFileSync(join(bench.upper, name), '');
      setStored(bench, name, `0:6:666:${value}`);
    }
    await bench.remount();
    expect(bench.lookup('null').attr).toMatchObject({ mode: S_IFCHR | 0o666, gid: 6, rdev: 0x103 });
    expect(bench.lookup('device').attr).toMatchObject({ mode: S_IFCHR | 0o666, rdev: 0 });
    await change(bench, 'null', { uid: 8, mode: 0o600 });
    expect(stored(bench, 'null')).toBe('8:6:600:char-1-3');
  });

  test('keeps the xattr name that the root has', async () => {
    const bench = open('found');
    expect(() => stored(bench, '')).toThrow();
    setStored(bench, '', '1:2:755', CONTAINERS);
    await bench.remount();
    expect(shows(bench, '')).toBe('1:2:40755');
    make(bench, 'f', S_IFREG | 0o640);
    expect(stored(bench, 'f', CONTAINERS)).toBe('1000:1001:640');
    setStored(bench, 'f', '9:9:600', USER);
    expect(shows(bench, 'f')).toBe('1000:1001:100640');
  });
});
