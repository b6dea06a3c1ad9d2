// BoundFuse over a package made of nothing: what it replaces, and what it passes on.
import { describe, expect, it } from 'vitest';
import { type XattrAnswer, bindFuse } from '../../../src/fuse/fuse-native/bound-fuse.ts';
import type { PackageFuse, PackageOperations } from '../../../src/fuse/fuse-native/package.ts';
import { ENODATA, ERANGE } from '../../../src/vfs/errno.ts';

class PackageStub {
  readonly mnt: string;
  readonly _thread = Buffer.from('thread');
  readonly arguments: unknown[];

  constructor(mnt: string, ...rest: unknown[]) {
    this.mnt = mnt;
    this.arguments = rest;
  }

  close(done: (error: Error | null) => void): void {
    (this as unknown as PackageFuse)._close(done);
  }
}

const released: unknown[] = [];
const values: Record<string, Uint8Array | number> = { there: Buffer.from([1, 0, 255]), none: -ENODATA };
const fuse = bindFuse(
  {
    Fuse: PackageStub as never,
    binding: { fuse_native_unmount: (...args) => void released.push(args) },
  },
  '/mnt',
  {} as PackageOperations,
  {
    getxattr: (_path, name, answer: XattrAnswer) => answer(values[name] ?? 0),
    listxattr: (_path, answer) => answer(Buffer.from('user.a\0user.b\0')),
  },
  '-oro',
);

function getxattr(name: string, size: number): [number, Buffer] {
  const into = Buffer.alloc(size, 7);
  let result = NaN;
  fuse._op_getxattr(
    (value, memory) => {
      expect(memory).toBe(into.buffer);
      result = value;
    },
    '/',
    name,
    into,
  );
  return [result, into];
}

describe('BoundFuse', () => {
  it('answers the length of a value where nothing is to be filled', () => {
    expect(getxattr('there', 0)[0]).toBe(3);
  });

  it('fills in a value that fits, and touches nothing after it', () => {
    expect(getxattr('there', 3)).toEqual([3, Buffer.from([1, 0, 255])]);
    expect(getxattr('there', 5)).toEqual([3, Buffer.from([1, 0, 255, 7, 7])]);
  });

  it('answers ERANGE where it does not fit, and fills in nothing', () => {
    expect(getxattr('there', 2)).toEqual([-ERANGE, Buffer.from([7, 7])]);
  });

  it('passes an errno on, and lists names likewise', () => {
    expect(getxattr('none', 2)[0]).toBe(-ENODATA);
    const into = Buffer.alloc(8);
    const results: number[] = [];
    fuse._op_listxattr((result) => results.push(result), '/', into);
    fuse._op_listxattr((result) => results.push(result), '/', Buffer.alloc(0));
    expect(results).toEqual([-ERANGE, 14]);
  });

  it('mounts by our options, has no timeout, and only lets go when it is closed', () => {
    expect(fuse._fuseOptions()).toBe('-oro');
    expect((fuse as unknown as PackageStub).arguments[1]).toEqual({ timeout: false });
    fuse.close((error) => expect(error).toBeNull());
    expect(released).toEqual([['/mnt', Buffer.from('thread')]]);
  });
});
