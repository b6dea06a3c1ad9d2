// What the operands of `stratafs diff` name: an image, the stack up to a layer, a mount, or a plain directory.
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { locateMountPoint } from '../fuse/mounts/mount-point.ts';
import { bareImage } from '../image/lower-stack.ts';
import { withDiskCache } from '../mount/cache-choice.ts';
import { findMountedImage } from '../mount/mounted-image.ts';
import { InputError } from '../vfs/input-error.ts';
import { type InspectedImage, stackUpTo } from './inspected-image.ts';
import {
  type InspectOptions,
  type Inspection,
  inspectImage,
  inspectMounted,
  inspectShown,
  openInspection,
} from './open-inspection.ts';

/**
 * Opens an operand of `stratafs diff`: an image, `IMAGE#LAYER` for the stack up to a layer, a mount with its upper
 * directory, or a plain directory that is not an image layout. Text that names an existing path is not split at `#`.
 */
export async function inspectOperand(text: string, options: InspectOptions = {}): Promise<Inspection> {
  if (await isPlainDirectory(text)) {
    const image = bareImage(text, [{ kind: 'directory', path: resolve(text) }]);
    return openInspection(image, withDiskCache(options));
  }
  const stack = await splitLayer(text);
  return stack === undefined
    ? inspectShown(text, options)
    : inspectImage(stack.source, { ...options, upto: stack.layer, typed: text });
}

/** An image before and after its topmost layer. */
export interface InspectedChange {
  /** Has the layers of `after` without the topmost; closing `after` closes them. */
  readonly before: InspectedImage;
  readonly after: Inspection;
}

/**
 * Opens the two sides of `stratafs diff` with one operand: the changes that the last layer of `IMAGE#LAYER` makes, or
 * that were written to a mount. undefined for anything else; throws InputError for a read-only mount.
 */
export async function inspectChange(
  text: string,
  options: InspectOptions = {},
): Promise<InspectedChange | undefined> {
  const stack = await splitLayer(text);
  if (stack !== undefined) {
    const after = await inspectImage(stack.source, { ...options, upto: stack.layer, typed: text });
    return { before: belowTop(after), after };
  }
  const mounted = await findMountedImage(text);
  if (mounted === undefined) return undefined;
  if (mounted.facts.upper === undefined) {
    throw new InputError(
      `${mounted.place}: is mounted without an upper directory, so nothing was written to it`,
      { code: 'ERR_STRATAFS_NO_UPPER' },
    );
  }
  const after = await inspectMounted(mounted, true, options);
  return { before: belowTop(after), after };
}

/** Splits `IMAGE#LAYER`; undefined for anything else. */
async function splitLayer(text: string): Promise<{ source: string; layer: string } | undefined> {
  const [, source, layer] = /^(.+)#([^#/]+)$/s.exec(text) ?? [];
  if (source === undefined || layer === undefined || (await isThere(text))) return undefined;
  return { source, layer };
}

function belowTop(inspection: Inspection): InspectedImage {
  return stackUpTo(inspection, inspection.layers.length - 1);
}

async function isPlainDirectory(path: string): Promise<boolean> {
  const place = await locateMountPoint(path).catch(() => undefined); // `path` may not be a path at all
  if (place === undefined || (await findMountedImage(path)) !== undefined) return false;
  if (!(await stat(place)).isDirectory()) return false;
  return !(await isThere(join(place, 'index.json'))) && !(await isThere(join(place, 'manifest.json')));
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false, // ENOENT; opening it reports any other error
  );
}
