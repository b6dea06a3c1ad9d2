// EROFS images as the kernel reads them, compared with what the FUSE file system shows of the same layers.
// STRATAFS_SEED=n begins with another seed; a failure names the one to repeat.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeErofsImage } from '../../src/erofs/write-image.ts';
import { Overlay } from '../../src/overlay/read/overlay.ts';
import { describeWith } from '../requirements.ts';
import { directory, file } from '../tree/layer-maker.ts';
import { layerTar } from '../tree/layer-tar.ts';
import { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';
import { type Snapshot, snapshotDirectory, snapshotFileSystem } from '../oracle/snapshot.ts';
import { withScratch } from '../oracle/stack.ts';
import {
  EROFS,
  type OpenStack,
  sourceOf,
  withErofsMount,
  withStack,
  writeImageFile,
} from './kernel-mount.ts';

const STACKS = 12;
const firstSeed = Number(process.env['STRATAFS_SEED'] ?? 1);

function randomTars(seed: number): Buffer[] {
  const random = new Random(seed);
  const { roots } = randomStack(random, { isForTar: true, hasOverlayXattrs: false });
  return roots.map((root) => layerTar(root, 'ordered', random));
}

/** EROFS reports holes a chunk at a time, which docs/formats.md lists. */
function withoutHoles(snapshot: Snapshot): Snapshot {
  return new Map([...snapshot].map(([path, shown]) => [path, { ...shown, data: [] }]));
}

async function byFuse({ tree, layers }: OpenStack): Promise<Snapshot> {
  const readers = layers.map(({ reader }) => reader);
  return withoutHoles(await snapshotFileSystem(new Overlay({ tree, readers })));
}

describeWith(EROFS, 'an EROFS image', () => {
  for (let seed = firstSeed; seed < firstSeed + STACKS; seed++) {
    it(`shows the kernel what FUSE shows (STRATAFS_SEED=${seed})`, async () => {
      await withScratch((scratch) =>
        withStack(scratch, randomTars(seed), async (stack) => {
          const image = join(scratch, 'image.erofs');
          const { source, paths } = sourceOf(stack);
          await writeImageFile(image, source);
          const kernel = await withErofsMount(scratch, image, paths, snapshotDirectory);
          expect(withoutHoles(kernel)).toEqual(await byFuse(stack));
        }),
      );
    });
  }

  it('reads no padding of layers whose scan has seen it, plain or compressed', async () => {
    const tar = layerTar(
      directory({ x: file({ size: 700 }), y: file({ size: 3 }) }),
      'ordered',
      new Random(1),
    );
    await withScratch((scratch) =>
      withStack(scratch, [tar, tar], async (stack) => {
        const { source } = sourceOf(stack);
        const unread = { read: () => expect.fail('a layer was read'), close: () => undefined };
        const layers = source.layers.map((layer) => ({
          ...layer,
          reader: { size: layer.reader.size, ...unread },
        }));
        await writeErofsImage({ ...source, layers }, { write: () => Promise.resolve() });
      }),
    );
  });

  it('is the same, byte by byte, when it is written again', async () => {
    await withScratch((scratch) =>
      withStack(scratch, randomTars(firstSeed), async (stack) => {
        const digests = [];
        for (const name of ['first', 'second']) {
          await writeImageFile(join(scratch, name), sourceOf(stack).source);
          digests.push(
            createHash('sha256')
              .update(readFileSync(join(scratch, name)))
              .digest('hex'),
          );
        }
        expect(digests[1]).toBe(digests[0]);
      }),
    );
  });
});
