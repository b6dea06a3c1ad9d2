// How much was written to a mount.
export {
  type InspectOptions,
  type MountedImage,
  familiarName,
  measureWritten,
  mountedImageOf,
} from '../inspect/inspect.ts';
