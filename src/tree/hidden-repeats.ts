// Skips repeats of a layer. docker lists a layer several times if several build steps made the same change.
//
// A listing contributes nothing if the same layer lies above it: the upper listing has the same names, and hides the
// same, whatever lies between. Only a hard link to a lower name, a redirect or a metacopy of a layer above can lead to
// hidden names. So repeats that nothing can lead to are merged as empty layers: an image that lists one large layer
// hundreds of times costs as much as one listing.
import { layerIndexLength, viewLayerIndex } from '../layer/layer-index-layout.ts';
import { InodeFlag, type LayerIndex } from '../layer/layer-index.ts';
import { S_IFDIR } from '../vfs/attr.ts';

/** `indexes` base first, with an empty layer in place of each listing that contributes nothing. */
export function emptyHiddenRepeats(indexes: readonly LayerIndex[]): readonly LayerIndex[] {
  const above = new Set<LayerIndex>();
  const merged = [...indexes];
  for (let layer = indexes.length - 1; layer >= 0; layer--) {
    const index = indexes[layer] as LayerIndex;
    if (above.has(index)) merged[layer] = emptyLayer();
    // This layer may lead to names of any layer below.
    if (leadsDown(index)) break;
    above.add(index);
  }
  return merged;
}

function leadsDown(index: LayerIndex): boolean {
  return index.links.length > 0 || index.redirects !== undefined || index.metacopies !== undefined;
}

/** The index of a tar without members. */
function emptyLayer(): LayerIndex {
  const counts = { dentries: 1, inodes: 1, pool: 0, xattrs: 0, extents: 0, links: 0 };
  const index = viewLayerIndex(new ArrayBuffer(layerIndexLength(counts)), 0, counts);
  index.mode[0] = S_IFDIR | 0o755;
  index.firstChild[0] = 1;
  index.inodeFlags[0] = InodeFlag.implicit;
  return index;
}
