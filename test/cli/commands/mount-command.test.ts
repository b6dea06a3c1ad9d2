// Parsing of the mount command's arguments and options into a MountRequest, or a UsageError.
import { expect, it } from 'vitest';
import { mountCommand, understandMount } from '../../../src/cli/commands/mount-command.ts';
import { mountOptions } from '../../../src/cli/options/mount-options.ts';
import type { MountRequest } from '../../../src/cli/options/mount-request.ts';
import { UsageError } from '../../../src/cli/options/usage-error.ts';

/** The request that `stratafs mount ARGS` makes. */
function understand(...args: string[]): MountRequest {
  let request: MountRequest | undefined;
  const command = mountCommand().syntax.exitOverride();
  command.action((positional: string[]) => {
    request = understandMount(command, positional);
  });
  command.parse(args, { from: 'user' });
  return request as MountRequest;
}

const plain: MountRequest = {
  source: { kind: 'image', text: 'a.tar' },
  mountpoint: '/mnt',
  restart: { crashes: 5, seconds: 60 },
  options: {},
};
const withOptions = (options: MountRequest['options']): MountRequest => ({ ...plain, options });

it('accepts only SOURCE and MOUNTPOINT', () => {
  expect(understand('a.tar', '/mnt')).toEqual(plain);
});

it('fastpath= turns native answers on or off', () => {
  expect(understand('-o', 'fastpath=off', 'a.tar', '/mnt')).toEqual(withOptions({ usesFastPath: false }));
  expect(understand('-o', 'fastpath=off,fastpath=on', 'a.tar', '/mnt').options.usesFastPath).toBe(true);
  expect(() => understand('-o', 'fastpath=maybe', 'a.tar', '/mnt')).toThrow(
    "mount option 'fastpath': found 'maybe', expected on, off",
  );
});

it('lowerdir= takes the place of SOURCE and keeps its escapes', () => {
  expect(understand('-o', 'ro,lowerdir=top\\:1.tar:b\\,ase.tar', '/mnt')).toEqual({
    ...plain,
    source: { kind: 'lowerdir', text: 'top\\:1.tar:b\\,ase.tar' },
  });
});

it('-o may be repeated, and later options override earlier ones', () => {
  const request = understand(
    '-o',
    'nodev,nosuid,noexec',
    '-o',
    'exec,suid',
    '-o',
    'noatime',
    'a.tar',
    '/mnt',
  );
  expect(request.options.flags).toEqual(['nodev', 'suid', 'noatime']);
});

it("user stands for nodev, nosuid and noexec, as in mount(8); a later 'exec' undoes one", () => {
  expect(understand('-o', 'user,exec', 'a.tar', '/mnt').options.flags).toEqual(['nodev', 'nosuid']);
});

it('suid and dev are only set by options; defaults sets nothing', () => {
  expect(understand('-o', 'nodiratime', 'a.tar', '/mnt').options.flags).toEqual(['nodiratime']);
  expect(understand('-o', 'suid,dev', 'a.tar', '/mnt').options.flags).toEqual(['suid', 'dev']);
  expect(understand('-o', 'suid,dev,user', 'a.tar', '/mnt').options.flags).toEqual([
    'nodev',
    'nosuid',
    'noexec',
  ]);
  expect(understand('-o', 'suid,nodev,noexec,defaults', 'a.tar', '/mnt').options.flags).toEqual([]);
});

it('long options may be in the list', () => {
  const list = 'platform=linux/arm64,upto=2,cache-size=1G,no-verify,no-index-cache,allow_other,fsname=x\\,y';
  expect(understand('-o', list, 'a.tar', '/mnt')).toEqual(
    withOptions({
      platform: 'linux/arm64',
      upto: '2',
      cacheSize: 1024 ** 3,
      verify: 'never',
      useIndexCache: false,
      allowOther: true,
      fsname: 'x,y',
    }),
  );
});

