// Whole mounts with and without the fast path: both show the same tree, and never a stale answer while it changes.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { MountStatistics } from '../../src/mount/served-mount.ts';
import { describeWith } from '../requirements.ts';
import { type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const stress = fileURLToPath(new URL('fast-path.py', import.meta.url));
const snapshot = fileURLToPath(new URL('../oracle/snapshot.py', import.meta.url));
const DIRECTORIES = 12;
const FILES = 25;
const seed = Number(process.env['STRATAFS_SEED'] ?? 1);

async function statistics(place: Workplace): Promise<MountStatistics> {
  return JSON.parse((await place.stratafs(['stats', '--json', 'mnt'])).stdout) as MountStatistics;
}

/** Mounts with these arguments. Returns the tree, read twice, and the statistics after that. */
async function look(
  place: Workplace,
  source: string,
  ...options: string[]
): Promise<[string, MountStatistics]> {
  await place.mount(source, ...options);
  const seen = [1, 2].map(() =>
    execFileSync('python3', [snapshot, place.mountpoint], { encoding: 'latin1', maxBuffer: 1 << 28 }),
  );
  expect(seen[1]).toBe(seen[0]);
  const counted = await statistics(place);
  await place.unmount();
  // The root has the attributes of a new upper directory.
  return [(seen[0] as string).replace(/^.*\n/, ''), counted];
}

const python = { program: 'python3' };

describeWith(['fuse', python], 'the fast path', () => {
  it.each([
    ['edge-cases.tar', []],
    ['edge-cases.tar', ['--tmp', '-o', 'uidmapping=0:100:70000,squash_to_gid=7']],
    ['forms/oci-gzip.tar', ['--tmp']],
  ] as const)('shows the same tree of %s %j as JavaScript alone', (name, options) =>
    withWorkplace(async (place) => {
      const [withIt, counted] = await look(place, fixture(name), ...options);
      const [without, none] = await look(place, fixture(name), ...options, '-o', 'fastpath=off');
      expect(withIt).toBe(without);
      expect(none.answeredNatively).toEqual({});
      const { requests, answeredNatively } = counted;
      expect(Object.keys(answeredNatively)).toEqual(
        expect.arrayContaining(['LOOKUP', 'READDIRPLUS', 'READLINK', 'LISTXATTR']),
      );
      for (const [kind, count] of Object.entries(answeredNatively)) {
        expect(requests[kind], kind).toBeGreaterThanOrEqual(count);
      }
      // The kernel decides how much it reads at once, and how often.
      expect(Math.min(counted.bytesRead, none.bytesRead)).toBeGreaterThan(0);
      if (name === 'edge-cases.tar') expect(answeredNatively['READ']).toBeGreaterThan(0);
    }),
  );

  it.each(['on', 'off'])('never returns a stale answer after a change: fastpath=%s', (state) =>
    withWorkplace(async (place) => {
      for (let d = 0; d < DIRECTORIES; d++) {
        mkdirSync(place.path(`lower/d${d}`), { recursive: true });
        for (let f = 0; f < FILES; f++) writeFileSync(place.path(`lower/d${d}/f${f}`), 'v0000000');
      }
      execFileSync('tar', ['-cf', place.path('lower.tar'), '-C', place.path('lower'), '.']);
      await place.mount('lower.tar', '--tmp', '-o', `fastpath=${state}`);
      const args = [stress, place.mountpoint, DIRECTORIES, FILES, seed].map(String);
      const { status, stdout, stderr } = await run('python3', args);
      expect([status, stderr], `STRATAFS_SEED=${seed}`).toEqual([0, '']);
      // Reads during which nothing changed, so the answer had to be right.
      const seen = JSON.parse(stdout) as Record<string, number>;
      for (const kind of ['stat', 'read', 'list']) expect(seen[kind], kind).toBeGreaterThan(100);
      const { answeredNatively } = await statistics(place);
      const opens = [answeredNatively['OPEN'] ?? 0, answeredNatively['RELEASE'] ?? 0];
      if (state === 'on') expect(Math.min(...opens)).toBeGreaterThan(100);
      else expect(opens).toEqual([0, 0]);
      await place.unmount();
    }),
  );
});
