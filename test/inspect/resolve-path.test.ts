import { describe, expect, it } from 'vitest';
import { resolvePath } from '../../src/inspect/resolve-path.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { ELOOP, ENOENT, ENOTDIR } from '../../src/vfs/errno.ts';
import { directory, file, layer, symlink } from '../tree/layer-maker.ts';

describe('a path', () => {
  const tree = buildTree([
    layer({
      usr: directory({ bin: directory({ sh: file({ size: 7 }), up: symlink('../..//usr/bin/sh') }) }),
      bin: symlink('usr/bin'),
      out: symlink('../../../usr/bin/sh'),
      abs: symlink('/bin'),
      loop: symlink('loop'),
      gone: symlink('nowhere'),
    }),
  ]);
  const sizeAt = (path: string): number => {
    const inode = resolvePath(tree, path);
    return inode < 0 || tree.isDirectory(inode) ? inode : tree.sizeOf(inode);
  };

  it.each(['usr/bin/sh', '/bin/sh', '//abs/./sh', '/usr/bin/up', '/out', '/usr/../bin/../bin/sh'])(
    '%s leads to the file, within the image',
    (path) => {
      expect(sizeAt(path)).toBe(7);
    },
  );

  it.each([
    ['/nowhere', ENOENT],
    ['/gone', ENOENT],
    ['/loop', ELOOP],
    ['/loop/x', ELOOP],
    ['/bin/sh/x', ENOTDIR],
    ['/bin/sh/', ENOTDIR],
    ['/bin/sh/..', ENOTDIR],
  ])('%s leads nowhere: errno %d', (path, errno) => {
    expect(resolvePath(tree, path)).toBe(-errno);
  });

  it('leads to a last symlink itself where that is asked for, unless a slash follows', () => {
    const at = (path: string): number => resolvePath(tree, path, { followsLast: false });
    expect(at('/bin')).not.toBe(resolvePath(tree, '/bin'));
    expect(at('/bin/')).toBe(resolvePath(tree, '/bin'));
    expect(at('/loop')).toBeGreaterThan(0);
  });

  it('/ and what climbs above it are the root', () => {
    expect(['/', '', '..', '/usr/../..', '.'].map((path) => resolvePath(tree, path))).toEqual([
      0, 0, 0, 0, 0,
    ]);
  });
});
