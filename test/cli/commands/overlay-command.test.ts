// Parsing of fuse-overlayfs's command line.
import { expect, it } from 'vitest';
import { type OverlayCall, understandOverlay } from '../../../src/cli/commands/overlay-command.ts';
import { UsageError } from '../../../src/cli/options/usage-error.ts';

type MountCall = Extract<OverlayCall, { readonly kind: 'mount' }>;

function understand(...args: string[]): MountCall {
  const call = understandOverlay(args);
  expect(call.kind).toBe('mount');
  return call as MountCall;
}

it("podman's call", () => {
  const label =
    'lowerdir=/s/l/A:/s/l/B,upperdir=/s/diff,workdir=/s/work,volatile,context="system_u:object_r:x:s0:c1,c2",uidmapping=0:1:5,gidmapping=0:1:5';
  expect(understand('-o', label, '/s/merged')).toEqual({
    kind: 'mount',
    request: {
      source: { kind: 'lowerdir', text: '/s/l/A:/s/l/B' },
      mountpoint: '/s/merged',
      options: {
        flags: process.geteuid?.() === 0 ? ['suid', 'dev'] : [],
        upper: {
          directory: '/s/diff',
          workDirectory: '/s/work',
          isReadOnly: false,
          keepsVolatileMark: true,
          isVolatile: true,
          metacopy: false,
          redirect: false,
          isForced: true,
          takesAufsForm: true,
        },
        owners: {
          uids: [{ stored: 0, shown: 1, count: 5 }],
          gids: [{ stored: 0, shown: 1, count: 5 }],
        },
        ownerKeeping: 'found',
      },
    },
    isForeground: false,
    isDebugging: false,
    ignored: [],
  });
});

it('without an upper directory the mount is read-only, even with rw', () => {
  const { request } = understand('-o', 'rw,lowerdir=a', 'm');
  expect(request.options.upper).toBeUndefined();
});

it('metacopy=on is obeyed', () => {
  expect(
    understand('-o', 'lowerdir=a,upperdir=u,workdir=w,metacopy=on', 'm').request.options.upper,
  ).toMatchObject({
    metacopy: true,
  });
});

it.each([
  [['-f'], true, false],
  [['-d'], true, true],
  [['--debug'], true, true],
  [['-o', 'debug'], true, true],
  [['-s'], false, false],
])('%j', (args, isForeground, isDebugging) => {
  expect(understand(...args, '-olowerdir=a', 'm')).toMatchObject({ isForeground, isDebugging, ignored: [] });
});

it('unknown arguments are reported and ignored', () => {
  expect(understand('--frob', '-o', 'lowerdir=a,knob=1,switch', 'm').ignored).toEqual([
    '--frob',
    'knob=1',
    'switch',
  ]);
});

it.each(['-h', '--help'])('%s', (arg) => expect(understandOverlay([arg])).toEqual({ kind: 'help' }));
it.each(['-V', '--version'])('%s', (arg) => expect(understandOverlay([arg])).toEqual({ kind: 'version' }));

it.each([
  [['m'], 'no layers: expected -o lowerdir=TOP:...:BASE'],
  [['-o', 'lowerdir=a'], 'missing argument: MOUNTPOINT'],
  [['-o', 'lowerdir=a', 'm', 'n'], 'too many arguments: m n; expected MOUNTPOINT'],
  [
    ['-o', 'lowerdir=a:b://plugin/data/path', 'm'],
    'lowerdir=//...: plugins of fuse-overlayfs are not supported',
  ],
  [
    ['-o', 'lowerdir=//plugin/data/path:a', 'm'],
    'lowerdir=//...: plugins of fuse-overlayfs are not supported',
  ],
  [
    ['-o', 'lowerdir=a,plugins=x', 'm'],
    "mount option 'plugins': plugins of fuse-overlayfs are not supported",
  ],
  [
    ['-o', 'lowerdir=a,upperdir=u', 'm'],
    'upperdir= needs workdir= on the same file system (--upper makes one next to it)',
  ],
  [
    ['-o', 'lowerdir=a,noxattrs=1', 'm'],
    "mount option 'noxattrs=1': not supported: the marks of an upper directory are xattrs",
  ],
])('%j is rejected', (args, message) => {
  expect(() => understandOverlay(args)).toThrow(new UsageError(message));
});

it('owners that a layer stores in xattrs count, with or without the option', () => {
  const { request } = understand('-o', 'lowerdir=a', 'm');
  expect(request.options.ownerKeeping).toBe('found');
  expect(understand('-o', 'lowerdir=a,xattr_permissions=2', 'm').request.options.ownerKeeping).toBe('user');
});

it('an escaped colon before a slash does not begin a plugin', () => {
  expect(understand('-o', 'lowerdir=a\\://b', 'm').request.source.text).toBe('a\\://b');
});
