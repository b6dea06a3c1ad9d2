// The built command. What it counts is tested in test/inspect/waste.test.ts.
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fixture, runAlone, withWorkplace } from '../../mount/stratafs.ts';

const source = `${fixture('expressweb-both.tar')}:extending-expressweb`;

describe('stratafs waste', () => {
  it('prints the figures, then layers and paths', async () => {
    const { status, stdout } = await runAlone('waste', source);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^ {2}efficiency: 99\.8239 %\n {2}wastedBytes: 562 bytes \(562B\) of 319kB\n {2}userWastedPercent: 40\.0856 %\n/,
    );
    expect(stdout).toMatch(/\n +4 +481B +457B +0B +COPY dir:8659f1f879bc \/usr\/src\/app\n/);
    expect(stdout).toMatch(/\n +1 +241B +4 +5 +\/usr\/src\/app\/server\.js\n/);
  });

  it('--top lists that many paths, and the number of further ones', async () => {
    const { stdout } = await runAlone('waste', '--top', '2', source);
    expect(stdout).toMatch(/index\.html\n\nand 5 more paths \(--no-trunc shows all\)\n$/);
  });

  it("--ci checks dive's rules, and exits with 1 if one fails", async () => {
    const broken = await runAlone('waste', '--ci', source);
    expect(broken.status).toBe(1);
    expect(broken.stdout).toMatch(
      /\nResults:\n {2}PASS: lowestEfficiency\n {2}SKIP: highestWastedBytes: rule disabled\n {2}FAIL: highestUserWastedPercent: too many bytes wasted, relative to the user bytes added \(%-user-wasted-bytes=0\.4009 > threshold=0\.1\)\nResult:FAIL \[Total:3\] \[Passed:1\] \[Failed:1\] \[Warn:0\] \[Skipped:1\]\n$/,
    );
    const passed = await runAlone('waste', '--ci', '--highestUserWastedPercent', '0.5', source);
    expect(passed.status).toBe(0);
    expect(passed.stdout).toMatch(/\nResult:PASS /);
  });

  it('reads .dive-ci in the working directory, or another file; options override it', () =>
    withWorkplace(async (place) => {
      writeFileSync(
        place.path('.dive-ci'),
        'rules:\n  highestUserWastedPercent: disabled\n  highestWastedBytes: 561B\n',
      );
      const here = await place.stratafs(['waste', '--ci', source]);
      expect(here.status).toBe(1);
      expect(here.stdout).toMatch(/^ {2}Using CI config: \.dive-ci\n/);
      expect(here.stdout).toContain(
        'FAIL: highestWastedBytes: too many bytes wasted (wasted-bytes=562 > threshold=561)',
      );
      expect((await place.stratafs(['waste', '--ci', '--highestWastedBytes', '1kB', source])).status).toBe(0);
      const missing = await place.stratafs(['waste', '--ci', '--ci-config', 'other.yaml', source]);
      expect(missing).toMatchObject({ status: 1, stdout: '' });
      expect(missing.stderr).toMatch(/^stratafs: ENOENT: .*other\.yaml/);
    }));

  it('rejects rules without --ci, and malformed thresholds', async () => {
    expect(await runAlone('waste', '--lowestEfficiency', '1', source)).toMatchObject({
      status: 2,
      stderr: 'stratafs: --lowestEfficiency: works only with --ci\n',
    });
    expect((await runAlone('waste', '--ci', '--lowestEfficiency', '2', source)).stderr).toBe(
      "stratafs: --ci: lowestEfficiency: found '2', expected a part of 1 such as 0.95, or disabled\n",
    );
  });

  it('--json prints what docs/json.md describes', async () => {
    const { stdout } = await runAlone('waste', '--json', '--ci', source);
    const { layers, paths, rules, ...figures } = JSON.parse(stdout) as Record<string, unknown[]>;
    expect(figures).toEqual({
      source,
      totalBytes: 319_067,
      userBytes: 1402,
      wastedBytes: 562,
      efficiency: (319_067 - 562) / 319_067,
      userWastedPercent: 562 / 1402,
    });
    expect(layers?.[3]).toEqual({
      number: 4,
      size: 481,
      wasted: 457,
      hides: 0,
      instruction: 'COPY dir:8659f1f879bc /usr/src/app',
    });
    expect(paths?.[0]).toEqual({
      path: '/usr/src/app/server.js',
      bytes: 241,
      files: [{ bytes: 241, layer: 4, hiddenBy: 5, cause: 'entry' }],
    });
    expect(rules?.[2]).toEqual({
      rule: 'highestUserWastedPercent',
      result: 'fail',
      threshold: 0.1,
      value: 562 / 1402,
    });
  });
});
