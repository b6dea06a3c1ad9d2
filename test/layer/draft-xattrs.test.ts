import { expect, it } from 'vitest';
import { DraftXattrs } from '../../src/layer/draft-xattrs.ts';
import { pax, rawTar } from '../tar/raw-tar.ts';
import { indexTar } from './show-index.ts';

const refuse = (): Error => new Error('too many');

it('keeps one object of attributes once, however large it is', () => {
  const xattrs = new DraftXattrs(refuse);
  const large = new Map([['user.a', new Uint8Array(5000)]]);
  const place = xattrs.add(large);
  const { length } = xattrs.arena;
  expect(xattrs.add(large)).toBe(place);
  expect(xattrs.arena.length).toBe(length);
});

it('keeps the xattrs of a global pax header once for all members', () => {
  const count = 4096;
  const global = pax(
    Array.from({ length: count }, (_, i) => [`SCHILY.xattr.user.${i}`, 'value'] as [string, string]),
    'g',
  );
  const index = indexTar(
    rawTar(
      global,
      ...Array.from({ length: 2000 }, (_, i) => [pax({ mtime: String(i) }), { name: `f${i}` }]).flat(),
    ),
  );
  expect(new Set(index.xattr.subarray(1)).size).toBe(1);
  expect(index.xattrs.length).toBeLessThan(count * 30);
});

it('gives a member its own xattrs beside those of the global header, and the next member only the latter', () => {
  const index = indexTar(
    rawTar(
      pax({ 'SCHILY.xattr.user.global': 'g' }, 'g'),
      { name: 'a' },
      pax({ 'SCHILY.xattr.user.own': 'o' }),
      { name: 'b' },
      pax({ 'SCHILY.xattr.user.global': '' }),
      { name: 'c' },
      { name: 'd' },
      pax({ 'SCHILY.xattr.user.later': 'l' }, 'g'),
      { name: 'e' },
    ),
  );
  const block = (inode: number): string => {
    const at = index.xattr[inode] as number;
    return at === 0 ? '' : Buffer.from(index.xattrs.subarray(at - 1, at + 40)).toString('latin1');
  };
  expect(block(1)).toContain('user.globalg');
  expect(block(2)).toContain('user.globalg');
  expect(block(2)).toContain('user.owno');
  expect(block(3)).toBe('');
  expect(index.xattr[4]).toBe(index.xattr[1]);
  expect(block(5)).toContain('user.laterl');
});
