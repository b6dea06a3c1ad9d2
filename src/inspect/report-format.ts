// What `stratafs report` embeds in its page: the images as plain JSON. Written by report.ts, read by the page's own code
// in src/report/, which runs in a browser: so this file imports nothing.
//
// Names are fit to be shown: bytes that are no UTF-8 and control characters stand as \xNN. They are still an image's,
// so the page only ever sets them as text.

/** Grows with every change that an older page's code would misread. */
export const REPORT_FORMAT = 1;

export interface ReportData {
  readonly format: typeof REPORT_FORMAT;
  /** Of stratafs. */
  readonly version: string;
  /** As the sources were given. */
  readonly images: readonly ReportImage[];
  /** Bytes of all images' layers, each layer once. */
  readonly totalSize: number;
  /** Layers that more than one image has, in the order in which the images have them. */
  readonly shared: readonly SharedLayer[];
}

export interface ReportImage {
  readonly source: string;
  readonly names: readonly string[];
  /** docker's IMAGE ID. */
  readonly id?: string | undefined;
  readonly platform?: string | undefined;
  /** RFC 3339. */
  readonly created?: string | undefined;
  /** In what the history and the layers don't fit together. */
  readonly gap?: string | undefined;
  /** Bytes of all layers' files; of those that no name shows; of the layers that other images have too. */
  readonly size: number;
  readonly wasted: number;
  readonly sharedSize: number;
  /** The part of `size` that is shown: 0 to 1. */
  readonly efficiency: number;
  /** Base first. */
  readonly layers: readonly ReportLayer[];
  /** The history, base first, then the layers of which it doesn't tell. */
  readonly steps: readonly ReportStep[];
  readonly nodes: NodeColumns;
}

export interface ReportLayer {
  /** From 1 at the base. */
  readonly number: number;
  readonly diffId?: string | undefined;
  readonly chainId?: string | undefined;
  readonly compression: string;
  /** Bytes of its files; of its blob as stored. */
  readonly size: number;
  readonly storedSize: number;
  /** Bytes of it that higher layers hide; bytes of lower layers that it hides. */
  readonly wasted: number;
  readonly hides: number;
  /** Names. */
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
}

export interface ReportStep {
  /** In Dockerfile's words. */
  readonly instruction?: string | undefined;
  /** As the image's config has it. */
  readonly createdBy?: string | undefined;
  readonly created?: string | undefined;
  readonly comment?: string | undefined;
  /** The number of the layer that the step made; left out where it made none, or one that the image doesn't have. */
  readonly layer?: number | undefined;
}

export interface SharedLayer {
  readonly size: number;
  readonly instruction?: string | undefined;
  readonly chainId?: string | undefined;
  /** By image, as in `images`: the layer's number there; 0 where the image doesn't have it. */
  readonly numbers: readonly number[];
}

/** What a node is; its code is 8 times the number of its layer, plus one of these. */
export const NodeKind = {
  directory: 0,
  file: 1,
  /** One more name of a file: its bytes count at the first. */
  link: 2,
  symlink: 3,
  /** A device, fifo or socket. */
  special: 4,
  /** A file that a layer stores and no name shows. */
  hidden: 5,
  /** A directory that is not shown, only files that were in it are stored. Its layer is 0. */
  gone: 6,
  /** Names too small to be listed each, of one layer. */
  folded: 7,
} as const;
export type NodeKind = (typeof NodeKind)[keyof typeof NodeKind];

/** What hid a file, by the number in `hidden`. */
export const hidingCauses = ['entry', 'whiteout', 'opaque', 'replaced'] as const;
export type HidingCause = (typeof hidingCauses)[number];

/**
 * The tree in preorder, the root first: a row a node, in columns. Within a directory the names are sorted bytewise, a
 * hidden file ahead of what is shown by its name, what is folded last.
 */
export interface NodeColumns {
  /** Joined by '/'; the root's and those of folded names are empty. */
  readonly names: string;
  readonly codes: readonly number[];
  /** Of a directory, shown or gone, how many nodes are directly in it; of all others bytes. */
  readonly values: readonly number[];
  /** By hidden node, in their order: 4 times the number of the layer that hid it, plus the cause. */
  readonly hidden: readonly number[];
  /** By folded node, in their order: twice how many names it stands for, plus 1 where they are hidden files. */
  readonly folded: readonly number[];
}
