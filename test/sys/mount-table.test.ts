import { expect, it } from 'vitest';
import { mountAbove, mountAt, parseMountTable, readMountTable } from '../../src/sys/mount-table.ts';

const text = [
  '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
  '36 22 0:40 / /mnt/a\\040b\\134c ro,nosuid shared:7 master:2 - fuse.stratafs /srv/x\\011y.tar ro,user_id=0',
  '37 36 0:41 /sub /mnt/a\\040b\\134c/deep rw - tmpfs - rw',
  '38 22 0:42 / /mnt/twice rw - tmpfs lower rw',
  '39 22 0:43 / /mnt/twice rw - tmpfs upper rw',
  '',
].join('\n');

it('reads source, type and options around any number of optional fields, and undoes the octal escapes', () => {
  expect(parseMountTable(text)[1]).toEqual({
    id: 36,
    parentId: 22,
    device: '0:40',
    mountPoint: '/mnt/a b\\c',
    options: 'ro,nosuid',
    type: 'fuse.stratafs',
    source: '/srv/x\ty.tar',
    superOptions: 'ro,user_id=0',
  });
});

it('takes a source of "-" for no separator', () => {
  expect(parseMountTable(text)[2]).toMatchObject({ type: 'tmpfs', source: '-' });
});

it('ignores lines that it does not understand', () => {
  expect(parseMountTable('36 22 0:40\nnonsense\n')).toEqual([]);
});

it('of several mounts at one place the last one is seen', () => {
  const table = parseMountTable(text);
  expect(mountAt(table, '/mnt/twice')?.source).toBe('upper');
  expect(mountAt(table, '/mnt/none')).toBeUndefined();
});

it('what lies beneath a mount point is in that mount, what merely begins like it is not', () => {
  const table = parseMountTable(text);
  const above = (path: string): string | undefined => mountAbove(table, path)?.device;
  expect(['/mnt/a b\\c/deep/er', '/mnt/a b\\c/x', '/mnt/twice'].map(above)).toEqual(['0:41', '0:40', '0:43']);
  expect(['/mnt/twicer', '/'].map(above)).toEqual(['254:0', '254:0']);
  expect(mountAbove([], '/mnt')).toBeUndefined();
});

it('finds the root of this process', async () => {
  expect(mountAt(await readMountTable(), '/')).toBeDefined();
});
