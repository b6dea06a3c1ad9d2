// An EROFS image in a file. The first 1,024 bytes, which the kernel ignores, identify and check it.
//
// docs/formats.md, "EROFS image", documents the fields. A file that is short, old, changed or of other layers is not an
// error: loading returns undefined, and the caller writes it again.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, read } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { openSavedFile, saveFileWith } from '../layer/saved-file.ts';
import { SUPERBLOCK_OFFSET } from './layout.ts';
import type { ErofsSource } from './source.ts';
import { writeErofsImage } from './write-image.ts';

/** Changes when the same source would give another image. */
export const EROFS_IMAGE_VERSION = 3;

/** Offsets of the header's fields, in bytes. */
export const ImageFileField = {
  magic: 0,
  version: 8,
  zero: 12,
  sha256: 16,
  key: 48,
  size: 80,
  layersSize: 88,
} as const;

const MAGIC = Buffer.from('straerof');
const KEY_SIZE = 32;
const SHA256_SIZE = 32;
/** The bytes that `sha256` covers begin here. */
const CHECKED_FROM = ImageFileField.key;
const PIECE = 1 << 20;

const readAt = promisify(read);

/** What a saved image is made of. */
export interface SavedErofsSource extends ErofsSource {
  /** Bytes of the files of all layers, as `sizeOfLayer` counts them. */
  readonly layersSize: number;
}

/** A saved image, open for reading and owned by the caller. */
export interface OpenErofsImage {
  readonly fd: number;
  /** A path for mount(2) by this process, as long as `fd` is open. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** As in SavedErofsSource. */
  readonly layersSize: number;
  close(): void;
}

/**
 * Writes the image to `path`, atomically. `key`: 64 hex digits that identify the source (image-key.ts). Throws as
 * `writeErofsImage`, and Node's errors.
 */
export function saveErofsImage(path: string, key: string, source: SavedErofsSource): Promise<void> {
  return saveFileWith(path, async (file) => {
    const header = newHeader(key);
    const hash = createHash('sha256');
    const uuid = Buffer.from(key, 'hex').subarray(0, 16);
    let size = 0;
    await writeErofsImage(
      { ...source, uuid },
      {
        write: async (bytes) => {
          const isFirst = size === 0;
          // The header's own bytes are hashed last: they state the size.
          hash.update(isFirst ? bytes.subarray(SUPERBLOCK_OFFSET) : bytes);
          size += bytes.length;
          await writeAll(file, bytes);
        },
      },
    );
    header.writeDoubleLE(size, ImageFileField.size);
    header.writeDoubleLE(source.layersSize, ImageFileField.layersSize);
    hash.update(header.subarray(CHECKED_FROM));
    header.set(hash.digest(), ImageFileField.sha256);
    await file.write(header, 0, header.length, 0);
  });
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}

/**
 * The image in the file; undefined if the file is missing, incomplete, changed or of another source. Throws
 * UntrustedError for a file of another user, Node's errors.
 */
export async function loadErofsImage(path: string, key: string): Promise<OpenErofsImage | undefined> {
  let fd: number;
  try {
    fd = openSavedFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  let image: OpenErofsImage | undefined;
  try {
    const { size } = fstatSync(fd);
    const header = await readWhole(fd, size, key);
    if (header === undefined) return undefined;
    const layersSize = header.readDoubleLE(ImageFileField.layersSize);
    if (!Number.isSafeInteger(layersSize) || layersSize < 0) return undefined;
    image = { fd, path: `/proc/self/fd/${fd}`, size, layersSize, close: () => closeSync(fd) };
    return image;
  } finally {
    if (image === undefined) closeSync(fd);
  }
}

/** The header of the image in the file; undefined if the file is incomplete, changed or of another source. */
async function readWhole(fd: number, size: number, key: string): Promise<Buffer | undefined> {
  const header = Buffer.alloc(SUPERBLOCK_OFFSET);
  const { bytesRead } = await readAt(fd, header, 0, header.length, 0);
  if (bytesRead < header.length) return undefined;
  const expected = newHeader(key);
  expected.writeDoubleLE(size, ImageFileField.size);
  const { sha256, layersSize } = ImageFileField;
  header.copy(expected, sha256, sha256, sha256 + SHA256_SIZE);
  header.copy(expected, layersSize, layersSize, layersSize + Float64Array.BYTES_PER_ELEMENT);
  if (!header.equals(expected)) return undefined;
  const hash = createHash('sha256');
  // While this thread hashes one piece, a pool thread reads the next.
  const pieces = [Buffer.allocUnsafe(PIECE), Buffer.allocUnsafe(PIECE)] as const;
  const readPiece = (n: number): Promise<{ bytesRead: number }> =>
    readAt(fd, pieces[n % 2] as Buffer, 0, PIECE, SUPERBLOCK_OFFSET + n * PIECE);
  let next = readPiece(0);
  for (let done = SUPERBLOCK_OFFSET, n = 0; done < size; n++) {
    const { bytesRead: length } = await next;
    if (length < Math.min(PIECE, size - done)) return undefined;
    done += length;
    if (done < size) next = readPiece(n + 1);
    hash.update((pieces[n % 2] as Buffer).subarray(0, length));
  }
  hash.update(header.subarray(CHECKED_FROM));
  return hash.digest().equals(header.subarray(sha256, sha256 + SHA256_SIZE)) ? header : undefined;
}

/** Without checksum and sizes. */
function newHeader(key: string): Buffer {
  const header = Buffer.alloc(SUPERBLOCK_OFFSET);
  header.set(MAGIC, ImageFileField.magic);
  header.writeUInt32LE(EROFS_IMAGE_VERSION, ImageFileField.version);
  header.write(key, ImageFileField.key, KEY_SIZE, 'hex');
  return header;
}
