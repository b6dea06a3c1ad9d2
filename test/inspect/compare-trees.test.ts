import { describe, expect, it } from 'vitest';
import { type ComparedImage, contentSources } from '../../src/inspect/compared-image.ts';
import { type CompareOptions, compareTrees } from '../../src/inspect/compare-trees.ts';
import type { InspectedImage } from '../../src/inspect/inspected-image.ts';
import { mergeImage } from '../../src/inspect/merged-image.ts';
import {
  carrier,
  directory,
  file,
  layer,
  makeLayer,
  opaque,
  special,
  symlink,
  whiteout,
} from '../tree/layer-maker.ts';
import { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';
import { dockerAnswers } from './docker-oracle.ts';
import { inspectedOf } from './inspected.ts';
import { inspectFixture, inspectForTest } from './open.ts';

const merged = (inspected: InspectedImage): ComparedImage => ({
  ...mergeImage(inspected),
  sources: contentSources(inspected),
});

/** Files of these never have content to read: they differ in size, or are empty. */
const imageOf = (...layers: Parameters<typeof inspectedOf>[0]): ComparedImage => merged(inspectedOf(layers));

/** One layer of files f0, f1 and so on, whose bytes can be read. */
function withBytes(files: readonly { text: string; mtime: number }[]): ComparedImage {
  const blob = Buffer.from(files.map(({ text }) => text).join(''));
  let data = 0;
  const specs = files.map(({ text, mtime }, i) => {
    const spec = file({ size: text.length, mtime, data });
    data += text.length;
    return [`f${i}`, spec] as const;
  });
  const image = imageOf(layer(Object.fromEntries(specs)));
  const reader = {
    size: blob.length,
    read: (offset: number, length: number) => blob.subarray(offset, offset + length),
    close: () => undefined,
  };
  return { ...image, sources: [{ identity: `made ${blob.toString()}`, reader }] };
}

async function tell(a: ComparedImage, b: ComparedImage, options?: CompareOptions): Promise<string[]> {
  const differences = await compareTrees(a, b, options);
  return differences.map(({ kind, path, attributes }) => [kind, `/${path}`, ...attributes].join(' '));
}

describe('two trees', () => {
  it('differ as in docker diff: parents are changed, a removed directory is listed alone', async () => {
    const base = layer({
      etc: directory({
        passwd: file({ size: 1 }),
        'passwd-': file(),
        d: directory({ x: directory({ y: file() }) }),
      }),
      'etc.conf': file(),
      link: symlink('a'),
    });
    const top = layer({
      etc: carrier({ passwd: file({ size: 2, mode: 0o100600 }), d: whiteout, new: directory({ f: file() }) }),
      link: symlink('b'),
    });
    expect(await tell(imageOf(base), imageOf(base, top))).toEqual([
      'C /etc',
      'D /etc/d',
      'A /etc/new',
      'A /etc/new/f',
      'C /etc/passwd mode size',
      'C /link target',
    ]);
  });

  it('differ where a type does, and then in all that is beneath', async () => {
    expect(
      await tell(
        imageOf(layer({ a: directory({ x: file() }), b: file(), c: file() })),
        imageOf(layer({ a: file(), b: directory({ y: file() }), c: special(0o020644, 0x103) })),
      ),
    ).toEqual(['C /a type', 'C /b type', 'A /b/y', 'C /c type']);
  });

  it('do not differ by the mtime of a directory; by that of a file unless times are ignored', async () => {
    const a = imageOf(layer({ d: directory({ f: file({ mtime: 1 }) }, { mtime: 1 }) }));
    const b = imageOf(layer({ d: directory({ f: file({ mtime: 2 }) }, { mtime: 2 }) }));
    expect(await tell(a, b)).toEqual(['C /d', 'C /d/f mtime']);
    expect(await tell(a, b, { ignoresTimes: true })).toEqual([]);
  });

  it('differ by attributes and xattrs, also of the root', async () => {
    const a = imageOf(layer({ f: file(), s: symlink('x') }, { mode: 0o040700 }));
    const b = imageOf(layer({ f: file({ xattrs: { 'user.a': '1' } }), s: symlink('x') }, { mode: 0o040755 }));
    expect(await tell(a, b)).toEqual(['C / mode', 'C /f xattrs']);
  });

  it('an opaque directory removes what it does not have itself', async () => {
    const base = layer({ d: directory({ a: file(), b: file() }) });
    expect(await tell(imageOf(base), imageOf(base, layer({ d: opaque({ b: file({ size: 3 }) }) })))).toEqual([
      'C /d',
      'D /d/a',
      'C /d/b size',
    ]);
  });
});

describe('images with content', () => {
  it('differ as docker diff says of a container that was made the other image', async () => {
    const [a, b] = [await inspectFixture('expressweb'), await inspectFixture('extending-expressweb')];
    const differences = await compareTrees(merged(a), merged(b));
    expect(differences.map(({ kind, path }) => ({ Kind: 'CAD'.indexOf(kind), Path: `/${path}` }))).toEqual(
      dockerAnswers().diff['expressweb extending-expressweb'],
    );
  });

  it('an image is equal to itself in another form, whatever lies where', async () => {
    const docker = merged(await inspectFixture('extending-expressweb'));
    const oci = merged(await inspectForTest('fixtures/forms/oci-gzip.tar'));
    expect(await tell(docker, oci)).toEqual([]);
  });

  it('reads nothing that is known to be the same', async () => {
    const [a, b] = [await inspectFixture('expressweb'), await inspectFixture('extending-expressweb')];
    const [before, after] = [merged(a), merged(b)];
    for (const { layer: opened } of [...a.layers, ...b.layers]) opened.close();
    expect(await tell(before, after)).toContain('C /usr/src/app/server.js size');
  });

  it('finds a byte that differs, whatever else does; of what is not shown no more than needed', async () => {
    const one = (text: string, mtime: number): ComparedImage => withBytes([{ text, mtime }]);
    expect(await tell(one('abcdef', 1), one('abcdef', 1))).toEqual([]);
    expect(await tell(one('abcdef', 1), one('abcdeg', 1))).toEqual(['C /f0 content']);
    expect(await tell(one('abcdef', 1), one('abcdef', 2))).toEqual(['C /f0 mtime']);
    expect(await tell(one('abcdef', 1), one('abcdeg', 2))).toEqual(['C /f0 mtime content']);
    expect(await tell(one('abcdef', 1), one('abcdeg', 2), { isBrief: true })).toEqual(['C /f0 mtime']);
    expect(await tell(one('abcdef', 1), one('abcdeg', 1), { isBrief: true })).toEqual(['C /f0 content']);
    expect(await tell(one('abcdef', 1), one('abcde', 2))).toEqual(['C /f0 size mtime']);
  });

  it('random stacks differ in what a comparison of all paths finds', async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const { roots } = randomStack(new Random(seed), { hasLinks: false });
      const layers = roots.map(makeLayer);
      const [a, b] = [inspectedOf(layers.slice(0, -1)), inspectedOf(layers)].map((each) => ({
        ...mergeImage(each),
        // Files of one size are the same.
        sources: each.layers.map(({ layer: identity }) => ({
          identity,
          reader: { ...identity.reader, read: (_: number, length: number) => new Uint8Array(length) },
        })),
      })) as unknown as [ComparedImage, ComparedImage];
      const paths = (image: ComparedImage): Set<string> => {
        const found = new Set<string>();
        const visit = (inode: number, path: string): void => {
          for (
            let d = image.tree.firstChild(inode);
            d < image.tree.firstChild(inode) + image.tree.childCount(inode);
            d++
          ) {
            const name = Buffer.from(
              image.tree.namePool.subarray(image.tree.nameStart(d), image.tree.nameEnd(d)),
            );
            const child = `${path}${name.toString('latin1')}`;
            found.add(child);
            if (image.tree.isDirectory(image.tree.dentryInode(d)))
              visit(image.tree.dentryInode(d), `${child}/`);
          }
        };
        visit(0, '');
        return found;
      };
      const differences = await compareTrees(a, b);
      const [before, after] = [paths(a), paths(b)];
      const added = [...after].filter((path) => !before.has(path)).sort();
      const deleted = [...before].filter((path) => !after.has(path)).sort();
      expect(differences.filter(({ kind }) => kind === 'A').map(({ path }) => path)).toEqual(added);
      const listed = differences.filter(({ kind }) => kind === 'D').map(({ path }) => path);
      const replaced = differences
        .filter(({ attributes }) => attributes.includes('type'))
        .map(({ path }) => path);
      expect(listed).toEqual(
        deleted.filter((path) => {
          const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
          return !deleted.includes(parent) && !replaced.includes(parent);
        }),
      );
    }
  });
});
