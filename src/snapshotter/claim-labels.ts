// The labels by which containerd's CRI plugin, nerdctl and ctr-remote say of which image a layer is, when they ask for a snapshot
// that may be there without being unpacked.
import { isDigest } from '../vfs/image-names.ts';
import { TARGET_LABEL } from './snapshot-table.ts';

/** A layer that a pull asks for. */
export interface WantedLayer {
  /** The name that the snapshot is to have: the ChainID of the layer. */
  readonly target: string;
  /** `docker://...`. */
  readonly source: string;
  /** Of the blob. */
  readonly digest: string;
}

const REFERENCE_LABELS = [
  'containerd.io/snapshot/cri.image-ref',
  'containerd.io/snapshot/remote/stargz.reference',
];
const DIGEST_LABELS = [
  'containerd.io/snapshot/cri.layer-digest',
  'containerd.io/snapshot/remote/stargz.digest',
];
const MANIFEST_LABEL = 'containerd.io/snapshot/cri.manifest-digest';

/** The layer that a request's labels name; undefined where they name none: then the layer is to be unpacked. */
export function wantedLayerOf(labels: Readonly<Record<string, string>>): WantedLayer | undefined {
  const firstOf = (names: readonly string[]): string | undefined =>
    names.map((name) => labels[name]).find((value) => value !== undefined);
  const target = labels[TARGET_LABEL];
  const reference = firstOf(REFERENCE_LABELS);
  const digest = firstOf(DIGEST_LABELS);
  if (target === undefined || reference === undefined || digest === undefined || !isDigest(digest)) {
    return undefined;
  }
  const manifest = labels[MANIFEST_LABEL];
  const [name = ''] = reference.split('@');
  const pinned = manifest !== undefined && isDigest(manifest) ? `${name}@${manifest}` : reference;
  return { target, source: `docker://${pinned}`, digest };
}
