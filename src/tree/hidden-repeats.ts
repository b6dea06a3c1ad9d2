// A layer that is listed several times, as docker lists one whenever a build step made the same change again.
//
// A listing shows nothing where the same layer lies above it: whatever it has, hides or makes opaque, the upper listing has,
// hides and makes opaque too, whatever lies between. Only a hard link to a lower name, a redirect or a metacopy of a layer above
// can lead to what is hidden. So listings that nothing can lead to are merged as empty layers: an image that lists one large
// layer hundreds of times costs what one listing costs.
import { layerIndexLength, viewLayerIndex } from '../layer/layer-index-layout.ts';
import { InodeFlag, type LayerIndex } from '../layer/layer-index.ts';
import { S_IFDIR } from '../vfs/attr.ts';

/** `indexes` base first, with an empty layer in place of each listing that shows nothing. */
export function emptyHiddenRepeats(indexes: readonly LayerIndex[]): readonly LayerIndex[] {
  const above = new Set<LayerIndex>();
  const kept = [...indexes];
  for (let layer = indexes.length - 1; layer >= 0; layer--) {
    const index = indexes[layer] as LayerIndex;
    if (above.has(index)) kept[layer] = emptyLayer();
    // Whatever lies below may be what this leads to.
    if (leadsDown(index)) break;
    above.add(index);
  }
  return kept;
}

function leadsDown(index: LayerIndex): boolean {
  return index.links.length > 0 || index.redirects !== undefined || index.metacopies !== undefined;
}

/** A layer whose tar has no member. */
function emptyLayer(): LayerIndex {
  const counts = { dentries: 1, inodes: 1, pool: 0, xattrs: 0, extents: 0, links: 0 };
  const index = viewLayerIndex(new ArrayBuffer(layerIndexLength(counts)), 0, counts);
  index.mode[0] = S_IFDIR | 0o755;
  index.firstChild[0] = 1;
  index.inodeFlags[0] = InodeFlag.implicit;
  return index;
}
