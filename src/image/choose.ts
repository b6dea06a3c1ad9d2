// Which of a source's images the user means: by place, by any spelling of its name, by image ID or digest, and among
// the platforms of one image. What can't be decided is an InputError that lists the candidates.
import { InputError } from '../vfs/input-error.ts';
import type { ImageCandidate } from './candidate.ts';
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

/** The one candidate that is meant; it may be broken. Throws InputError where there is none, or more than one. */
export function chooseImage(candidates: readonly ImageCandidate[], choice: Choice): ImageCandidate {
  if (candidates.length === 0) throw new InputError(`${choice.path}: holds no image`);
  const selected = select(candidates, choice);
  const images = selected.filter((candidate) => candidate.state.kind !== 'artifact');
  if (images.length === 0) return onlyOne(selected, choice);
  if (new Set(images.map(groupOf)).size > 1) throw ambiguous(images, choice);
  return choosePlatform(images, choice);
}

/** The manifests of one image in several platforms share all their names, and their place or having no name. */
function groupOf(candidate: ImageCandidate): string {
  return [...candidate.names].sort().join('\0');
}

function select(candidates: readonly ImageCandidate[], choice: Choice): readonly ImageCandidate[] {
  const { selector } = choice;
  if (selector.kind === 'all') return candidates;
  if (selector.kind === 'index') {
    const { index } = selector;
    const found = candidates.filter((candidate) => candidate.indexes.includes(index));
    if (found.length > 0) return found;
    throw new InputError(
      `${choice.path}: there is no image @${index}; it holds\n${listCandidates(candidates)}`,
    );
  }
  const found = selectByReference(candidates, selector.text);
  if (found.length > 0) return found;
  throw new InputError(
    `${choice.path}: there is no image ${printable(selector.text)}; it holds\n${listCandidates(candidates)}`,
  );
}

function selectByReference(candidates: readonly ImageCandidate[], text: string): readonly ImageCandidate[] {
  const wanted = parseReference(text);
  const pool =
    wanted.digest === undefined
      ? candidates
      : candidates.filter((candidate) => hasDigest(candidate, wanted.digest));
  if (wanted.repository === '') return pool;
  for (const matches of MATCHERS) {
    const found = pool.filter(({ names, aliases }) =>
      [...names, ...aliases].some((name) => matches(wanted, text, name)),
    );
    if (found.length > 0) return found;
  }
  // A digest says enough: the archive may not know the name.
  if (wanted.digest !== undefined) return pool;
  return candidates.filter((candidate) => hasDigest(candidate, text));
}

/** Whether `text`, `sha256:` optional, begins the image ID or the digest of a manifest or of an index above it. */
function hasDigest({ state, digests }: ImageCandidate, text: string | undefined): boolean {
  const match = /^(?:sha256:)?([0-9a-f]+)$/i.exec(text ?? '');
  if (match === null) return false;
  const prefix = (match[1] as string).toLowerCase();
  if (prefix.length < PREFIX_MINIMUM) return false;
  const id = state.kind === 'image' ? state.content.id : undefined;
  return [...digests, ...(id === undefined ? [] : [id])].some((digest) =>
    digest.startsWith(`sha256:${prefix}`),
  );
}

function choosePlatform(images: readonly ImageCandidate[], choice: Choice): ImageCandidate {
  if (choice.platform !== undefined) {
    const best = bestOf(images, choice.platform);
    if (best.length > 0) return onlyOne(best, choice);
    // One that doesn't say its platform is what the user asked for, as far as anybody can tell.
    const unknown = images.filter((image) => image.platform === undefined);
    if (unknown.length > 0) return onlyOne(unknown, choice);
    const wanted = showPlatform(choice.platform);
    throw new InputError(
      `${choice.path}: there is no image for ${wanted}; it holds\n${listCandidates(images)}`,
    );
  }
  if (images.length === 1) return images[0] as ImageCandidate;
  // An index lists platforms that were never saved: they are no choice.
  const saved = images.filter(({ state }) => state.kind !== 'broken' || !state.isMissing);
  const pool = saved.length > 0 ? saved : images;
  const best = bestOf(pool, hostPlatform());
  return onlyOne(best.length > 0 ? best : pool, choice);
}

function bestOf(images: readonly ImageCandidate[], wanted: Platform): readonly ImageCandidate[] {
  const ranks = images.map(({ platform }) => (platform === undefined ? -1 : matchRank(wanted, platform)));
  const best = Math.max(...ranks);
  return best < 0 ? [] : images.filter((_, i) => ranks[i] === best);
}

function onlyOne(candidates: readonly ImageCandidate[], choice: Choice): ImageCandidate {
  if (candidates.length > 1) throw ambiguous(candidates, choice);
  return candidates[0] as ImageCandidate;
}

function ambiguous(candidates: readonly ImageCandidate[], { path, selector }: Choice): InputError {
  const what =
    selector.kind === 'reference'
      ? `${printable(selector.text)} means several images`
      : 'holds several images';
  const samePlace = new Set(candidates.map(({ indexes }) => indexes[0])).size === 1;
  const how = samePlace
    ? 'choose one with --platform, or by its image ID'
    : `choose one by name, as in ${path}:NAME, or by place, as in ${path}:@${candidates[0]?.indexes[0] ?? 0}`;
  return new InputError(`${path}: ${what}; ${how}\n${listCandidates(candidates)}`);
}
