// A layer as --json prints it, the same in every command (docs/json.md).
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

/** What the archive calls the blob, fit to be shown; undefined for a file of its own. */
export function memberOf(member: string | undefined): string | undefined {
  return member === undefined ? undefined : showName(bytesOf(member));
}
