// A mount that is written to during an export: the reader pauses after the first file, and the other files change.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { COMMAND, fixture, withWorkplace } from './stratafs.ts';

/** More than pipes and streams hold. */
const LARGE = 4 << 20;

describeWith(['fuse', { program: 'tar' }], 'stratafs export of a mount that is written to', () => {
  it('reports the files that changed while they were read, and writes a complete tar otherwise', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('u'));
      await place.mount(fixture('expressweb.tar'), '--upper', 'u');
      const at = (name: string): string => place.path(`mnt/etc/${name}`);
      writeFileSync(at('a'), Buffer.alloc(LARGE, 'a'));
      for (const name of ['gone', 'longer', 'replaced', 'shorter', 'stays'])
        writeFileSync(at(name), 'before');
      execFileSync('ln', ['gone', 'gone-too'], { cwd: place.path('mnt/etc') });
      const exported = spawn(process.execPath, [COMMAND, 'export', 'mnt'], {
        cwd: place.directory,
        env: place.environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      await once(exported.stdout, 'readable');
      rmSync(at('gone'));
      writeFileSync(at('longer'), 'after that');
      writeFileSync(at('new'), 'after');
      renameSync(at('new'), at('replaced'));
      truncateSync(at('shorter'), 3);
      const [tar, stderr] = await Promise.all([
        buffer(exported.stdout),
        buffer(exported.stderr),
        once(exported, 'close'),
      ]);
      const warn = (name: string, what: string): string =>
        `stratafs: warning: /etc/${name}: ${what} while the mount was read\n`;
      expect(stderr.toString()).toBe(
        [
          warn('gone', 'was left out, since it was removed or replaced'),
          warn('gone-too', 'was left out, since it was removed or replaced'),
          warn('replaced', 'was left out, since it was removed or replaced'),
          warn('shorter', 'became shorter, and ends in zeros'),
        ].join(''),
      );
      expect(exported.exitCode).toBe(1);
      const contentOf = (name: string): string =>
        execFileSync('tar', ['-xOf', '-', `etc/${name}`], { input: tar, maxBuffer: 2 * LARGE }).toString();
      expect(contentOf('a')).toHaveLength(LARGE);
      expect(contentOf('longer')).toBe('after ');
      expect(contentOf('shorter')).toBe('\0'.repeat(6));
      expect(contentOf('stays')).toBe('before');
      await place.unmount();
    }));
});
