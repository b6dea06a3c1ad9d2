// Parses the source that a user types, in the form of containers-transports(5): `docker-archive:PATH[:REF|:@INDEX]`,
// `oci:DIR[:...]`, `oci-archive:PATH[:...]`, `dir:DIR`, or a bare PATH whose format is detected later.
//
// Both paths and references may contain colons, so existing files decide. After a transport the first colon ends the
// path, as in skopeo, unless no such file exists. For a bare path the longest existing path counts.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { REGISTRY_PREFIX } from '../vfs/image-names.ts';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';

export type Selector =
  | { readonly kind: 'all' }
  /** A name, an image ID, or a digest. */
  | { readonly kind: 'reference'; readonly text: string }
  /** The place in manifest.json or index.json, from 0. */
  | { readonly kind: 'index'; readonly index: number };

export interface Source {
  /** Undefined: a bare path. */
  readonly transport: Transport | undefined;
  /** An existing path, as it was typed. */
  readonly path: string;
  readonly selector: Selector;
  /** True: `path` is a copy of a pipe in the cache directory. */
  readonly isCopy?: boolean;
}

export type Transport = 'docker-archive' | 'oci' | 'oci-archive' | 'dir';

/** Transports without a mountable file, with the command that makes one. */
const OTHER_TRANSPORTS = new Map<string, (rest: string) => string>([
  ['docker-daemon', (rest) => `docker save -o IMAGE.tar ${rest}`],
  ['containers-storage', (rest) => `skopeo copy containers-storage:${rest} oci-archive:IMAGE.tar`],
  ['ostree', (rest) => `skopeo copy ostree:${rest} oci-archive:IMAGE.tar`],
  ['sif', (rest) => `skopeo copy sif:${rest} oci-archive:IMAGE.tar`],
  ['tarball', (rest) => `skopeo copy tarball:${rest} oci-archive:IMAGE.tar`],
]);

/** True for an image in a registry, which is not a path. */
export function isRegistrySource(text: string): boolean {
  return text.startsWith(REGISTRY_PREFIX);
}

/** The source of a registry, for the manifest with this digest alone. */
export function pinSource(text: string, digest: string): string {
  return `${text.replace(/@.*$/s, '')}@${digest}`;
}

/** Throws InputError if the file doesn't exist, or if the transport can't be mounted in place. */
export async function parseSource(typed: string): Promise<Source> {
  const text = nameStandardInput(typed);
  await refuseLayerSuffix(text);
  const [, prefix, rest] = /^([a-z]+(?:-[a-z]+)*):(.*)$/s.exec(text) ?? [];
  if (prefix === 'docker-archive' || prefix === 'oci' || prefix === 'oci-archive' || prefix === 'dir') {
    return { transport: prefix, ...(await splitPath(rest as string, text, 'first')) };
  }
  const command = OTHER_TRANSPORTS.get(prefix ?? '');
  if (command !== undefined && !(await exists(text))) {
    const shown = showText(text);
    throw new InputError(`${shown}: no saved image; save it first: \`${command(showText(rest as string))}\``);
  }
  return { transport: undefined, ...(await splitPath(text, text, 'longest')) };
}

/** Standard input for `-`; a file of that name is typed as `./-`. */
export function nameStandardInput(text: string): string {
  return text.replace(/^((?:docker-archive|oci-archive):)?-(?=$|[:@])/, '$1/dev/stdin');
}

/** The source as a user would type it. */
export function showSource({ transport, path, selector }: Source): string {
  const prefix = transport === undefined ? '' : `${transport}:`;
  if (selector.kind === 'all') return prefix + path;
  return `${prefix}${path}:${selector.kind === 'index' ? `@${selector.index}` : selector.text}`;
}

/** SOURCE#LAYER belongs to diff; elsewhere the message names the right option. */
async function refuseLayerSuffix(text: string): Promise<void> {
  const [, source, layer] = /^(.+)#([^#/]+)$/s.exec(text) ?? [];
  if (source === undefined || layer === undefined || (await exists(text))) return;
  const isSource = await parseSource(source).then(
    () => true,
    () => false, // the caller reports what is wrong with the whole text
  );
  if (!isSource) return;
  const shown = showText(layer);
  throw new InputError(
    `${showText(text)}: SOURCE#LAYER is for \`stratafs diff\` alone; mount, cat and export have --layer ${shown} for the layer ` +
      `alone, and --upto ${shown} for the stack up to it, of ${showText(source)}`,
  );
}

/**
 * `text` with an absolute path, relative to `directory`: the same source for a process with another working directory.
 */
export function absoluteSource(text: string, directory: string): string {
  if (isRegistrySource(text)) return text;
  const [, prefix, rest] = /^((?:docker-archive|oci|oci-archive|dir):)(.*)$/s.exec(text) ?? [];
  return prefix === undefined ? joinSource(directory, text) : prefix + joinSource(directory, rest as string);
}

/** A reference may follow the path, so the text is not normalised. */
function joinSource(directory: string, path: string): string {
  return path.startsWith('/') ? path : `${resolve(directory).replace(/\/$/, '')}/${path}`;
}

/** If several splits name an existing file, `preferred` decides. */
async function splitPath(
  rest: string,
  text: string,
  preferred: 'first' | 'longest',
): Promise<{ path: string; selector: Selector }> {
  const colons = [...rest.matchAll(/:/g)].map(({ index }) => index);
  const splits = preferred === 'longest' ? [rest.length, ...colons.reverse()] : [...colons, rest.length];
  for (const split of splits) {
    const path = rest.slice(0, split);
    if (path === '' || !(await exists(path))) continue;
    return {
      path,
      selector: split === rest.length ? { kind: 'all' } : parseSelector(rest.slice(split + 1), text),
    };
  }
  // PATH@INDEX and PATH@DIGEST, without a colon.
  const at = /^(.+)(@(?:\d+|sha256:[0-9a-f]+))$/s.exec(rest);
  if (at !== null && (await exists(at[1] as string))) {
    return { path: at[1] as string, selector: parseSelector(at[2] as string, text) };
  }
  throw new InputError(`${showText(text)}: no such file or directory${hint(text, colons)}`, {
    code: 'ERR_STRATAFS_NO_IMAGE',
  });
}

function hint(text: string, colons: readonly number[]): string {
  const isName = /^[a-z0-9]+([._/-]+[a-z0-9]+)*(:[\w.-]+)?(@sha256:[0-9a-f]+)?$/.test(text);
  if (isName && colons.length > 0)
    return `; to save an image of that name: \`docker save -o IMAGE.tar ${text}\``;
  return '';
}

function parseSelector(text: string, whole: string): Selector {
  if (text === '') throw new InputError(`${showText(whole)}: found an empty reference after the colon`);
  if (!text.startsWith('@') || text.startsWith('@sha256:')) return { kind: 'reference', text };
  if (!/^@\d{1,9}$/.test(text)) {
    throw new InputError(`${showText(whole)}: found ${showText(text)}, expected @ and a number from 0`);
  }
  return { kind: 'index', index: Number(text.slice(1)) };
}

/**
 * False if the name doesn't exist. A file without permission to look at it counts as existing: opening it reports why.
 */
async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return !['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE'].includes(code ?? '');
  }
}
