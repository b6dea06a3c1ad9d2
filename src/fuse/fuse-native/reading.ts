// The calls that every mount answers.
import { read as readFile } from 'node:fs';
import { isIntact } from '../../sys/file-state.ts';
import { Attr } from '../../vfs/attr.ts';
import { FileRange, type ReadResult } from '../../vfs/blob-reader.ts';
import { EBADF, EIO } from '../../vfs/errno.ts';
import { type MaybePromise, newStatFs } from '../../vfs/filesystem.ts';
import { OpenFile } from '../../vfs/operation.ts';
import type { XattrCalls } from './bound-fuse.ts';
import type { Bridge } from './bridge.ts';
import { after } from './maybe-promise.ts';
import { Listing } from './listing.ts';
import type { PackageOperations } from './package.ts';
import { bytesOfText, textOfBytes } from './path-text.ts';
import { statFsOf, statOf } from './stat-form.ts';

export function readingOperations(bridge: Bridge): PackageOperations {
  const { fileSystem, owners, nodes, opens, calls } = bridge;
  return {
    getattr(path, answer) {
      const attr = new Attr();
      calls.answer(
        'GETATTR',
        () => {
          const status = nodes.getattr(path, attr);
          return status < 0 ? status : statOf(attr, owners);
        },
        (stat) => (typeof stat === 'number' ? answer(stat) : answer(0, stat)),
      );
    },
    readlink(path, answer) {
      calls.answer(
        'READLINK',
        () =>
          nodes.with(path, (node) => {
            const target = fileSystem.readlink(node);
            return typeof target === 'number' ? target : textOfBytes(target);
          }),
        (target) => (typeof target === 'number' ? answer(target) : answer(0, target)),
      );
    },
    readdir(path, answer) {
      const listing = new Listing();
      calls.answer(
        'READDIR',
        () => nodes.with(path, (node) => listing.read(fileSystem, node)),
        (status) => (status < 0 ? answer(status) : answer(0, listing.names, listing.stats)),
      );
    },
    statfs(_path, answer) {
      const found = newStatFs();
      calls.answer(
        'STATFS',
        () => fileSystem.statfs(found),
        (status) => (status < 0 ? answer(status) : answer(0, statFsOf(found))),
      );
    },
    open(path, flags, answer) {
      calls.answer(
        'OPEN',
        () =>
          nodes.keep(path, (node) => {
            const status = fileSystem.isReadOnly
              ? 0
              : fileSystem.open(node, flags, false, bridge.actor(), new OpenFile());
            return after(status, (settled) => (settled < 0 ? settled : opens.add(node)));
          }),
        (handle) => (handle < 0 ? answer(handle) : answer(0, handle)),
      );
    },
    read(_path, handle, into, length, offset, answer) {
      calls.answer(
        'READ',
        () => {
          const node = opens.get(handle);
          return node === undefined
            ? -EBADF
            : after(fileSystem.read(node, offset, length), (result) => fill(into, result));
        },
        (count) => {
          if (count > 0) calls.bytesRead += count;
          answer(count);
        },
      );
    },
    release(_path, handle, answer) {
      calls.answer(
        'RELEASE',
        () => {
          opens.release(handle);
          return 0;
        },
        answer,
      );
    },
  };
}

export function xattrCalls({ fileSystem, owners, nodes, calls }: Bridge): XattrCalls {
  return {
    getxattr(path, name, answer) {
      calls.answer<Uint8Array>(
        'GETXATTR',
        () => {
          const bytes = bytesOfText(name);
          if (typeof bytes === 'number') return bytes;
          return nodes.with(path, (node) => {
            const value = fileSystem.getxattr(node, bytes);
            return typeof value === 'number' ? value : owners.showXattr(bytes, value);
          });
        },
        answer,
      );
    },
    listxattr(path, answer) {
      calls.answer<Uint8Array>(
        'LISTXATTR',
        () => nodes.with(path, (node) => fileSystem.listxattr(node)),
        answer,
      );
    },
  };
}

/** Moves what was read into the caller's buffer: how many bytes, or a negative errno. */
function fill(into: Buffer, result: ReadResult): MaybePromise<number> {
  if (typeof result === 'number') return result;
  if (result instanceof FileRange) {
    return readRange(into, result, 0).then((count) => (isIntact(result) ? count : -EIO));
  }
  into.set(result);
  return result.byteLength;
}

/** The rest of `range` after the first `done` bytes; on a pool thread, since it may wait for a disk. */
function readRange(into: Buffer, range: FileRange, done: number): Promise<number> {
  return new Promise((resolve) => {
    const { fd, position, length, mayEnd } = range;
    readFile(fd, into, done, length - done, position + done, (error, count) => {
      if (error !== null) resolve(error.errno ?? -EIO);
      else if (count === 0) resolve(mayEnd || done === length ? done : -EIO);
      else if (done + count < length) resolve(readRange(into, range, done + count));
      else resolve(length);
    });
  });
}