it('accepts long options', () => {
  const args = [
    '--platform',
    'linux/arm',
    '--layer',
    '3',
    '--cache-size',
    '64M',
    '--verify',
    '--no-index-cache',
  ];
  expect(understand(...args, 'a.tar', '/mnt')).toEqual(
    withOptions({
      platform: 'linux/arm',
      layer: '3',
      cacheSize: 64 * 1024 ** 2,
      verify: 'always',
      useIndexCache: false,
    }),
  );
  expect(understand('--no-verify', 'a.tar', '/mnt').options.verify).toBe('never');
});

it('every long option is a mount option, except those that say who mounts and what is printed', () => {
  const long = mountCommand().syntax.options.map((option) => option.long?.slice(2) ?? '');
  const rules = mountOptions.flatMap((group) => group.rules.map(([name]) => name));
  expect(long.filter((name) => !rules.includes(name))).toEqual([
    'foreground',
    'daemon',
    'socket',
    'verbose',
    'options',
  ]);
});

it('a long option overrides -o in any order', () => {
  const args = ['--cache-size', '1M', '-o', 'cache-size=2M,no-verify', '--verify', 'a.tar', '/mnt'];
  expect(understand(...args).options).toEqual({ cacheSize: 1024 ** 2, verify: 'always' });
});

it.each([
  'defaults,auto,noauto,nofail,_netdev,nouser,relatime,norelatime,nostrictatime,lazytime,silent,async',
  'timeout=0,clone_fd,max_threads=4,kernel_cache,entry_timeout=1,threaded=1,writeback=0',
  'x-systemd.automount,x-gvfs-show,comment=systemd.automount,default_permissions,max_read=131072',
  'context="system_u:object_r:tmp_t:s0:c127,c456"',
])('fstab may contain %s', (list) => {
  const { options, ...others } = understand('-o', list, 'a.tar', '/mnt');
  expect({ ...others, options: { ...options, flags: options.flags ?? [] } }).toEqual(
    withOptions({ flags: [] }),
  );
});

it.each([
  ['roo', "unknown mount option 'roo' (did you mean 'ro'?)"],
  ['no_dev', "unknown mount option 'no_dev' (did you mean 'nodev'?)"],
  ['lower_dir=x', "unknown mount option 'lower_dir' (did you mean 'lowerdir'?)"],
  ['allow-other', "unknown mount option 'allow-other' (did you mean 'allow_other'?)"],
  ['entirely-else', "unknown mount option 'entirely-else'"],
  ['rw', "mount option 'rw': writes need a place: --upper U, --tmp, or upperdir=U,workdir=W"],
  ['remount,ro', "mount option 'remount': not supported: unmount, and mount again with the other options"],
  ['auto_unmount', "mount option 'auto_unmount': not supported: the next mount there clears a dead one away"],
  ['nodev=1', "mount option 'nodev' takes no value, found '1'"],
  ['fsname', "mount option 'fsname' needs a value: fsname=..."],
  ['lowerdir=', "mount option 'lowerdir' needs a value: lowerdir=..."],
  ['cache-size=much', "cache-size: found 'much', expected a size such as 256M or 1G"],
])('-o %s is rejected', (list, message) => {
  expect(() => understand('-o', list, 'a.tar', '/mnt')).toThrow(new UsageError(message));
});

it.each([
  [[], 'mount: missing arguments: SOURCE and MOUNTPOINT'],
  [['a.tar'], 'mount: missing argument: MOUNTPOINT'],
  [['a', 'b', 'c'], 'mount: too many arguments: a b c; expected SOURCE and MOUNTPOINT'],
  [['-o', 'lowerdir=x', 'a', 'b'], 'mount: too many arguments: a b; expected MOUNTPOINT with lowerdir='],
  [['a.tar', ''], 'mount: MOUNTPOINT must not be empty'],
  [['', 'm'], 'mount: SOURCE must not be empty'],
  [['--layer', '1', '--upto', '2', 'a', 'b'], 'found --layer and --upto, expected only one of them'],
])('%j is rejected', (args, message) => {
  expect(() => understand(...args)).toThrow(new UsageError(message));
});
