import { expect, it } from 'vitest';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from '../../src/vfs/attr.ts';
import {
  type OverrideStat,
  canOverride,
  formatOverride,
  isOverrideAttribute,
  parseOverride,
} from '../../src/overlayfs-format/override-stat.ts';

const parse = (text: string, stored = S_IFREG | 0o755): OverrideStat | undefined =>
  parseOverride(Buffer.from(text), stored);

it.each<[string, number, Partial<OverrideStat>]>([
  ['0:0:755', S_IFREG, { uid: 0, gid: 0, mode: S_IFREG | 0o755, rdev: 0 }],
  // containers/storage writes four digits and the type, fuse-overlayfs 1.10 the bits of the type.
  ['1000:1001:0640:file', S_IFREG, { uid: 1000, gid: 1001, mode: S_IFREG | 0o640 }],
  ['5:6:42775', S_IFDIR, { mode: S_IFDIR | 0o2775 }],
  ['5:6:0755:dir', S_IFDIR, { mode: S_IFDIR | 0o755 }],
  ['0:6:0666:char-1-3', S_IFREG, { mode: S_IFCHR | 0o666, rdev: 0x103 }],
  ['0:6:660:block-259-300', S_IFREG, { mode: S_IFBLK | 0o660, rdev: 0x11032c }],
  ['0:0:4600:pipe', S_IFREG, { mode: S_IFIFO | 0o4600 }],
  ['0:0:777:socket', S_IFREG, { mode: S_IFSOCK | 0o777 }],
  // printf's %d.
  ['-2:-3:600', S_IFREG, { uid: 4_294_967_294, gid: 4_294_967_293 }],
])('%s says what shows', (text, stored, shown) => {
  expect(parse(text, stored)).toMatchObject(shown);
});

it.each([
  ['', S_IFREG],
  ['0:0', S_IFREG],
  ['0:0:8', S_IFREG],
  ['0:0:755:', S_IFREG],
  ['0:0:755\0', S_IFREG],
  ['x:0:755', S_IFREG],
  ['-1:0:755', S_IFREG],
  ['4294967295:0:755', S_IFREG],
  ['99999999999:0:755', S_IFREG],
  ['0:0:755:bogus', S_IFREG],
  ['0:0:755:char', S_IFREG],
  ['0:0:755:char-1', S_IFREG],
  ['0:0:755:file-1-3', S_IFREG],
  // A directory can only show as a directory, and no other file can show as a directory or as a symlink.
  ['0:0:755:dir', S_IFREG],
  ['0:0:755:file', S_IFDIR],
  ['0:0:755:char-1-3', S_IFDIR],
  ['0:0:777:symlink', S_IFREG],
])('%j is malformed for type %o', (text, stored) => {
  expect(parse(text, stored)).toBeUndefined();
});

it('a written value is read back; it has a type if that differs from the inode', () => {
  const shown = { uid: 4_294_967_294, gid: 7, mode: S_IFREG | 0o4755, rdev: 0 };
  expect(formatOverride(shown, S_IFREG).toString()).toBe('-2:7:4755');
  expect(parse('-2:7:4755')).toEqual(shown);
  for (const [type, text] of [
    [S_IFCHR, '1:2:600:char-259-300'],
    [S_IFBLK, '1:2:600:block-259-300'],
  ] as const) {
    const device = { uid: 1, gid: 2, mode: type | 0o600, rdev: 0x11032c };
    expect(formatOverride(device, S_IFREG).toString()).toBe(text);
    expect(parse(text)).toEqual(device);
  }
});

it('is used on regular files and directories only', () => {
  expect([S_IFREG, S_IFDIR].map(canOverride)).toEqual([true, true]);
  expect([S_IFLNK, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK].some(canOverride)).toBe(false);
});

it('its xattr names are private, other names are not', () => {
  const names = [
    'user.containers.override_stat',
    'user.fuseoverlayfs.override_stat',
    'user.fuseoverlayfs.origin',
    'security.fuseoverlayfs.override_stat',
  ];
  expect(names.every(isOverrideAttribute)).toBe(true);
  expect(['user.containers.other', 'security.capability', 'user.fuse'].some(isOverrideAttribute)).toBe(false);
});
