// Candidates for paths in an image. The image must have been indexed: completion reads no layer.
import type { ImageFiles } from '../../library/image-files.ts';
import { openFiles } from '../../library/open-files.ts';
import { type Completion, none } from './completion.ts';
import { withHome } from './sources.ts';

/** What other words of the command line choose. */
export interface ChosenImage {
  readonly layer: string | undefined;
  readonly upto: string | undefined;
  readonly platform: string | undefined;
}

/** More would fill many screens; a shell also takes long to sort them. */
const MOST_CANDIDATES = 5000;

/** In place of bytes that are not UTF-8, which can't be typed. */
const NOT_UTF8 = '\ufffd';

/**
 * The names of the directory in which `typed` ends that begin like it. A directory has a slash at the end. `prefix`: the text
 * before the path in the same word.
 */
export async function completeImagePath(
  source: string | undefined,
  typed: string,
  prefix: string,
  chosen: ChosenImage,
): Promise<Completion> {
  if (source === undefined) return none;
  try {
    return await listCandidates(source, typed, prefix, chosen);
  } catch {
    return none; // the user is still typing; the command reports any error
  }
}

async function listCandidates(
  source: string,
  typed: string,
  prefix: string,
  chosen: ChosenImage,
): Promise<Completion> {
  const slash = typed.lastIndexOf('/') + 1;
  const [directory, start] = [typed.slice(0, slash), typed.slice(slash)];
  await using image = await openFiles(withHome(source), { ...chosen, mayUnpack: false, mayIndex: false });
  const parent = directory === '' ? '/' : directory;
  const candidates: Completion['candidates'][number][] = [];
  for (const name of await image.readdir(parent, { withFileTypes: true })) {
    if (!name.name.startsWith(start) || name.name.includes(NOT_UTF8)) continue;
    const path = directory + name.name;
    const isDirectory =
      name.isDirectory() || (name.isSymbolicLink() && (await leadsToDirectory(image, path)));
    candidates.push({ value: `${prefix}${path}${isDirectory ? '/' : ''}` });
    if (candidates.length === MOST_CANDIDATES) break;
  }
  return { candidates };
}

async function leadsToDirectory(image: ImageFiles, path: string): Promise<boolean> {
  const stats = await image.stat(path).catch(() => undefined); // ENOENT, ELOOP: it leads nowhere
  return stats?.isDirectory() === true;
}
