// A directory to make upper calls in, a symlink to what lies outside, and what both must look like.
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type FileStat, statAt } from '../../src/sys/stat-at.ts';

export const O_PATH = 0o10000000;
export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
export const EMPTY = bytes('');

export class UpperDirectory {
  readonly root = fs.mkdtempSync(join(tmpdir(), 'stratafs-upper-'));
  /** Descriptors: of the directory to work in, O_PATH; of one beside it. */
  readonly dir: number;
  readonly other: number;
  readonly #kept: number[] = [];

  constructor() {
    fs.mkdirSync(this.path(''));
    fs.mkdirSync(join(this.root, 'other'));
    fs.writeFileSync(this.outside, 'outside', { mode: 0o600 });
    this.dir = fs.openSync(this.path(''), O_PATH);
    this.other = fs.openSync(join(this.root, 'other'), O_PATH);
  }

  /** A file that no call may touch. */
  get outside(): string {
    return join(this.root, 'outside');
  }

  path(name: string): string {
    return join(this.root, 'upper', name);
  }

  stat(name: string): FileStat {
    const stat = statAt(this.dir, bytes(name));
    if (typeof stat === 'number') throw new Error(`statAt ${name}: ${stat}`);
    return stat;
  }

  /** All that could change of the file outside, but its access time. */
  outsideState(): unknown {
    const stat = fs.statSync(this.outside, { bigint: true });
    return { ...stat, atimeNs: 0n, atimeMs: 0n, atime: 0, content: fs.readFileSync(this.outside, 'latin1') };
  }

  mode(name: string): number {
    return this.stat(name).mode & 0o7777;
  }

  /** `fd`, an open descriptor, which `close` closes. */
  keep(fd: number): number {
    expect(fd).toBeGreaterThan(0);
    this.#kept.push(fd);
    return fd;
  }

  close(): void {
    for (const fd of this.#kept) fs.closeSync(fd);
    fs.closeSync(this.dir);
    fs.closeSync(this.other);
    fs.rmSync(this.root, { recursive: true });
  }
}
