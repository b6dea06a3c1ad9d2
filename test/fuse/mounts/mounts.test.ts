// Finding mounts, asking them, and the mount point before a mount. This process serves them: what it asks of them
// goes through pool threads.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { mountDevFuse } from '../../../src/fuse/dev-fuse.ts';
import type { FuseMount } from '../../../src/fuse/driver.ts';
import { attach } from '../../../src/fuse/mounts/kernel-mount.ts';
import { locateMountPoint, prepareMountPoint } from '../../../src/fuse/mounts/mount-point.ts';
import {
  MOUNT_XATTR,
  SilentMountError,
  askMount,
  findMountAt,
  findMounts,
} from '../../../src/fuse/mounts/mounts.ts';
import { unmountAt } from '../../../src/fuse/mounts/unmount.ts';
import { MNT_DETACH, unmount } from '../../../src/sys/mount-calls.ts';
import { ENODATA } from '../../../src/vfs/errno.ts';
import { type NodeId, ROOT_NODE_ID } from '../../../src/vfs/filesystem.ts';
import { InputError } from '../../../src/vfs/input-error.ts';
import { describeWith } from '../../requirements.ts';
import { SyntheticFileSystem } from '../synthetic-file-system.ts';

const facts = { pid: process.pid, started: 1, source: 'synthetic', layers: 0 };

/** An empty directory `dir` in one of its own; whatever is mounted there at the end is detached. */
async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), 'stratafs-mounts-'));
  const directory = join(parent, 'dir');
  mkdirSync(directory);
  try {
    await body(directory);
  } finally {
    while ((await unmount(directory, MNT_DETACH)) === 0);
    rmSync(parent, { recursive: true });
  }
}

class SpeakingFileSystem extends SyntheticFileSystem {
  readonly #value: string;

  constructor(value: string) {
    super(2, 2);
    this.#value = value;
  }

