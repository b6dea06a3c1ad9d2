// The holders of a plain directory: what is compared are paths, whatever is mounted there.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Holder, findHolders } from '../../src/sys/mount-holders.ts';

/** Runs `script` in `cwd` until it has printed a line, and answers how it holds `directory`. */
async function holdOf(script: string, cwd: string, directory: string): Promise<Holder | undefined> {
  const child = spawn('sh', ['-c', script, 'sh', directory], { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    return (await findHolders(directory)).find((holder) => holder.pid === child.pid);
  } finally {
    child.stdin.end();
    await once(child, 'close');
  }
}

async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), 'stratafs-holders-'));
  try {
    const directory = join(parent, 'held');
    mkdirSync(directory);
    mkdirSync(`${directory}-not`);
    writeFileSync(join(directory, 'file'), 'text');
    await body(directory);
  } finally {
    rmSync(parent, { recursive: true });
  }
}

it('finds a process that works in the directory', () =>
  withDirectory(async (directory) => {
    const hold = await holdOf('echo; read line; :', directory, directory);
    expect(hold).toMatchObject({ kind: 'works in', path: directory, name: 'sh' });
  }));

it('finds a process that has a file of it open', () =>
  withDirectory(async (directory) => {
    const hold = await holdOf('exec 9<"$1/file"; echo; read line; :', '/', directory);
    expect(hold).toMatchObject({ kind: 'has open', path: join(directory, 'file') });
  }));

it('does not take a directory whose name begins alike for it', () =>
  withDirectory(async (directory) => {
    expect(await holdOf('echo; read line; :', `${directory}-not`, directory)).toBeUndefined();
  }));
