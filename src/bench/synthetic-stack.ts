// Synthetic stacks: OCI layouts with nearly the same merged tree for any number of layers, so that stacks only differ in
// the number of layers. The same settings give the same bytes.
//
// Every layer has every directory, the worst case of real images: a search layer by layer has to visit each layer. Files
// are assigned to layers at random. One in ten of the files above the base replaces a file of a lower layer, and each
// layer above the base has a whiteout that hides a file that only the base has.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { BLOBS, type WrittenLayer, writeOciLayout } from './oci-layout.ts';
import { Random } from './random.ts';

export interface SyntheticShape {
  /** In the merged tree. */
  readonly files: number;
  /** Levels of nested directories; 0 for none. */
  readonly depth: number;
  /** Number of directories in each directory except the deepest. */
  readonly fanout: number;
  readonly seed: number;
  /** True: the base layer also has one file of LARGE_FILE_BYTES. */
  readonly hasLargeFile: boolean;
}

const LARGE_FILE_BYTES = 300_000_000;
/** 2023-11-14. */
const MTIME = new Date(1_700_000_000_000);
const REPLACED_ONE_IN = 10;
/** The bytes of a large file that are in memory at once. */
const MOST_PIECE_BYTES = 1 << 20;
/** Sizes of files, and how many of 1000 files have about that size: as in images, few files hold most of the bytes. */
const SIZES: readonly (readonly [bytes: number, of1000: number])[] = [
  [300, 300],
  [4_000, 380],
  [16_000, 200],
  [64_000, 100],
  [300_000, 16],
  [1_000_000, 4],
];

interface PlannedFile {
  readonly path: string;
  readonly size: number;
  /** From 0 at the base. */
  readonly layer: number;
  /** The lower layer that has a file of the same path, which this one replaces; undefined for none. */
  readonly replaced: number | undefined;
}

/** Writes the stack as an OCI layout to `directory`, which it creates. `layers` is at least 1. */
export async function writeSyntheticStack(
  directory: string,
  layers: number,
  shape: SyntheticShape,
  signal: AbortSignal,
): Promise<void> {
  const blobs = join(directory, BLOBS);
  await mkdir(blobs, { recursive: true });
  const directories = directoriesOf(shape);
  const files = planFiles(shape, directories, layers);
  const written: WrittenLayer[] = [];
  for (let layer = 0; layer < layers; layer++) {
    signal.throwIfAborted();
    const largeFile = shape.hasLargeFile && layer === 0 ? LARGE_FILE_BYTES : undefined;
    written.push(await writeLayer(blobs, layer, layers, directories, files, largeFile));
  }
  await writeOciLayout(directory, written);
}

/** Parents first; the root is the empty path. */
function directoriesOf({ depth, fanout }: SyntheticShape): string[] {
  const all = [''];
  let deepest = all;
  for (let level = 0; level < depth; level++) {
    deepest = deepest.flatMap((parent) => Array.from({ length: fanout }, (_, n) => `${parent}dir-${n}/`));
    all.push(...deepest);
  }
  return all;
}

function planFiles(
  { files, seed }: SyntheticShape,
  directories: readonly string[],
  layers: number,
): PlannedFile[] {
  const random = new Random(seed);
  const sizes = new Random(seed + 1);
  return Array.from({ length: files }, (_, n) => {
    const layer = random.below(layers);
    const isReplacing = random.below(REPLACED_ONE_IN) === 0 && layer > 0;
    return {
      path: `${directories[n % directories.length] as string}file-${n}`,
      size: drawSize(sizes),
      layer,
      replaced: isReplacing ? random.below(layer) : undefined,
    };
  });
}

function drawSize(random: Random): number {
  let place = random.below(1000);
  for (const [bytes, of1000] of SIZES) {
    if (place < of1000) return Math.round(bytes * (0.5 + random.below(1000) / 1000));
    place -= of1000;
  }
  return 0;
}

async function writeLayer(
  blobs: string,
  layer: number,
  layers: number,
  directories: readonly string[],
  files: readonly PlannedFile[],
  largeFile: number | undefined,
): Promise<WrittenLayer> {
  const tar = pack();
  const draft = join(blobs, `layer-${layer}`);
  const hash = createHash('sha256');
  const file = createWriteStream(draft);
  tar.on('data', (bytes) => hash.update(bytes as Buffer));
  const ended = finished(tar.pipe(file));
  // Awaited after the last member; until then a rejection must not be unhandled.
  ended.catch(() => undefined);
  for (const path of directories) if (path !== '') await add(tar, path, undefined);
  for (const { path, size, layer: place, replaced } of files) {
    if (place === layer) await add(tar, path, size);
    else if (replaced === layer) await add(tar, path, Math.ceil(size / 2));
  }
  if (largeFile !== undefined) await addLarge(tar, 'large-file', largeFile);
  if (layer === 0) for (let n = 1; n < layers; n++) await add(tar, `hidden-${n}`, 1);
  else await add(tar, `.wh.hidden-${layer}`, 0);
  tar.finalize();
  await ended;
  const hex = hash.digest('hex');
  await rename(draft, join(blobs, hex));
  const { size } = await stat(join(blobs, hex));
  const digest = `sha256:${hex}`;
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size, diffId: digest };
}

/** Adds a file, or a directory if `size` is undefined. */
function add(tar: Pack, name: string, size: number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error | null): void => (error == null ? resolve() : reject(error));
    const owner = { mtime: MTIME, uid: 0, gid: 0 };
    if (size === undefined) tar.entry({ ...owner, name, type: 'directory', mode: 0o755 }, settle);
    else tar.entry({ ...owner, name, mode: 0o644 }, Buffer.alloc(size, `${name}\n`), settle);
  });
}

/** Adds a file that need not fit into memory. */
async function addLarge(tar: Pack, name: string, size: number): Promise<void> {
  const entry = tar.entry({ name, size, mode: 0o644, mtime: MTIME, uid: 0, gid: 0 });
  const ended = finished(entry);
  const piece = Buffer.alloc(MOST_PIECE_BYTES, `${name}\n`);
  let left = size;
  for (; left > piece.length; left -= piece.length) if (!entry.write(piece)) await once(entry, 'drain');
  entry.end(piece.subarray(0, left));
  await ended;
}
