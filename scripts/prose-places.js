// The files that the prose lint applies to: all but fixtures, which quote other people's images, and the lint's own list of
// turns with its tests.
const exempt = ['fixtures', 'scripts/prose-turns.js', 'test/scripts'];

/** ESLint's patterns of what is exempt. */
export const exemptPatterns = exempt.map((place) => (/\.\w+$/.test(place) ? place : `${place}/**`));

/** True if the lint applies to `path`, which is relative to the top folder. */
export function isHeldToProse(path) {
  return !exempt.some((place) => path === place || path.startsWith(`${place}/`));
}
