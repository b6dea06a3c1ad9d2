// The current state of the page. Views read it and request changes; page.ts makes them.
import type { ReportImage } from '../inspect/report-format.ts';
import type { ByteFilter, NodeTable } from './node-table.ts';

export interface ViewState {
  readonly image: ReportImage;
  readonly table: NodeTable;
  readonly filter: ByteFilter;
  /** Bytes by node: with the filter, and without. */
  readonly sums: Float64Array;
  readonly allSums: Float64Array;
  /** The directory that the treemap shows. */
  readonly root: number;
  /** The meaning of the colours of tiles. */
  readonly colours: 'layer' | 'type' | 'change';
  /** The type of each node: an index of fileTypes, or OTHER_TYPE. */
  readonly types: Uint8Array;
  /** How each node differs from the other image; undefined if there is no comparison. */
  readonly changes?: Uint8Array | undefined;
}

export interface ViewActions {
  /** Shows the directory in the treemap. `focus`: the node whose tile gets the focus; -1 for none. */
  open(directory: number, focus?: number): void;
  /** Shows a node in its directory, and clears a filter that hides it. */
  reveal(node: number): void;
  /** 0 for all layers. */
  chooseLayer(layer: number): void;
}
