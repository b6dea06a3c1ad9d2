// Opens an image of a registry: its manifest and config are fetched now, its layers when somebody reads them.
//
// The manifest is always asked of the registry, whatever the cache has: so the registry decides who may see the image.
import type { CacheDirectory } from '../layer/cache-directory.ts';
import type { CandidateState } from '../image/candidate.ts';
import type { PartialBlob } from '../blobs/partial-blob.ts';
import type { RangeSource } from '../blobs/range-source.ts';
import type { Image, LayerSource, Platform, RegistryIndex } from '../image/image.ts';
import { JsonReader } from '../image/archive.ts';
import { type JsonView, JsonView as View, parseJson } from '../image/json-view.ts';
import { LayoutWalk } from '../image/oci-layout.ts';
import { compressionOfType, refuseOtherIndexes } from '../image/oci-manifest.ts';
import { matchRank, parsePlatform, showPlatform } from '../image/platform.ts';
import { type LayerSelection, selectLayers } from '../image/select-layers.ts';
import { type RegistryReference, repositoryOf, showReference } from '../registry/reference.ts';
import { type FetchedManifest, Repository, type RepositoryOptions } from '../registry/repository.ts';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';
import { BlobCache, type FetchWatch } from './blob-cache.ts';
import { boundIndexOf, loadBoundIndex } from './bound-index.ts';
import { chooseManifest, listManifests } from './choose-manifest.ts';
import type { IndexTrust } from './find-index.ts';
import { ImageIndex } from './image-index.ts';
import { RegistryArchive } from './registry-archive.ts';
import { SharedLoad } from './shared-load.ts';

/** Nested indexes. */
const DEPTH_LIMIT = 4;

export interface OpenRegistryOptions extends LayerSelection, IndexTrust {
  readonly platform?: string | undefined;
  readonly diskCache: CacheDirectory | undefined;
  readonly signal?: AbortSignal | undefined;
  /** As for a saved image: gets the problem of a config, and the image is opened without it. */
  readonly onBrokenConfig?: ((problem: InputError) => void) | undefined;
  readonly registry?: RepositoryOptions | undefined;
}

/** The image that `docker://...` names. Rejects with an InputError if it can't be had, or the choice is ambiguous. */
export async function openRegistryImage(typed: string, options: OpenRegistryOptions): Promise<Image> {
  const cache = new BlobCache(options.diskCache);
  try {
    return await openWith(cache, typed, options);
  } catch (error) {
    cache.close();
    throw error;
  }
}

async function openWith(cache: BlobCache, typed: string, options: OpenRegistryOptions): Promise<Image> {
  const { signal } = options;
  const repository = Repository.open(typed, options.registry);
  const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const found = await findManifest(repository, wanted, signal);
  const { manifest, view, digests, platforms } = found;
  const shown = showText(typed);
  const location = await cache.save(manifest.digest, manifest.bytes);
  const archive = new RegistryArchive(shown, repository, cache, { signal });
  archive.add(manifest.digest, location, view);
  const walk = new LayoutWalk(archive, new JsonReader(archive));
  const name = showReference(repository.reference);
  await walk.follow(new View({ digest: manifest.digest, size: manifest.bytes.length }, shown), {
    place: { index: 0, names: [name], aliases: [] },
    digests,
    platform: found.platform,
  });
  const [candidate] = walk.candidates();
  if (candidate === undefined)
    throw new InputError(`${shown}: holds no image`, { code: 'ERR_STRATAFS_NO_IMAGE' });
  const content = contentOf(candidate.state, options.onBrokenConfig);
  const platform = content.platform ?? found.platform;
  refuseOtherPlatform(shown, wanted, platform);
  const index = new ImageIndex(repository, cache, manifest.digest, options);
  const image: Image = {
    source: typed,
    names: repository.reference.digest === undefined ? [name] : [],
    id: candidate.id,
    config: content.config,
    platform,
    history: content.history,
    layers: remoteLayers(content.layers, view, repository, cache, index),
    manifest: content.manifest,
    configDocument: content.configDocument,
    platforms: platforms.length > 0 ? platforms : platform === undefined ? [] : [platform],
    release: () => cache.close(),
    findIndexDigest: (signal) => index.findDigest(signal),
  };
  return selectLayers(image, options);
}

interface FoundManifest {
  readonly manifest: FetchedManifest;
  readonly view: JsonView;
  /** Of the indexes above it. */
  readonly digests: readonly string[];
  readonly platform: Platform | undefined;
  /** All that the index lists. */
  readonly platforms: readonly Platform[];
}

