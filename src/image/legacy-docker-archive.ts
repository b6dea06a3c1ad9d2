// Reads the output of docker before 1.10: instead of manifest.json a file `repositories`, which names the top layer of
// each image. Each layer is a directory <id> with layer.tar and json, whose `parent` is the layer below (image spec
// v1.0).
//
// The form has no digests of the bytes. The json of the top layer serves as the config: it has the same fields.
import { InputError } from '../vfs/input-error.ts';
import { type Archive, JsonReader, MissingBlobError, whyMissing } from './archive.ts';
import { brokenState, type ImageCandidate, type ImageContent, readConfig } from './candidate.ts';
import type { HistoryStep, LayerSource } from './image.ts';
import type { JsonView } from './json-view.ts';
import { showText } from '../vfs/show-text.ts';

/** Limit of the layers of one image; docker itself allows 127. */
const DEPTH_LIMIT = 1024;

/** The images in the order of `repositories`; undefined if that file doesn't exist. */
export async function readLegacyDockerArchive(archive: Archive): Promise<ImageCandidate[] | undefined> {
  const reader = new JsonReader(archive);
  const repositories = await reader.read('repositories');
  if (repositories === undefined) return undefined;
  const names = new Map<string, string[]>();
  for (const [repository, tags] of repositories.json.fields()) {
    for (const [tag, id] of tags.fields()) {
      const top = readId(id);
      names.set(top, [...(names.get(top) ?? []), `${repository}:${tag}`]);
    }
  }
  return Promise.all([...names].map(([top, tags], index) => readImage(archive, reader, top, tags, index)));
}

function readId(view: JsonView): string {
  const id = view.string();
  if (!/^[0-9a-f]{64}$/.test(id)) throw view.unexpected('a layer ID of 64 hex digits');
  return id;
}

async function readImage(
  archive: Archive,
  reader: JsonReader,
  top: string,
  names: readonly string[],
  index: number,
): Promise<ImageCandidate> {
  const id = `sha256:${top}`;
  const places = [{ index, names, aliases: [] }];
  try {
    const content = await readChain(archive, reader, top);
    return { places, id, digests: [], platform: content.platform, state: { kind: 'image', content } };
  } catch (error) {
    return { places, id, digests: [], platform: undefined, state: brokenState(error) };
  }
}

async function readChain(archive: Archive, reader: JsonReader, top: string): Promise<ImageContent> {
  const layers: LayerSource[] = [];
  const history: HistoryStep[] = [];
  let config: JsonView | undefined;
  for (let id: string | undefined = top; id !== undefined;) {
    if (layers.length >= DEPTH_LIMIT) {
      throw new InputError(`${archive.path}: found more than ${DEPTH_LIMIT} layers below ${top}`);
    }
    const step = (await reader.read(`${id}/json`))?.json;
    const blob = await archive.find(`${id}/layer.tar`);
    if (step === undefined || blob === undefined) {
      const name = step === undefined ? `${id}/json` : `${id}/layer.tar`;
      throw new MissingBlobError(
        `${archive.path}: ${name} ${await whyMissing(archive, name)}, a layer below ${showText(top)}`,
      );
    }
    config ??= step;
    layers.unshift({ kind: 'blob', blob });
    history.unshift(readStep(step));
    const parent: JsonView = step.get('parent');
    id = parent.optionalString() === undefined ? undefined : readId(parent);
  }
  const { platform, created } = readConfig(config as JsonView);
  return { config: config?.value, platform, created, history, layers };
}

function readStep(step: JsonView): HistoryStep {
  const created = step.get('created').optionalString();
  const container = step.get('container_config');
  const command = container.isAbsent ? [] : container.get('Cmd').items();
  const createdBy = command.map((word) => word.string()).join(' ');
  return {
    ...(created === undefined ? {} : { created }),
    ...(createdBy === '' ? {} : { createdBy }),
    emptyLayer: false,
  };
}
