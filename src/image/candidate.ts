// ImageCandidate: one image of a source, read as far as choosing and listing need it.
import { InputError } from '../vfs/input-error.ts';
import { MissingBlobError } from './archive.ts';
import type { Image, LayerSource, Platform } from './image.ts';
import type { JsonView } from './json-view.ts';

/** The content of one image's config and manifest. */
export type ImageContent = Pick<Image, 'config' | 'platform' | 'history' | 'manifest' | 'configDocument'> & {
  /** RFC 3339, copied from the config. */
  readonly created: string | undefined;
  /** Base first. */
  readonly layers: readonly LayerSource[];
};

export type CandidateState =
  | { readonly kind: 'image'; readonly content: ImageContent }
  /**
   * The image can't be used; choosing it throws `error`. `isMissing`: a blob of it was never saved. `withoutConfig`:
   * its layers, if only the config is at fault.
   */
  | {
      readonly kind: 'broken';
      readonly error: InputError;
      readonly isMissing: boolean;
      readonly withoutConfig: ImageContent | undefined;
    }
  /** Not an image (a signature, a chart). It can only be chosen by name, and is then refused. */
  | { readonly kind: 'artifact'; readonly error: InputError };

/** One entry of manifest.json or index.json that leads to an image. */
export interface Place {
  /** From 0; `@INDEX` selects it. */
  readonly index: number;
  /** In the archive's own spelling. */
  readonly names: readonly string[];
  /** Other spellings that select the image: the bare tag, if containerd wrote a full name. */
  readonly aliases: readonly string[];
}

export interface ImageCandidate {
  /** At least one, in order. */
  readonly places: readonly Place[];
  /** `sha256:<hex>` of the config; undefined if the archive doesn't state it. */
  readonly id: string | undefined;
  /** `sha256:<hex>` of its manifest and of the indexes above it. */
  readonly digests: readonly string[];
  /** From the index, else from the config. */
  readonly platform: Platform | undefined;
  readonly state: CandidateState;
}

/** All names of an image, each once; its aliases if it has no name. */
export function namesOf({ places }: ImageCandidate): string[] {
  const names = new Set(places.flatMap((place) => place.names));
  return [...(names.size > 0 ? names : new Set(places.flatMap((place) => place.aliases)))];
}

/** The state of a candidate whose manifest or config could not be read. Rethrows anything but an InputError. */
export function brokenState(error: unknown, withoutConfig?: ImageContent): CandidateState {
  if (!(error instanceof InputError)) throw error;
  return { kind: 'broken', error, isMissing: error instanceof MissingBlobError, withoutConfig };
}

/** The content of an image without its config: only its layers. */
export function bareContent(layers: readonly LayerSource[]): ImageContent {
  return { config: undefined, platform: undefined, history: [], created: undefined, layers };
}

/** History, platform and time from a config (docker and OCI have the same fields). */
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
