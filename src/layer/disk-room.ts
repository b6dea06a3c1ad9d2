// How much of a disk may be filled.
import { statfsSync } from 'node:fs';

/** The part of the disk that must stay free. */
const RESERVED = 0.05;

/** Bytes that files in `directory` may still take. Throws Node's errors. */
export function roomIn(directory: string): number {
  const { bavail, blocks, bsize } = statfsSync(directory);
  return Math.max(0, bavail - Math.ceil(blocks * RESERVED)) * bsize;
}
