// Chooses one manifest of an index by its platform, before any other is fetched.
import { isAttestation, readPlatform } from '../image/oci-layout.ts';
import { readDigest } from '../image/digest.ts';
import type { Platform } from '../image/image.ts';
import type { JsonView } from '../image/json-view.ts';
import { hostPlatform, matchRank, showPlatform } from '../image/platform.ts';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';

/** A manifest that an index lists. */
export interface ListedManifest {
  readonly digest: string;
  readonly platform: Platform | undefined;
}

/** Limit of the manifests of one index. */
const LIST_LIMIT = 4096;

/** The manifests of an index, without attestations. */
export function listManifests(index: JsonView): ListedManifest[] {
  const descriptors = index.get('manifests').items();
  if (descriptors.length > LIST_LIMIT) {
    throw new InputError(
      `${index.where}: found ${descriptors.length} manifests, expected at most ${LIST_LIMIT}`,
    );
  }
  return descriptors
    .filter((descriptor) => !isAttestation(descriptor))
    .map((descriptor) => ({
      digest: readDigest(descriptor.get('digest')),
      platform: readPlatform(descriptor.get('platform')),
    }));
}

/** The best for `wanted`, or else for this machine, or the only one. Throws InputError if there is none, or a choice. */
export function chooseManifest(
  manifests: readonly ListedManifest[],
  wanted: Platform | undefined,
  shown: string,
): ListedManifest {
  const distinct = [...new Map(manifests.map((each) => [each.digest, each])).values()];
  const [only] = distinct;
  if (only === undefined) throw new InputError(`${shown}: holds no image`, { code: 'ERR_STRATAFS_NO_IMAGE' });
  if (wanted === undefined && distinct.length === 1) return only;
  const ranks = distinct.map(({ platform }) =>
    platform === undefined ? -1 : matchRank(wanted ?? hostPlatform(), platform),
  );
  const best = Math.max(...ranks);
  // One that states no platform may be for any.
  const found = distinct.filter(({ platform }, i) =>
    best >= 0 ? ranks[i] === best : platform === undefined,
  );
  // An index may list compressions of one image: the first is the one that everybody reads.
  if (found[0] !== undefined && (best >= 0 || found.length === 1)) return found[0];
  const list = distinct.map(({ platform }) =>
    platform === undefined ? '-' : showText(showPlatform(platform)),
  );
  throw new InputError(
    `${shown}: there is no image for ${showPlatform(wanted ?? hostPlatform())}; it has ${[...new Set(list)].join(', ')}; choose one with --platform`,
    { code: 'ERR_STRATAFS_NO_IMAGE' },
  );
}
