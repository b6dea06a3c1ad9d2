// Cookies of a directory that changes: the position of the next name, and the round in which the listing read it.
//
// Linux continues a listing that began outside its cache from the cache, without asking whether the cache is still right
// (fuse_readdir_cached in fs/fuse/readdir.c compares versions at position 0 only). A cache that was filled before a change,
// and completed after it, would so add removed names to a listing that began after the change. It only finds what has the
// same cookie. So the directory begins a new round, whose cookies are others, with the first change after a listing.
//
// A directory of fewer than a million names has cookies below 2 ** 31, for programs whose off_t has 32 bits.

const POSITIONS = 2 ** 20;
/** Round 0 is that of directories that only the tree has: their cookies are positions (listing.ts). */
const ROUNDS = 2 ** 11;

/** The cookie of `position`, from 0, in `round`, 0 to 2047. */
export function cookieOf(position: number, round: number): number {
  const high = Math.floor(position / POSITIONS);
  return (high * ROUNDS + round) * POSITIONS + (position % POSITIONS);
}

/** The position in a cookie of any round. */
export function positionOf(cookie: number): number {
  return Math.floor(cookie / (ROUNDS * POSITIONS)) * POSITIONS + (cookie % POSITIONS);
}

/** The round after `round`. They repeat after 2047 of them. */
export const roundAfter = (round: number): number => (round % (ROUNDS - 1)) + 1;
