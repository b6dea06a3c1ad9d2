// Detects the compression of a blob by its first bytes, never by a media type or a file name.
import { InputError } from '../vfs/input-error.ts';
import type { Compression } from './layer.ts';

/** The number of bytes that detection needs. */
export const MAGIC_LENGTH = 10;

/**
 * Each element is a byte of a magic number, or the set of bytes allowed at its place. (A tar starts with a name, which
 * may start with "BZh" too.)
 */
type Magic = readonly (number | readonly number[])[];

const bytesOf = (text: string): number[] => [...Buffer.from(text, 'latin1')];

const BZIP2 = [...bytesOf('BZh'), bytesOf('123456789')];

const KNOWN: readonly (readonly [compression: Compression, magic: Magic])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  // A skippable frame (RFC 8878, 3.1.2): the output of pzstd and zstd:chunked starts with one.
  ['zstd', [Array.from({ length: 16 }, (_, i) => 0x50 + i), 0x2a, 0x4d, 0x18]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  // The first block of a stream, or the end of a stream without blocks: the digits of pi, and of its square root.
  ['bzip2', [...BZIP2, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]],
  ['bzip2', [...BZIP2, 0x17, 0x72, 0x45, 0x38, 0x50, 0x90]],
];

/** Compressions that are recognised but not supported, with the command that decompresses each. */
const FOREIGN: readonly (readonly [name: string, magic: Magic, command: string])[] = [
  ['lz4', [0x04, 0x22, 0x4d, 0x18], 'lz4 -d'],
  ['lz4', [0x02, 0x21, 0x4c, 0x18], 'lz4 -d'],
  ['lzip', bytesOf('LZIP\x01'), 'lzip -dk'],
  ['compress (.Z)', [0x1f, 0x9d], 'uncompress -k'],
];

const startsWith = (bytes: Uint8Array, magic: Magic): boolean =>
  bytes.length >= magic.length &&
  magic.every((expected, i) =>
    typeof expected === 'number' ? bytes[i] === expected : expected.includes(bytes[i] as number),
  );

/**
 * The compression of a blob that starts with `bytes`. Throws InputError for one that is recognised but not supported.
 */
export function detectCompression(bytes: Uint8Array, label: string): Compression {
  const supported = KNOWN.find(([, magic]) => startsWith(bytes, magic));
  if (supported !== undefined) return supported[0];
  const foreign = FOREIGN.find(([, magic]) => startsWith(bytes, magic));
  if (foreign === undefined) return 'none';
  const [name, , command] = foreign;
  throw new InputError(
    `${label}: found ${name} compression, expected a tar that is plain or compressed by gzip, zstd, xz or bzip2; ` +
      `decompress it first: \`${command}\``,
  );
}

/** True if no byte is decompressed in place: the whole blob is stored uncompressed. */
export function isUnpackedWhole(compression: Compression): boolean {
  return compression === 'xz' || compression === 'bzip2';
}
