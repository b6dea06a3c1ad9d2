// eStargz: a gzip layer whose files were compressed one by one, with a table of contents at its end
// (github.com/containerd/stargz-snapshotter, docs/estargz.md).
//
// The last 51 bytes are an empty gzip member whose extra field has the place of the table; the table is a member with a
// tar, whose one file is JSON. The manifest of the image states the digest of the JSON, so that it may be believed.
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { MemberIndex } from '../layer/member-spans.ts';
import { SpanKind } from '../sys/scan.ts';
import { BLOCK_SIZE, Field, NAME_SIZE, endOfString, isTarHeader, readNumber } from '../tar/header.ts';
import { Place } from '../tar/place.ts';
import { InputError } from '../vfs/input-error.ts';
import { TOC_LIMIT, readToc } from './toc-index.ts';

const decompress = promisify(gunzip);

/** In the annotations of a layer: `sha256:<hex>` of the JSON. */
export const ESTARGZ_ANNOTATION = 'containerd.io/snapshot/stargz/toc.digest';

const ESTARGZ_FOOTER_SIZE = 51;
const TOC_NAME = 'stargz.index.json';
/** Header and extra field of the footer, around the 16 hex digits of the table's offset. */
const FOOTER_START = Buffer.from('1f8b08040000000000ff1a0053471600', 'hex');
const DIGITS = FOOTER_START.length;

/** Bytes `offset` to `offset + length` of the blob, from wherever they come. */
export type ReadBlob = (offset: number, length: number) => Promise<Buffer>;

/** The bytes that were read are not what was written; those of another server may be. */
export const damaged = (message: string): InputError =>
  new InputError(message, { code: 'ERR_STRATAFS_DIGEST' });

/**
 * The index of the layer whose blob has `size` bytes. Throws InputError: with ERR_STRATAFS_DIGEST for bytes that are damaged
 * or of another digest, otherwise for a table that can't be used.
 */
export async function readEstargz(read: ReadBlob, size: number, digest: string): Promise<MemberIndex> {
  const where = 'the eStargz table';
  if (size < ESTARGZ_FOOTER_SIZE) throw new InputError(`${where}: found a layer of ${size} bytes`);
  const footerAt = size - ESTARGZ_FOOTER_SIZE;
  const end = readFooter(await read(footerAt, ESTARGZ_FOOTER_SIZE));
  if (end === undefined || end >= footerAt) throw damaged(`${where}: found a wrong footer`);
  if (footerAt - end > TOC_LIMIT) throw new InputError(`${where}: found a table of ${footerAt - end} bytes`);
  const json = await readJson(await read(end, footerAt - end), where);
  const actual = `sha256:${createHash('sha256').update(json).digest('hex')}`;
  if (actual !== digest) throw damaged(`${where}: found a table of ${actual}, expected ${digest}`);
  return readToc(json, { end, kind: SpanKind.inflate, where });
}

/** The offset of the table. Go's gzip writes 0 or 255 for the system, and flags of its own for the level. */
function readFooter(footer: Buffer): number | undefined {
  const isFooter =
    footer.subarray(0, 4).equals(FOOTER_START.subarray(0, 4)) &&
    footer.subarray(10, DIGITS).equals(FOOTER_START.subarray(10)) &&
    footer.toString('latin1', DIGITS + 16, DIGITS + 22) === 'STARGZ';
  const [digits] = /^[0-9a-f]{16}$/.exec(footer.toString('latin1', DIGITS, DIGITS + 16)) ?? [];
  const offset = isFooter && digits !== undefined ? Number(`0x${digits}`) : undefined;
  return Number.isSafeInteger(offset) ? offset : undefined;
}

/** The one file of the tar in a gzip member. */
async function readJson(member: Buffer, where: string): Promise<Buffer> {
  let tar: Buffer;
  try {
    tar = await decompress(member, { maxOutputLength: TOC_LIMIT + (1 << 20) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new InputError(`${where}: found more than ${TOC_LIMIT} bytes`);
    }
    throw damaged(`${where}: found something else than gzip`);
  }
  const name = tar.toString('latin1', 0, endOfString(tar, 0, NAME_SIZE));
  if (!isTarHeader(tar) || name !== TOC_NAME) throw damaged(`${where}: found no ${TOC_NAME}`);
  const length = readNumber(tar, Field.size, 12, new Place(where), 'a size');
  if (length < 0 || length > tar.length - BLOCK_SIZE) throw damaged(`${where}: found a wrong size`);
  return tar.subarray(BLOCK_SIZE, BLOCK_SIZE + length);
}
