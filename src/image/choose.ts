// Which of a source's images the user means: by place, by any spelling of its name, by image ID or digest, and among
// the platforms of one image. What can't be decided is an InputError that lists the candidates.
import { InputError } from '../vfs/input-error.ts';
import type { ImageCandidate, Place } from './candidate.ts';
import type { Platform } from './image.ts';
import { printable } from './json-view.ts';
import { listCandidates } from './list-candidates.ts';
import { hostPlatform, matchRank, showPlatform } from './platform.ts';
import { MATCHERS, parseReference } from './reference.ts';
import type { Selector } from './source.ts';

/** Hex digits of an image ID or digest that are enough to choose by. */
export const PREFIX_MINIMUM = 4;

export interface Choice {
  /** Of the source, for messages. */
  readonly path: string;
  readonly selector: Selector;
  /** What `--platform` says; undefined: the host's, where there is a choice. */
  readonly platform: Platform | undefined;
}

/** A candidate that the selector may mean, and the places by which it does. */
interface Match {
  readonly candidate: ImageCandidate;
  readonly places: readonly Place[];
}

/** The one candidate that is meant; it may be broken. Throws InputError if there is none, or more than one. */
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

/** The manifests of one image in several platforms stand at one place, or at places of one name, or of none. */
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
      ? printable(selector.text)
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
  // A digest says enough: the archive may not know the name. Else the text may be a digest, or an image ID.
  const byDigest = digest === undefined ? candidates.filter((candidate) => hasDigest(candidate, text)) : pool;
  return byDigest.map((candidate) => ({ candidate, places: candidate.places.slice(0, 1) }));
}

/** Whether `text`, `sha256:` optional, begins the image ID or the digest of a manifest or of an index above it. */
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
 * Those of one image's manifests that suit the platform best: one, unless the image has two for it, or nothing tells;
 * none if none suits what the user asked for.
 */
function bestForPlatform(
  images: readonly ImageCandidate[],
  wanted: Platform | undefined,
): readonly ImageCandidate[] {
  if (wanted !== undefined) {
    const best = bestOf(images, wanted);
    // One that doesn't say its platform is what the user asked for, as far as anybody can tell.
    return best.length > 0 ? best : images.filter(({ platform }) => platform === undefined);
  }
  if (images.length === 1) return images;
  // An index lists platforms that were never saved: they are no choice.
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
  // Manifests with one config (gzip and zstd, say) are one image: any of them will do.
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
      ? `${printable(selector.text)} means several images`
      : 'holds several images';
  const isOnePlace = new Set(candidates.map(({ places }) => places[0]?.index)).size === 1;
  const how = isOnePlace
    ? 'choose one with --platform, or by its image ID'
    : `choose one by name, as in ${path}:NAME, or by place, as in ${path}:@${candidates[0]?.places[0]?.index ?? 0}`;
  return new InputError(`${path}: ${what}; ${how}\n${listCandidates(candidates)}`, {
    code: 'ERR_STRATAFS_SEVERAL_IMAGES',
  });
}
