// Runs the native load generator on plain files.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Load, type LoadResult, runLoad } from '../../src/bench/load-generator.ts';
import { Processes } from '../../src/bench/processes.ts';
import { InputError } from '../../src/vfs/input-error.ts';

const program = fileURLToPath(new URL('../../build/Release/stratafs-load', import.meta.url));
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-load-'));
  mkdirSync(join(directory, 'a/b'), { recursive: true });
  writeFileSync(join(directory, 'a/one'), 'x'.repeat(300_000));
  writeFileSync(join(directory, 'a/b/two'), 'x'.repeat(10));
});
afterEach(() => rmSync(directory, { recursive: true }));

function load(fields: Partial<Load> & Pick<Load, 'operation'>): Promise<LoadResult> {
  const defaults = { paths: ['a/one', 'a/b/two'], threads: 1, rehearsals: 0, seed: 1 };
  return runLoad(new Processes(new AbortController().signal), directory, { ...defaults, ...fields });
}

describe('the load generator', () => {
  it.each([
    ['stat', 2, 0],
    ['lookup', 2, 0],
    ['open-read-close', 2, 300_010],
    // Reads of 128 KiB.
    ['sequential-read', 3 + 1, 300_010],
    ['map-exec', 2, 300_010],
    ['copy-up', 2, 0],
    ['append', 2, 0],
    ['unlink', 2, 0],
    ['rename', 2, 0],
  ] as const)(
    '%s gives %i latencies, each above 0 and together within the wall time',
    async (operation, count, bytes) => {
      const result = await load({ operation });
      expect(result.latencies.length).toBe(count);
      expect(result.bytes).toBe(bytes);
      expect(result.latencies.every((each) => each > 0)).toBe(true);
      expect(result.latencies.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(result.wall);
    },
  );

  it('walks the same files as find, including the root', async () => {
    const { latencies } = await load({ operation: 'walk', paths: ['.'] });
    expect(latencies.length).toBe(1 + 2 + 2);
  });

  it('reads every byte of every regular file, and follows no symlink', async () => {
    symlinkSync('/etc/passwd', join(directory, 'a/link'));
    const { latencies, bytes } = await load({ operation: 'read-all', paths: ['.'] });
    expect(latencies.length).toBe(1 + 2 + 3);
    expect(bytes).toBe(300_010);
  });

  it('removes a whole directory like rm -rf, and nothing that a symlink in it points to', async () => {
    mkdirSync(join(directory, 'kept'));
    writeFileSync(join(directory, 'kept/file'), '');
    symlinkSync('../kept', join(directory, 'a/link'));
    const { latencies } = await load({ operation: 'remove-tree', paths: ['a'] });
    expect(latencies.length).toBe(2 + 3);
    expect(readdirSync(directory)).toEqual(['kept']);
    expect(readdirSync(join(directory, 'kept'))).toEqual(['file']);
  });

  it('appends one byte', async () => {
    await load({ operation: 'append', paths: ['a/b/two'] });
    expect(readFileSync(join(directory, 'a/b/two'), 'latin1')).toBe(`${'x'.repeat(10)}x`);
  });

  it('runs a mount command in the directory, waits for it, and lists the mount point', async () => {
    const command = ['sh', '-c', 'mkdir "$NAME" && touch "$NAME/x" && echo text', 'sh'];
    const place = join(directory, 'place');
    const result = await load({ operation: 'mount', paths: [place], command, env: { NAME: 'place' } });
    expect(result.latencies.length).toBe(1);
    expect(readdirSync(place)).toEqual(['x']);
  });

  it.each([
    [['sh', '-c', 'echo reason >&2; exit 3'], /reason; sh ended with status 3$/],
    [['sh', '-c', 'kill -9 $$'], /sh ended with signal 9$/],
    [['/nowhere/mount'], /exec \/nowhere\/mount: No such file or directory$/],
  ])('reports that the mount command %j failed', async (command, reason) => {
    await expect(load({ operation: 'mount', paths: ['/'], command })).rejects.toThrow(reason);
  });

  it('ends only after the mount command if it is terminated', async () => {
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const command = ['sh', '-c', `echo started; read line < ${fifo}; echo line > ${directory}/ended`];
    const child = spawn(program, ['mount', '.', '--', ...command], { stdio: ['pipe', 'ignore', 'pipe'] });
    child.stdin.end(`${directory}\0`);
    await once(child.stderr, 'data');
    child.kill('SIGTERM');
    writeFileSync(fifo, 'line\n');
    expect(await once(child, 'close')).toEqual([null, 'SIGTERM']);
    expect(existsSync(join(directory, 'ended'))).toBe(true);
  });

  it('lists directories', async () => {
    expect((await load({ operation: 'readdir', paths: ['a', 'a/b'] })).latencies.length).toBe(2);
  });

  it('reads as many random pages as --reads says, and skips empty files', async () => {
    const result = await load({ operation: 'random-read', reads: 7 });
    expect(result.latencies.length).toBe(7);
    expect(result.bytes).toBe(7 * 4096);
  });

  it('looks up missing names, and fails if one exists', async () => {
    expect((await load({ operation: 'missing', paths: ['no', 'a/no'] })).latencies.length).toBe(2);
    await expect(load({ operation: 'missing' })).rejects.toThrow(/fstatat a\/one: File exists$/);
  });

  it('does not count rehearsals', async () => {
    expect((await load({ operation: 'stat', rehearsals: 3 })).latencies.length).toBe(2);
  });

  it('divides the paths among threads, so that each is used once', async () => {
    const paths = Array.from({ length: 101 }, (_, n) => `a/new-${n}`);
    const { latencies } = await load({ operation: 'create', paths, threads: 8 });
    expect(latencies.length).toBe(101);
    expect(readdirSync(join(directory, 'a')).length).toBe(101 + 2);
  });

  it('writes the files of a tar in each thread, with the same result as tar', async () => {
    const paths = ['d/', 'd/e/', 'd/e/f'];
    const { latencies, bytes } = await load({ operation: 'untar', paths, threads: 2, size: 5000 });
    expect(latencies.length).toBe(6);
    expect(bytes).toBe(10_000);
    for (const thread of [0, 1]) {
      const file = statSync(join(directory, `untar-${thread}/d/e/f`));
      expect([file.size, file.mode & 0o777, file.mtimeMs]).toEqual([5000, 0o644, 1_700_000_000_000]);
      expect(statSync(join(directory, `untar-${thread}/d`)).mode & 0o777).toBe(0o755);
    }
  });

  it('renames a file with its bytes, and unlinks a file', async () => {
    await load({ operation: 'rename', paths: ['a/b/two'] });
    expect(readFileSync(join(directory, 'a/b/two.renamed'), 'latin1')).toBe('x'.repeat(10));
    await load({ operation: 'unlink', paths: ['a/b/two.renamed'] });
    expect(existsSync(join(directory, 'a/b/two.renamed'))).toBe(false);
  });

  it('reports a failing call with its name, path and reason', async () => {
    const failing = load({ operation: 'stat', paths: ['a/one', 'no'] });
    await expect(failing).rejects.toThrow(
      /stratafs-load stat .*: ended with status 1: lstat no: No such file or directory$/,
    );
    await expect(failing).rejects.toBeInstanceOf(InputError);
  });

  it.each([
    [[]],
    [['stat']],
    [['stat', '.', '--threads']],
    [['stat', '.', '--threads', '0']],
    [['stat', '.', '--size', '1x']],
    [['nothing', '.']],
    [['stat', '.', '--threads', '--', 'true']],
  ])('refuses %j with status 2', async (args) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(stderr).toMatch(/^usage: |unknown operation nothing/);
  });
});
