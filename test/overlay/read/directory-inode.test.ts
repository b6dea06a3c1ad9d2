import { describe, expect, it } from 'vitest';
import { DirectoryInode } from '../../../src/overlay/read/directory-inode.ts';
import type { NodeId } from '../../../src/vfs/filesystem.ts';

describe('the positions of added names', () => {
  it('begin again when the directory has none left', () => {
    const directory = new DirectoryInode(7 as NodeId, 7, -1, undefined, '', 2);
    for (let n = 0; n < 1000; n++) {
      expect(directory.add('a', false, undefined).position).toBe(5);
      expect(directory.add('b', false, undefined).position).toBe(6);
      directory.remove('a');
      directory.remove('b');
    }
    expect([...directory.addedAfter(0)]).toEqual([]);
  });

  it('of names that stay do not change', () => {
    const directory = new DirectoryInode(7 as NodeId, 7, -1, undefined, '', 0);
    const first = directory.add('first', false, undefined);
    for (let n = 0; n < 200; n++) {
      directory.add('other', false, undefined);
      directory.remove('other');
    }
    expect([...directory.addedAfter(0)]).toEqual([first]);
    expect(directory.add('last', false, undefined).position).toBe(first.position + 201);
  });
});
