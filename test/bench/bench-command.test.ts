// Runs the built command with tiny inputs. The figures are meaningless and not checked.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { BenchResult } from '../../src/bench/bench.ts';
import { tarOf } from '../image/scratch.ts';
import { sampleLayer, skopeoMembers } from '../image/sample-images.ts';
import { COMMAND, type Workplace, fixture, runAlone, withMounted, withWorkplace } from '../mount/stratafs.ts';
import { asNobody } from '../mount/other-users.ts';
import { describeWith } from '../requirements.ts';

/** The run's scratch directory: `scratch` in the workplace. */
function scratchOf(place: Workplace): string {
  mkdirSync(place.path('scratch'), { recursive: true });
  return place.path('scratch');
}

/** Processes with a path of the workplace on their command line, except `self`. */
function processesIn(place: Workplace, self: number): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === self) continue;
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      if (line.includes(place.directory)) found.push(line);
    } catch {
      // ENOENT, ESRCH: the process has ended
    }
  }
  return found;
}

function expectNothingLeft(place: Workplace): void {
  expect(place.mounted()).toEqual([]);
  expect(readdirSync(place.path('scratch'))).toEqual([]);
  expect(processesIn(place, process.pid)).toEqual([]);
}

const one = ['--runs', '2', '--files', '20', '--layers', '2', '--fanout', '2', '--depth', '1'];
const tiny = ['--runs', '2', '--files', '50', '--layers', '1,2', '--fanout', '2', '--depth', '1'];

const rivals = ['fuse-overlayfs', 'mksquashfs', 'squashfuse', 'mkfs.erofs'].map((program) => ({ program }));
const everybody = [
  ...[
    'stratafs',
    'fastpath-off',
    'writable',
    'stratafs-erofs',
    'stratafs-erofs-gzip',
    'overlayfs',
    'fuse-overlayfs',
    'plain',
    'bare-loop',
    'squashfs',
  ],
  ...['squashfuse', 'erofs'],
];

/** Contenders that may be missing; the bench reports them then. */
const optional = ['fuse-native', 'erofsfuse'];
const isOfOptional = (line: string): boolean =>
  optional.some((name) => line.startsWith(`stratafs: ${name} does not take part: `));

const resultOf = (place: Workplace): BenchResult =>
  JSON.parse(readFileSync(place.path('result.json'), 'utf8')) as BenchResult;

