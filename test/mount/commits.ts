// What the tests of commit, flatten and squash share: a mount with an upper that is changed, and what an image shows.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type Snapshot, snapshotDirectory } from '../oracle/snapshot.ts';
import { type Workplace, fixture, withWorkplace } from './stratafs.ts';

export const CHANGES = fileURLToPath(new URL('changes.sh', import.meta.url));
export const IMAGE = fixture('edge-cases.tar');
export const APP = fixture('expressweb.tar');
export const tools = ['python3', 'setcap', 'setfattr'].map((program) => ({ program }));

/** Runs `stratafs`, which is to succeed. */
export async function call(place: Workplace, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await place.stratafs(args);
  expect({ status, stderr }, args.join(' ')).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** What the mount shows; of the root no times, which nobody but us sets from a layer. */
export function shown(directory: string): Snapshot {
  return withoutRootTime(snapshotDirectory(directory));
}

export function withoutRootTime(snapshot: Snapshot): Snapshot {
  const root = snapshot.get('');
  if (root !== undefined) root.mtime = '';
  return snapshot;
}

/** Runs `body` with `image` mounted over the upper `u`. */
export function withUpper(image: string, body: (place: Workplace) => Promise<void>): Promise<void> {
  return withWorkplace(async (place) => {
    mkdirSync(place.path('u'));
    await place.mount(image, '--upper', 'u');
    await body(place);
  });
}

/** Changes of all kinds, also to what the image has. */
export function change(place: Workplace): void {
  execFileSync('sh', [CHANGES], { cwd: place.mountpoint, stdio: 'pipe' });
  const names = readdirSync(place.mountpoint);
  const [first, second] = names.filter((name) => !['again', 'merged', 'lower'].includes(name));
  if (first !== undefined) rmSync(place.path(`mnt/${first}`), { recursive: true });
  if (second !== undefined) renameSync(place.path(`mnt/${second}`), place.path('mnt/moved'));
}

/** What `image` shows, mounted by us. */
export async function mounted(place: Workplace, image: string): Promise<Snapshot> {
  const directory = place.path('other');
  mkdirSync(directory, { recursive: true });
  await call(place, 'mount', image, directory);
  const found = shown(directory);
  await call(place, 'unmount', directory);
  return found;
}
