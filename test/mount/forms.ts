// Images that tools saved in all forms, and what umoci unpacked of each.
import { type Decisions, decided, recordedTree } from '../oracle/recorded.ts';
import type { Snapshot } from '../oracle/snapshot.ts';

/** One of each kind. Name of the image, SOURCE beneath fixtures/. */
export const FORMS = [
  ['expressweb', 'expressweb.tar'],
  ['extending-expressweb', 'forms/oci-gzip.tar'],
  ['expressweb', 'forms/oci-zstd'],
] as const;

/** The forms differ in what is read, not in what is shown. */
export const MORE_FORMS = [
  ['expressweb', 'expressweb-both.tar:expressweb:1.0.0'],
  ['expressweb', 'forms/docker25.tar:expressweb'],
  ['expressweb', 'forms/podman.tar:localhost/expressweb:1.0.0'],
  ['expressweb', 'forms/oci-zstd-chunked.tar'],
  ['extending-expressweb', 'expressweb-both.tar:localhost:5000/team/extending-expressweb:v2'],
  ['extending-expressweb', 'forms/docker25.tar:extending-expressweb'],
  ['extending-expressweb', 'forms/containerd.tar'],
  ['extending-expressweb', 'forms/podman.tar:extending-expressweb'],
  ['edge-cases', 'edge-cases.tar'],
] as const;

/** Sources beneath fixtures/ of the image "notes". */
export const NOTES_FORMS = [
  ['forms/docker20.tar.gz'],
  ['forms/docker25.0.0.tar'],
  ['forms/skopeo-untagged.tar'],
  ['forms/oci-plain.tar'],
] as const;

/** A directory that no tar has an entry for: umoci leaves it the time of unpacking, we the lower one's, or 0. */
const untimed: Readonly<Record<string, Decisions>> = {
  'edge-cases': {
    implicit: { mtime: '1704067200000000000' },
    'implicit/new': { mtime: '0' },
    'implicit/new/deeper': { mtime: '0' },
  },
};

/** umoci's tree of an image, without holes, with what we decided otherwise. */
export function oracleOf(image: string): Snapshot {
  return decided(recordedTree(image), untimed[image] ?? {});
}
