// The unique of a request: the 64-bit number that names it, and that its reply must carry unchanged.
//
// The kernel counts requests, so the number stays far below 2^53. Bit 63 (FUSE_UNIQUE_RESEND, linux/fuse.h 7.40) marks a request
// that was sent to an earlier daemon and is sent again. 2^63 plus a small number is not exact as a JavaScript number, so a
// number here has the lower 63 bits as its magnitude, and is negative if bit 63 is set. native/addon/call_arguments.h has the
// same rule.

const TWO_32 = 0x1_0000_0000;
const HIGH_BIT = 0x8000_0000;

/** From the two words of the number, the lower one first. */
export function readUnique(low: number, high: number): number {
  return high < HIGH_BIT ? low + high * TWO_32 : -(low + (high - HIGH_BIT) * TWO_32);
}

/** Writes the number to `words[at]` and the word after it. */
export function writeUnique(words: Uint32Array, at: number, unique: number): void {
  const magnitude = Math.abs(unique);
  const high = magnitude < TWO_32 ? 0 : Math.floor(magnitude / TWO_32);
  words[at] = magnitude;
  words[at + 1] = unique < 0 ? high + HIGH_BIT : high;
}
