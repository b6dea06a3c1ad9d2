// A cache directory for tests: what can't be trusted fails.
import { CacheDirectory } from '../../src/layer/cache-directory.ts';

export function openCache(path: string): CacheDirectory {
  const warnings: string[] = [];
  const cache = CacheDirectory.open(path, (text) => warnings.push(text));
  if (cache === undefined) throw new Error(`no cache directory: ${warnings.join()}`);
  return cache;
}
