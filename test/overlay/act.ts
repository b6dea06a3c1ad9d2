// Changes to a Bench's overlay by path, as the kernel would ask for them. Each throws ErrnoError if it fails.
import { OpenFile, type AttrChanges } from '../../src/vfs/operation.ts';
import { bytesOf } from '../../src/vfs/names.ts';
import { type Bench, check, plain } from './writable.ts';

const O_RDWR = 2;

export async function setattr(bench: Bench, path: string, changes: AttrChanges): Promise<void> {
  const { attr } = bench.newEntry();
  check(await bench.overlay.setattr(bench.node(path), changes, bench.call(), attr), 'setattr', path);
}

/** Writes into a file that exists, as the bytes stand in `text`. */
export async function overwrite(bench: Bench, path: string, offset: number, text: string): Promise<void> {
  const node = bench.node(path);
  check(await bench.overlay.open(node, O_RDWR, false, bench.call(), new OpenFile()), 'open', path);
  try {
    check(bench.overlay.write(node, offset, bytesOf(text), undefined), 'write', path);
  } finally {
    bench.overlay.release(node);
  }
}

export function unlink(bench: Bench, path: string): void {
  check(
    bench.at(path, (parent, name) => bench.overlay.unlink(parent, name)),
    'unlink',
    path,
  );
}

export function rmdir(bench: Bench, path: string): void {
  check(
    bench.at(path, (parent, name) => bench.overlay.rmdir(parent, name)),
    'rmdir',
    path,
  );
}

export function mkdir(bench: Bench, path: string, mode = 0o755): void {
  const status = bench.at(path, (parent, name) =>
    bench.overlay.mkdir(parent, name, plain(mode), bench.call(), bench.newEntry()),
  );
  check(status, 'mkdir', path);
}

/** `mode`: with type bits. */
export function mknod(bench: Bench, path: string, mode: number, rdev = 0): void {
  const status = bench.at(path, (parent, name) =>
    bench.overlay.mknod(parent, name, { mode, umask: 0, rdev }, bench.call(), bench.newEntry()),
  );
  check(status, 'mknod', path);
}

export function symlink(bench: Bench, target: string, path: string): void {
  const status = bench.at(path, (parent, name) =>
    bench.overlay.symlink(parent, name, bytesOf(target), plain(0o777), bench.call(), bench.newEntry()),
  );
  check(status, 'symlink', path);
}

export async function link(bench: Bench, existing: string, path: string): Promise<void> {
  const node = bench.node(existing);
  const status = bench.at(path, (parent, name) =>
    bench.overlay.link(node, parent, name, bench.call(), bench.newEntry()),
  );
  check(await status, 'link', path);
}

export async function rename(bench: Bench, from: string, to: string, flags = 0): Promise<void> {
  const renamed = bench.at(from, (parent, name) =>
    bench.at(to, (newParent, newName) =>
      bench.overlay.rename(parent, name, newParent, newName, flags, bench.call()),
    ),
  );
  check(await renamed, 'rename', to);
}

export async function setxattr(bench: Bench, path: string, name: string, value: string): Promise<void> {
  const node = bench.node(path);
  check(
    await bench.overlay.setxattr(node, bytesOf(name), bytesOf(value), 0, false, bench.call()),
    'setxattr',
    path,
  );
}
