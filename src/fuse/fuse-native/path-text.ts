// Names and paths between bytes and the strings that fuse-native has for them.
//
// It decodes all text as UTF-8, and anything else arrives as U+FFFD: the original bytes are lost. So a
// text with that character is refused with EILSEQ in either direction, also where it stands for itself.
import { isUtf8 } from 'node:buffer';
import { EILSEQ } from '../../vfs/errno.ts';

const REPLACEMENT = '\ufffd';

/** The bytes of a name, a target, or an xattr's name; -EILSEQ if they are lost. */
export function bytesOfText(text: string): Buffer | number {
  return text.includes(REPLACEMENT) ? -EILSEQ : Buffer.from(text, 'utf8');
}

/** The text of such bytes; -EILSEQ if other bytes would have the same text. */
export function textOfBytes(bytes: Uint8Array): string | number {
  if (!isUtf8(bytes)) return -EILSEQ;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.includes(REPLACEMENT) ? -EILSEQ : text;
}

/** The names on the way from the root, the root's being none; -EILSEQ. libfuse's paths are absolute, without dots. */
export function namesOfPath(path: string): Buffer[] | number {
  if (path.includes(REPLACEMENT)) return -EILSEQ;
  return path
    .split('/')
    .filter((name) => name !== '')
    .map((name) => Buffer.from(name, 'utf8'));
}
