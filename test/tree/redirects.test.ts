import { describe, expect, it } from 'vitest';
import type { LayerIndex } from '../../src/layer/layer-index.ts';
import { buildTree } from '../../src/tree/merge.ts';
import type { Tree } from '../../src/tree/tree.ts';
import { type Children, directory, file, layer, opaque, whiteout } from './layer-maker.ts';

/** A layer in which the files and directories at the paths redirect; a path with a trailing '!' is a metacopy. */
function marked(children: Children, marks: Record<string, string | undefined>): LayerIndex {
  const index = layer(children);
  const redirects = new Map<number, Uint8Array>();
  const metacopies = new Set<number>();
  for (const [key, redirect] of Object.entries(marks)) {
    const inode = inodeAt(index, key.replace('!', ''));
    if (key.endsWith('!')) metacopies.add(inode);
    if (redirect !== undefined) redirects.set(inode, Buffer.from(redirect));
  }
  return { ...index, redirects, metacopies };
}

function inodeAt(index: LayerIndex, path: string): number {
  let at = 0;
  for (const name of path.split('/')) {
    const first = index.firstChild[at] as number;
    const dentries = Array.from({ length: index.childCount[at] as number }, (_, i) => first + i);
    const found = dentries.find((dentry) => {
      const start = index.nameOffset[dentry] as number;
      const bytes = index.pool.subarray(start, start + (index.nameLength[dentry] as number));
      return Buffer.from(bytes).toString() === name;
    });
    at = index.dentryTarget[found ?? expect.fail(`${path} is missing`)] as number;
  }
  return at;
}

function find(tree: Tree, path: string): number {
  let at = 0;
  for (const name of path.split('/')) at = tree.lookup(at, Buffer.from(name));
  return at;
}

function names(tree: Tree, path: string): string[] {
  const at = find(tree, path);
  const first = tree.firstChild(at);
  return Array.from({ length: tree.childCount(at) }, (_, i) => tree.nameOf(first + i));
}

const base = layer({
  a: directory({ x: file({ size: 1 }), d: directory({ y: file({ size: 2 }) }) }),
  b: directory({ z: file({ size: 3 }) }),
});

describe('a redirect', () => {
  it('by an absolute path merges the directory that stands there in lower layers', () => {
    const top = marked(
      { b: directory({ moved: directory({ n: file() }) }), a: whiteout },
      { 'b/moved': '/a' },
    );
    const tree = buildTree([base, top]);
    expect(names(tree, 'b')).toEqual(['moved', 'z']);
    expect(names(tree, 'b/moved')).toEqual(['d', 'n', 'x']);
    expect(names(tree, 'b/moved/d')).toEqual(['y']);
  });

  it('by a name merges a directory of the same parent, and goes on from layer to layer', () => {
    const middle = marked({ a: directory({ e: directory({ m: file() }), d: whiteout }) }, { 'a/e': 'd' });
    const top = marked({ a: directory({ f: directory(), e: whiteout }) }, { 'a/f': 'e' });
    expect(names(buildTree([base, middle, top]), 'a')).toEqual(['f', 'x']);
    expect(names(buildTree([base, middle, top]), 'a/f')).toEqual(['m', 'y']);
  });

  it('ends at an opaque directory, a whiteout and a file', () => {
    const target: Children[] = [{ a: opaque({ o: file() }) }, { a: whiteout }, { a: file() }];
    const found = target.map((children) => {
      const top = marked({ c: directory({ n: file() }) }, { c: '/a' });
      return names(buildTree([base, layer(children), top]), 'c');
    });
    expect(found).toEqual([['n', 'o'], ['n'], ['n']]);
  });

  it('of a directory on the way holds for the layers below its own', () => {
    const middle = marked({ c: directory({ e: directory() }), a: whiteout }, { c: '/a', 'c/e': 'd' });
    const byBoth = marked({ n: directory(), c: directory({ e: whiteout }) }, { n: '/c/e' });
    expect(names(buildTree([base, middle, byBoth]), 'n')).toEqual(['y']);
    const byFirst = marked({ n: directory(), c: directory({ d: whiteout }) }, { n: '/c/d' });
    const moved = marked({ c: directory(), a: whiteout }, { c: '/a' });
    expect(names(buildTree([base, moved, byFirst]), 'n')).toEqual(['y']);
  });

  it('is bounded in length, over all layers together', () => {
    const deep = `/${'a/'.repeat(1500)}a`;
    const layers = [marked({ c: directory() }, { c: deep }), marked({ d: directory() }, { d: `/c${deep}` })];
    expect(() => buildTree([base, ...layers])).toThrow(/lead to a path of \d+ names/);
  });

  it('that leads nowhere finds nothing', () => {
    const top = marked({ c: directory({ n: file() }) }, { c: '/a/nothing/there' });
    expect(names(buildTree([base, top]), 'c')).toEqual(['n']);
  });

  it('to what still shows elsewhere is bounded, not endless', () => {
    const top = marked({ a: directory({ d: directory() }), c: directory() }, { 'a/d': '/a', c: '/a' });
    const tree = buildTree([base, top]);
    expect(names(tree, 'a/d')).toEqual(['d', 'x']);
    const many: Children = {};
    const marks: Record<string, string> = {};
    for (let n = 0; n < 50; n++) {
      many[`c${n}`] = directory();
      marks[`c${n}`] = '/a';
    }
    const wide = layer({
      a: directory(Object.fromEntries(Array.from({ length: 10 }, (_, n) => [n, file()]))),
    });
    expect(() => buildTree([wide, marked(many, marks)])).toThrow(/hold more than/);
  });
});

describe('a metacopy', () => {
  it('has the bytes of the same name, or of the redirect, in lower layers', () => {
    const top = marked(
      { a: directory({ x: file({ size: 1, mode: 0o100600 }) }), b: directory({ m: file({ size: 3 }) }) },
      { 'a/x!': undefined, 'b/m!': '/b/z' },
    );
    const tree = buildTree([base, top]);
    for (const [path, size] of [
      ['a/x', 1],
      ['b/m', 3],
    ] as const) {
      expect(tree.sizeOf(find(tree, path))).toBe(size);
    }
    expect(tree.modeOf(find(tree, 'a/x'))).toBe(0o100600);
  });

  it('never reaches beyond the bytes there are', () => {
    const top = marked({ a: directory({ x: file({ size: 1_000_000 }) }) }, { 'a/x!': undefined });
    const tree = buildTree([base, top]);
    expect(tree.sizeOf(find(tree, 'a/x'))).toBe(1);
  });

  it('without bytes is refused by name', () => {
    const top = marked({ c: file({ size: 9 }) }, { 'c!': '/nowhere' });
    expect(() => buildTree([base, top])).toThrow(/^c: its bytes are in a lower layer/);
  });
});
