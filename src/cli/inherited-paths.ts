// Paths by way of a descriptor that the command inherited: /dev/fd/N and /proc/self/fd/N, and what lies beneath them.
//
// In the daemon, another process, they would name something else or nothing: they are made real here.
import { readlinkSync } from 'node:fs';
import { InputError } from '../vfs/input-error.ts';
import type { MountRequest } from './mount-request.ts';

const DESCRIPTOR = /^\/(?:dev|proc\/self)\/fd\/(\d+)(?=\/|$)/;
/** The same at the head of a path in a lowerdir= value. */
const LISTED = /(?<=^|(?<!\\):)\/(?:dev|proc\/self)\/fd\/\d+(?=[/:]|$)/g;

/** `request` with such paths made real. InputError where a descriptor is not open, or has no path. */
export function withRealPaths(request: MountRequest): MountRequest {
  const { source, upper } = request;
  const text =
    source.kind === 'lowerdir'
      ? source.text.replace(LISTED, (path) => realPath(path).replace(/[\\:]/g, '\\$&'))
      : realPath(source.text);
  return {
    ...request,
    source: { ...source, text },
    mountpoint: realPath(request.mountpoint),
    ...(upper === undefined
      ? {}
      : {
          upper: {
            ...upper,
            ...(upper.directory === undefined ? {} : { directory: realPath(upper.directory) }),
            ...(upper.workDirectory === undefined ? {} : { workDirectory: realPath(upper.workDirectory) }),
          },
        }),
  };
}

function realPath(path: string): string {
  return path.replace(DESCRIPTOR, (given, fd: string) => {
    let target: string;
    try {
      target = readlinkSync(`/proc/self/fd/${fd}`);
    } catch (error) {
      throw new InputError(`${path}: descriptor ${fd} is not open`, { cause: error });
    }
    if (!target.startsWith('/') || target.endsWith(' (deleted)')) {
      throw new InputError(`${given}: found ${target}, expected a file or directory that has a path`);
    }
    return target;
  });
}
