// A layer as --json prints it, the same in every command (docs/json.md).
import type { LayerSummary } from '../inspect.ts';

export function describeLayer({ blob, directory, ...layer }: LayerSummary): object {
  return {
    ...layer,
    ...(blob === undefined ? {} : { file: blob.path, offset: blob.offset }),
    ...(directory === undefined ? {} : { directory }),
  };
}
