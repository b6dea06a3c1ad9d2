// Whatever a cache file holds, it is refused or can be used: nothing crashes, hangs or throws anything but InputError.
// HOSTILE_SEED and HOSTILE_COUNT choose the cases (.ci/hostile).
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadIndexFile, saveIndexFile } from '../../src/layer/index-file.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { loadTreeFile, saveTreeFile } from '../../src/tree/tree-file.ts';
import { InputError } from '../../src/vfs/input-error.ts';
import { scratchDirectory } from '../image/scratch.ts';
import { indexTar, showIndex } from '../layer/show-index.ts';
import { fixture, run, withWorkplace } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';
import { layerTar } from '../tree/layer-tar.ts';
import { makeLayer } from '../tree/layer-maker.ts';
import { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';
import { dumpTree } from '../tree/tree-dump.ts';
import { hostileIndexFile, hostileTreeFile } from './tables.ts';

const SEED = Number(process.env['HOSTILE_SEED'] ?? 1);
const COUNT = Number(process.env['HOSTILE_COUNT'] ?? 200);
const KEY = 'ab'.repeat(32);

it(`${COUNT} hostile tree files from seed ${SEED} are refused, or can be used`, async () => {
  const path = join(await scratchDirectory(), 'x.tree');
  let refused = 0;
  for (let seed = SEED; seed < SEED + COUNT; seed++) {
    const random = new Random(seed);
    const tree = buildTree(randomStack(random).roots.map(makeLayer));
    await saveTreeFile(path, KEY, { tree, layersSize: 1 });
    writeFileSync(path, hostileTreeFile(readFileSync(path), random));
    const loaded = await loadTreeFile(path, KEY);
    if (loaded === undefined) refused++;
    else dumpTree(loaded.tree);
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

describeWith(['fuse'], 'a mount', () => {
  it(
    'with hostile tables in its cache shows the image, or fails in one line',
    () =>
      withWorkplace(async (place) => {
        const source = fixture('edge-cases.tar');
        await place.mount(source);
        await place.unmount();
        const files = ['trees', 'indexes'].flatMap((folder) =>
          readdirSync(place.path(`cache/stratafs/${folder}`)).map((name) =>
            place.path(`cache/stratafs/${folder}/${name}`),
          ),
        );
        const good = files.map((path) => readFileSync(path));
        for (let seed = SEED; seed < SEED + Math.ceil(COUNT / 40); seed++) {
          const random = new Random(seed);
          files.forEach((path, i) => {
            const spoil = path.endsWith('.tree') ? hostileTreeFile : hostileIndexFile;
            writeFileSync(path, spoil(good[i] as Buffer, random));
          });
          const { status, stderr } = await place.stratafs(['mount', source, 'mnt']);
          expect([status, stderr], `seed ${seed}`).toEqual([0, '']);
          const found = await run('find', [place.mountpoint, '-ls']);
          expect(found.status, `seed ${seed}: ${found.stderr}`).toBe(0);
          await place.unmount();
        }
      }),
    600_000,
  );
});
