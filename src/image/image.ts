// Image: a config and an ordered list of layers, base first.
import type { PartialBlob } from '../blobs/partial-blob.ts';
import type { RangeSource } from '../blobs/range-source.ts';
import type { IndexedLayer } from '../layer/index-file.ts';
import type { BlobLocation, Compression, ExpectedDigests } from '../layer/layer.ts';
import type { MemberIndex } from '../layer/member-spans.ts';
import type { MarkNamespace } from '../overlayfs-format/overlay-xattrs.ts';

/** The source of one layer of an image. */
export type LayerSource =
  | ({
      readonly kind: 'blob';
      readonly blob: BlobLocation;
      /** For a layer of a registry, whose bytes may not be at `blob` yet. */
      readonly remote?: RemoteLayer;
    } & ExpectedDigests)
  | {
      readonly kind: 'directory';
      readonly path: string;
      /** For the upper directory of a mount, which may change meanwhile: the namespace of its marks. */
      readonly upperMarks?: MarkNamespace;
      /** For an upper written with the option fake-root: files of its owner without a stored owner are root's. */
      readonly fakesRoot?: boolean;
    }
  | ForeignLayer;

/** An index that somebody pushed, as it is stored. */
export interface RegistryIndex {
  /** Names what it says of the layer, and how the layer is read by it: others have other names. */
  readonly id: string;
  /** True: it comes with bytes of the layer, which `load` fetches. Else it is here. */
  readonly isInLayer: boolean;
  /** Undefined if it can't be used. */
  load(): Promise<LoadedIndex | undefined>;
  /** The windows of gzip, which it lacks. Undefined if there are none. */
  windowsSource(): RangeSource | undefined;
}

/** An index that was validated. */
export type LoadedIndex =
  /** In the form of this program. */
  | {
      readonly kind: 'indexed';
      readonly indexed: IndexedLayer;
      /** The windows as they come; they have no source yet. Undefined if there are none. The caller closes the blob. */
      openWindows(): PartialBlob | undefined;
    }
  /** In that of another one. */
  | { readonly kind: 'members'; readonly members: MemberIndex };

/** Brings the bytes of a layer to their place. */
export interface RemoteLayer {
  /** From the media type. */
  readonly compression: Compression;
  /** True if all bytes are in the cache directory. */
  isHere(): boolean;
  /**
   * Resolves when all bytes are here, and were verified. Rejects with an InputError if they can't be had, with the reason
   * of the signal when aborted. `onProgress` gets the number of bytes that are here.
   */
  fetch(watch: {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((done: number) => void) | undefined;
  }): Promise<void>;
  /**
   * The layer's index from the registry, where it may be believed; undefined if there is none. Rejects with an InputError if
   * the registry does not answer.
   * @internal
   */
  findIndex?(signal?: AbortSignal): Promise<RegistryIndex | undefined>;
  /**
   * The bytes in the registry.
   * @internal
   */
  source(): RangeSource;
  /**
   * The bytes as they come, without a source yet; their chunks are verified by `chunkSha256`, or else by their readers. The
   * caller closes the blob. Left off if there is no place for parts. Throws InputError if the disk has no room.
   * @internal
   */
  openPart?(chunkSha256: Uint8Array | undefined): PartialBlob;
  /** Removes bytes that don't have their digest any more. */
  discard(): void;
}

/**
 * A layer that the archive names but doesn't contain, because it is distributed separately. It can be listed but not
 * opened.
 */
export interface ForeignLayer extends ExpectedDigests {
  readonly kind: 'foreign';
  /** From the media type. */
  readonly compression: Compression;
  /** The reason why it can't be opened, in one line. */
  readonly reason: string;
  /** Bytes as stored, for a layer of a registry. */
  readonly storedSize?: number;
}

/** One step of the image's history, from the config (OCI image-spec, config.md). */
export interface HistoryStep {
  readonly created?: string;
  readonly createdBy?: string;
  readonly author?: string;
  readonly comment?: string;
  /** True if the step made no layer. */
  readonly emptyLayer: boolean;
}

/** An operating system and a processor, as OCI names them. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** A JSON document of an image, as the archive stores it. */
export interface StoredDocument {
  readonly blob: BlobLocation;
  /** `sha256:<hex>` of the bytes. */
  readonly digest: string;
}

/** A manifest of OCI or of docker's schema 2, or the manifest.json of a docker archive. */
export interface StoredManifest extends StoredDocument {
  /** undefined for manifest.json, which describes all images of an archive. */
  readonly mediaType: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The config of an image and the places of its layers. No layer is open. */
export interface Image {
  /** The text that the user typed, as `stratafs ls` shows it and the mount's source has it. */
  readonly source: string;
  /** All names that the archive gives this image (`repo:tag`), in the archive's spelling. */
  readonly names: readonly string[];
  /** `sha256:<hex>` of the config (docker's IMAGE ID); undefined for a bare stack. */
  readonly id: string | undefined;
  /** The parsed config; undefined for a bare stack. Foreign input: every field may be missing. */
  readonly config: unknown;
  readonly platform: Platform | undefined;
  readonly history: readonly HistoryStep[];
  /** Base first. */
  readonly layers: readonly LayerSource[];
  /** undefined if the archive has none, as for a bare stack. */
  readonly manifest?: StoredManifest | undefined;
  readonly configDocument?: StoredDocument | undefined;
  /** All platforms of the image in the archive, also those that were not saved; undefined for a bare stack. */
  readonly platforms?: readonly Platform[] | undefined;
  /** Ends the unnamed files of an image of a registry, for its opener. Layers that are open stay so. */
  readonly release?: (() => void) | undefined;
  /**
   * The digest of the index that is believed of an image of a registry; undefined if there is none.
   * @internal
   */
  readonly findIndexDigest?: ((signal?: AbortSignal) => Promise<string | undefined>) | undefined;
}
