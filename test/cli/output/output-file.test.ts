// The file of -o FILE, and its errors.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { OutputFile } from '../../../src/cli/output/output-file.ts';
import { scratchDirectory } from '../../image/scratch.ts';
import { COMMAND, run } from '../../mount/stratafs.ts';

it('a file gets its name when it is complete; a discarded one is removed', async () => {
  const place = await scratchDirectory();
  const file = await OutputFile.create(join(place, 'kept'));
  await file.write(Buffer.from('text'));
  expect(readdirSync(place)).not.toContain('kept');
  await file.keep();
  await (await OutputFile.create(join(place, 'discarded'))).discard();
  expect(readdirSync(place)).toEqual(['kept']);
  expect(readFileSync(join(place, 'kept'), 'utf8')).toBe('text');
});

it('the error names the requested file, not the temporary one', async () => {
  const place = await scratchDirectory();
  writeFileSync(join(place, 'file'), '');
  mkdirSync(join(place, 'directory'));
  for (const [name, reason] of [
    ['no/x', `${place}/no is not a directory`],
    ['file/x', `${place}/file is not a directory`],
    ['directory', 'is a directory, expected a file to write'],
  ] as const) {
    await expect(OutputFile.create(join(place, name))).rejects.toThrow(`${join(place, name)}: ${reason}`);
  }
});

it.each(['--json', '--html'])('bench finds out before it runs that %s has no directory', async (option) => {
  const place = await scratchDirectory();
  const { status, stderr } = await run(process.execPath, [
    COMMAND,
    'bench',
    option,
    `${place}/no/x`,
    `${place}/image`,
  ]);
  expect(stderr).toBe(`stratafs: ${place}/no/x: ${place}/no is not a directory\n`);
  expect(status).toBe(1);
});
