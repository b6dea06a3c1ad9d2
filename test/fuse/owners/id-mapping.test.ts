// Owners, both ways.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { IdMap, makeOwnerMaps, mapAcl } from '../../../src/fuse/owners/id-mapping.ts';

const OVERFLOW = 65534;
/** "0:1000:1:1:110000:65536": fuse-overlayfs(1)'s own example. */
const ranges = [
  { stored: 0, shown: 1000, count: 1 },
  { stored: 1, shown: 110_000, count: 65_536 },
];

it('a stored ID is shown by its range, and as the overflow ID where no range has it', () => {
  const map = new IdMap(ranges, undefined, OVERFLOW);
  expect([0, 1, 65_536, 65_537].map((id) => map.show(id))).toEqual([1000, 110_000, 175_535, OVERFLOW]);
});

it('an ID that no range shows has none that it could be stored as', () => {
  const map = new IdMap(ranges, undefined, OVERFLOW);
  expect([1000, 110_000, 175_535, 175_536, 0, OVERFLOW].map((id) => map.store(id))).toEqual([
    0, 1, 65_536, -1, -1, -1,
  ]);
});

it('without ranges IDs are what they are', () => {
  const map = new IdMap(undefined, undefined, OVERFLOW);
  expect([map.show(12), map.store(12)]).toEqual([12, 12]);
});

it('a squashed ID is shown whatever the ranges say, which alone decide what is stored', () => {
  const map = new IdMap(ranges, 7, OVERFLOW);
  expect([0, 1, 99_999].map((id) => map.show(id))).toEqual([7, 7, 7]);
  expect(map.store(1000)).toBe(0);
});

it('of overlapping ranges the last one holds', () => {
  const map = new IdMap([...ranges, { stored: 0, shown: 5, count: 2 }], undefined, OVERFLOW);
  expect([map.show(0), map.show(1), map.show(2)]).toEqual([5, 6, 110_001]);
});

it("the kernel's overflow IDs are taken", () => {
  const { users, groups } = makeOwnerMaps({ uids: [], gids: [] });
  expect(users.show(0)).toBe(Number(readFileSync('/proc/sys/kernel/overflowuid', 'latin1')));
  expect(groups.show(0)).toBe(Number(readFileSync('/proc/sys/kernel/overflowgid', 'latin1')));
});

/** user::rw-, user:ID:r--, group::r--, group:ID:r--, mask::r--, other::--- */
function acl(user: number, group: number): Buffer {
  const value = Buffer.alloc(4 + 6 * 8);
  value.writeUInt32LE(2, 0);
  [
    [1, 6, 0xffffffff],
    [2, 4, user],
    [4, 4, 0xffffffff],
    [8, 4, group],
    [16, 4, 0xffffffff],
    [32, 0, 0xffffffff],
  ].forEach(([tag = 0, permissions = 0, id = 0], i) => {
    value.writeUInt16LE(tag, 4 + 8 * i);
    value.writeUInt16LE(permissions, 6 + 8 * i);
    value.writeUInt32LE(id, 8 + 8 * i);
  });
  return value;
}

it('of an ACL the IDs of named users and groups are mapped, and no others', () => {
  const stored = acl(12, 13);
  const mapped = mapAcl(
    stored,
    (id) => id + 100,
    (id) => id + 1000,
  );
  expect(mapped).toEqual(acl(112, 1013));
  expect(stored).toEqual(acl(12, 13));
});

it('an ACL with an ID that has no image has none itself', () => {
  expect(
    mapAcl(
      acl(1, 2),
      () => -1,
      (id) => id,
    ),
  ).toBeUndefined();
  expect(
    mapAcl(
      acl(1, 2),
      (id) => id,
      () => -1,
    ),
  ).toBeUndefined();
});

it.each([[''], ['0200'], ['01000000010006'], ['02000000020004']])(
  'a value that is not an ACL stays as it is: %s',
  (hex) => {
    const value = Buffer.from(hex, 'hex');
    expect(
      mapAcl(
        value,
        () => -1,
        () => -1,
      ),
    ).toEqual(value);
  },
);
