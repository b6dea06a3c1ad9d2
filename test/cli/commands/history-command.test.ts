// The built command. What it shows is compared with docker's answers in test/inspect/history.test.ts.
import { describe, expect, it } from 'vitest';
import { dockerAnswers } from '../../inspect/docker-oracle.ts';
import {
  CONFIG,
  LAYER,
  MANIFEST,
  sampleLayer,
  SampleLayout,
  skopeoMembers,
} from '../../image/sample-images.ts';
import { tarFile } from '../../image/scratch.ts';
import { fixture, type Outcome, runAlone } from '../../mount/stratafs.ts';

const history = (...args: string[]): Promise<Outcome> => runAlone('history', ...args);

const source = fixture('expressweb.tar');

describe('stratafs history', () => {
  it("prints docker's columns, the image's ID in the newest line", async () => {
    const { status, stdout, stderr } = await history(source);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^IMAGE +CREATED +CREATED BY +SIZE +COMMENT$/);
    expect(lines[1]).toMatch(
      /^c3c74c4ba3f5 +\d+ \w+ ago +\/bin\/sh -c #\(nop\) CMD \["npm", "start"\] +0B +FROM 1da2994f1538$/,
    );
    expect(lines[3]).toMatch(/^<missing> .* \/bin\/sh -c #\(nop\) COPY dir:8659f1f879bc5d182\u2026 +481B /);
    expect(lines).toHaveLength(11);
  });

  it("supports docker's templates, with docker's output", async () => {
    const { stdout } = await history(
      '--no-trunc',
      '--human=false',
      '--format',
      '{{.ID}} {{.Size}} {{.CreatedBy}}',
      source,
    );
    const lines = (dockerAnswers().history['expressweb'] ?? []).map(
      ({ Id, Size, CreatedBy }) => `${Id} ${Size} ${CreatedBy}\n`,
    );
    expect(stdout).toBe(lines.join(''));
  });

  it('-q prints IDs', async () => {
    expect((await history('-q', source)).stdout).toBe(`c3c74c4ba3f5\n${'<missing>\n'.repeat(9)}`);
  });

  it('--layers shows the layer of each step', async () => {
    const { stdout } = await history(
      '--layers',
      '--bytes',
      `${fixture('expressweb-both.tar')}:extending-expressweb`,
    );
    const [head = '', ...lines] = stdout.split('\n');
    expect(head).toMatch(/COMMENT +LAYER +DIFFID +DIGEST +COMPRESSION +STORED +FILES +WHITEOUTS +OPAQUES$/);
    expect(
      lines.filter((line) => / {2}7 {2}5ec07e60a030 {2}5ec07e60a030 {2}none +4096 +\d+ +2 +0$/.test(line)),
    ).toHaveLength(1);
    expect(lines.filter((line) => / {2}8 {2}554a84d37f98 {2}.* +1 +1 +0$/.test(line))).toHaveLength(1);
  });

  it('--dockerfile prints instructions, base first, and the layers that they made', async () => {
    const { stdout } = await history('--dockerfile', source);
    expect(stdout).toMatch(/^FROM scratch\n\n# layer 1: 318kB cebffcbf4352\nADD file:/);
    expect(stdout).toContain('\n# layer 3: 329B 1eaac6550aad\nRUN npm install\n');
    expect(stdout).toMatch(/\nEXPOSE 8080\nCMD \["npm", "start"\]\n$/);
  });

  it('--json prints what docs/json.md describes', async () => {
    const { stdout } = await history('--json', source);
    const { history: entries, ...image } = JSON.parse(stdout) as { history: object[] };
    expect(image).toEqual({
      source,
      id: 'sha256:c3c74c4ba3f50eaca05ca36936e514fc854c5de344470cfc7354ac43d1fb9b9f',
      names: ['expressweb:latest', 'expressweb:1.0.0'],
      created: '2024-01-01T00:00:00Z',
    });
    expect(entries).toHaveLength(10);
    expect(entries[3]).toEqual({
      created: '2024-01-01T00:00:00Z',
      createdBy: '/bin/sh -c npm install',
      comment: 'FROM 4c227318bfe9',
      emptyLayer: false,
      size: 329,
      layer: {
        number: 3,
        diffId: 'sha256:1eaac6550aad5bb7a02fc425931fef61e6531ac3f16f2c68727a517453d5b00e',
        digest: 'sha256:1eaac6550aad5bb7a02fc425931fef61e6531ac3f16f2c68727a517453d5b00e',
        chainId: expect.stringMatching(/^sha256:e983ffa94b4d/) as string,
        compression: 'none',
        file: source,
        member: '48b12138aa52a6bf1704d523dc1d7deda19a77a6424fca5f8e0e0655e2615449/layer.tar',
        offset: expect.any(Number) as number,
        size: 329,
        storedSize: 19456,
        tarSize: 19456,
        counts: { files: 12, directories: expect.any(Number) as number, others: 3, whiteouts: 0, opaques: 0 },
      },
    });
  });

  it('warns of a history that does not match the layers, and shows both', async () => {
    const layout = new SampleLayout();
    const image = layout.image([await sampleLayer('a')], { history: null });
    const { status, stdout, stderr } = await history(await tarFile(layout.add(image, 'x:1').members()));
    expect(status).toBe(0);
    expect(stderr).toMatch(/^stratafs: warning: .*: the image has no history of its layers\n$/);
    expect(stdout).toMatch(/\n[0-9a-f]{12} +N\/A +1B$/m);
  });

  it.each(['no JSON', '["no", "object"]'])(
    'shows the layers of an image whose config is %s, with a warning',
    async (config) => {
      const layer = await sampleLayer('abc');
      const layout = new SampleLayout();
      const layers = [layout.blob(layer.tar, LAYER)];
      const manifest = { schemaVersion: 2, config: layout.blob(config, CONFIG), layers };
      const path = await tarFile(layout.add(layout.json(manifest, MANIFEST), 'x:1').members());
      const { status, stdout, stderr } = await runAlone('history', '--json', path);
      expect(status).toBe(0);
      expect(stderr).toMatch(
        /^stratafs: warning: .*: found .*; showing the image without its config\nstratafs: warning: .*: the image has no history of its layers\n$/,
      );
      const { history: entries, ...image } = JSON.parse(stdout) as { history: object[] };
      expect(image).toMatchObject({ names: ['x:1'] });
      expect(entries).toEqual([
        { size: 3, layer: expect.objectContaining({ number: 1, diffId: layer.diffId }) as object },
      ]);
    },
  );

  it('shows the layers of a docker archive with a malformed config', async () => {
    const members = skopeoMembers([await sampleLayer('abc')], ['x:1']).map(
      ([name, content]) => [name, /^[0-9a-f]{64}\.json$/.test(name) ? 'no JSON' : content] as const,
    );
    const { status, stdout } = await runAlone('layers', '--bytes', await tarFile(members));
    expect(status).toBe(0);
    expect(stdout.split('\n')[1]).toMatch(/^ +1 +3 +\d+ +none +1 +0 +0 /);
  });

  it('rejects other files and unknown options in one line', async () => {
    const missing = await history('/nowhere.tar');
    expect(missing).toEqual({
      status: 1,
      stdout: '',
      stderr: 'stratafs: /nowhere.tar: no such file or directory\n',
    });
    const usage = await history('--format', '{{.X}}', source);
    expect(usage.status).toBe(2);
    expect(usage.stderr).toMatch(/^stratafs: --format: found \.X, expected one of \.ID, /);
  });
});
