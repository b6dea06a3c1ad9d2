import { describe, expect, test } from 'vitest';
import { resolveLowerLinks } from '../../src/tree/lower-links.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { InputError } from '../../src/vfs/input-error.ts';
import { directory, file, implicit, layer, link, opaque, symlink, whiteout } from './layer-maker.ts';
import { dumpTree, paths } from './tree-dump.ts';

describe('hard links to lower layers', () => {
  test('a link shares the lower inode, and both names are counted', () => {
    const dump = dumpTree(
      buildTree([layer({ d: directory({ a: file({ size: 5, data: 512 }) }) }), layer({ b: link('d/a') })]),
    );
    expect(dump.get('b')).toEqual(dump.get('d/a'));
    expect(dump.get('b')).toMatchObject({ nlink: 2, size: 5, layer: 0 });
  });

  test("a link keeps the lower inode when its layer hides or replaces the target's name", () => {
    for (const covering of [whiteout, file({ size: 1 })]) {
      const dump = dumpTree(
        buildTree([layer({ a: file({ size: 5 }) }), layer({ a: covering, b: link('a') })]),
      );
      expect(dump.get('b')).toMatchObject({ nlink: 1, size: 5, layer: 0 });
    }
  });

  test('a link resolves through an opaque directory of its own layer', () => {
    const tree = buildTree([
      layer({ d: directory({ a: file({ size: 5 }), c: file() }) }),
      layer({ d: opaque({ b: link('d/a') }) }),
    ]);
    expect(paths(tree)).toEqual(['d', 'd/b']);
  });

  test('a link to its own name keeps the lower file', () => {
    const dump = dumpTree(buildTree([layer({ a: file({ size: 5 }) }), layer({ a: link('a') })]));
    expect(dump.get('a')).toMatchObject({ nlink: 1, size: 5 });
  });

  test('links are followed through several layers to one inode', () => {
    const dump = dumpTree(
      buildTree([
        layer({ a: file({ size: 5 }) }),
        layer({ b: link('a') }),
        layer({ a: whiteout, c: link('b') }),
        layer({ b: file(), d: link('c'), e: link('c') }),
      ]),
    );
    expect([...dump.keys()].slice(1)).toEqual(['b', 'c', 'd', 'e']);
    for (const name of ['c', 'd', 'e']) expect(dump.get(name)).toMatchObject({ nlink: 3, size: 5, layer: 0 });
  });

  test('a link to a symlink is another name of the symlink', () => {
    const dump = dumpTree(buildTree([layer({ a: symlink('nowhere') }), layer({ b: link('a') })]));
    expect(dump.get('b')).toEqual(dump.get('a'));
  });

  test('a link to a missing name is refused with layer, name and target', () => {
    const layers = [
      layer({ a: file() }),
      layer({ usr: implicit({ bin: implicit({ x: link('usr/bin/y') }) }) }),
    ];
    expect(() => buildTree(layers)).toThrow(InputError);
    expect(() => buildTree(layers)).toThrow(
      'layer 2: usr/bin/x is a hard link to usr/bin/y, which is in none of the layers below',
    );
    expect(() => buildTree(layers, { nameLayer: () => 'sha256:abc' })).toThrow(/^sha256:abc: usr\/bin\/x/);
  });

  test('a link to a name that is hidden below, or beneath a file, or in the base layer, is to a missing name', () => {
    const base = layer({ d: directory({ a: file() }), f: file(), l: symlink('d') });
    const hidden = layer({ d: whiteout });
    expect(() => buildTree([base, hidden, layer({ b: link('d/a') })])).toThrow('b is a hard link to d/a');
    expect(() => buildTree([base, layer({ b: link('f/a') })])).toThrow('b is a hard link to f/a');
    expect(() => buildTree([base, layer({ b: link('l/a') })])).toThrow('b is a hard link to l/a');
    expect(() => buildTree([layer({ b: link('c') })])).toThrow('layer 1: b is a hard link to c');
  });

  test('a link to a directory, or to the root, is refused as such', () => {
    const base = layer({ d: directory() });
    expect(() => buildTree([base, layer({ b: link('d') })])).toThrow(
      'b is a hard link to d, which is a directory',
    );
    expect(() => buildTree([base, layer({ b: link('') })])).toThrow('which is a directory');
  });

  test('links that cost too many look-ups are refused', () => {
    const base = layer({ a: directory({ b: directory({ c: file() }) }) });
    const links = layer({ x: link('a/b/c'), y: link('a/b/c') });
    const resolve = (maxLookups: number): unknown =>
      resolveLowerLinks([base, links], (number) => `layer ${number + 1}`, maxLookups);
    expect(() => resolve(100)).not.toThrow();
    expect(() => resolve(3)).toThrow('layer 2: too many hard links');
  });

  test('links to many directories in turn are each resolved in their own', () => {
    const base = layer(
      Object.fromEntries(['p', 'q', 'pq'].map((name, n) => [name, directory({ f: file({ size: n }) })])),
    );
    const dump = dumpTree(
      buildTree([
        base,
        layer({ a: link('p/f'), b: link('q/f'), c: link('pq/f'), d: link('p/f') }),
        layer({ p: directory({ f: file({ size: 8 }) }) }),
        layer({ e: link('p/f') }),
      ]),
    );
    expect(['a', 'b', 'c', 'd', 'e'].map((name) => dump.get(name)?.size)).toEqual([0, 1, 2, 0, 8]);
  });
});
