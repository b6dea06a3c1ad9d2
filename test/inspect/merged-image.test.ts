import { describe, expect, it } from 'vitest';
import { resolvePath } from '../../src/inspect/merged-image.ts';
import { buildTree } from '../../src/tree/merge.ts';
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

  it.each(['/nowhere', '/gone', '/loop', '/bin/sh/x', '/loop/x'])('%s leads nowhere', (path) => {
    expect(resolvePath(tree, path)).toBe(-1);
  });

  it('/ and what climbs above it are the root', () => {
    expect(['/', '', '..', '/usr/../..', '.'].map((path) => resolvePath(tree, path))).toEqual([
      0, 0, 0, 0, 0,
    ]);
  });
});
