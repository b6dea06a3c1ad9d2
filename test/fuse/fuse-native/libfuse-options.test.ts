import { describe, expect, it } from 'vitest';
import { checkMountPoint, libfuseOptions } from '../../../src/fuse/fuse-native/libfuse-options.ts';
import { MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_RDONLY } from '../../../src/sys/mount-calls.ts';
import { InputError } from '../../../src/vfs/input-error.ts';

const of = (flags: number, isRoot = true, source = 'x', allowOther = false): string[] =>
  libfuseOptions({ source, flags, allowOther }, isRoot).slice('-o'.length).split(',');

describe("libfuse's mount options", () => {
  it('name the flags, and what root is not to lose', () => {
    expect(of(MS_RDONLY | MS_NOEXEC | MS_NODEV)).toEqual(
      expect.arrayContaining(['ro', 'noexec', 'nodev', 'suid']),
    );
    expect(of(MS_NOSUID | MS_NODEV)).toEqual(expect.arrayContaining(['nosuid', 'nodev']));
    expect(of(0, false)).not.toContain('suid');
  });

  it('let permissions be checked by the kernel, and other users in where they may', () => {
    expect(of(0)).toContain('default_permissions');
    expect(of(0)).not.toContain('allow_other');
    expect(of(0, true, 'x', true)).toContain('allow_other');
  });

  it('keep attributes only where nothing changes', () => {
    expect(of(0)).toContain('attr_timeout=0');
    expect(of(MS_RDONLY)).toContain('attr_timeout=2147483647');
  });

  it('have the source escaped, and short enough in any case', () => {
    expect(libfuseOptions({ source: 'a,b\\c', flags: 0, allowOther: false }, true)).toContain(
      'fsname=a\\,b\\\\c,',
    );
    const longest = libfuseOptions(
      { source: '\u{1f600}'.repeat(5000), flags: MS_RDONLY, allowOther: true },
      true,
    );
    expect(Buffer.byteLength(longest)).toBeLessThan(1024);
    const escaped = libfuseOptions({ source: ','.repeat(5000), flags: MS_RDONLY, allowOther: true }, true);
    expect(Buffer.byteLength(escaped)).toBeLessThan(1024);
  });

  it('do not know nodiratime, nor long mount points', () => {
    expect(() => of(MS_NODIRATIME)).toThrow(InputError);
    expect(() => checkMountPoint(`/${'\u00e4'.repeat(512)}`)).toThrow(/1025 bytes, expected 1023 at most/);
    expect(() => checkMountPoint(`/${'x'.repeat(1022)}`)).not.toThrow();
  });
});
