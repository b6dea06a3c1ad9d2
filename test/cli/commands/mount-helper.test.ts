// Parsing of the arguments that mount(8) passes to its helper.
import { expect, it } from 'vitest';
import { understandHelper } from '../../../src/cli/commands/mount-helper.ts';
import { UsageError } from '../../../src/cli/options/usage-error.ts';

const isRoot = process.geteuid?.() === 0;

it("mount(8)'s own rw does not request an upper", () => {
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

it('with lowerdir= SOURCE is only a label in the mount table', () => {
  const { request } = understandHelper(['overlay', '/mnt', '-o', 'rw,lowerdir=b:a,upperdir=u,workdir=w']);
  expect(request).toMatchObject({
    source: { kind: 'lowerdir', text: 'b:a' },
    options: { fsname: 'overlay', upper: { directory: 'u', workDirectory: 'w' } },
  });
  expect(understandHelper(['overlay', '/mnt', '-o', 'lowerdir=a,fsname=x']).request.options.fsname).toBe('x');
});

it('flags may be anywhere, alone or combined', () => {
  expect(understandHelper(['-f', 'a', 'm', '-n', '-v'])).toMatchObject({ isFake: true, isVerbose: true });
  expect(understandHelper(['a', 'm', '-nv', '-t', 'stratafs'])).toMatchObject({
    isFake: false,
    isVerbose: true,
  });
});

it('-s ignores unknown options, but not rejected ones', () => {
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
])('%j is rejected', (args, message) => {
  expect(() => understandHelper(args)).toThrow(new UsageError(message));
});