describeWith(['fuse', 'root', ...rivals], 'stratafs bench', () => {
  it('measures every contender under every selected workload, and leaves nothing', () =>
    withWorkplace(async (place) => {
      const selection = [
        '--cold',
        'memory',
        '--workloads',
        'lookup-base,find-warm,open-warm,rename,rm-rf,remount',
      ];
      const to = ['--scratch', scratchOf(place), '--json', 'result.json', '--html', 'result.html'];
      const { status, stdout, stderr } = await place.stratafs(['bench', ...tiny, ...selection, ...to]);
      expect(stderr.split('\n').filter((line) => !isOfOptional(line))).toEqual([
        'stratafs: too few runs to detect a difference: found 2, expected 6 or more',
        '',
      ]);
      expect(status).toBe(0);
      const result = resultOf(place);
      expect(result.schema).toBe(1);
      expect(result.settings.baseline).toBe('overlayfs');
      expect(result.stacks.map(({ layers, files }) => [layers, files])).toEqual([
        [1, 50],
        [2, 50],
      ]);
      const names = result.contenders.map(({ name }) => name).filter((name) => !optional.includes(name));
      expect(names).toEqual(everybody);
      for (const { runs, latency, median, workload } of result.measurements) {
        expect(runs.length, workload).toBe(2);
        expect(median).toBeGreaterThan(0);
        expect(latency.p50).toBeLessThanOrEqual(latency.p99);
      }
      // The base of two layers has half of the files; the stack of one layer gets as many lookups.
      const lookups = result.measurements.filter(({ workload }) => workload === 'lookup-base');
      expect(new Set(lookups.map(({ layers }) => layers))).toEqual(new Set([1, 2]));
      const [count = 0, ...others] = new Set(
        lookups.flatMap(({ runs }) => runs.map((run) => run.operations)),
      );
      expect(others).toEqual([]);
      expect(count).toBeLessThan(50);
      const cells = result.measurements.map(
        ({ layers, workload, contender }) => `${layers} ${workload} ${contender}`,
      );
      expect(new Set(cells).size).toBe(cells.length);
      for (const name of everybody) {
        expect(cells).toContain(`1 find-warm ${name}`);
        expect(cells).toContain(`2 find-warm ${name}`);
        const isRead = name !== 'bare-loop';
        expect(cells.includes(`2 open-warm ${name}`), name).toBe(isRead);
        const readOnly = ['squashfs', 'squashfuse', 'erofs', 'writable', 'stratafs-erofs-gzip'];
        const isWritable = isRead && !readOnly.includes(name);
        expect(cells.includes(`2 rename ${name}`)).toBe(isWritable);
        expect(cells.includes(`2 rm-rf ${name}`)).toBe(isWritable);
        expect(cells.includes(`2 remount ${name}`)).toBe(name !== 'plain');
      }
      expect(stdout).toMatch(
        /^Summary\n {2}[a-z0-9-]+, 2 layers: .* ran\n[^]*\n\nWORKLOAD +LAYERS +CONTENDER +MEDIAN /,
      );
      expect(stdout).toMatch(/\nrename +2 +fastpath-off .* too few runs/);
      expect(readFileSync(place.path('result.html'), 'latin1')).toMatch(/^<!doctype html>\n.*<\/html>\n$/s);
      expectNothingLeft(place);
    }));

  it('reads all bytes on each contender, and appends to the largest file of an image', () =>
    withWorkplace(async (place) => {
      const layer = await sampleLayer('x'.repeat(2_000_000));
      writeFileSync(place.path('large.tar'), await tarOf(skopeoMembers([layer], ['large:1'])));
      const selection = ['--contenders', 'stratafs,writable,overlayfs,plain', '--runs', '1'];
      const workloads = ['--workloads', 'read-all-cold,append', '--threads', '2'];
      const to = ['--scratch', scratchOf(place), '--json', 'result.json'];
      const args = ['bench', ...selection, ...workloads, ...to, 'large.tar'];
      const { status, stderr } = await place.stratafs(args);
      expect(stderr).toMatch(/^stratafs: too few runs [^\n]*\n$/);
      expect(status).toBe(0);
      const rows = resultOf(place).measurements.map(
        ({ workload, contender, threads, runs }) =>
          `${workload} ${contender} ${threads} ${runs[0]?.operations} ${runs[0]?.bytes}`,
      );
      // Each of two threads reads all; one thread appends.
      expect(rows.sort()).toEqual([
        ...['overlayfs', 'plain', 'stratafs'].map((name) => `append ${name} 1 1 0`),
        ...['overlayfs', 'plain', 'stratafs', 'writable'].map((name) => `read-all-cold ${name} 2 4 4000000`),
      ]);
      expectNothingLeft(place);
    }));

  it('lists contenders that became slower than in an earlier run, with exit status 1', () =>
    withWorkplace(async (place) => {
      const selection = [
        '--contenders',
        'stratafs,plain',
        '--workloads',
        'stat-warm',
        '--scratch',
        scratchOf(place),
      ];
      const first = await place.stratafs(['bench', ...one, ...selection, '--json', 'result.json']);
      expect(first.status).toBe(0);
      const { measurements, ...rest } = resultOf(place);
      const slowerBaseline = measurements.map(({ contender, runs, ...each }) => ({
        ...each,
        contender,
        // As if stratafs had been a thousand times faster.
        runs: runs.map((run) => ({ ...run, mean: contender === 'stratafs' ? run.mean / 1000 : run.mean })),
      }));
      writeFileSync(place.path('old.json'), JSON.stringify({ ...rest, measurements: slowerBaseline }));
      const compare = ['--baseline', 'plain', '--compare', 'old.json', '--threshold', '3'];
      const { status, stdout } = await place.stratafs(['bench', ...one, ...selection, ...compare]);
      expect(stdout).toMatch(/\nslower +stat-warm +2 +1 +stratafs /);
      expect(stdout).toMatch(/\nOf 1 ratio to plain, by more than 3: 1 slower, 0 faster\.\n$/);
      expect(status).toBe(1);
    }));

  it("measures the user's image with only the selected contenders and workloads", () =>
    withWorkplace(async (place) => {
      const scratch = scratchOf(place);
      const selection = ['--contenders', 'plain,stratafs', '--workloads', 'stat-cold,find', '--runs', '1'];
      const args = ['bench', ...selection, '--scratch', scratch, '--json', 'result.json', '--threads', '2,1'];
      const { status } = await place.stratafs([...args, fixture('expressweb.tar')]);
      expect(status).toBe(0);
      const result = resultOf(place);
      expect(result.settings.baseline).toBe('plain');
      expect(new Set(result.measurements.map(({ contender }) => contender))).toEqual(
        new Set(['plain', 'stratafs']),
      );
      const rows = result.measurements
        .filter(({ contender }) => contender === 'plain')
        .map(({ workload, threads }) => `${workload} ${threads}`);
      expect(rows.sort()).toEqual([
        ...['find-cold 1', 'find-cold 2', 'find-warm 1', 'find-warm 2', 'stat-cold 1', 'stat-cold 2'],
      ]);
      expectNothingLeft(place);
    }));

  it.each([
    ['SIGINT', []],
    ['SIGTERM', []],
    ['SIGINT', ['--contenders', 'bare-loop']],
  ] as const)('dies of %s in the middle of a run (%j), and leaves nothing', (signal, selection) =>
    withWorkplace(async (place) => {
      const args = [
        'bench',
        ...selection,
        '--runs',
        '100',
        '--files',
        '50',
        '--layers',
        '1,2',
        '--scratch',
        scratchOf(place),
      ];
      const command = spawn(process.execPath, [COMMAND, ...args], {
        cwd: place.directory,
        env: place.environment,
        stdio: ['ignore', 'ignore', 'ignore'],
      });
      await untilMounted(place, command);
      command.kill(signal);
      // A second signal must not leave files either.
      setImmediate(() => command.kill(signal));
      expect(await once(command, 'close')).toEqual([null, signal]);
      expectNothingLeft(place);
    }),
  );
});

