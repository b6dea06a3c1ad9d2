// Image: a config and an ordered list of layers, base first.
import type { BlobLocation, Compression, ExpectedDigests } from '../layer/layer.ts';
import type { MarkNamespace } from '../overlayfs-format/overlay-xattrs.ts';

/** Where one layer of an image comes from. */
export type LayerSource =
  | ({ readonly kind: 'blob'; readonly blob: BlobLocation } & ExpectedDigests)
  | {
      readonly kind: 'directory';
      readonly path: string;
      /** Of the upper directory of a mount, which others may write to: where it has its marks. */
      readonly upperMarks?: MarkNamespace;
      /** Of one that was written to with the option fake-root: files of its owner that keep no owner are root's. */
      readonly fakesRoot?: boolean;
    }
  | ForeignLayer;

/** A layer that the archive names and does not hold, since others distribute it. It can be listed, and not be opened. */
export interface ForeignLayer extends ExpectedDigests {
  readonly kind: 'foreign';
  /** As the media type says. */
  readonly compression: Compression;
  /** Why it can't be opened: one line. */
  readonly reason: string;
}

/** One step of the image's history, as the config has it (OCI image-spec, config.md). */
export interface HistoryStep {
  readonly created?: string;
  readonly createdBy?: string;
  readonly author?: string;
  readonly comment?: string;
  /** True if the step made no layer. */
  readonly emptyLayer: boolean;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export interface Image {
  /** What the user gave, as shown in `stratafs ls` and as the mount's source. */
  readonly source: string;
  /** All the names the archive gives this image (`repo:tag`), in its own spelling. */
  readonly names: readonly string[];
  /** `sha256:<hex>` of the config (docker's IMAGE ID); undefined for a bare stack. */
  readonly id: string | undefined;
  /** The parsed config; undefined for a bare stack. Foreign input: every field may be missing. */
  readonly config: unknown;
  readonly platform: Platform | undefined;
  readonly history: readonly HistoryStep[];
  /** Base first. */
  readonly layers: readonly LayerSource[];
}
