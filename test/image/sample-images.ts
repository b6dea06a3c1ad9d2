// Small images in the forms that tools save: the docker archive of several versions, and OCI layouts.
import { type Members, sha256, tarOf } from './scratch.ts';

export interface SampleLayer {
  readonly tar: Buffer;
  readonly diffId: string;
}

/** A layer of one file; layers of one text are equal. */
export async function sampleLayer(text: string): Promise<SampleLayer> {
  const tar = await tarOf([['file', text]]);
  return { tar, diffId: `sha256:${sha256(tar)}` };
}

export interface SampleConfig {
  readonly architecture?: string;
  readonly variant?: string;
  /** Makes two configs with the same layers differ. */
  readonly comment?: string;
  readonly created?: string;
  /** Instead of a step a layer and one more. */
  readonly history?: readonly object[] | null;
}

export function configOf(layers: readonly SampleLayer[], extra: SampleConfig = {}): string {
  return JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    created: '2024-05-06T07:08:09Z',
    ...extra,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history:
      extra.history === undefined
        ? [
            ...layers.map((_, i) => ({ created_by: `step ${i + 1}` })),
            { created_by: 'CMD ["sh"]', empty_layer: true },
          ]
        : extra.history,
  });
}

/** skopeo's form: <diffid>.tar at the top, <id>/layer.tar a symlink to it, manifest.json last. */
export function skopeoMembers(layers: readonly SampleLayer[], tags: readonly string[]): Members {
  const config = configOf(layers);
  const names = layers.map(({ diffId }) => `${diffId.slice(7)}.tar`);
  return [
    ...layers.map(({ tar }, i) => [names[i] as string, tar] as const),
    ...layers.map((_, i) => [`${i}/layer.tar`, { symlink: `../${names[i] as string}` }] as const),
    [`${sha256(config)}.json`, config],
    [
      'manifest.json',
      JSON.stringify([
        { Config: `${sha256(config)}.json`, RepoTags: tags, Layers: layers.map((_, i) => `${i}/layer.tar`) },
      ]),
    ],
  ];
}

/** The blobs of a layout, kept by digest, and the descriptors that point to them. */
export class SampleLayout {
  readonly #blobs = new Map<string, string | Buffer>();
  readonly #index: object[] = [];

  /** Keeps a blob; its descriptor. */
  blob(bytes: string | Buffer, mediaType: string): { mediaType: string; digest: string; size: number } {
    this.#blobs.set(sha256(bytes), bytes);
    return { mediaType, digest: `sha256:${sha256(bytes)}`, size: Buffer.byteLength(bytes) };
  }

  json(value: object, mediaType: string): { mediaType: string; digest: string; size: number } {
    return this.blob(JSON.stringify(value), mediaType);
  }

  /** Keeps an image; its descriptor. `change` may spoil the manifest. */
  image(
    layers: readonly SampleLayer[],
    extra: SampleConfig = {},
    change: object = {},
  ): ReturnType<SampleLayout['blob']> {
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: this.blob(configOf(layers, extra), CONFIG),
      layers: layers.map(({ tar }) => this.blob(tar, LAYER)),
      ...change,
    };
    return this.json(manifest, MANIFEST);
  }

  nested(manifests: readonly object[]): ReturnType<SampleLayout['blob']> {
    return this.json({ schemaVersion: 2, mediaType: INDEX, manifests }, INDEX);
  }

  /** Adds an entry to index.json. */
  add(descriptor: object, name?: string): this {
    const annotations = name === undefined ? {} : { 'org.opencontainers.image.ref.name': name };
    this.#index.push({ annotations, ...descriptor });
    return this;
  }

  lose(digest: string): this {
    this.#blobs.delete(digest.replace('sha256:', ''));
    return this;
  }

  replace(digest: string, bytes: string | Buffer): this {
    this.#blobs.set(digest.replace('sha256:', ''), bytes);
    return this;
  }

  members(): Members {
    return [
      ['oci-layout', '{"imageLayoutVersion":"1.0.0"}'],
      ...[...this.#blobs].map(([hex, bytes]) => [`blobs/sha256/${hex}`, bytes] as const),
      ['index.json', JSON.stringify({ schemaVersion: 2, manifests: this.#index })],
    ];
  }
}

export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX = 'application/vnd.oci.image.index.v1+json';
export const CONFIG = 'application/vnd.oci.image.config.v1+json';
export const LAYER = 'application/vnd.oci.image.layer.v1.tar';

/** As the platform field of a descriptor. */
export function platform(architecture: string, variant?: string): object {
  return { platform: { os: 'linux', architecture, ...(variant === undefined ? {} : { variant }) } };
}