  override getxattr(node: NodeId, name: Uint8Array): Uint8Array | number {
    const isOwn = node === ROOT_NODE_ID && Buffer.from(name).toString() === MOUNT_XATTR;
    return isOwn ? Buffer.from(this.#value) : super.getxattr(node, name);
  }
}

const serve = (directory: string, value = JSON.stringify(facts)): Promise<FuseMount> =>
  mountDevFuse(new SpeakingFileSystem(value), directory, {
    source: 'synthetic',
    flags: 0,
    allowOther: false,
  });

/** What a daemon leaves that was killed: a connection whose device is closed. */
const leaveDead = (directory: string): void =>
  closeSync(attach(directory, { source: 'gone.tar', flags: 0, allowOther: false }));

/** A daemon that is stopped: the device stays open, and nobody reads from it. */
const leaveSilent = (directory: string): number =>
  attach(directory, { source: 'stuck.tar', flags: 0, allowOther: false });

const warn: string[] = [];
const collect = (text: string): void => void warn.push(text);

describeWith(['fuse', 'root'], 'mounts', () => {
  it('a mount answers for itself by an xattr of its root, which is not listed and which nothing else has', () =>
    withDirectory(async (directory) => {
      const mount = await serve(directory);
      expect(await askMount(directory, MOUNT_XATTR)).toEqual({ kind: 'answered', json: facts });
      expect(await askMount(join(directory, 'd0'), MOUNT_XATTR)).toEqual({
        kind: 'refused',
        errno: -ENODATA,
      });
      expect((await findMounts()).map(({ entry }) => entry.mountPoint)).toContain(directory);
      await mount.unmount();
      expect(await findMountAt(directory)).toBeUndefined();
    }));

  it('an answer that is not JSON counts as none', () =>
    withDirectory(async (directory) => {
      const mount = await serve(directory, 'not JSON');
      expect(await askMount(directory, MOUNT_XATTR)).toMatchObject({ kind: 'refused' });
      await mount.unmount();
    }));

  it('a dead mount is recognised, cleared away for a new one, and cleared away by unmounting', () =>
    withDirectory(async (directory) => {
      leaveDead(directory);
      expect((await findMountAt(directory))?.answer).toEqual({ kind: 'dead' });
      warn.length = 0;
      expect(await prepareMountPoint(directory, collect)).toBe(directory);
      expect(warn.join()).toMatch(/gone\.tar, whose daemon is gone/);
      expect(await findMountAt(directory)).toBeUndefined();
      leaveDead(directory);
      await unmountAt(directory, 'when-free');
      expect(await findMountAt(directory)).toBeUndefined();
    }));

  it('a dead mount at a relative path is cleared away wherever the process goes meanwhile', () =>
    withDirectory(async (directory) => {
      leaveDead(directory);
      const before = process.cwd();
      try {
        process.chdir(dirname(directory));
        const preparing = prepareMountPoint(basename(directory), collect);
        process.chdir('/');
        expect(await preparing).toBe(directory);
      } finally {
        process.chdir(before);
      }
    }));

  it('a silent mount is named as such, and only detaching ends it', () =>
    withDirectory(async (directory) => {
      const device = leaveSilent(directory);
      try {
        expect((await findMountAt(directory))?.answer).toEqual({ kind: 'silent' });
        await expect(prepareMountPoint(directory, collect)).rejects.toThrow(SilentMountError);
        await expect(unmountAt(directory, 'when-free')).rejects.toThrow(SilentMountError);
        await unmountAt(directory, 'lazy');
        expect(await findMountAt(directory)).toBeUndefined();
      } finally {
        closeSync(device); // ends the questions that still wait
      }
    }));

  it('a mount point with a stratafs mount is refused, and the source named', () =>
    withDirectory(async (directory) => {
      const mount = await serve(directory);
      await expect(prepareMountPoint(directory, collect)).rejects.toThrow(
        `${directory}: already a stratafs mount of synthetic`,
      );
      await mount.unmount();
    }));

  it('unmounting what is busy says who holds it, and leaves it', () =>
    withDirectory(async (directory) => {
      const mount = await serve(directory);
      // Not by `cwd`: spawn would wait here for a chdir(2) that waits for us.
      const script = 'cd "$1" && echo && read line; :';
      const child = spawn('sh', ['-c', script, 'sh', directory], { stdio: ['pipe', 'pipe', 'inherit'] });
      try {
        await once(child.stdout, 'data');
        await expect(unmountAt(directory, 'when-free')).rejects.toThrow(
          `${directory} is busy: sh (pid ${child.pid ?? 0}) works in it`,
        );
        expect((await findMountAt(directory))?.answer.kind).toBe('answered');
      } finally {
        child.stdin.end();
        await once(child, 'close');
      }
      await unmountAt(directory, 'when-free');
      await mount.closed;
    }));

  it('a mount within keeps a mount busy, and is named', () =>
    withDirectory(async (directory) => {
      const mount = await serve(directory);
      const inner = join(directory, 'd1');
      await promisify(execFile)('mount', ['-t', 'tmpfs', 'none', inner]);
      await expect(unmountAt(directory, 'when-free')).rejects.toThrow(
        `${directory} is busy: ${inner} is mounted in it`,
      );
      await promisify(execFile)('umount', [inner]);
      await mount.unmount();
    }));

  it('a mount of another program is not unmounted', () =>
    withDirectory(async (directory) => {
      await expect(unmountAt(directory, 'when-free')).rejects.toThrow(/found that nothing is mounted there/);
      await promisify(execFile)('mount', ['-t', 'tmpfs', 'none', directory]);
      await expect(unmountAt(directory, 'lazy')).rejects.toThrow(
        /found that a file system of type tmpfs is mounted there/,
      );
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).toContain(directory);
    }));
});

describeWith([], 'mount points', () => {
  it('are made absolute, symlinks and dots followed', () =>
    withDirectory(async (directory) => {
      symlinkSync('dir', join(directory, '..', 'link'));
      expect(await locateMountPoint(join(directory, '..', 'link', '.'))).toBe(directory);
    }));

  it('that are missing, files, or beneath a file are refused by name', () =>
    withDirectory(async (directory) => {
      const file = join(directory, 'file');
      writeFileSync(file, '');
      for (const [path, reason] of [
        [join(directory, 'none'), /none: there is no such directory/],
        [file, /file: found a file, expected a directory/],
        [join(file, 'below'), /below: found something else, expected a directory/],
      ] as const) {
        await expect(prepareMountPoint(path, collect)).rejects.toThrow(reason);
        await expect(prepareMountPoint(path, collect)).rejects.toThrow(InputError);
      }
    }));

  it('that are not empty are taken, with a warning', () =>
    withDirectory(async (directory) => {
      warn.length = 0;
      await prepareMountPoint(directory, collect);
      expect(warn).toEqual([]);
      writeFileSync(join(directory, 'file'), '');
      await prepareMountPoint(directory, collect);
      expect(warn).toEqual([`${directory}: not empty; what is in it stays hidden while the mount lasts`]);
    }));
});
