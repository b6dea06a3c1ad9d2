// The files that the prose lint applies to: all but fixtures, which quote other people's images, the lint's own list of
// turns with its tests, and the places that are still to be rewritten.

/** Places with banned turns. The list only shrinks: rewrite a place, then take it off. */
export const toBeRewritten = ['CHANGELOG.md', 'test/fuse'];

const exempt = ['fixtures', 'scripts/prose-turns.js', 'test/scripts', ...toBeRewritten];

/** ESLint's patterns of what is exempt. */
export const exemptPatterns = exempt.map((place) => (/\.\w+$/.test(place) ? place : `${place}/**`));

/** True if the lint applies to `path`, which is relative to the top folder. */
export function isHeldToProse(path) {
  return !exempt.some((place) => path === place || path.startsWith(`${place}/`));
}
