// fuse-overlayfs's options that map owners between the mount and the stored inodes.
import { expect, it } from 'vitest';
import { applyOptionList } from '../../../src/cli/options/mount-options.ts';
import { type MountDraft, newDraft } from '../../../src/cli/options/mount-draft.ts';
import { UsageError } from '../../../src/cli/options/usage-error.ts';

function apply(list: string): MountDraft['options'] {
  const draft = newDraft();
  applyOptionList(draft, list);
  return draft.options;
}

it('uidmapping= and gidmapping= take ranges of three numbers', () => {
  expect(apply('uidmapping=0:1000:1:1:110000:65536,gidmapping=0:5:1').owners).toEqual({
    uids: [
      { stored: 0, shown: 1000, count: 1 },
      { stored: 1, shown: 110_000, count: 65_536 },
    ],
    gids: [{ stored: 0, shown: 5, count: 1 }],
  });
});

it('squash_to_uid and squash_to_gid override squash_to_root in any order', () => {
  const expected = { squashedUid: 7, squashedGid: 0 };
  expect(apply('squash_to_root,squash_to_uid=7').owners).toEqual(expected);
  expect(apply('squash_to_uid=7,squash_to_root').owners).toEqual(expected);
  expect(apply('squash_to_gid=4294967294').owners).toEqual({ squashedGid: 4_294_967_294 });
});

it('accepts noacl', () => {
  expect(apply('noacl')).toMatchObject({ usesAcl: false });
});

it('xattr_permissions= selects where owners are stored', () => {
  expect(apply('xattr_permissions=1')).toMatchObject({ ownerKeeping: 'security' });
  expect(apply('xattr_permissions=2')).toMatchObject({ ownerKeeping: 'user' });
  expect(apply('xattr_permissions=2,xattr_permissions=0').ownerKeeping).toBeUndefined();
});

it.each([
  [
    'uidmapping=0:1',
    "mount option 'uidmapping': found 2 numbers, expected three for each range, STORED:SHOWN:COUNT",
  ],
  ['uidmapping=0:x:1', "mount option 'uidmapping': found 'x', expected an ID below 4294967295"],
  [
    'gidmapping=0:4294967290:100',
    "mount option 'gidmapping': found 0:4294967290:100, expected a range of IDs below 4294967295",
  ],
  [
    'squash_to_uid=4294967295',
    "mount option 'squash_to_uid': found '4294967295', expected an ID below 4294967295",
  ],
  ['squash_to_uid=-1', "mount option 'squash_to_uid': found '-1', expected an ID below 4294967295"],
  ['squash_to_root=1', "mount option 'squash_to_root' takes no value, found '1'"],
  ['xattr_permissions=3', "mount option 'xattr_permissions': found '3', expected 0, 1, 2"],
])('%s is rejected', (list, message) => {
  expect(() => apply(list)).toThrow(new UsageError(message));
});

it('rejects more ranges than the kernel accepts', () => {
  const list = `uidmapping=${Array.from({ length: 341 }, () => '0:0:1').join(':')}`;
  expect(() => apply(list)).toThrow(/found more than 340 ranges/);
});
