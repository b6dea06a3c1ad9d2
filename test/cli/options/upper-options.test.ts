// The options of the upper directory, alone and combined.
import { expect, it } from 'vitest';
import { mountCommand, understandMount } from '../../../src/cli/commands/mount-command.ts';
import type { MountRequest } from '../../../src/cli/options/mount-request.ts';
import { UsageError } from '../../../src/cli/options/usage-error.ts';

function understand(...args: string[]): MountRequest {
  let request: MountRequest | undefined;
  const command = mountCommand().syntax.exitOverride();
  command.action((positional: string[]) => {
    request = understandMount(command, positional);
  });
  command.parse([...args, 'a.tar', '/mnt'], { from: 'user' });
  return request as MountRequest;
}

it('without an upper directory the request has no upper', () => {
  expect(understand('-o', 'volatile,metacopy=off,index=on,force-upper').options.upper).toBeUndefined();
});

it('upperdir= and workdir= name both directories; a backslash escapes a comma or a colon', () => {
  expect(understand('-o', 'upperdir=/u\\,1,workdir=/w\\:2').options.upper).toEqual({
    directory: '/u,1',
    workDirectory: '/w:2',
    isReadOnly: false,
  });
});

it.each([[['--upper', 'u']], [['-o', 'upper=u']]])('%j has its work directory next to the upper', (args) => {
  expect(understand(...args).options.upper).toEqual({ directory: 'u', isReadOnly: false });
});

it('--upper accepts another work directory', () => {
  expect(understand('--upper', 'u', '-o', 'workdir=w').options.upper).toEqual({
    directory: 'u',
    workDirectory: 'w',
    isReadOnly: false,
  });
});

it.each([[['--tmp']], [['-o', 'tmp']], [['-o', 'rw,tmp']]])('%j makes a temporary upper', (args) => {
  expect(understand(...args).options.upper).toEqual({ isThrowAway: true });
});

it('options of the upper may precede or follow it in the list', () => {
  const list = 'volatile,metacopy=off,redirect_dir=off,userxattr,upper=u';
  expect(understand('--force-upper', '-o', list).options.upper).toEqual({
    directory: 'u',
    isReadOnly: false,
    isVolatile: true,
    metacopy: false,
    redirect: false,
    isForced: true,
  });
  expect(understand('-o', list).options.usesUserXattrs).toBe(true);
});

it.each([
  ['redirect_dir=on', { redirect: true }],
  ['redirect_dir=follow', { redirect: false }],
  ['redirect_dir=off,metacopy=off', { redirect: false, metacopy: false }],
  ['metacopy=on', { metacopy: true }],
  ['fsync=0', { isVolatile: true }],
  ['volatile,fsync=1', { isVolatile: false }],
  ['index=on,xino=auto,nfs_export=off,uuid=null,verity=off,noxattrs=0', {}],
])('-o %s', (list, expected) => {
  expect(understand('-o', `${list},upper=u`).options.upper).toEqual({
    directory: 'u',
    isReadOnly: false,
    ...expected,
  });
});

it("'ro' shows an upper directory read-only, and needs no work directory", () => {
  expect(understand('-o', 'ro,upperdir=u')).toMatchObject({
    options: { upper: { directory: 'u', isReadOnly: true } },
  });
});

it.each([
  ['workdir=w', 'workdir= needs upperdir='],
  ['upperdir=u', 'upperdir= needs workdir= on the same file system (--upper makes one next to it)'],
  ['tmp,upper=u', '--tmp makes its own upper directory: found another one too, expected one'],
  ['tmp,workdir=w', '--tmp makes its own upper directory: found another one too, expected one'],
  ['tmp,ro', "--tmp makes a writable mount: found 'ro' too"],
  ['upper=u,metacopy=on,redirect_dir=off', 'metacopy=on needs redirect_dir=on: found redirect_dir=off'],
  ['metacopy=maybe', "mount option 'metacopy': found 'maybe', expected on, off"],
  ['metacopy', "mount option 'metacopy': found no value, expected on, off"],
  ['xino=64', "mount option 'xino': found '64', expected on, off, auto"],
  [
    'redirect_dir=nofollow',
    "mount option 'redirect_dir=nofollow': redirects that an upper has are always followed; redirect_dir=off makes no new ones",
  ],
  ['nfs_export=on', "mount option 'nfs_export=on': not supported: file handles do not outlive the daemon"],
  ['uuid=on', "mount option 'uuid=on': a FUSE mount has no file system UUID"],
  ['verity=require', "mount option 'verity=require': not supported"],
  ['noxattrs=1', "mount option 'noxattrs=1': not supported: the marks of an upper directory are xattrs"],
  ['plugins=/x', "mount option 'plugins': plugins of fuse-overlayfs are not supported"],
  ['lowerdir+=/x', "mount option 'lowerdir+': name all layers in one lowerdir="],
])('-o %s is rejected', (list, message) => {
  expect(() => understand('-o', list)).toThrow(new UsageError(message));
});

it('rejects --upper together with upperdir=', () => {
  expect(() => understand('--upper', 'u', '-o', 'upperdir=u2,workdir=w')).toThrow(
    new UsageError('--upper and upperdir=: found two upper directories, expected one'),
  );
});
