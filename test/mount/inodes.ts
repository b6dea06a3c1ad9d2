// Inode numbers: those that a mount shows, and those that a tree of names has by our rule.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Snapshot } from '../oracle/snapshot.ts';

/** By path, d_ino of readdir and st_ino of lstat beneath `root`. Needs python3. */
export function listInodes(root: string): Map<string, { readonly listed: number; readonly stated: number }> {
  const script = fileURLToPath(new URL('inodes.py', import.meta.url));
  const output = execFileSync('python3', [script, root], { encoding: 'utf8', maxBuffer: 1 << 28 });
  const rows = JSON.parse(output) as [string, number, number][];
  return new Map(rows.map(([path, listed, stated]) => [path, { listed, stated }]));
}

/** Numbered breadth first and by name, the root 1; a hard link has the number of its inode (docs/formats.md). */
export function numberInodes(snapshot: Snapshot): Map<string, number> {
  const byDirectory = new Map<string, string[]>();
  for (const path of [...snapshot.keys()].sort()) {
    if (path === '') continue;
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    byDirectory.set(parent, [...(byDirectory.get(parent) ?? []), path]);
  }
  const numbers = new Map([['', 1]]);
  const numberOf = new Map<string, number>();
  const waiting = [''];
  for (const directory of waiting) {
    for (const path of byDirectory.get(directory) ?? []) {
      const inode = snapshot.get(path)?.sameAs ?? path;
      if (!numberOf.has(inode)) numberOf.set(inode, numberOf.size + 2);
      numbers.set(path, numberOf.get(inode) as number);
      waiting.push(path);
    }
  }
  return numbers;
}
