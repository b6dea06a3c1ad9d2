// Lines are no longer than a terminal is wide: script(1) gives the command a terminal of 60 columns.
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { COMMAND, fixture, run, withWorkplace } from '../mount/stratafs.ts';

const both = fixture('expressweb-both.tar');
const source = `${both}:extending-expressweb`;

describeWith([{ program: 'script' }, { program: 'stty' }], 'on a terminal of 60 columns', () => {
  it.each([
    ['history', '--layers', source],
    ['layers', source],
    ['images', both, fixture('platforms.tar:demo-2')],
    ['which', source, '/usr/src/app/node_modules/debug/../debug/lib/debug.js'],
    ['waste', '--ci', source],
    ['diff', '--stat', `${both}:expressweb`, source],
  ])('%s prints no longer line', (...args) =>
    withWorkplace(async (place) => {
      await place.stratafs(args);
      const command = [process.execPath, COMMAND, ...args].map((word) => `'${word}'`).join(' ');
      const { stdout } = await run('script', ['-qec', `stty cols 60; ${command}`, '/dev/null'], {
        env: place.environment,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      const lines = stdout.split(/\r?\n/);
      expect(lines.length).toBeGreaterThan(3);
      const isVerdict = (line: string): boolean => /^ {2}FAIL|^Result:/.test(line);
      expect(lines.filter((line) => !isVerdict(line) && Array.from(line).length > 60)).toEqual([]);
    }),
  );
});
