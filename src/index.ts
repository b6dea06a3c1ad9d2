// The npm surface of stratafs.
export { type DiffOptions, Image } from './library/image.ts';
export { ImageFiles, type ReadFileOptions, type StatOptions } from './library/image-files.ts';
export { type OpenOptions, openImage, openLowerDirectories } from './library/open-image.ts';
export { type ImageOrSource, indexImage, mount } from './library/mount.ts';
export {
  type ListedMount,
  type MountState,
  type UnmountOptions,
  listMounts,
  unmount,
  upgrade,
} from './library/mounts.ts';
export {
  type CopiedImage,
  type PushedBlob,
  type PushedImage,
  type TransferOptions,
  type UploadResult,
  pull,
  push,
} from './library/transfer.ts';
export { type NewImageOptions, type SquashOptions, commit, flatten, squash } from './library/new-image.ts';
export { listImages } from './library/images.ts';
export type { CopyOptions } from './library/copy.ts';
export { readConfig, readManifest } from './library/stored-documents.ts';
export { Difference } from './library/difference.ts';
export { Dirent, WalkEntry } from './library/dirent.ts';
export type { ExportOptions, PathRemark } from './library/export.ts';
export { FileType } from './library/file-type.ts';
export type { ReaddirOptions } from './library/files.ts';
export type { HistoryEntry, LayerDetails } from './library/layers.ts';
export type { EncodingOption, NameEncoding, PathLike, PathName } from './library/path-name.ts';
export type { ReadStreamOptions } from './library/read-stream.ts';
export type { PathSelection } from './library/selection.ts';
export { BigIntStats, Stats } from './library/stats.ts';
export { TreeEntry, TreeListing, type TreeOptions, type TreeTotals } from './library/tree.ts';
export type { Waste, WastedFile, WastedPath } from './library/waste.ts';
export type { PathHistory, PathVersion } from './library/which.ts';
export type { WrittenCompression, WrittenImage, WrittenLayer } from './commit/commit.ts';
export type {
  Attribute,
  Cause,
  CompareOptions,
  ErofsOptions,
  ImageDocument,
  ImageList,
  ImageUse,
  InspectOptions,
  LayerChanges,
  LayerCounts,
  LayerSummary,
  LayerWaste,
  ListedChanges,
  ListedImage,
  WrittenErofs,
} from './inspect/inspect.ts';
export type {
  BlobLocation,
  CacheStatistics,
  ChosenDriver,
  Compression,
  DriverName,
  ExpectedDigests,
  ForeignLayer,
  FuseDriverName,
  HistoryStep,
  IdRange,
  Image as ImageDescription,
  IndexedLayer,
  LayerSource,
  MarkNamespace,
  Mount,
  MountFlag,
  MountFlagName,
  MountOptions,
  MountStatistics,
  NamespaceProcess,
  OpenImageOptions,
  OwnerKeeping,
  OwnerMapping,
  Platform,
  Progress,
  RemoteLayer,
  StoredDocument,
  StoredManifest,
  ThrowAwayUpper,
  TransferStatistics,
  UpperBehaviour,
  UpperDirectories,
  UpperOptions,
  Watch,
} from './mount/mount.ts';
export { CopiedMountError, SilentMountError } from './mount/mount.ts';
export { ErrnoError } from './vfs/errno.ts';
export { FormatError, InputError, type InputErrorCode, type InputErrorOptions } from './vfs/input-error.ts';
