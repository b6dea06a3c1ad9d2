// The kernel caches listings: one that begins after a change never shows the names from before it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { run, withWorkplace } from './stratafs.ts';

const script = fileURLToPath(new URL('listing-cache.py', import.meta.url));

describeWith(['fuse', { program: 'python3' }], 'the cache of listings', () => {
  it.each(['on', 'off'])('never adds names from before a change to a new listing: fastpath=%s', (state) =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('lower/d'), { recursive: true });
      for (let f = 0; f < 9; f++) writeFileSync(place.path(`lower/d/f${f}`), '');
      execFileSync('tar', ['-cf', place.path('lower.tar'), '-C', place.path('lower'), '.']);
      await place.mount('lower.tar', '--tmp', '-o', `fastpath=${state}`);
      const { status, stdout, stderr } = await run('python3', [script, `${place.mountpoint}/d`]);
      expect([status, stderr]).toEqual([0, '']);
      for (const [names, expected] of JSON.parse(stdout) as [string[], string[]][]) {
        expect(names).toEqual(expected);
      }
      await place.unmount();
    }),
  );
});
