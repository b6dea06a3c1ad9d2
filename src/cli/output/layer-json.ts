// The JSON of a layer, the same in every command (docs/json.md).
import { bytesOf } from '../../vfs/names.ts';
import type { LayerSummary } from '../../library/layers.ts';
import { showName } from '../../vfs/show-text.ts';

export function describeLayer({ blob, directory, ...layer }: LayerSummary): object {
  return {
    ...layer,
    ...(blob === undefined ? {} : { file: blob.path, member: memberOf(blob.member), offset: blob.offset }),
    ...(directory === undefined ? {} : { directory }),
  };
}

/** The archive's name of the blob, escaped; undefined if the blob is a file. */
export function memberOf(member: string | undefined): string | undefined {
  return member === undefined ? undefined : showName(bytesOf(member));
}
