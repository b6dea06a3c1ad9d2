import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Processes } from '../../src/bench/processes.ts';

const directory = mkdtempSync(join(tmpdir(), 'stratafs-processes-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('waits for a program even if writing its input fails', async () => {
  const processes = new Processes(new AbortController().signal);
  const last = join(directory, 'last');
  const run = processes.run(['sh', '-c', 'cat >/dev/null; : >"$1"', 'sh', last], {
    input: () => Promise.reject(new Error('no layer to read')),
  });
  await expect(run).rejects.toThrow('no layer to read');
  expect(existsSync(last)).toBe(true);
});
