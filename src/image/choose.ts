// Chooses the image that the user means: by place, by any spelling of its name, by image ID or digest, and by platform.
// An ambiguous choice is an InputError that lists the candidates.
import { InputError } from '../vfs/input-error.ts';
import type { ImageCandidate, Place } from './candidate.ts';
import type { Platform } from './image.ts';
import { showText } from '../vfs/show-text.ts';
import { listCandidates } from './list-candidates.ts';
import { hostPlatform, matchRank, showPlatform } from './platform.ts';
import { MATCHERS, parseReference } from './reference.ts';
import type { Selector } from './source.ts';

/** The least number of hex digits that select an image ID or digest. */
export const PREFIX_MINIMUM = 4;

export interface Choice {
  /** The name of the source in messages. */
  readonly path: string;
  readonly selector: Selector;
  /** The value of `--platform`; undefined: the host's platform if there is a choice. */
  readonly platform: Platform | undefined;
}

/** A candidate that the selector matches, and the places that match. */
interface Match {
  readonly candidate: ImageCandidate;
  readonly places: readonly Place[];
}

/** The one candidate that matches; it may be broken. Throws InputError if none or several match. */
export function chooseImage(candidates: readonly ImageCandidate[], choice: Choice): ImageCandidate {
  if (candidates.length === 0)
    throw new InputError(`${choice.path}: holds no image`, { code: 'ERR_STRATAFS_NO_IMAGE' });
  const matches = select(candidates, choice);
  const images = matches.filter(({ candidate }) => candidate.state.kind !== 'artifact');
  if (images.length === 0) {
    return onlyOne(
      matches.map(({ candidate }) => candidate),
      choice,
    );
  }
  const groups = groupByName(images);
  const chosen = new Set(groups.flatMap((group) => bestForPlatform(group, choice.platform)));
  if (chosen.size > 0) return onlyOne([...chosen], choice);
  const wanted = showPlatform(choice.platform ?? hostPlatform());
  const list = listCandidates(images.map(({ candidate }) => candidate));
  throw new InputError(`${choice.path}: there is no image for ${wanted}; it holds\n${list}`, {
    code: 'ERR_STRATAFS_NO_IMAGE',
  });
}

/** The manifests of one image for several platforms share a place, or a name, or have no name. */
function groupByName(matches: readonly Match[]): ImageCandidate[][] {
  const groups = new Map<string, ImageCandidate[]>();
  for (const { candidate, places } of matches) {
    for (const key of new Set(places.map(({ names }) => [...names].sort().join('\0')))) {
      groups.set(key, [...(groups.get(key) ?? []), candidate]);
    }
  }
  return [...groups.values()];
}

function select(candidates: readonly ImageCandidate[], choice: Choice): readonly Match[] {
  const { path, selector } = choice;
  let found: readonly Match[];
  if (selector.kind === 'all') found = matchPlaces(candidates, () => true);
  else if (selector.kind === 'index')
    found = matchPlaces(candidates, ({ index }) => index === selector.index);
  else found = selectByReference(candidates, selector.text);
  if (found.length > 0) return found;
  const images = candidates.filter(({ state }) => state.kind !== 'artifact');
  const list = listCandidates(images.length > 0 ? images : candidates);
  const what =
    selector.kind === 'reference'
      ? showText(selector.text)
      : `@${selector.kind === 'index' ? selector.index : 0}`;
  throw new InputError(`${path}: there is no image ${what}; it holds\n${list}`, {
    code: 'ERR_STRATAFS_NO_IMAGE',
  });
}

function matchPlaces(candidates: readonly ImageCandidate[], matches: (place: Place) => boolean): Match[] {
  return candidates
    .map((candidate) => ({ candidate, places: candidate.places.filter(matches) }))
    .filter(({ places }) => places.length > 0);
}

function selectByReference(candidates: readonly ImageCandidate[], text: string): readonly Match[] {
  const wanted = parseReference(text);
  const { digest } = wanted;
  const pool =
    digest === undefined ? candidates : candidates.filter((candidate) => hasDigest(candidate, digest));
  for (const isMeant of wanted.repository === '' ? [] : MATCHERS) {
    const found = matchPlaces(pool, ({ names, aliases }) =>
      [...names, ...aliases].some((name) => isMeant(wanted, text, name)),
    );
    if (found.length > 0) return found;
  }
  // A digest is sufficient: the archive may not have the name. Otherwise the text may be a digest, or an image ID.
  const byDigest = digest === undefined ? candidates.filter((candidate) => hasDigest(candidate, text)) : pool;
  return byDigest.map((candidate) => ({ candidate, places: candidate.places.slice(0, 1) }));
}

/**
 * True if `text`, with or without `sha256:`, is a prefix of the image ID or of the digest of a manifest or an index
 * above it.
 */
function hasDigest({ id, digests }: ImageCandidate, text: string): boolean {
  const match = /^(?:sha256:)?([0-9a-f]+)$/i.exec(text);
  if (match === null) return false;
  const prefix = (match[1] as string).toLowerCase();
  if (prefix.length < PREFIX_MINIMUM) return false;
  return [...digests, ...(id === undefined ? [] : [id])].some((digest) =>
    digest.startsWith(`sha256:${prefix}`),
  );
}

/**
 * The manifests of one image that match the platform best. Several if the image has more than one for it, or doesn't
 * state platforms; none if no manifest suits the requested platform.
 */
function bestForPlatform(
  images: readonly ImageCandidate[],
  wanted: Platform | undefined,
): readonly ImageCandidate[] {
  if (wanted !== undefined) {
    const best = bestOf(images, wanted);
    // An image that doesn't state its platform may have the requested one.
    return best.length > 0 ? best : images.filter(({ platform }) => platform === undefined);
  }
  if (images.length === 1) return images;
  // An index lists platforms that were never saved: they can't be chosen.
  const saved = images.filter(({ state }) => state.kind !== 'broken' || !state.isMissing);
  const pool = saved.length > 0 ? saved : images;
  const best = bestOf(pool, hostPlatform());
  return best.length > 0 ? best : pool;
}

function bestOf(images: readonly ImageCandidate[], wanted: Platform): readonly ImageCandidate[] {
  const ranks = images.map(({ platform }) => (platform === undefined ? -1 : matchRank(wanted, platform)));
  const best = Math.max(...ranks);
  return best < 0 ? [] : images.filter((_, i) => ranks[i] === best);
}

function onlyOne(candidates: readonly ImageCandidate[], choice: Choice): ImageCandidate {
  // Manifests with the same config (layers in gzip and in zstd, say) are one image: any of them will do.
  const [first] = candidates;
  if (first?.id !== undefined && candidates.every(({ id }) => id === first.id)) {
    return candidates.find(({ state }) => state.kind === 'image') ?? first;
  }
  if (candidates.length > 1) throw ambiguous(candidates, choice);
  return first as ImageCandidate;
}

function ambiguous(candidates: readonly ImageCandidate[], { path, selector }: Choice): InputError {
  const what =
    selector.kind === 'reference'
      ? `${showText(selector.text)} means several images`
      : 'holds several images';
  const isOnePlace = new Set(candidates.map(({ places }) => places[0]?.index)).size === 1;
  const how = isOnePlace
    ? 'choose one with --platform, or by its image ID'
    : `choose one by name, as in ${path}:NAME, or by place, as in ${path}:@${candidates[0]?.places[0]?.index ?? 0}`;
  return new InputError(`${path}: ${what}; ${how}\n${listCandidates(candidates)}`, {
    code: 'ERR_STRATAFS_SEVERAL_IMAGES',
  });
}
