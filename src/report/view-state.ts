// What the page shows at the moment. Views read it and ask for changes; page.ts makes them.
import type { ReportImage } from '../inspect/report-format.ts';
import type { ByteFilter, NodeTable } from './node-table.ts';

export interface ViewState {
  readonly image: ReportImage;
  readonly table: NodeTable;
  readonly filter: ByteFilter;
  /** Bytes by node, by the filter; and without one. */
  readonly sums: Float64Array;
  readonly allSums: Float64Array;
  /** The directory that the treemap shows. */
  readonly root: number;
}

export interface ViewActions {
  /** Shows the directory in the treemap. `focus`: the node whose tile gets the focus; -1 for none. */
  open(directory: number, focus?: number): void;
  /** Shows a node in its directory, and takes off what filters it away. */
  reveal(node: number): void;
  /** 0 for all layers. */
  chooseLayer(layer: number): void;
}
