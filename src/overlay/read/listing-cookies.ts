// Cookies of a directory that changes: the position of the next name, and the round in which the listing read it.
//
// Linux continues a listing that began outside its cache from the cache, without asking whether the cache is still right
// (fuse_readdir_cached in fs/fuse/readdir.c compares versions at position 0 only). A cache that was filled before a change,
// and completed after it, would so add removed names to a listing that began after the change. It only finds what has the
// same cookie. So the directory begins a new round, whose cookies are others, with the first change after a listing.
//
// A directory of fewer than a million names has cookies below 2 ** 31, for programs whose off_t has 32 bits. If the tree alone has
// more names than that, there are no rounds.

const POSITIONS = 2 ** 20;
const ROUNDS = 2 ** 11;
/**
 * The round of directories without rounds: those that only the tree has (listing.ts), and those with very many names. Their cookies
 * are positions. Those of round 0 are the same, below 2 ** 20.
 */
export const NO_ROUND = -1;

/** The first round of a directory with `count` names of the tree. */
export const firstRound = (count: number): number => (count + 3 < POSITIONS ? 0 : NO_ROUND);

/** The cookie of `position`, from 0, in `round`, 0 to 2047 or NO_ROUND. */
export function cookieOf(position: number, round: number): number {
  if (round === NO_ROUND) return position;
  const high = Math.floor(position / POSITIONS);
  return (high * ROUNDS + round) * POSITIONS + (position % POSITIONS);
}

/** The position in a cookie of any round of a directory whose present round is `round`. */
export function positionOf(cookie: number, round: number): number {
  if (round === NO_ROUND) return cookie;
  return Math.floor(cookie / (ROUNDS * POSITIONS)) * POSITIONS + (cookie % POSITIONS);
}

/** The round after `round`. They repeat after 2047 of them. */
export const roundAfter = (round: number): number =>
  round === NO_ROUND ? NO_ROUND : (round % (ROUNDS - 1)) + 1;
