// Parsing of the arguments that umount(8) passes to its helper.
import { expect, it } from 'vitest';
import { understandUnmount } from '../../../src/cli/commands/unmount-helper.ts';
import { UsageError } from '../../../src/cli/options/usage-error.ts';

it.each([
  [['/mnt'], 'when-free', false],
  [['/mnt', '-n', '-t', 'fuse.stratafs'], 'when-free', false],
  [['-lv', '/mnt'], 'lazy', true],
  [['/mnt', '-f', '-r'], 'forced', false],
  [['/mnt', '-fl'], 'lazy', false],
] as const)('%j', (args, how, isVerbose) => {
  expect(understandUnmount(args)).toEqual({ directory: '/mnt', how, isVerbose });
});

it.each([
  [[], 'umount.fuse.stratafs: missing argument: MOUNTPOINT'],
  [['a', 'b'], 'umount.fuse.stratafs: too many arguments: a b; expected MOUNTPOINT'],
  [['a', '-x'], "umount.fuse.stratafs: unknown option '-x'"],
  [
    ['a', '-N', '/proc/1/ns/mnt'],
    'umount.fuse.stratafs: -N is not supported; run umount with nsenter --mount=NAMESPACE',
  ],
])('%j is rejected', (args, message) => {
  expect(() => understandUnmount(args)).toThrow(new UsageError(message));
});
