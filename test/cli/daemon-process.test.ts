// The daemon that is started on the chance that the arguments ask for one.
import { readFileSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { callsForDaemon } from '../../src/cli/daemon-process.ts';
import { withWorkplace } from '../mount/stratafs.ts';

it.each([
  [['mount', 'a.tar', '/mnt'], true],
  [['mount', '-o', 'ro', 'a.tar', '/mnt'], true],
  [['mount', '-o', 'lowerdir=b:a', '/mnt'], true],
  [['mount', '-f', 'a.tar', '/mnt'], false],
  [['mount', '--foreground', 'a.tar', '/mnt'], false],
  [['mount', '--help', 'a.tar'], false],
  [['mount'], false],
  [['ls', 'mount', '/mnt'], false],
])('%j: %j', (args, expected) => {
  expect(callsForDaemon(args)).toBe(expected);
});

/** The processes that have `text` among their arguments. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(text);
    } catch {
      return false; // it ended meanwhile
    }
  });
}

it.each([['--bogus'], ['--cache-size', 'x'], ['-o', 'bogus']])('%s leaves no process', (...options) =>
  withWorkplace(async (place) => {
    const { status } = await place.stratafs(['mount', ...options, 'a.tar', place.mountpoint]);
    expect(status).toBe(2);
    expect(processesWith(place.directory)).toEqual([]);
  }),
);
