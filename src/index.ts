// The npm surface of stratafs.
export {
  type CacheStatistics,
  type HistoryStep,
  type IdRange,
  type Image,
  type IndexedLayer,
  type LayerSource,
  type Mount,
  type MountFlag,
  type MountOptions,
  type MountStatistics,
  type OpenImageOptions,
  type OwnerKeeping,
  type OwnerMapping,
  type Platform,
  type Progress,
  type ThrowAwayUpper,
  type UpperBehaviour,
  type UpperDirectories,
  type UpperOptions,
  type Watch,
  indexImage,
  mount,
  openImage,
  openLowerDirectories,
} from './mount/mount.ts';
export { ErrnoError } from './vfs/errno.ts';
export { FormatError, InputError } from './vfs/input-error.ts';
