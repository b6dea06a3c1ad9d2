// What a user types for an image, as containers-transports(5) has it: `docker-archive:PATH[:REF|:@INDEX]`,
// `oci:DIR[:...]`, `oci-archive:PATH[:...]`, `dir:DIR`, or a bare PATH whose format is found out later.
//
// A path may hold colons and a reference does, so what exists decides. After a transport the first colon ends the
// path, as in skopeo, unless nothing of that name exists; a bare path is the longest that exists.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InputError } from '../vfs/input-error.ts';
import { printable } from './json-view.ts';

export type Selector =
  | { readonly kind: 'all' }
  /** A name, an image ID, a digest. */
  | { readonly kind: 'reference'; readonly text: string }
  /** Counted from 0, in manifest.json or index.json. */
  | { readonly kind: 'index'; readonly index: number };

export interface Source {
  /** undefined: a bare path. */
  readonly transport: Transport | undefined;
  /** Exists; as it was typed. */
  readonly path: string;
  readonly selector: Selector;
}

export type Transport = 'docker-archive' | 'oci' | 'oci-archive' | 'dir';

/** The transports that hold no file to mount, and the command that makes one. */
const OTHER_TRANSPORTS = new Map<string, (rest: string) => string>([
  ['docker', (rest) => `skopeo copy docker:${rest} oci-archive:IMAGE.tar`],
  ['docker-daemon', (rest) => `docker save -o IMAGE.tar ${rest}`],
  ['containers-storage', (rest) => `skopeo copy containers-storage:${rest} oci-archive:IMAGE.tar`],
  ['ostree', (rest) => `skopeo copy ostree:${rest} oci-archive:IMAGE.tar`],
  ['sif', (rest) => `skopeo copy sif:${rest} oci-archive:IMAGE.tar`],
  ['tarball', (rest) => `skopeo copy tarball:${rest} oci-archive:IMAGE.tar`],
]);

/** Throws InputError if no such file exists, or the transport is none that can be mounted in place. */
export async function parseSource(typed: string): Promise<Source> {
  const text = nameStandardInput(typed);
  await refuseLayerSuffix(text);
  const [, prefix, rest] = /^([a-z]+(?:-[a-z]+)*):(.*)$/s.exec(text) ?? [];
  if (prefix === 'docker-archive' || prefix === 'oci' || prefix === 'oci-archive' || prefix === 'dir') {
    return { transport: prefix, ...(await splitPath(rest as string, text, 'first')) };
  }
  const command = OTHER_TRANSPORTS.get(prefix ?? '');
  if (command !== undefined && !(await exists(text))) {
    const shown = printable(text);
    throw new InputError(
      `${shown}: no saved image; save it first: \`${command(printable(rest as string))}\``,
    );
  }
  return { transport: undefined, ...(await splitPath(text, text, 'longest')) };
}

/** `-` is standard input; a file of that name is `./-`. */
export function nameStandardInput(text: string): string {
  return text.replace(/^((?:docker-archive|oci-archive):)?-(?=$|[:@])/, '$1/dev/stdin');
}

/** As it would be typed. */
export function showSource({ transport, path, selector }: Source): string {
  const prefix = transport === undefined ? '' : `${transport}:`;
  if (selector.kind === 'all') return prefix + path;
  return `${prefix}${path}:${selector.kind === 'index' ? `@${selector.index}` : selector.text}`;
}

/** SOURCE#LAYER is diff's: there it can mean one thing only. */
async function refuseLayerSuffix(text: string): Promise<void> {
  const [, source, layer] = /^(.+)#([^#/]+)$/s.exec(text) ?? [];
  if (source === undefined || layer === undefined || (await exists(text))) return;
  const isSource = await parseSource(source).then(
    () => true,
    () => false, // what is wrong with the whole, the caller finds
  );
  if (!isSource) return;
  const shown = printable(layer);
  throw new InputError(
    `${printable(text)}: SOURCE#LAYER is for \`stratafs diff\` alone; mount, cat and export have --layer ${shown} for the layer ` +
      `alone, and --upto ${shown} for the stack up to it, of ${printable(source)}`,
  );
}

/** `text` with its path made absolute from `directory`: the same source for a process that is somewhere else. */
export function absoluteSource(text: string, directory: string): string {
  const [, prefix, rest] = /^((?:docker-archive|oci|oci-archive|dir):)(.*)$/s.exec(text) ?? [];
  return prefix === undefined ? joinSource(directory, text) : prefix + joinSource(directory, rest as string);
}

/** A reference may follow the path, so nothing of it is normalised. */
function joinSource(directory: string, path: string): string {
  return path.startsWith('/') ? path : `${resolve(directory).replace(/\/$/, '')}/${path}`;
}

/** Where several splits name something that exists, `preferred` decides. */
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
  // PATH@INDEX and PATH@DIGEST, without the colon.
  const at = /^(.+)(@(?:\d+|sha256:[0-9a-f]+))$/s.exec(rest);
  if (at !== null && (await exists(at[1] as string))) {
    return { path: at[1] as string, selector: parseSelector(at[2] as string, text) };
  }
  throw new InputError(`${printable(text)}: no such file or directory${hint(text, colons)}`, {
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
  if (text === '') throw new InputError(`${printable(whole)}: found an empty reference after the colon`);
  if (!text.startsWith('@') || text.startsWith('@sha256:')) return { kind: 'reference', text };
  if (!/^@\d{1,9}$/.test(text)) {
    throw new InputError(`${printable(whole)}: found ${printable(text)}, expected @ and a number from 0`);
  }
  return { kind: 'index', index: Number(text.slice(1)) };
}

/** False if nothing of that name is there. What may not be looked at exists: opening it says why. */
async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return !['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE'].includes(code ?? '');
  }
}
