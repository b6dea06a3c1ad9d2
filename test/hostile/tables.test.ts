// Whatever a cache file holds, it is refused or can be used: nothing crashes, hangs or throws anything but InputError.
// HOSTILE_SEED and HOSTILE_COUNT choose the cases (.ci/hostile).
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadIndexFile, saveIndexFile } from '../../src/layer/index-file.ts';
import { writeErofsImage } from '../../src/erofs/write-image.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { loadTreeFile, saveTreeFile } from '../../src/tree/tree-file.ts';
import type { Tree } from '../../src/tree/tree.ts';
import { InputError } from '../../src/vfs/input-error.ts';
import { readerOf } from '../erofs/blob-stack.ts';
import { scratchDirectory } from '../image/scratch.ts';
import { indexTar, showIndex } from '../layer/show-index.ts';
import { EROFS, needs } from '../mount/erofs.ts';
import { type Workplace, fixture, run, withWorkplace } from '../mount/stratafs.ts';
import { type Snapshot, snapshotDirectory } from '../oracle/snapshot.ts';
import { describeWith } from '../requirements.ts';
import { layerTar } from '../tree/layer-tar.ts';
import { makeLayer } from '../tree/layer-maker.ts';
import { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';
import { dumpTree } from '../tree/tree-dump.ts';
import { changedErofsFile, hostileIndexFile, hostileTreeFile } from './tables.ts';

const SEED = Number(process.env['HOSTILE_SEED'] ?? 1);
const COUNT = Number(process.env['HOSTILE_COUNT'] ?? 200);
const KEY = 'ab'.repeat(32);

/** An EROFS image of layers that are a megabyte of zeros each. */
async function writeImageOf(tree: Tree, seed: number): Promise<void> {
  const reader = readerOf(Buffer.alloc(1 << 20));
  const layers = Array.from({ length: tree.layerCount }, (_, device) => ({ device, startByte: 0, reader }));
  const devices = layers.map(() => ({ size: reader.size }));
  const source = { tree, layers, devices, isOverlayLower: seed % 2 === 0, maxCopiedBytes: 1 << 22 };
  try {
    await writeErofsImage(source, { write: () => Promise.resolve() });
  } catch (error) {
    if (!(error instanceof InputError)) throw error; // more than an image can hold
  }
}

it(`${COUNT} hostile tree files from seed ${SEED} are refused, or can be used`, async () => {
  const path = join(await scratchDirectory(), 'x.tree');
  let refused = 0;
  for (let seed = SEED; seed < SEED + COUNT; seed++) {
    const random = new Random(seed);
    const tree = buildTree(randomStack(random).roots.map(makeLayer));
    await saveTreeFile(path, KEY, { tree, layersSize: 1 });
    writeFileSync(path, hostileTreeFile(readFileSync(path), random));
    const loaded = await loadTreeFile(path, KEY);
    if (loaded === undefined) {
      refused++;
      continue;
    }
    dumpTree(loaded.tree);
    await writeImageOf(loaded.tree, seed);
  }
  expect(refused).toBeGreaterThan(COUNT / 4);
}, 600_000);

it(`${COUNT} hostile index files from seed ${SEED} are refused, or can be used`, async () => {
  const path = join(await scratchDirectory(), 'x.idx');
  let refused = 0;
  for (let seed = SEED; seed < SEED + COUNT; seed++) {
    const random = new Random(seed);
    const [root] = randomStack(random, { isForTar: true }).roots;
    const tar = layerTar(root ?? expect.fail('no layer'), 'shuffled', random);
    await saveIndexFile(path, {
      index: indexTar(tar),
      spans: {
        count: 1,
        plainOffset: Float64Array.of(0, tar.length),
        blobOffset: Float64Array.of(10, 1000),
        windowOffset: Uint32Array.of(0, 3),
        crc32: Uint32Array.of(1),
        bits: Uint8Array.of(3),
        kind: Uint8Array.of(0),
        windows: Uint8Array.of(1, 2, 3),
      },
      tarSize: tar.length,
      blobSha256: KEY,
      tarSha256: KEY,
      hasSpilled: false,
      chunkSha256: new Uint8Array(32),
    });
    writeFileSync(path, hostileIndexFile(readFileSync(path), random));
    const loaded = await loadIndexFile(path);
    if (loaded === undefined) {
      refused++;
      continue;
    }
    showIndex(loaded.index);
    try {
      dumpTree(buildTree([loaded.index]));
    } catch (error) {
      if (!(error instanceof InputError)) throw error; // a link to what no layer has
    }
  }
  expect(refused).toBeGreaterThan(COUNT / 4);
}, 600_000);

/** Mounts with a good cache directory, then with its files spoilt by `spoil`, which returns undefined for one that stays. */
async function mountSpoilt(
  place: Workplace,
  options: readonly string[],
  spoil: (path: string, good: Buffer, random: Random) => Buffer | undefined,
  check: (shown: Snapshot) => void,
): Promise<void> {
  const source = fixture('edge-cases.tar');
  await place.mount(source, ...options);
  const shown = snapshotDirectory(place.mountpoint);
  await place.unmount();
  const files = ['trees', 'indexes'].flatMap((folder) =>
    readdirSync(place.path(`cache/stratafs/${folder}`)).map((name) =>
      place.path(`cache/stratafs/${folder}/${name}`),
    ),
  );
  const good = files.map((path) => readFileSync(path));
  for (let seed = SEED; seed < SEED + Math.ceil(COUNT / 40); seed++) {
    const random = new Random(seed);
    for (const [i, path] of files.entries()) {
      const spoilt = spoil(path, good[i] as Buffer, random);
      if (spoilt !== undefined) writeFileSync(path, spoilt);
    }
    const { status, stderr } = await place.stratafs(['mount', ...options, source, 'mnt']);
    expect([status, stderr], `seed ${seed}`).toEqual([0, '']);
    const found = await run('find', [place.mountpoint, '-ls']);
    expect(found.status, `seed ${seed}: ${found.stderr}`).toBe(0);
    check(shown);
    await place.unmount();
  }
}

describeWith(['fuse'], 'a mount', () => {
  it(
    'with hostile tables in its cache shows the image, or fails in one line',
    () =>
      withWorkplace((place) =>
        mountSpoilt(
          place,
          [],
          (path, good, random) =>
            path.endsWith('.tree') ? hostileTreeFile(good, random) : hostileIndexFile(good, random),
          () => undefined,
        ),
      ),
    600_000,
  );
});

describeWith([...needs, { program: 'python3' }], 'a mount by driver=erofs', () => {
  it(
    'with a changed image in its cache shows the image of the layers',
    () =>
      withWorkplace((place) =>
        mountSpoilt(
          place,
          EROFS,
          (path, good, random) => (path.endsWith('.erofs') ? changedErofsFile(good, random) : undefined),
          (shown) => expect(snapshotDirectory(place.mountpoint)).toEqual(shown),
        ),
      ),
    600_000,
  );
});
