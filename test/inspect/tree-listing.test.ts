// The listing against a naive extractor, which applies the layers one after the other.
import { expect, test } from 'vitest';
import type { InspectedImage } from '../../src/inspect/inspected-image.ts';
import { mergeImage } from '../../src/inspect/merged-image.ts';
import type { ListedName, ListingOptions } from '../../src/inspect/listed-names.ts';
import { type TreeListing, listTree } from '../../src/inspect/tree-listing.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../src/vfs/attr.ts';
import { makeLayer } from '../tree/layer-maker.ts';
import { type Extracted, NaiveExtractor } from '../tree/naive-extractor.ts';
import { Random } from '../tree/random.ts';
import { randomStack, type Stack } from '../tree/random-layers.ts';
import { inspectedOf } from './inspected.ts';
import { inspectFixture } from './open.ts';

const isDirectory = ({ spec }: Extracted): boolean => (spec.mode & S_IFMT) === S_IFDIR;
/** All attributes of a directory but its mtime. */
const attributesOf = ({ spec: { mode, uid, gid, xattrs } }: Extracted): string =>
  JSON.stringify([mode, uid, gid, Object.entries(xattrs).sort()]);
const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

function listingOf(inspected: InspectedImage, options: Partial<ListingOptions> = {}): TreeListing {
  const { tree } = mergeImage(inspected);
  const start = { path: '', inode: 0 };
  return listTree(inspected, tree, start, { changes: 'none', maxDepth: Infinity, ...options });
}

function list(inspected: InspectedImage, options: Partial<ListingOptions> = {}): ListedName[] {
  return [...listingOf(inspected, options)];
}

/** "C 3" by path: the last change to it, and its layer (base 0); the root is left out. */
function lastChanges({ roots }: Stack): Map<string, string> {
  const extractor = new NaiveExtractor();
  let before = new Map<string, Extracted>();
  const last = new Map<string, string>();
  for (const [layer, root] of roots.entries()) {
    extractor.apply(root);
    const after = new Map(extractor.inodes);
    for (const [path, found] of after) {
      const earlier = before.get(path);
      if (earlier === found) continue;
      const isMerged = earlier !== undefined && isDirectory(earlier) && isDirectory(found);
      if (isMerged && attributesOf(earlier) === attributesOf(found)) continue;
      last.set(path, `${earlier === undefined ? 'A' : 'C'} ${layer}`);
    }
    for (const path of before.keys()) if (!after.has(path)) last.set(path, `D ${layer}`);
    before = after;
  }
  last.delete('');
  return last;
}

const letters = { added: 'A', changed: 'C', deleted: 'D' } as const;
const byPath = (names: readonly ListedName[]): Map<string, string> =>
  new Map(
    names
      .filter(({ path, isSelected }) => isSelected && path !== '')
      .map(({ path, kind, layer }) => [path, `${letters[kind]} ${layer}`]),
  );

function forEachStack(check: (stack: Stack, inspected: InspectedImage, title: string) => void): void {
  for (let seed = 1; seed <= 150; seed++) {
    const stack = randomStack(new Random(seed), { hasLinks: false });
    check(stack, inspectedOf(stack.roots.map(makeLayer)), `seed ${seed}`);
  }
}

test('random stacks list the last change to each visible name', () => {
  forEachStack((stack, inspected, title) => {
    const { inodes } = stack.expected;
    const expected = [...lastChanges(stack)].filter(([path]) => inodes.has(path));
    expect(byPath(list(inspected)), title).toEqual(new Map(expected));
  });
});

test('random stacks list what layers above the base and the topmost layer change, and what they delete', () => {
  forEachStack((stack, inspected, title) => {
    const { inodes } = stack.expected;
    const isListed = (path: string): boolean => {
      const parent = inodes.get(parentOf(path));
      return inodes.has(path) || (parent !== undefined && isDirectory(parent));
    };
    const changed = [...lastChanges(stack)].filter(
      ([path, change]) => isListed(path) && !change.endsWith(' 0'),
    );
    expect(byPath(list(inspected, { changes: 'above-base' })), title).toEqual(new Map(changed));
    const top = ` ${stack.roots.length - 1}`;
    const ofTop = [...lastChanges(stack)].filter(([path, change]) => isListed(path) && change.endsWith(top));
    expect(byPath(list(inspected, { changes: 'of-top' })), title).toEqual(new Map(ofTop));
  });
});

