// Reads the output of `docker save`, `podman save` and skopeo's docker-archive: transport. manifest.json, anywhere in
// the tar, lists images: for each a config and its layers, base first (moby, image/tarexport).
//
// The old form stores a layer at <id>/layer.tar, skopeo at <diffid>.tar, docker 25 and later at blobs/sha256/<hex>.
// Only the name in manifest.json counts. Some tools compress the layers; only their magic numbers show it.
import { InputError } from '../vfs/input-error.ts';
import { type Archive, type JsonBlob, JsonReader, MissingBlobError, whyMissing } from './archive.ts';
import { bareContent, brokenState, type ImageCandidate, type ImageContent, readConfig } from './candidate.ts';
import { digestOfBlobName, readDiffIds } from './digest.ts';
import type { LayerSource } from './image.ts';
import type { JsonView } from './json-view.ts';
import { showText } from '../vfs/show-text.ts';

/** Limit of the images in one archive. */
const IMAGE_LIMIT = 4096;

/**
 * The images of a docker archive in the order of manifest.json; undefined if no manifest.json lists images. A broken
 * image is a candidate too: others in the archive may be intact.
 */
export async function readDockerArchive(archive: Archive): Promise<ImageCandidate[] | undefined> {
  const reader = new JsonReader(archive);
  const manifest = await reader.read('manifest.json');
  if (manifest === undefined || !isDockerManifest(manifest.json)) return undefined;
  const entries = manifest.json.items();
  if (entries.length > IMAGE_LIMIT) {
    throw new InputError(
      `${manifest.json.where}: found ${entries.length} images, expected at most ${IMAGE_LIMIT}`,
    );
  }
  return mergeSameImages(
    await Promise.all(entries.map((entry, index) => readEntry(archive, reader, manifest, entry, index))),
  );
}

/** Intact entries with the same config are one image that has all their names, as in `docker load`. */
function mergeSameImages(candidates: readonly ImageCandidate[]): ImageCandidate[] {
  const merged = new Map<unknown, ImageCandidate>();
  for (const candidate of candidates) {
    const key = candidate.state.kind === 'image' ? candidate.id : candidate;
    const same = merged.get(key);
    merged.set(
      key,
      same === undefined ? candidate : { ...same, places: [...same.places, ...candidate.places] },
    );
  }
  return [...merged.values()];
}

/** True for an array of objects with `Layers`, even an empty one: a layer may contain another kind of manifest.json. */
function isDockerManifest(manifest: JsonView): boolean {
  return (
    manifest.isArray &&
    manifest.items().every((entry) => entry.isObject && Object.hasOwn(entry.value as object, 'Layers'))
  );
}

async function readEntry(
  archive: Archive,
  reader: JsonReader,
  manifest: JsonBlob,
  entry: JsonView,
  index: number,
): Promise<ImageCandidate> {
  const names = entry.get('RepoTags').items();
  const places = [{ index, names: [...new Set(names.map((name) => name.string()))], aliases: [] }];
  let id: string | undefined;
  try {
    const config = await readConfigBlob(archive, reader, entry.get('Config'));
    id = config.digest;
    const content = {
      ...readConfig(config.json),
      layers: await readLayers(archive, entry, config.json),
      configDocument: { blob: config.location, digest: config.digest },
      manifest: { blob: manifest.location, digest: manifest.digest, mediaType: undefined, annotations: {} },
    };
    return { places, id, digests: [], platform: content.platform, state: { kind: 'image', content } };
  } catch (error) {
    const withoutConfig = await readKnownLayers(archive, entry);
    return { places, id, digests: [], platform: undefined, state: brokenState(error, withoutConfig) };
  }
}

/** The layers that the manifest names, whatever the config says; undefined if any of them is missing. */
async function readKnownLayers(archive: Archive, entry: JsonView): Promise<ImageContent | undefined> {
  const layers: LayerSource[] = [];
  try {
    for (const name of entry.get('Layers').items()) {
      const blob = await archive.find(name.string());
      if (blob === undefined) return undefined;
      const digest = digestOfBlobName(name.string());
      layers.push({ kind: 'blob', blob, ...(digest === undefined ? {} : { digest }) });
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return undefined;
  }
  return layers.length === 0 ? undefined : bareContent(layers);
}

async function readLayers(archive: Archive, entry: JsonView, config: JsonView): Promise<LayerSource[]> {
  const diffIds = readDiffIds(config);
  const names = entry.get('Layers').items();
  if (names.length !== diffIds.length) {
    throw new InputError(
      `${entry.where}: Layers names ${names.length} layers, but rootfs.diff_ids of the config has ${diffIds.length}`,
    );
  }
  const layers: LayerSource[] = [];
  for (const [i, name] of names.entries()) {
    const blob = name.string() === '' ? undefined : await archive.find(name.string());
    if (blob === undefined) throw await missingLayer(archive, name, `layer ${i + 1} of ${names.length}`);
    const digest = digestOfBlobName(name.string());
    const diffId = diffIds[i] as string;
    layers.push({ kind: 'blob', blob, diffId, ...(digest === undefined ? {} : { digest }) });
  }
  return layers;
}

async function missingLayer(archive: Archive, name: JsonView, which: string): Promise<InputError> {
  if (name.string() === '') {
    // buildpacks' pack writes empty names for layers that the docker daemon already had.
    return new MissingBlobError(
      `${archive.path}: ${which} is not in the archive: ${name.where} is an empty name; ` +
        'save the whole image: `docker save`',
    );
  }
  const why = await whyMissing(archive, name.string());
  return new MissingBlobError(
    `${archive.path}: ${which} ${why}: ${showText(name.string())}, named by ${name.where}`,
  );
}

async function readConfigBlob(archive: Archive, reader: JsonReader, view: JsonView): Promise<JsonBlob> {
  const name = view.string();
  const config = await reader.read(name);
  if (config === undefined) {
    const why = await whyMissing(archive, name);
    throw new MissingBlobError(
      `${archive.path}: the config ${showText(name)} ${why}, named by ${view.where}`,
    );
  }
  // The name <hex>.json of a config is not checked against its digest: docker load doesn't check it either, and people
  // edit such archives.
  const expected = digestOfBlobName(name);
  if (expected !== undefined && expected !== config.digest) {
    throw new InputError(
      `${config.json.where}: found ${config.digest}, expected ${expected}: the archive is corrupt`,
      { code: 'ERR_STRATAFS_DIGEST' },
    );
  }
  return config;
}
