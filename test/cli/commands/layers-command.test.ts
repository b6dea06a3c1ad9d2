// The built command. Its counts are compared with a naive extractor's in test/inspect/layer-changes.test.ts.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fixture, runAlone } from '../../mount/stratafs.ts';

describe('stratafs layers', () => {
  it('prints a line a layer, base first: its place and its changes', async () => {
    const { status, stdout } = await runAlone(
      'layers',
      `${fixture('expressweb-both.tar')}:extending-expressweb`,
    );
    expect(status).toBe(0);
    const [head, ...lines] = stdout.trimEnd().split('\n');
    expect(head).toMatch(
      /^LAYER +SIZE +STORED +COMPRESSION +ADDED +CHANGED +DELETED +INSTRUCTION +DIFFID +CHAINID +OFFSET +FILE$/,
    );
    expect(lines).toHaveLength(8);
    expect(lines[6]).toMatch(
      /^ +7 +0B +4\.1kB +none +0 +0 +6 +RUN nuke \S+ \S+\u2026 +5ec07e60a030 +242aef0ad4dd +\d+ +546b9f8c5797\u2026\/layer\.tar$/,
    );
  });

  it('-q prints DiffIDs', async () => {
    const { stdout } = await runAlone('layers', '-q', fixture('forms/oci-zstd'));
    expect(stdout).toMatch(/^(sha256:[0-9a-f]{64}\n){4}$/);
    expect(stdout).toMatch(/^sha256:cebffcbf4352/);
  });

  it('--json prints what docs/json.md describes, with the right places of the bytes', async () => {
    const { stdout } = await runAlone('layers', '--json', fixture('forms/oci-gzip.tar'));
    const layers = JSON.parse(stdout) as {
      number: number;
      digest: string;
      file: string;
      member: string;
      offset: number;
      storedSize: number;
      changes: object;
      instruction: string;
    }[];
    expect(layers.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(layers[4]).toMatchObject({
      changes: { added: 0, changed: 1, deleted: 0 },
      instruction: 'COPY file:ca1dccaf94d6 /usr/src/app/server.js',
    });
    for (const { digest, file, member, offset, storedSize } of layers) {
      const bytes = readFileSync(file).subarray(offset, offset + storedSize);
      const hex = createHash('sha256').update(bytes).digest('hex');
      expect([digest, member]).toEqual([`sha256:${hex}`, `blobs/sha256/${hex}`]);
    }
  });
});
