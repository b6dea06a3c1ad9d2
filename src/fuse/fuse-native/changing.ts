// The calls that only a writable mount answers.
//
// What the package can't carry is refused: see utimens here, and docs/architecture.md for what never comes this far.
import { constants } from 'node:fs';
import { Attr, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import { EBADF, EFBIG, EOPNOTSUPP, EOVERFLOW } from '../../vfs/errno.ts';
import {
  type Entry,
  type MaybePromise,
  type NodeId,
  type WritableFileSystem,
  newEntry,
} from '../../vfs/filesystem.ts';
import { type AttrChanges, type Call, OpenFile } from '../../vfs/operation.ts';
import type { Bridge } from './bridge.ts';
import { newCall } from './caller.ts';
import type { CallKind } from './calls.ts';
import { after } from './maybe-promise.ts';
import type { Answer, PackageChanges } from './package.ts';
import { bytesOfText } from './path-text.ts';

/** (uid_t) -1: chown(2) leaves that ID as it is. */
const UNCHANGED = 0xffffffff;

/** `fileSystem` is the bridge's own. */
export function changingOperations(fileSystem: WritableFileSystem, bridge: Bridge): PackageChanges {
  const { owners, nodes, opens, calls } = bridge;
  /** Fills an entry, which counts as a lookup that nobody needs. */
  const enter = (
    kind: CallKind,
    path: string,
    answer: Answer,
    act: (parent: NodeId, name: Buffer, entry: Entry) => MaybePromise<number>,
  ): void => {
    const entry = newEntry();
    calls.answer(
      kind,
      () => nodes.withParent(path, (parent, name) => act(parent, name, entry)),
      (status) => {
        if (status >= 0) nodes.letGo(entry.nodeId);
        answer(status);
      },
    );
  };

  /** `enter` of an inode that the caller owns. */
  const make = (
    kind: CallKind,
    path: string,
    answer: Answer,
    act: (parent: NodeId, name: Buffer, call: Call, entry: Entry) => MaybePromise<number>,
  ): void => {
    enter(kind, path, answer, (parent, name, entry) => {
      const call = owners.makerOf(newCall());
      return call === undefined ? -EOVERFLOW : act(parent, name, call, entry);
    });
  };

  const setattr = (node: NodeId, changes: AttrChanges): MaybePromise<number> => {
    const status = owners.storeChanges(changes, node, fileSystem);
    return status < 0 ? status : fileSystem.setattr(node, changes, bridge.actor(), new Attr());
  };

  const change = (path: string, changes: AttrChanges, answer: Answer): void => {
    calls.answer('SETATTR', () => nodes.with(path, (node) => setattr(node, changes)), answer);
  };

  /** On an open file. */
  const act = (
    kind: CallKind,
    handle: number,
    answer: Answer,
    apply: (node: NodeId) => MaybePromise<number>,
  ): void => {
    calls.answer(
      kind,
      () => {
        const node = opens.get(handle);
        return node === undefined ? -EBADF : apply(node);
      },
      answer,
    );
  };

  return {
    create(path, mode, answer) {
      const entry = newEntry();
      const inode = { mode: S_IFREG | (mode & 0o7777), umask: 0, rdev: 0 };
      calls.answer(
        'CREATE',
        () =>
          nodes.withParent(path, (parent, name) => {
            const call = owners.makerOf(newCall());
            if (call === undefined) return -EOVERFLOW;
            // The package doesn't pass the open flags on. The kernel knows them, and sends only what they allow.
            const result = fileSystem.create(
              parent,
              name,
              constants.O_RDWR,
              inode,
              call,
              entry,
              new OpenFile(),
            );
            return after(result, (status) => (status < 0 ? status : opens.add(entry.nodeId)));
          }),
        (handle) => (handle < 0 ? answer(handle) : answer(0, handle)),
      );
    },
    mknod(path, mode, rdev, answer) {
      const type = (mode & S_IFMT) === 0 ? S_IFREG : mode & S_IFMT;
      const inode = { mode: type | (mode & 0o7777), umask: 0, rdev };
      make('MKNOD', path, answer, (parent, name, call, entry) =>
        fileSystem.mknod(parent, name, inode, call, entry),
      );
    },
    mkdir(path, mode, answer) {
      const inode = { mode: S_IFDIR | (mode & 0o7777), umask: 0, rdev: 0 };
      make('MKDIR', path, answer, (parent, name, call, entry) =>
        fileSystem.mkdir(parent, name, inode, call, entry),
      );
    },
    symlink(target, path, answer) {
      const inode = { mode: S_IFLNK | 0o777, umask: 0, rdev: 0 };
      make('SYMLINK', path, answer, (parent, name, call, entry) => {
        const bytes = bytesOfText(target);
        if (typeof bytes === 'number') return bytes;
        return fileSystem.symlink(parent, name, bytes, inode, call, entry);
      });
    },
    link(existing, path, answer) {
      enter('LINK', path, answer, (parent, name, entry) =>
        nodes.with(existing, (node) => fileSystem.link(node, parent, name, bridge.actor(), entry)),
      );
    },
    unlink(path, answer) {
      calls.answer(
        'UNLINK',
        () => nodes.withParent(path, (parent, name) => fileSystem.unlink(parent, name, bridge.actor())),
        answer,
      );
    },
    rmdir(path, answer) {
      calls.answer(
        'RMDIR',
        () => nodes.withParent(path, (parent, name) => fileSystem.rmdir(parent, name, bridge.actor())),
        answer,
      );
    },
    rename(from, to, answer) {
      calls.answer(
        'RENAME',
        () =>
          nodes.withParent(from, (parent, name) =>
            nodes.withParent(to, (newParent, newName) =>
              fileSystem.rename(parent, name, newParent, newName, 0, bridge.actor()),
            ),
          ),
        answer,
      );
    },
    write(_path, handle, bytes, length, offset, answer) {
      act(
        'WRITE',
        handle,
        (count) => {
          if (count > 0) calls.bytesWritten += count;
          answer(count);
        },
        (node) => {
          if (!Number.isSafeInteger(offset + length)) return -EFBIG;
          // The kernel takes set-ID bits and capabilities off by itself.
          return fileSystem.write(node, offset, bytes.subarray(0, length), undefined);
        },
      );
    },
    truncate(path, size, answer) {
      change(path, { size: Math.min(size, Number.MAX_SAFE_INTEGER) }, answer);
    },
    ftruncate(_path, handle, size, answer) {
      act('SETATTR', handle, answer, (node) => setattr(node, { size }));
    },
    chmod(path, mode, answer) {
      change(path, { mode: mode & 0o7777 }, answer);
    },
    chown(path, uid, gid, answer) {
      const changes: AttrChanges = {};
      if (uid !== UNCHANGED) changes.uid = uid;
      if (gid !== UNCHANGED) changes.gid = gid;
      change(path, changes, answer);
    },
    // The package hands the access time on as both times.
    utimens(_path, _atime, _mtime, answer) {
      calls.answer('SETATTR', () => -EOPNOTSUPP, answer);
    },
    fsync(_path, isDataOnly, handle, answer) {
      act('FSYNC', handle, answer, (node) => fileSystem.fsync(node, isDataOnly !== 0));
    },
    fsyncdir(path, isDataOnly, _handle, answer) {
      calls.answer(
        'FSYNCDIR',
        () => nodes.with(path, (node) => fileSystem.fsync(node, isDataOnly !== 0)),
        answer,
      );
    },
    setxattr(path, name, value, _position, flags, answer) {
      calls.answer(
        'SETXATTR',
        () => {
          const bytes = bytesOfText(name);
          if (typeof bytes === 'number') return bytes;
          const stored = owners.storeXattr(bytes, value);
          if (typeof stored === 'number') return stored;
          return nodes.with(path, (node) =>
            fileSystem.setxattr(node, bytes, stored, flags, false, bridge.actor()),
          );
        },
        answer,
      );
    },
    removexattr(path, name, answer) {
      calls.answer(
        'REMOVEXATTR',
        () => {
          const bytes = bytesOfText(name);
          if (typeof bytes === 'number') return bytes;
          return nodes.with(path, (node) => fileSystem.removexattr(node, bytes, bridge.actor()));
        },
        answer,
      );
    },
  };
}
