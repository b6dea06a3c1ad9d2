// `stratafs tree --format`: the names of a tree as rows.
import type { Image } from '../../library/image.ts';
import type { TreeListing } from '../../library/tree.ts';
import { Listing, type ListingRow, type RowFormat } from './listing.ts';
import { type ShowSize, describeEntry } from './tree-lines.ts';

export const treeFields = new Listing([
  { name: 'Kind', title: '' },
  { name: 'Layer', title: 'LAYER', align: 'right' },
  { name: 'Type', title: 'TYPE' },
  { name: 'Mode', title: 'MODE' },
  { name: 'UID', title: 'UID', align: 'right' },
  { name: 'GID', title: 'GID', align: 'right' },
  { name: 'Size', title: 'SIZE', align: 'right' },
  { name: 'Modified', title: 'MODIFIED' },
  { name: 'Path', title: 'PATH' },
  { name: 'Target', title: 'TARGET' },
  { name: 'LinkTo', title: 'LINK TO' },
]);
const shown = ['Kind', 'Layer', 'Type', 'Mode', 'UID', 'GID', 'Size', 'Modified', 'Path'];

const textOf = (value: string | number | undefined): string => (value === undefined ? '' : String(value));

function* rowsOf(tree: TreeListing, image: Image, size: ShowSize): Generator<ListingRow> {
  for (const entry of tree) {
    const facts = describeEntry(entry, image);
    const { path, kind, layer, type, mode, uid, gid, modified, target, linkTo } = facts;
    yield {
      fields: {
        ...{ Kind: textOf(kind), Layer: textOf(layer), Type: type, Mode: mode },
        ...{ UID: textOf(uid), GID: textOf(gid), Size: size(facts.size), Modified: textOf(modified) },
        ...{ Path: path, Target: textOf(target), LinkTo: textOf(linkTo) },
      },
    };
  }
}

/** The output, in pieces: a table needs all rows, the other formats one at a time. */
export function* treeRows(
  tree: TreeListing,
  image: Image,
  size: ShowSize,
  format: RowFormat,
): Generator<string> {
  const rows = rowsOf(tree, image, size);
  if (format.isTable) yield format.write([...rows], shown);
  else for (const row of rows) yield format.write([row]);
}
