// Which cache directory an operation uses. It is opened once an operation, so that a user reads one warning, not several.
import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { CacheDirectory } from '../layer/cache-directory.ts';
import type { MountOptions, OpenImageOptions } from './options.ts';

/** Options, and the cache directory that they mean: undefined where there is none that can be used. */
export type WithDiskCache<Options> = Options & { readonly diskCache: CacheDirectory | undefined };

/** Opens the cache directory that `options` name, by default that of this user. */
export function withDiskCache<Options extends OpenImageOptions>(options: Options): WithDiskCache<Options> {
  const directory = options.cacheDirectory ?? defaultCacheDirectory();
  const diskCache = directory === undefined ? undefined : CacheDirectory.open(directory, options.onWarning);
  return { ...options, diskCache };
}

/** The directory of indexes and trees: undefined if the options exclude it. */
export function indexCacheOf({
  useIndexCache = true,
  diskCache,
}: WithDiskCache<Pick<MountOptions, 'useIndexCache'>>): CacheDirectory | undefined {
  return useIndexCache ? diskCache : undefined;
}

/**
 * $XDG_CACHE_HOME/stratafs, or ~/.cache/stratafs. The XDG base directory specification ignores a relative $XDG_CACHE_HOME. A
 * home directory that is relative or missing gives no cache directory: nothing is made in the working directory, and no home.
 */
export function defaultCacheDirectory(): string | undefined {
  const cacheHome = process.env['XDG_CACHE_HOME'] ?? '';
  if (isAbsolute(cacheHome)) return join(cacheHome, 'stratafs');
  const home = homeDirectory();
  return home === undefined ? undefined : join(home, '.cache', 'stratafs');
}

function homeDirectory(): string | undefined {
  try {
    const home = homedir();
    return isAbsolute(home) && statSync(home).isDirectory() ? home : undefined;
  } catch {
    return undefined; // ENOENT: the user has no entry in passwd(5), or no home; EACCES: it can't be used either
  }
}
