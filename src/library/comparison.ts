// What `stratafs diff` shows of differences beyond the paths: both trees, the sizes of what went, and patches.
export {
  type CompareOptions,
  type ComparedImage,
  type Difference as DifferenceInTrees,
  DiffSizes,
  type InspectedImage,
  type PatchSide,
  compareTrees,
  formatPatch,
  inspectChange,
  inspectOperand,
  mergeForComparison,
  pathsBeneath,
} from '../inspect/inspect.ts';
