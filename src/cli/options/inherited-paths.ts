// Resolves paths through an inherited descriptor: /dev/fd/N and /proc/self/fd/N, and paths below them.
//
// The daemon inherits no descriptors, so that it keeps no files of its parent open. The launcher's descriptors are used.
import { readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type UpperOptions, nameStandardInput } from '../../mount/mount.ts';
import { InputError } from '../../vfs/input-error.ts';
import type { MountRequest } from './mount-request.ts';

const DESCRIPTOR = /^\/(?:dev|proc\/self)\/fd\/(\d+)(?=\/|$)/;
/** The same in a source, which may have a transport before the path, and a reference after it. */
const SOURCE_DESCRIPTOR =
  /^((?:docker-archive|oci|oci-archive|dir):)?\/(?:dev|proc\/self)\/fd\/(\d+)(?=[/:@]|$)/;
/** The same at the beginning of a path in a lowerdir= value. */
const LISTED = /(?<=^|(?<!\\):)\/(?:dev|proc\/self)\/fd\/\d+(?=[/:]|$)/g;

/**
 * `request` with such paths resolved. `descriptors`: the directory of links to the command's open files. Throws InputError
 * if a descriptor is not open, or has no path.
 */
export function withRealPaths(request: MountRequest, descriptors: string): MountRequest {
  const { source, mountpoint, options, restart } = request;
  const realPath = (path: string): string => realPathIn(descriptors, path);
  const text =
    source.kind === 'lowerdir'
      ? source.text.replace(LISTED, (path) => realPath(path).replace(/[\\:]/g, '\\$&'))
      : realSource(descriptors, source.text);
  return {
    source: { ...source, text },
    mountpoint: realPath(mountpoint),
    restart,
    options: { ...options, upper: realUpper(options.upper, realPath) },
  };
}

function realUpper(
  upper: UpperOptions | undefined,
  realPath: (path: string) => string,
): UpperOptions | undefined {
  if (upper === undefined || 'isThrowAway' in upper) return upper;
  const { directory, workDirectory } = upper;
  return {
    ...upper,
    directory: realPath(directory),
    workDirectory: workDirectory === undefined ? undefined : realPath(workDirectory),
  };
}

/** A pipe has no path: it is opened through the launcher's descriptor, which stays open until the mount answers. */
function realSource(descriptors: string, typed: string): string {
  const text = nameStandardInput(typed).replace(/^([a-z-]+:)?\/dev\/stdin(?=$|[:@])/, '$1/dev/fd/0');
  return text.replace(SOURCE_DESCRIPTOR, (link: string, transport: string | undefined, fd: string) => {
    const descriptor = join(descriptors, fd);
    const path = isPipe(descriptor)
      ? descriptor
      : realPathIn(descriptors, link.slice(transport?.length ?? 0));
    return `${transport ?? ''}${path}`;
  });
}

function isPipe(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFIFO() ?? false;
}

function realPathIn(descriptors: string, path: string): string {
  return path.replace(DESCRIPTOR, (link, fd: string) => {
    let target: string;
    try {
      target = readlinkSync(join(descriptors, fd));
    } catch (error) {
      throw new InputError(`${path}: descriptor ${fd} is not open`, { cause: error });
    }
    if (!target.startsWith('/') || target.endsWith(' (deleted)')) {
      throw new InputError(`${link}: found ${target}, expected a file or directory that has a path`);
    }
    return target;
  });
}
