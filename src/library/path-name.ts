// Paths as callers give and get them: text in UTF-8, or bytes. Inside, a path is bytes as latin1, without leading slash.
import { bytesOf } from '../vfs/names.ts';

/** A path in an image, from its root; a leading slash changes nothing. Bytes reach names that are not UTF-8. */
export type PathLike = string | Uint8Array;

/** How names, paths and link targets are returned: decoded, or with 'buffer' as the bytes that they are. */
export type NameEncoding = BufferEncoding | 'buffer';

/** How a name or a link target is returned: decoded, or with 'buffer' as bytes. */
export interface EncodingOption<Encoding extends NameEncoding> {
  readonly encoding?: Encoding | undefined;
}

/** A path in an image, as text and as the bytes that it is. */
export interface PathName {
  /** From the root, with a leading slash; bytes that are not UTF-8 are U+FFFD. */
  readonly path: string;
  /** The same, byte for byte. */
  readonly pathBytes: Buffer;
}

/** Bytes as latin1, as given. */
export function latin1OfPath(path: PathLike): string {
  return Buffer.from(path).toString('latin1');
}

/** For messages. */
export function textOfPath(path: PathLike): string {
  return typeof path === 'string' ? path : Buffer.from(path).toString('utf8');
}

/** Of a path as the views have it: bytes as latin1, no leading slash. */
export function pathNameOf(latin1: string): PathName {
  const pathBytes = Buffer.from(bytesOf(`/${latin1}`));
  return { path: pathBytes.toString('utf8'), pathBytes };
}

/** `bytes` in the encoding that the caller asked for. */
export function encodeName(bytes: Uint8Array, encoding: NameEncoding = 'utf8'): string | Buffer {
  const copy = Buffer.from(bytes);
  return encoding === 'buffer' ? copy : copy.toString(encoding);
}
