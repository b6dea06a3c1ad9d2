// The surface of inspect/: what can be said of an image without a mount.
export type { Image } from '../mount/mount.ts';
export type { ImageSummary } from '../image/open-image.ts';
export type { Tree } from '../tree/tree.ts';
export type { TreeStore } from '../tree/tree-store.ts';
export { type MountedImage, mountedImageOf } from '../mount/mounted-image.ts';
export type { InspectedImage } from './inspected-image.ts';
export type { Attribute } from './attributes.ts';
export type { Cause } from './name-trace.ts';
export type { ImageUse } from './shared-layers.ts';
export { createdOf, isUpper, stackUpTo } from './inspected-image.ts';
export { type ImageDocument, describeImage, readStored } from './image-document.ts';
export { DockerfileWriter, comment } from './dockerfile.ts';
export { type HistoryEntry, historyGap, historyOf, instructionsOfLayers } from './history.ts';
export { type CompareOptions, type Difference, compareTrees, pathsBeneath } from './compare-trees.ts';
export { DiffSizes } from './diff-sizes.ts';
export { type ComparedImage, mergeForComparison } from './compared-image.ts';
export { type ErofsOptions, type WrittenErofs, writeErofs } from './write-erofs.ts';
export { type ExportOptions, type ExportRoot, exportTar, xattrsOf } from './export-tar.ts';
export type { FileContent } from './file-content.ts';
export { type MergedImage, mergeImage } from './merged-image.ts';
export { type ResolveOptions, type ResolvedPath, resolvePath, resolveToPath } from './resolve-path.ts';
export { type SelectedPath, selectPath } from './selected-path.ts';
export { type ImageList, type ListedImage, familiarName, repositoryTags } from './image-list.ts';
export { type LayerChanges, countChanges } from './layer-changes.ts';
export { type LayerCounts, type LayerSummary, summariseLayers } from './layer-summary.ts';
export { type PathHistory, type PathVersion, tracePaths } from './path-history.ts';
export { type PatchSide, formatPatch } from './text-patch.ts';
export { showDockerSize } from './docker-size.ts';
export type { ReportComparison, ReportData, ReportImage } from './report-format.ts';
export { type ReopenedImage, reopenMerged } from './reopen-merged.ts';
export { type ReportedSide, compareForReport } from './report-comparison.ts';
export { type ReportedImage, joinReport, reportImage } from './report.ts';
export type { ListedChanges, ListedName } from './listed-names.ts';
export { type ListingTotals, type TreeListing, listTree } from './tree-listing.ts';
export { walkTree } from './tree-walk.ts';
export { type LayerWaste, type Waste, findWaste } from './waste.ts';
export {
  type RuleName,
  type RuleResult,
  type WasteRules,
  checkRules,
  defaultRules,
  parseRules,
  parseThreshold,
  ruleNames,
} from './waste-rules.ts';
export {
  type InspectOptions,
  type Inspection,
  findImage,
  inspectImage,
  inspectLayers,
  inspectShown,
} from './open-inspection.ts';
export { type InspectedChange, inspectChange, inspectOperand } from './diff-operands.ts';
export { listImages, peekImages, sourcesOf } from './source-images.ts';
export { measureWritten } from './written-size.ts';
