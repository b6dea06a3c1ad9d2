// What export writes is read again by GNU tar and by our own reader, and compared with what the image shows.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exportTar } from '../../src/inspect/export-tar.ts';
import type { InspectedImage } from '../../src/inspect/inspected-image.ts';
import { mergeImage } from '../../src/inspect/merged-image.ts';
import { Overlay } from '../../src/overlay/read/overlay.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../src/vfs/attr.ts';
import { scratchDirectory } from '../image/scratch.ts';
import { fixture } from '../mount/stratafs.ts';
import { recordedTree, withoutHoles } from '../oracle/recorded.ts';
import { type Snapshot, snapshotDirectory, snapshotFileSystem } from '../oracle/snapshot.ts';
import { ours } from '../oracle/stack.ts';
import { describeWith } from '../requirements.ts';
import { inspectForTest } from './open.ts';
import { randomImage } from './random-image.ts';

async function exported(inspected: InspectedImage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  await exportTar(mergeImage(inspected), {
    take: (bytes) => {
      chunks.push(Buffer.from(bytes));
      return Promise.resolve();
    },
  });
  return Buffer.concat(chunks);
}

function shown(inspected: InspectedImage): Promise<Snapshot> {
  const { tree } = mergeImage(inspected);
  return snapshotFileSystem(
    new Overlay({ tree, readers: inspected.layers.map(({ layer }) => layer.reader) }),
  );
}

async function unpacked(tar: Buffer): Promise<Snapshot> {
  const directory = await scratchDirectory();
  const root = join(directory, 'root');
  mkdirSync(root);
  writeFileSync(join(directory, 'tar'), tar);
  const options = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '-p', '--delay-directory-restore'];
  execFileSync('tar', ['-x', '-f', join(directory, 'tar'), '-C', root, ...options], { stdio: 'pipe' });
  return snapshotDirectory(root);
}

const images = ['edge-cases.tar', 'expressweb-both.tar:extending-expressweb', 'forms/oci-zstd-chunked.tar'];

it.each(images)('what %s shows comes back whole, holes and all', async (source) => {
  const inspected = await inspectForTest(fixture(source));
  expect(await ours([await exported(inspected)])).toEqual(await shown(inspected));
});

it('what random stacks show comes back whole', async () => {
  for (let seed = 1; seed <= 15; seed++) {
    const inspected = await randomImage(seed);
    expect(await ours([await exported(inspected)]), `seed ${seed}`).toEqual(await shown(inspected));
  }
});

it('equal images give equal bytes', async () => {
  const inspected = await inspectForTest(fixture('edge-cases.tar'));
  expect((await exported(inspected)).equals(await exported(inspected))).toBe(true);
});

describeWith(['root', { program: 'tar' }, { program: 'python3' }], 'GNU tar', () => {
  it.each(images)('unpacks the export of %s to what the image shows', async (source) => {
    const inspected = await inspectForTest(fixture(source));
    const image = withoutHoles(await shown(inspected));
    expect(withoutHoles(await unpacked(await exported(inspected)))).toEqual(image);
  });

  it('unpacks the export of a fixture to what umoci unpacked', async () => {
    const tar = await exported(await inspectForTest(fixture('expressweb.tar')));
    const umoci = recordedTree('expressweb');
    // The time of what no tar gave one is the unpacking's, and ours is 0.
    const timeless = (snapshot: Snapshot): Snapshot =>
      new Map(
        [...withoutHoles(snapshot)].map(([path, entry]) => {
          const isFile = (entry.mode & S_IFMT) === S_IFREG;
          const isDirectory = (entry.mode & S_IFMT) === S_IFDIR;
          return [path, { ...entry, nlink: 0, ...(isFile || !isDirectory ? {} : { mtime: '', size: 0 }) }];
        }),
      );
    expect(timeless(await unpacked(tar))).toEqual(timeless(umoci));
  });

  it('unpacks the export of random stacks to what they show', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const inspected = await randomImage(seed);
      expect(withoutHoles(await unpacked(await exported(inspected))), `seed ${seed}`).toEqual(
        withoutHoles(await shown(inspected)),
      );
    }
  });
});
