// suid and dev: by mount(8)'s convention, the defaults for root.
import { expect, it } from 'vitest';
import { followMount8 } from '../../../src/cli/options/flag-options.ts';
import { newDraft } from '../../../src/cli/options/mount-draft.ts';
import type { MountFlag } from '../../../src/mount/mount.ts';
import { mountFlagBits } from '../../../src/mount/options.ts';
import { MS_NODEV, MS_NOEXEC, MS_NOSUID } from '../../../src/sys/mount-calls.ts';

it.each([
  [[], true, ['suid', 'dev']],
  [['nosuid'], true, ['nosuid', 'dev']],
  [['nodev', 'nosuid', 'noexec'], true, ['nodev', 'nosuid', 'noexec']],
  [['suid', 'dev', 'noexec'], false, ['noexec']],
  [[], false, []],
] as const)('%j, by root: %s, is %j', (flags, isRoot, expected) => {
  const draft = { ...newDraft(), options: { flags: [...flags] } };
  followMount8(draft, isRoot);
  expect(draft.options.flags).toEqual(expected);
});

it.each<[MountFlag[], number]>([
  [[], MS_NOSUID | MS_NODEV],
  [['noexec'], MS_NOSUID | MS_NODEV | MS_NOEXEC],
  [['suid'], MS_NODEV],
  [['suid', 'dev'], 0],
  [['suid', 'nosuid', 'dev'], MS_NOSUID],
])('%j are the flags %i of mount(2): nosuid and nodev are the default', (flags, bits) => {
  expect(mountFlagBits(flags)).toBe(bits);
});
