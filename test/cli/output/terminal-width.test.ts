// Lines fit the terminal, which script(1) provides. Piped output is not truncated.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import stringWidth from 'string-width';
import { describeWith } from '../../requirements.ts';
import { COMMAND, fixture, run, withWorkplace } from '../../mount/stratafs.ts';

const both = fixture('expressweb-both.tar');
const source = `${both}:extending-expressweb`;
const WIDE = `${'\u6f22\u5b57'.repeat(20)}.txt`;

/** `mnt` is a mount that was written to, `wide` a directory with a name of characters that take two columns. */
const views: readonly (readonly string[])[] = [
  ['images', both, fixture('platforms.tar:demo-2')],
  ['history', source],
  ['history', '--layers', source],
  ['layers', source],
  ['which', source, '/usr/src/app/node_modules/debug/../debug/lib/debug.js'],
  ['which', 'mnt', '/usr/a directory that was moved and has a long name/server.js'],
  ['diff', `${both}:expressweb`, source],
  ['diff', '--stat', `${both}:expressweb`, source],
  ['diff', 'mnt'],
  ['diff', '--stat', 'mnt'],
  ['diff', '--stat', 'empty', 'wide'],
  ['diff', 'empty', 'wide'],
  ['waste', source],
  ['waste', '--ci', '--lowestEfficiency', '1', '--highestWastedBytes', '1', source],
  ['index', source],
  ['ls'],
  ['ps', '-s'],
  ['stats', 'mnt'],
];

describeWith(['fuse', { program: 'script' }, { program: 'stty' }], 'on a terminal', () => {
  it.each([80, 40])('of %d columns no view prints a longer line', (columns) =>
    withWorkplace(async (place) => {
      for (const name of ['u', 'wide', 'empty']) mkdirSync(place.path(name));
      writeFileSync(place.path(`wide/${WIDE}`), '');
      await place.mount(both + ':expressweb', '--upper', 'u');
      renameSync(
        place.path('mnt/usr/src/app'),
        place.path('mnt/usr/a directory that was moved and has a long name'),
      );
      const quoted = views.map((args) =>
        [process.execPath, COMMAND, ...args].map((word) => `'${word}'`).join(' '),
      );
      const script = quoted.map((command, i) => `${command}; echo "=== ${i}"`).join('\n');
      writeFileSync(place.path('script'), `stty cols ${columns}\n${script}\n`);
      const { stdout } = await run('script', ['-qec', 'sh script', '/dev/null'], {
        cwd: place.directory,
        env: place.environment,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      const outputs = stdout.replaceAll('\r', '').split(/^=== \d+\n/m);
      const found = views.map((args, i) => {
        const lines = (outputs[i] ?? '').split('\n').slice(0, -1);
        return {
          args,
          isEmpty: lines.length === 0,
          long: lines.filter((line) => stringWidth(line) > columns),
        };
      });
      expect(found).toEqual(views.map((args) => ({ args, isEmpty: false, long: [] })));
      await place.unmount();
    }),
  );
});
