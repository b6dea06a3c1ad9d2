// The JSON that `stratafs report` embeds in its page. report.ts writes it; the page's own code in src/report/, which runs
// in a browser, reads it. So this file imports nothing.
//
// Names are escaped for display: control characters and bytes that are not UTF-8 become \xNN. They are still untrusted,
// so the page only sets them as text.

/** Incremented with each incompatible change. */
export const REPORT_FORMAT = 1;

export interface ReportData {
  readonly format: typeof REPORT_FORMAT;
  /** The version of stratafs. */
  readonly version: string;
  /** The sources as the user wrote them. */
  readonly images: readonly ReportImage[];
  /** Bytes of the layers of all images; a shared layer counts once. */
  readonly totalSize: number;
  /** Layers that more than one image has, in the order in which the images have them. */
  readonly shared: readonly SharedLayer[];
  /** Of `images`, which are then two. */
  readonly comparison?: ReportComparison | undefined;
}

/** How the second image differs from the first. */
export interface ReportComparison {
  /** The number of layers, from the base, that are the same in both. */
  readonly baseLayers: number;
  /** Numbers of names, without the parents of changes; `deleted` counts a whole directory as one. */
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
  /** Bytes by which the files of the second image are larger. */
  readonly grown: number;
  /** Sorted by path, without the parents of changes. */
  readonly differences: readonly ReportDifference[];
  /** The number of the smallest differences, which are left out. */
  readonly omitted: number;
}

/** One path that differs. */
export interface ReportDifference {
  /** Added, changed or deleted. */
  readonly kind: 'A' | 'C' | 'D';
  readonly path: string;
  readonly attributes: readonly string[];
  /** Bytes; of a deleted directory, of all files in it. */
  readonly sizeBefore?: number | undefined;
  readonly sizeAfter?: number | undefined;
}

export interface ReportImage {
  readonly source: string;
  readonly names: readonly string[];
  /** docker's IMAGE ID. */
  readonly id?: string | undefined;
  readonly platform?: string | undefined;
  /** RFC 3339. */
  readonly created?: string | undefined;
  /** A text that says how history and layers don't match. */
  readonly gap?: string | undefined;
  /** Bytes of all layers' files; of files that no name shows; of the layers that other images have too. */
  readonly size: number;
  readonly wasted: number;
  readonly sharedSize: number;
  /** The fraction of `size` that is visible: 0 to 1. */
  readonly efficiency: number;
  /** Base first. */
  readonly layers: readonly ReportLayer[];
  /** The history, base first, with the layers that have no step. */
  readonly steps: readonly ReportStep[];
  readonly nodes: NodeColumns;
}

export interface ReportLayer {
  /** From 1 at the base. */
  readonly number: number;
  readonly diffId?: string | undefined;
  readonly chainId?: string | undefined;
  readonly compression: string;
  /** True: it is the upper directory of a mount, which has what was written. */
  readonly isUpper?: true | undefined;
  /** Bytes of its files; of its stored blob. */
  readonly size: number;
  readonly storedSize: number;
  /** Bytes of its files that higher layers hide; bytes of lower layers' files that it hides. */
  readonly wasted: number;
  readonly hides: number;
  /** Numbers of names. */
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
}

export interface ReportStep {
  /** As a Dockerfile instruction. */
  readonly instruction?: string | undefined;
  /** Unchanged from the image's config. */
  readonly createdBy?: string | undefined;
  readonly created?: string | undefined;
  readonly comment?: string | undefined;
  /** The number of the layer that the step made; omitted if it made none, or one that the image doesn't have. */
  readonly layer?: number | undefined;
}

export interface SharedLayer {
  readonly size: number;
  readonly instruction?: string | undefined;
  readonly chainId?: string | undefined;
  /** The layer's number in each of `images`; 0 if the image doesn't have it. */
  readonly numbers: readonly number[];
}

/** The type of a node. A node's code is 8 times the number of its layer, plus its kind. */
export const NodeKind = {
  directory: 0,
  file: 1,
  /** Another name of a file, whose bytes count at its first name. */
  link: 2,
  symlink: 3,
  /** A device, fifo or socket. */
  special: 4,
  /** A stored file that no name shows. */
  hidden: 5,
  /** A deleted directory, of which only stored files remain. Its layer is 0. */
  gone: 6,
  /** Names of one layer that are too small to be listed one by one. */
  folded: 7,
} as const;
export type NodeKind = (typeof NodeKind)[keyof typeof NodeKind];

/** The causes that hide a file, indexed by the number in `hidden`. */
export const hidingCauses = ['entry', 'whiteout', 'opaque', 'replaced'] as const;
export type HidingCause = (typeof hidingCauses)[number];

/**
 * The tree in preorder, the root first: one row a node, stored in columns. Within a directory names are sorted bytewise; a
 * hidden file precedes the visible file of the same name, and folded names come last.
 */
export interface NodeColumns {
  /** Joined by '/'; the names of the root and of folded nodes are empty. */
  readonly names: string;
  readonly codes: readonly number[];
  /** The number of children of a directory, visible or deleted; the size in bytes of all others. */
  readonly values: readonly number[];
  /** One value for each hidden node, in order: 4 times the number of the layer that hid it, plus the cause. */
  readonly hidden: readonly number[];
  /** One value for each folded node, in order: twice the number of its names, plus 1 if they are hidden files. */
  readonly folded: readonly number[];
}
