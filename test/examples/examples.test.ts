// The programs of examples/, run over fixtures.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../docs/library-examples.ts';
import { type Outcome, run, withWorkplace } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';

const runExample = (args: readonly string[], env: NodeJS.ProcessEnv): Promise<Outcome> =>
  run(process.execPath, args, { cwd: root, env });

describe('examples/list-setuid.js', () => {
  it('lists set-user-ID and set-group-ID files with their layers', () =>
    withWorkplace(async (place) => {
      const { status, stdout } = await runExample(
        ['examples/list-setuid.js', 'fixtures/edge-cases.tar'],
        place.environment,
      );
      expect(status).toBe(0);
      expect(stdout).toBe(
        '2755 0:0 /mode/setgid  layer 3: COPY types-pax /\n4755 0:0 /mode/setuid  layer 3: COPY types-pax /\n',
      );
    }));
});

describe('examples/compare-in-ci.js', () => {
  const images = ['fixtures/expressweb.tar', 'fixtures/expressweb-both.tar:extending-expressweb'];

  it('exits 0 if only expected paths changed', () =>
    withWorkplace(async (place) => {
      const args = ['examples/compare-in-ci.js', ...images, '/usr/src/app'];
      const { status, stdout } = await runExample(args, place.environment);
      expect(stdout).toMatch(/^\d+ differences, 0 of them unexpected\n$/);
      expect(status).toBe(0);
    }));

  it('exits 1 and lists the paths if others changed', () =>
    withWorkplace(async (place) => {
      const args = ['examples/compare-in-ci.js', ...images, '/usr/src/app/public'];
      const { status, stdout } = await runExample(args, place.environment);
      expect(stdout).toMatch(/^changed \/usr\/src\/app\/server\.js .*size/m);
      expect(stdout).not.toMatch(/\/public/);
      expect(status).toBe(1);
    }));
});

describeWith(['fuse'], 'examples/serve-in-test.js', () => {
  it('passes, and leaves no mount', () =>
    withWorkplace(async (place) => {
      const env = { ...place.environment, TMPDIR: place.directory };
      const { status, stdout } = await runExample(['--test', join('examples', 'serve-in-test.js')], env);
      expect(stdout).toMatch(/^# pass 2$/m);
      expect(status).toBe(0);
      expect(place.mounted()).toEqual([]);
    }));
});