async function findManifest(
  repository: Repository,
  wanted: Platform | undefined,
  signal: AbortSignal | undefined,
): Promise<FoundManifest> {
  const { reference } = repository;
  const shown = showText(reference.typed);
  const digests: string[] = [];
  let platform: Platform | undefined;
  let platforms: readonly Platform[] = [];
  for (let next = nameOf(reference); ;) {
    const manifest = await repository.manifest(next, signal);
    const view = parseJson(manifest.bytes, `${shown}: ${manifest.digest}`);
    if (!view.isObject || view.get('manifests').isAbsent)
      return { manifest, view, digests, platform, platforms };
    refuseOtherIndexes(view);
    digests.push(manifest.digest);
    if (digests.length > DEPTH_LIMIT) {
      throw new InputError(`${view.where}: found indexes nested deeper than ${DEPTH_LIMIT}`);
    }
    const listed = listManifests(view);
    const distinct = new Map(
      listed.flatMap(({ platform: each }) => (each === undefined ? [] : [[showPlatform(each), each]])),
    );
    if (distinct.size > 0) platforms = [...distinct.values()];
    const chosen = chooseManifest(listed, wanted, shown);
    platform = chosen.platform ?? platform;
    next = chosen.digest;
  }
}

const nameOf = ({ tag, digest }: RegistryReference): string => digest ?? tag ?? 'latest';

function contentOf(
  state: CandidateState,
  onBrokenConfig: ((problem: InputError) => void) | undefined,
): Extract<CandidateState, { kind: 'image' }>['content'] {
  if (state.kind === 'image') return state.content;
  if (state.kind === 'artifact' || state.withoutConfig === undefined || onBrokenConfig === undefined)
    throw state.error;
  onBrokenConfig(state.error);
  return state.withoutConfig;
}

function refuseOtherPlatform(shown: string, wanted: Platform | undefined, found: Platform | undefined): void {
  if (wanted === undefined || found === undefined || matchRank(wanted, found) >= 0) return;
  throw new InputError(
    `${shown}: there is no image for ${showPlatform(wanted)}; it has ${showText(showPlatform(found))}`,
    { code: 'ERR_STRATAFS_NO_IMAGE' },
  );
}

/** The layers with what brings their bytes here. */
function remoteLayers(
  layers: readonly LayerSource[],
  manifest: JsonView,
  repository: Repository,
  cache: BlobCache,
  index: ImageIndex,
): LayerSource[] {
  const { reference } = repository;
  const described = new Map(
    manifest
      .get('layers')
      .items()
      .map((layer) => [layer.get('digest').value, layer]),
  );
  return layers.map((layer) => {
    if (layer.kind !== 'blob' || layer.digest === undefined) return layer;
    const { digest, blob } = layer;
    const descriptor = described.get(digest);
    const bound = boundIndexOf(annotationsOf(descriptor));
    const source = (): RangeSource => repository.blob(digest, blob.length);
    const openPart = (chunkSha256: Uint8Array | undefined): PartialBlob =>
      cache.openPart({ digest, size: blob.length }, chunkSha256);
    const loading =
      bound === undefined
        ? undefined
        : new SharedLoad((signal) => loadBoundIndex(openPart(undefined), source(), bound, signal));
    const findBound = (signal?: AbortSignal): RegistryIndex | undefined =>
      bound === undefined || !cache.keepsParts
        ? undefined
        : {
            id: bound.id,
            isInLayer: true,
            load: async () => loading?.get(signal),
            windowsSource: () => undefined,
          };
    const fetch = async (watch: FetchWatch): Promise<void> => {
      await cache.fetch(repository.blob(digest, blob.length), showReference(reference), watch);
      await cache.noteOrigin(digest, repositoryOf(reference));
    };
    return {
      ...layer,
      remote: {
        compression: compressionOfType(descriptor?.get('mediaType').optionalString() ?? ''),
        isHere: () => cache.isHere(digest, blob.length),
        fetch,
        findIndex: async (signal) => (await index.find(digest, signal)) ?? findBound(signal),
        source,
        ...(cache.keepsParts ? { openPart } : {}),
        discard: () => cache.discard(digest),
      },
    };
  });
}

/** The annotations that are strings. */
function annotationsOf(descriptor: JsonView | undefined): Map<string, string> {
  const value = descriptor?.get('annotations').value;
  const entries: [string, unknown][] =
    typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
