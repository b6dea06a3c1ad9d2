// Writes the 512-byte header block of a member in POSIX ustar form. header.ts describes the fields.
//
// A number that is too large for its octal field is written in GNU's base-256. GNU tar, bsdtar, Go's archive/tar and
// Python's tarfile read that form. It serves for device numbers too: only bsdtar reads a pax keyword for them.
import { BLOCK_SIZE, Field } from './header.ts';

/** Length of each number field, in bytes. The last byte of an octal number is NUL. */
export const NumberSize = { mode: 8, uid: 8, gid: 8, size: 12, mtime: 12, device: 8 } as const;

export interface HeaderFields {
  /** At most 100 bytes. */
  readonly name: string | Uint8Array;
  /** Permission bits; other bits are not written. */
  readonly mode: number;
  /** One ASCII character. */
  readonly typeflag: string;
  readonly size: number;
  /** Each number below defaults to 0. */
  readonly uid?: number;
  readonly gid?: number;
  /** Whole seconds; negative before 1970. */
  readonly mtime?: number;
  readonly devmajor?: number;
  readonly devminor?: number;
  /** At most 100 bytes. */
  readonly linkname?: string | Uint8Array | undefined;
}

/** True if a field of `size` bytes holds `value` in octal. */
export function fitsOctal(value: number, size: number): boolean {
  return value >= 0 && value < 8 ** (size - 1);
}

export function headerBlock(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(BLOCK_SIZE);
  block.set(Buffer.from(fields.name), Field.name);
  putNumber(block, Field.mode, NumberSize.mode, fields.mode & 0o7777);
  putNumber(block, Field.uid, NumberSize.uid, fields.uid ?? 0);
  putNumber(block, Field.gid, NumberSize.gid, fields.gid ?? 0);
  putNumber(block, Field.size, NumberSize.size, fields.size);
  putNumber(block, Field.mtime, NumberSize.mtime, fields.mtime ?? 0);
  block.write(fields.typeflag, Field.typeflag, 'latin1');
  if (fields.linkname !== undefined) block.set(Buffer.from(fields.linkname), Field.linkname);
  block.write('ustar\x0000', Field.magic, 'latin1');
  putNumber(block, Field.devmajor, NumberSize.device, fields.devmajor ?? 0);
  putNumber(block, Field.devminor, NumberSize.device, fields.devminor ?? 0);
  block.fill(' ', Field.checksum, Field.checksum + 8);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${octal(sum, 6)}\0 `, Field.checksum, 'latin1');
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** `value` is an integer of 53 bits. */
function putNumber(block: Buffer, offset: number, size: number, value: number): void {
  if (fitsOctal(value, size)) {
    block.write(octal(value, size - 1), offset, 'latin1');
    return;
  }
  // Base-256 is big-endian two's complement. The topmost bit marks the form and is not part of the number.
  block.fill(value < 0 ? 0xff : 0, offset, offset + size);
  block.writeBigInt64BE(BigInt(value), offset + size - 8);
  block[offset] = (block[offset] as number) | 0x80;
}
