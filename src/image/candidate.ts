// ImageCandidate: one image that a source holds, read as far as choosing and listing need.
import { InputError } from '../vfs/input-error.ts';
import { MissingBlobError } from './archive.ts';
import type { Image, LayerSource, Platform } from './image.ts';
import type { JsonView } from './json-view.ts';

/** What the config and the manifest of one image say. */
export type ImageContent = Pick<Image, 'config' | 'platform' | 'history'> & {
  /** RFC 3339, as the config has it. */
  readonly created: string | undefined;
  /** Base first. */
  readonly layers: readonly LayerSource[];
};

export type CandidateState =
  | { readonly kind: 'image'; readonly content: ImageContent }
  /**
   * It can't be used, and choosing it throws this. `isMissing`: for a blob that was never saved. `known`: its layers,
   * where only the config is at fault.
   */
  | {
      readonly kind: 'broken';
      readonly error: InputError;
      readonly isMissing: boolean;
      readonly known: ImageContent | undefined;
    }
  /** Not an image (a signature, a chart): only ever chosen by name, to be refused. */
  | { readonly kind: 'artifact'; readonly error: InputError };

/** One entry of manifest.json or index.json that leads to an image. */
export interface Place {
  /** From 0: what `@INDEX` counts. */
  readonly index: number;
  /** In the archive's own spelling. */
  readonly names: readonly string[];
  /** More spellings that choose it: the bare tag beside the full name that containerd writes. */
  readonly aliases: readonly string[];
}

export interface ImageCandidate {
  /** At least one, in order. */
  readonly places: readonly Place[];
  /** `sha256:<hex>` of the config; undefined if nothing tells it. */
  readonly id: string | undefined;
  /** `sha256:<hex>` of its manifest and of the indexes that lead there. */
  readonly digests: readonly string[];
  /** As the index says, else the config. */
  readonly platform: Platform | undefined;
  readonly state: CandidateState;
}

/** All the names of an image, each once; what else chooses it where it has none. */
export function namesOf({ places }: ImageCandidate): string[] {
  const names = new Set(places.flatMap((place) => place.names));
  return [...(names.size > 0 ? names : new Set(places.flatMap((place) => place.aliases)))];
}

/** The state of a candidate whose manifest or config could not be read. Anything but an InputError is thrown again. */
export function brokenState(error: unknown, known?: ImageContent): CandidateState {
  if (!(error instanceof InputError)) throw error;
  return { kind: 'broken', error, isMissing: error instanceof MissingBlobError, known };
}

/** What is known of an image without its config: its layers. */
export function bareContent(layers: readonly LayerSource[]): ImageContent {
  return { config: undefined, platform: undefined, history: [], created: undefined, layers };
}

/** What history, platform and time a config (docker's and OCI's are the same here) gives. */
export function readConfig(
  config: JsonView,
): Pick<ImageContent, 'config' | 'platform' | 'history' | 'created'> {
  const os = config.get('os').optionalString();
  const architecture = config.get('architecture').optionalString();
  const variant = config.get('variant').optionalString();
  return {
    config: config.value,
    platform:
      architecture === undefined
        ? undefined
        : { os: os ?? 'linux', architecture, ...(variant === undefined ? {} : { variant }) },
    created: config.get('created').optionalString(),
    history: config
      .get('history')
      .items()
      .map((step) => {
        const created = step.get('created').optionalString();
        const createdBy = step.get('created_by').optionalString();
        const author = step.get('author').optionalString();
        const comment = step.get('comment').optionalString();
        return {
          ...(created === undefined ? {} : { created }),
          ...(createdBy === undefined ? {} : { createdBy }),
          ...(author === undefined ? {} : { author }),
          ...(comment === undefined ? {} : { comment }),
          emptyLayer: step.get('empty_layer').boolean(),
        };
      }),
  };
}
