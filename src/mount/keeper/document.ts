// What a daemon writes down for the daemon after it: docs/formats.md, "Handover document". It lies in a file in memory, which
// the keeper holds and doesn't read. The next daemon may be of another version, so the form has a number; and it is checked
// like a file from a disk.
import { fstatSync, readSync } from 'node:fs';
import type { BegunConnection } from '../../fuse/driver.ts';
import type { Image } from '../../image/image.ts';
import { INDEX_FILE_VERSION } from '../../layer/index-file.ts';
import { TABLE_VERSION } from '../../tree/layout.ts';
import { TREE_FILE_VERSION } from '../../tree/tree-file.ts';
import { InputError } from '../../vfs/input-error.ts';
import { describeImage, imageForm, originForm, understandImage } from '../daemon/image-message.ts';
import { type Check, absolutePath, list, record, text, whole } from '../daemon/message-check.ts';
import type { MountOrigin } from '../origin.ts';
import type { LayerFile } from './layer-files.ts';

/** Changes when the fields below change. */
const DOCUMENT_VERSION = 1;
const MAX_LENGTH = 16 * 2 ** 20;
const MAX_LAYERS = 4096;

/**
 * Names how the nodes of a mount are numbered. A daemon with another name would give the kernel's node numbers to other files.
 */
export const HANDOVER_FORM = [DOCUMENT_VERSION, TREE_FILE_VERSION, TABLE_VERSION, INDEX_FILE_VERSION].join(
  '.',
);

const integer: Check<number> = (value, name) => {
  if (Number.isSafeInteger(value)) return value as number;
  throw new InputError(`${name}: found something else, expected an integer`);
};

const word: Check<number> = (value, name) => {
  const number = whole(value, name);
  if (number < 2 ** 32) return number;
  throw new InputError(`${name}: found ${number}, expected less than 2^32`);
};

const handoverForm = record({
  form: text,
  mountpoint: absolutePath,
  /** "major:minor" of the file system. */
  device: text,
  /** Milliseconds since 1970. */
  started: whole,
  treeKey: text,
  agreement: record({ minor: word, flags: word, flags2: word }),
  image: imageForm,
  origin: originForm,
  /** The file of each layer, base first. */
  files: list(
    record({ dev: whole, ino: whole, size: whole, mtimeSec: integer, mtimeNsec: whole }),
    MAX_LAYERS,
  ),
});

/** What the next daemon of a mount needs. */
export interface Handover {
  readonly mountpoint: string;
  readonly device: string;
  readonly started: number;
  /** Identifies the merged tree, and with HANDOVER_FORM its numbers. */
  readonly treeKey: string;
  readonly agreement: BegunConnection['agreement'];
  /** All its layers are blobs. */
  readonly image: Image;
  readonly origin: MountOrigin;
  /** The file of each layer, base first. */
  readonly files: readonly LayerFile[];
}

export function writeDocument({ image, ...rest }: Handover): Buffer {
  return Buffer.from(JSON.stringify({ form: HANDOVER_FORM, ...rest, image: describeImage(image) }));
}

/** InputError if it is not a document of this form, or there is another number of files than of layers. */
export function readDocument(fd: number): Handover {
  const { size } = fstatSync(fd);
  if (size > MAX_LENGTH)
    throw new InputError(`handover: found ${size} bytes, expected at most ${MAX_LENGTH}`);
  const bytes = Buffer.alloc(size);
  const length = readSync(fd, bytes, 0, size, 0);
  const json: unknown = JSON.parse(bytes.toString('utf8', 0, length));
  const { form } = (json ?? {}) as { form?: unknown };
  if (form !== HANDOVER_FORM) {
    throw new InputError(`handover: found form ${String(form)}, expected ${HANDOVER_FORM}`);
  }
  const { image, ...rest } = handoverForm(json, 'handover');
  if (rest.files.length !== image.layers.length) {
    throw new InputError(
      `handover.files: found ${rest.files.length} files for ${image.layers.length} layers, expected one each`,
    );
  }
  return { ...rest, image: understandImage(image) };
}
