// Reads an OCI image layout (image-spec, image-layout.md and image-index.md): index.json, nested indexes, and the
// names, platforms and digests that lead to each manifest. Each manifest is one candidate, however many entries point
// to it.
//
// A tool may save an index without some of the manifests that it names (docker save of a multi-platform image does). So
// a missing manifest makes a broken candidate, not a broken layout.
import { InputError } from '../vfs/input-error.ts';
import { type Archive, JsonReader } from './archive.ts';
import { brokenState, type CandidateState, type ImageCandidate, type Place } from './candidate.ts';
import { readDigest } from './digest.ts';
import type { Platform } from './image.ts';
import type { JsonView } from './json-view.ts';
import { readDescribed } from './oci-descriptor.ts';
import {
  ArtifactError,
  readImageManifest,
  readKnownLayers,
  refuseLayerDescriptor,
  refuseOtherIndexes,
  refuseOtherManifests,
} from './oci-manifest.ts';

/** Limit of the descriptors that are followed in one layout, counting repeats. */
const DESCRIPTOR_LIMIT = 16_384;

/** Limit of nested indexes. Buildkit and docker write 2 levels. */
const DEPTH_LIMIT = 8;

const REF_NAME = 'org.opencontainers.image.ref.name';
const CONTAINERD_NAME = 'io.containerd.image.name';

/** The images of a layout in the order of index.json; undefined if no index.json lists manifests. */
export async function readOciLayout(archive: Archive): Promise<ImageCandidate[] | undefined> {
  const reader = new JsonReader(archive);
  const index = await reader.read('index.json');
  if (index === undefined || !index.json.isObject || !index.json.get('manifests').isArray) return undefined;
  await checkVersion(reader);
  const walk = new LayoutWalk(archive, reader);
  for (const [i, descriptor] of index.json.get('manifests').items().entries()) {
    await walk.follow(descriptor, {
      place: { index: i, ...namesIn(descriptor) },
      digests: [],
      platform: undefined,
    });
  }
  return walk.candidates();
}

async function checkVersion(reader: JsonReader): Promise<void> {
  const layout = await reader.read('oci-layout');
  // The specification requires the file, but some tools don't write it. index.json is sufficient.
  const version = layout?.json.get('imageLayoutVersion');
  if (version !== undefined && !version.string().startsWith('1.')) throw version.unexpected('version 1.x');
}

/**
 * The names that an entry of index.json gives. containerd writes a full name as the name, and only its tag as the
 * reference name. All other tools write what the user typed as the reference name.
 */
function namesIn(descriptor: JsonView): Pick<Place, 'names' | 'aliases'> {
  const annotations = descriptor.get('annotations');
  if (annotations.isAbsent) return { names: [], aliases: [] };
  const full = annotations.get(CONTAINERD_NAME).optionalString();
  const reference = annotations.get(REF_NAME).optionalString();
  if (full === undefined) return { names: reference === undefined ? [] : [reference], aliases: [] };
  return { names: [full], aliases: reference === undefined || reference === full ? [] : [reference] };
}

/** The way from index.json to a descriptor. */
interface Trail {
  /** The entry of index.json. */
  readonly place: Place;
  /** The digests of the indexes on the way. */
  readonly digests: readonly string[];
  readonly platform: Platform | undefined;
}

/** Follows descriptors and collects the manifests. */
export class LayoutWalk {
  readonly #archive: Archive;
  readonly #reader: JsonReader;
  readonly #found = new Map<string, ImageCandidate>();
  #descriptors = 0;

  constructor(archive: Archive, reader: JsonReader) {
    this.#archive = archive;
    this.#reader = reader;
  }

  candidates(): ImageCandidate[] {
    return [...this.#found.values()];
  }

  /** Adds the manifest that `descriptor` points to, or all manifests of an index. */
  async follow(descriptor: JsonView, trail: Trail): Promise<void> {
    if (++this.#descriptors > DESCRIPTOR_LIMIT) {
      throw new InputError(
        `${this.#archive.path}: found more than ${DESCRIPTOR_LIMIT} manifests in its indexes`,
      );
    }
    if (isAttestation(descriptor)) return;
    // Broken entries without a digest differ only in their place.
    let key = descriptor.where;
    let here = trail;
    let id: string | undefined;
    let manifest: JsonView | undefined;
    try {
      const digest = readDigest(descriptor.get('digest'));
      key = digest;
      here = {
        ...trail,
        digests: [...trail.digests, digest],
        platform: readPlatform(descriptor.get('platform')),
      };
      refuseLayerDescriptor(descriptor);
      const blob = await readDescribed(this.#archive, this.#reader, descriptor, 'manifest');
      const { json } = blob;
      const manifests = json.get('manifests');
      if (!manifests.isAbsent) {
        if (here.digests.length > DEPTH_LIMIT) {
          throw new InputError(`${json.where}: found indexes nested deeper than ${DEPTH_LIMIT}`);
        }
        refuseOtherIndexes(json);
        for (const child of manifests.items()) await this.follow(child, here);
        return;
      }
      refuseOtherManifests(json);
      manifest = json;
      id = readDigest(json.get('config').get('digest'));
      const content = await readImageManifest(this.#archive, this.#reader, blob);
      this.#add(key, here, id, { kind: 'image', content });
    } catch (error) {
      if (this.#descriptors > DESCRIPTOR_LIMIT) throw error;
      const withoutConfig =
        manifest === undefined ? undefined : await readKnownLayers(this.#archive, manifest);
      const state =
        error instanceof ArtifactError
          ? ({ kind: 'artifact', error } as const)
          : brokenState(error, withoutConfig);
      this.#add(key, here, id, state);
    }
  }

  #add(
    key: string,
    { place, digests, platform }: Trail,
    id: string | undefined,
    state: CandidateState,
  ): void {
    const candidate = this.#found.get(key);
    if (candidate === undefined) {
      const configured = state.kind === 'image' ? state.content.platform : undefined;
      this.#found.set(key, { places: [place], id, digests, platform: platform ?? configured, state });
      return;
    }
    // Another entry that points to the same manifest.
    const places = candidate.places.includes(place) ? candidate.places : [...candidate.places, place];
    this.#found.set(key, { ...candidate, places, digests: [...new Set([...candidate.digests, ...digests])] });
  }
}

/** The platform of a descriptor; undefined if it states none. */
export function readPlatform(view: JsonView): Platform | undefined {
  if (view.isAbsent) return undefined;
  const architecture = view.get('architecture').optionalString();
  const variant = view.get('variant').optionalString();
  if (architecture === undefined) return undefined;
  const os = view.get('os').optionalString() ?? 'linux';
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** True for Buildkit's provenance and SBOM manifests: they have an annotation, and the platform unknown/unknown. */
export function isAttestation(descriptor: JsonView): boolean {
  const annotations = descriptor.get('annotations');
  if (!annotations.isAbsent && !annotations.get('vnd.docker.reference.type').isAbsent) return true;
  const platform = descriptor.get('platform');
  return (
    !platform.isAbsent &&
    platform.get('os').value === 'unknown' &&
    platform.get('architecture').value === 'unknown'
  );
}
