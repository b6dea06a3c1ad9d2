// Reads `lowerdir=TOP:...:BASE` as in mount(8) and kernel overlayfs: topmost first, each a tar or a directory. A
// backslash escapes the next character. The result is an Image without a config.
import { resolve } from 'node:path';
import { InputError } from '../vfs/input-error.ts';
import type { Image, LayerSource } from './image.ts';
import { inspectHostFile } from './host-file.ts';
import { showText } from '../vfs/show-text.ts';

/** The kernel's OVL_MAX_STACK. */
const LAYER_LIMIT = 500;

/** The paths of a `lowerdir=` value, topmost first, unescaped. Throws InputError for an empty one. */
export function parseLowerStack(text: string): string[] {
  const paths: string[] = [];
  let path = '';
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === ':') {
      paths.push(path);
      path = '';
    } else if (c !== '\\') path += c;
    else if (++i < text.length) path += text.charAt(i);
    else
      throw new InputError(
        `lowerdir=${showText(text)}: found a backslash at the end, expected one more character`,
      );
  }
  paths.push(path);
  const empty = paths.indexOf('');
  if (empty >= 0) {
    throw new InputError(
      `lowerdir=${showText(text)}: layer ${empty + 1} from the top is empty, expected a path`,
    );
  }
  if (paths.length > LAYER_LIMIT) {
    throw new InputError(`lowerdir=: found ${paths.length} layers, expected at most ${LAYER_LIMIT}`);
  }
  return paths;
}

/** A `lowerdir=` value whose paths are made absolute, relative to `directory`. */
export function absoluteLowerStack(text: string, directory: string): string {
  return parseLowerStack(text)
    .map((path) => resolve(directory, path).replace(/[\\:]/g, '\\$&'))
    .join(':');
}

/** The stack that a `lowerdir=` value describes. Throws InputError for anything but tars and directories. */
export async function openLowerStack(text: string): Promise<Image> {
  const paths = parseLowerStack(text).reverse();
  return bareImage(text, await Promise.all(paths.map(layerOfPath)));
}

/** One tar or directory of the host as a layer. */
export async function layerOfPath(path: string): Promise<LayerSource> {
  const file = await inspectHostFile(path);
  const absolute = resolve(path);
  if (file.kind === 'directory') return { kind: 'directory', path: absolute };
  return { kind: 'blob', blob: { path: absolute, offset: 0, length: file.size } };
}

/** An Image that consists only of layers. */
export function bareImage(source: string, layers: readonly LayerSource[]): Image {
  return { source, names: [], id: undefined, config: undefined, platform: undefined, history: [], layers };
}
