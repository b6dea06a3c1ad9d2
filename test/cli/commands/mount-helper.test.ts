// What mount(8) calls its helper with, understood.
import { expect, it } from 'vitest';
import { understandHelper } from '../../../src/cli/commands/mount-helper.ts';
import { UsageError } from '../../../src/cli/options/usage-error.ts';

const isRoot = process.geteuid?.() === 0;

it("mount(8)'s own rw is no wish to write", () => {
  expect(understandHelper(['/a.tar', '/mnt', '-o', 'rw,nodev'])).toEqual({
    request: {
      source: { kind: 'image', text: '/a.tar' },
      mountpoint: '/mnt',
      options: { flags: isRoot ? ['nodev', 'suid'] : ['nodev'] },
    },
    isFake: false,
    isVerbose: false,
  });
});

it('with lowerdir= SOURCE is only what the mount table shows', () => {
  const { request } = understandHelper(['overlay', '/mnt', '-o', 'rw,lowerdir=b:a,upperdir=u,workdir=w']);
  expect(request).toMatchObject({
    source: { kind: 'lowerdir', text: 'b:a' },
    options: { fsname: 'overlay', upper: { directory: 'u', workDirectory: 'w' } },
  });
  expect(understandHelper(['overlay', '/mnt', '-o', 'lowerdir=a,fsname=x']).request.options.fsname).toBe('x');
});

it('flags may stand anywhere, alone or together', () => {
  expect(understandHelper(['-f', 'a', 'm', '-n', '-v'])).toMatchObject({ isFake: true, isVerbose: true });
  expect(understandHelper(['a', 'm', '-nv', '-t', 'stratafs'])).toMatchObject({
    isFake: false,
    isVerbose: true,
  });
});

it('-s ignores options that nobody knows, but none that is refused', () => {
  expect(understandHelper(['a', 'm', '-s', '-o', 'bogus,nodev']).request.options.flags).toContain('nodev');
  expect(() => understandHelper(['a', 'm', '-o', 'bogus'])).toThrow(UsageError);
  expect(() => understandHelper(['a', 'm', '-s', '-o', 'plugins=x'])).toThrow(UsageError);
});

it.each([
  [[], 'mount.stratafs: missing arguments: SOURCE and MOUNTPOINT'],
  [['a'], 'mount.stratafs: missing argument: MOUNTPOINT'],
  [['a', 'm', 'x'], 'mount.stratafs: too many arguments: a m x; expected SOURCE and MOUNTPOINT'],
  [['a', 'm', '-o'], 'mount.stratafs: -o needs a value'],
  [['a', 'm', '-N', '/x'], "mount.stratafs: unknown option '-N'"],
  [
    ['a', 'm', '-o', 'remount,ro'],
    "mount option 'remount': not supported: unmount, and mount again with the other options",
  ],
])('%j is refused', (args, message) => {
  expect(() => understandHelper(args)).toThrow(new UsageError(message));
});