test('directories precede their content, in bytewise order, and are listed if they lead to a change', () => {
  forEachStack((_stack, inspected, title) => {
    for (const changes of ['none', 'above-base', 'of-top'] as const) {
      const names = list(inspected, { changes });
      const paths = names.map(({ path }) => path);
      const sorted = paths.toSorted((a, b) => (a.replaceAll('/', '\0') < b.replaceAll('/', '\0') ? -1 : 1));
      expect(paths, title).toEqual(sorted);
      for (const { path } of names) expect(paths, title).toContain(parentOf(path));
    }
  });
});

test('sizes add up: each directory has the sum of what is listed in it, each inode once', () => {
  forEachStack((_stack, inspected, title) => {
    const { tree } = mergeImage(inspected);
    for (const changes of ['none', 'above-base', 'of-top'] as const) {
      const names = list(inspected, { changes });
      const inodes = new Set<number>();
      for (const { inode, isSelected } of names) if (inode !== undefined && isSelected) inodes.add(inode);
      const files = [...inodes].filter((inode) => (tree.modeOf(inode) & S_IFMT) === S_IFREG);
      const total = files.reduce((sum, inode) => sum + tree.sizeOf(inode), 0);
      expect(names[0]?.size, title).toBe(total);
      for (const { path, mode, size } of names) {
        if ((mode & S_IFMT) !== S_IFDIR) continue;
        const children = names.filter(
          (child) => child.path !== '' && parentOf(child.path) === path && child.kind !== 'deleted',
        );
        const sum = children.reduce((bytes, child) => bytes + child.size, 0);
        if (names.some((each) => each.path === path && each.kind !== 'deleted'))
          expect(size, title).toBe(sum);
      }
    }
  });
});

test('a depth limit lists fewer names with the same sizes', () => {
  forEachStack((_stack, inspected, title) => {
    for (const changes of ['none', 'above-base', 'of-top'] as const) {
      const all = list(inspected, { changes });
      for (const maxDepth of [0, 1, 2]) {
        const expected = all.filter(({ depth }) => depth <= maxDepth);
        expect(list(inspected, { changes, maxDepth }), `${title}, ${maxDepth}`).toEqual(expected);
      }
    }
  });
});

test('a listing can be read again and in part, and knows its figures and the last name of each directory', () => {
  forEachStack((_stack, inspected, title) => {
    for (const changes of ['none', 'above-base', 'of-top'] as const) {
      const listing = listingOf(inspected, { changes, maxDepth: 2 });
      const first = listing[Symbol.iterator]().next();
      const names = [...listing];
      expect(first, title).toEqual({ done: false, value: names[0] });
      expect([...listing], title).toEqual(names);
      const selected = names.filter(({ isSelected }) => isSelected);
      const countOf = (wanted: string): number => selected.filter(({ kind }) => kind === wanted).length;
      const deleted = selected.filter(({ kind }) => kind === 'deleted').map(({ size }) => size);
      expect(listing.totals, title).toEqual({
        ...{ added: countOf('added'), changed: countOf('changed'), deleted: countOf('deleted') },
        size: names[0]?.size,
        largestDeletion: Math.max(0, ...deleted),
        topLayer: Math.max(-1, ...selected.map(({ layer }) => layer)),
      });
      const lastOf = new Map(names.map(({ path }) => [path === '' ? undefined : parentOf(path), path]));
      const lasts = names.filter(({ path }) => lastOf.get(path === '' ? undefined : parentOf(path)) === path);
      expect(
        names.filter(({ isLast }) => isLast),
        title,
      ).toEqual(lasts);
    }
  });
});

test('what the last layer of a fixture hides is listed with the bytes that it had', async () => {
  const names = list(await inspectFixture('extending-expressweb'), { changes: 'above-base' });
  const deleted = names.filter(({ kind }) => kind === 'deleted');
  expect(deleted.map(({ path, layer, size }) => [path, layer + 1, size])).toEqual([
    ['usr/src/app/README.md', 7, 61],
    ['usr/src/app/node_modules/debug', 7, 105],
    ['usr/src/app/public/style.css', 8, 51],
  ]);
});
