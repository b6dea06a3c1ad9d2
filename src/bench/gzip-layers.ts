// Writes the layers of an image again, compressed by gzip as registries have them, as an OCI layout.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { InspectedImage } from '../inspect/inspected-image.ts';
import { type BlobReader, FileRange } from '../vfs/blob-reader.ts';
import { ErrnoError } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import { BLOBS, type WrittenLayer, writeOciLayout } from './oci-layout.ts';

const PIECE = 1 << 20;
/** The default of gzip, docker and podman. */
const LEVEL = 6;

/** Writes the layout to `directory`, which exists. InputError for a layer that is not a tar. */
export async function writeGzipLayers(
  directory: string,
  { image, layers }: InspectedImage,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(join(directory, BLOBS), { recursive: true });
  const written: WrittenLayer[] = [];
  for (const [n, { layer, source }] of layers.entries()) {
    if (source.kind !== 'blob') throw new InputError(`${image.source}: layer ${n + 1} is not a tar`);
    written.push(await writeLayer(directory, layer.reader, signal));
  }
  await writeOciLayout(directory, written);
}

async function writeLayer(directory: string, reader: BlobReader, signal: AbortSignal): Promise<WrittenLayer> {
  const draft = join(directory, BLOBS, 'draft');
  const [plain, stored] = [createHash('sha256'), createHash('sha256')];
  let size = 0;
  await pipeline(
    piecesOf(reader),
    async function* (pieces: AsyncIterable<Buffer>) {
      for await (const piece of pieces) {
        plain.update(piece);
        yield piece;
      }
    },
    createGzip({ level: LEVEL }),
    async function* (pieces: AsyncIterable<Buffer>) {
      for await (const piece of pieces) {
        stored.update(piece);
        size += piece.length;
        yield piece;
      }
    },
    createWriteStream(draft),
    { signal },
  );
  const digest = stored.digest('hex');
  await rename(draft, join(directory, BLOBS, digest));
  return {
    ...{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: `sha256:${digest}`, size },
    diffId: `sha256:${plain.digest('hex')}`,
  };
}

/** All bytes of a layer, uncompressed. */
async function* piecesOf(reader: BlobReader): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < reader.size; offset += PIECE) {
    const found = await reader.read(offset, Math.min(PIECE, reader.size - offset));
    if (typeof found === 'number') throw new ErrnoError(found, 'read');
    if (!(found instanceof FileRange)) {
      yield Buffer.from(found); // lent: the stream keeps it
      continue;
    }
    const { fd, position, length } = found;
    const range = { start: position, end: position + length - 1 };
    yield* createReadStream('', { fd, autoClose: false, ...range }) as AsyncIterable<Buffer>;
  }
}
