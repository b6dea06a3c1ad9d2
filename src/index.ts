// The npm surface of stratafs.
export {
  type CacheStatistics,
  type HistoryStep,
  type Image,
  type IndexedLayer,
  type LayerSource,
  type Mount,
  type MountFlag,
  type MountOptions,
  type MountStatistics,
  type OpenImageOptions,
  type Platform,
  type Progress,
  type Watch,
  indexImage,
  mount,
  openImage,
  openLowerDirectories,
} from './mount.ts';
export { ErrnoError } from './vfs/errno.ts';
export { FormatError, InputError } from './vfs/input-error.ts';
