// docs/walk.md is true: every command in it is run, in order, and prints what stands there.
//
// After a change that is meant, `npx vitest run test/docs/walk.test.ts -u` writes the new outputs into the document.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { COMMAND, run, withWorkplace } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';
import { findCommands } from './console-blocks.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const walk = fileURLToPath(new URL('../../docs/walk.md', import.meta.url));
/** The working directory of the document's reader. */
const DIRECTORY = '/tmp/walk';

/** Without what differs from run to run: process IDs, ages, durations, and the widths of columns that hold them. */
function normalise(output: string): string {
  return output
    .replace(/ +\d+ +(?:\d+[dhms] ?)+$/gm, '  PID  AGE')
    .replace(/"pid":\d+,"started":\d+/g, '"pid":PID,"started":TIME')
    .replace(/ +\d+\.\d\d s$/gm, '  TIME')
    .replace(/\d+ (?:months|years) ago/g, 'AGE ago')
    .replace(/ {2,}/g, '  ');
}

describeWith(['fuse', { program: 'getfattr' }], 'docs/walk.md', () => {
  it(
    'prints what it says',
    () =>
      withWorkplace(async (place) => {
        const isRoot = process.geteuid?.() === 0;
        const document = readFileSync(walk, 'utf8');
        mkdirSync(place.path('bin'));
        const wrapper = `#!/bin/sh\nexec '${process.execPath}' '${COMMAND}' "$@"\n`;
        writeFileSync(place.path('bin/stratafs'), wrapper, { mode: 0o755 });
        const env = {
          ...place.environment,
          PATH: `${place.path('bin')}:${process.env['PATH'] ?? ''}`,
          LC_ALL: 'C',
          TZ: 'UTC',
          COLUMNS: '',
        };
        let actual = '';
        let position = 0;
        for (const { command, needsRoot, output, start, end } of findCommands(document)) {
          actual += document.slice(position, start);
          position = end;
          const here = `exec 2>&1; ${command.replaceAll(DIRECTORY, place.directory)}`;
          const printed =
            needsRoot && !isRoot
              ? output
              : (await run('sh', ['-c', here], { cwd: root, env })).stdout.replaceAll(
                  place.directory,
                  DIRECTORY,
                );
          actual += normalise(printed) === normalise(output) ? output : printed;
        }
        actual += document.slice(position);
        await expect(actual).toMatchFileSnapshot(walk);
        expect(place.mounted()).toEqual([]);
      }),
    300_000,
  );
});