async function untilMounted(place: Workplace, command: ChildProcess): Promise<void> {
  while (place.mounted().length === 0) {
    if (command.exitCode !== null) throw new Error(`bench ended with ${command.exitCode}`);
    await new Promise((resolve) => void setImmediate(resolve));
  }
}

describeWith(['fuse'], 'stratafs bench of a mount', () => {
  it('asks for the image instead', () =>
    withMounted(fixture('expressweb.tar'), async (place) => {
      const { status, stderr } = await place.stratafs(['bench', 'mnt', '--scratch', scratchOf(place)]);
      expect(stderr).toMatch(/^stratafs: mnt: found a mount, expected an image: .*\/expressweb\.tar\n$/);
      expect(status).toBe(1);
      expect(readdirSync(place.path('scratch'))).toEqual([]);
    }));
});

describeWith(['root', { program: 'unshare' }], 'stratafs bench of an ordinary user', () => {
  it('measures contenders that work without root, and reports the others', () =>
    withWorkplace(async (place) => {
      const selection =
        '--contenders stratafs,overlayfs,plain,bare-loop --workloads stat-cold,unlink --runs 1 --json result.json';
      const { status, stderr } = await asNobody(
        place,
        `mkdir scratch && eval "$S bench ${selection} --scratch scratch $I"`,
      );
      expect(stderr).toBe(
        [
          'overlayfs does not take part: only root can mount it (run the bench as root)',
          'bare-loop does not take part: only root can mount it (run the bench as root)',
          'kernel caches are not dropped, since that needs root: cold runs only use a fresh mount',
          'too few runs to detect a difference: found 1, expected 6 or more',
          "unlink is skipped: the image's files belong to root, so only root can write to them",
          '',
        ]
          .join('\nstratafs: ')
          .replace(/stratafs: $/, '')
          .replace(/^/, 'stratafs: '),
      );
      expect(status).toBe(0);
      const { measurements, environment } = resultOf(place);
      expect(environment.isRoot).toBe(false);
      expect(measurements.map(({ workload, contender }) => [workload, contender])).toEqual([
        ['stat-cold', 'stratafs'],
        ['stat-cold', 'plain'],
      ]);
      expectNothingLeft(place);
    }));
});

describe.concurrent('stratafs bench, misused', () => {
  it.each([
    [
      ['--contenders', 'overlay'],
      /^stratafs: --contenders: found 'overlay' \(did you mean 'overlayfs'\?\)\n$/,
    ],
    [['--workloads', ','], /^stratafs: --workloads: found nothing, expected all, stat, /],
    [['--runs', '0'], /^stratafs: --runs: found '0', expected a whole number from 1 to 1000\n$/],
    [['--layers', '1,x'], /^stratafs: --layers: found 'x', expected a whole number from 1 to 127\n$/],
    [['--threads', '9'], /^stratafs: --threads: found '9', expected a whole number from 1 to 8\n$/],
    [['--files', '10', 'x.tar'], /^stratafs: --files: works only without SOURCE\n$/],
    [['--platform', 'linux/arm64'], /^stratafs: --platform: works only with SOURCE\n$/],
    [['--threshold', '2'], /^stratafs: --threshold: works only with --compare\n$/],
    [
      ['--compare', 'x', '--threshold', '0.9'],
      /^stratafs: --threshold: found '0\.9', expected a factor of 1 or more\n$/,
    ],
    [['--cold', 'warm'], /^stratafs: .*--cold.*disk, memory/],
  ])('%j is one line and status 2', async (args, line) => {
    const { status, stderr } = await runAlone('bench', ...args);
    expect(stderr).toMatch(line);
    expect(stderr.split('\n').length).toBe(2);
    expect(status).toBe(2);
  });

  it.each([
    [['--compare', '/nowhere'], /^stratafs: ENOENT: .*\/nowhere/],
    [['--compare', COMMAND], /^stratafs: .*main\.cjs: found no JSON /],
    [['/nowhere/x.tar'], /^stratafs: .*\/nowhere\/x\.tar/],
    [['--scratch', '/nowhere'], /^stratafs: --scratch: found no directory \/nowhere, expected one /],
    [
      ['--contenders', 'plain', '--baseline', 'stratafs', '--layers', '1', '--files', '1'],
      /^stratafs: --baseline: found stratafs, expected one that takes part: plain\n$/,
    ],
  ])('%j is one line and status 1', async (args, line) => {
    const { status, stderr } = await runAlone('bench', ...args);
    expect(stderr).toMatch(line);
    expect(stderr.split('\n').length).toBe(2);
    expect(status).toBe(1);
  });
});
