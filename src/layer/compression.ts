// What a blob is compressed with: told by its first bytes, never by a media type or a file name.
import { InputError } from '../vfs/input-error.ts';
import type { Compression } from './layer.ts';

/** So many first bytes are enough to tell. */
export const MAGIC_LENGTH = 6;

/**
 * What is known and not read, and what turns it into a tar. -1: any byte. A tar begins with a name, which may begin
 * with `BZh` or `LZIP` too: of those, bytes that no name has are looked at.
 */
const FOREIGN: readonly (readonly [name: string, magic: readonly number[], command: string])[] = [
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], 'xz -dk'],
  ['bzip2', [0x42, 0x5a, 0x68, -1, 0x31, 0x41], 'bzip2 -dk'],
  ['lz4', [0x04, 0x22, 0x4d, 0x18], 'lz4 -d'],
  ['lzip', [0x4c, 0x5a, 0x49, 0x50, 0x01], 'lzip -dk'],
  ['compress (.Z)', [0x1f, 0x9d], 'uncompress -k'],
];

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  bytes.length >= magic.length && magic.every((byte, i) => byte < 0 || bytes[i] === byte);

/** The compression of a blob that begins with `bytes`. Throws InputError for one that is known and not read. */
export function detectCompression(bytes: Uint8Array, label: string): Compression {
  if (startsWith(bytes, [0x1f, 0x8b])) return 'gzip';
  if (startsWith(bytes, [0x28, 0xb5, 0x2f, 0xfd])) return 'zstd';
  // A skippable frame, 0x184D2A50 to 0x184D2A5F (RFC 8878, 3.1.2): pzstd and zstd:chunked begin with one.
  if (((bytes[0] ?? 0) & 0xf0) === 0x50 && startsWith(bytes.subarray(1), [0x2a, 0x4d, 0x18])) return 'zstd';
  for (const [name, magic, command] of FOREIGN) {
    if (startsWith(bytes, magic)) {
      throw new InputError(
        `${label}: found ${name} compression, expected a plain, gzip or zstd tar: decompress it first (${command})`,
      );
    }
  }
  return 'none';
}
