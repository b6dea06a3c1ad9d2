// Many readers of one compressed layer at once, and a block cache that holds less than one of them reads.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { run, type Workplace, withWorkplace } from './stratafs.ts';

const script = fileURLToPath(new URL('read-all.py', import.meta.url));
const READERS = 8;

/** 200 files of 1 to 150,000 bytes, some 15 MB in all, which compress to a third or so. */
const makeFiles = `
import os, random
chance = random.Random(7)
words = [bytes(chance.randrange(256) for _ in range(chance.randrange(3, 40))) for _ in range(2000)]
for n in range(200):
    os.makedirs("files/%d" % (n % 20), exist_ok=True)
    with open("files/%d/%d" % (n % 20, n), "wb") as file:
        size = chance.randrange(1, 150_000)
        while size > 0:
            size -= file.write(chance.choice(words))
`;

async function readAll(directory: string, seed: number): Promise<unknown> {
  const { status, stdout, stderr } = await run('python3', [script, directory, String(seed)]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

function pack(place: Workplace, compress: string): void {
  const command = `tar -c -C files . | ${compress} >layer`;
  execFileSync('sh', ['-ec', `python3 -c '${makeFiles}'; ${command}`], { cwd: place.directory });
}

const programs = ['python3', 'tar', 'gzip', 'zstd'].map((program) => ({ program }));

describeWith(['fuse', ...programs], `${READERS} processes that read all of one layer at once`, () => {
  it.each([
    ['gzip -6', '256M'],
    ['gzip -6', '100K'],
    ['zstd -q', '1M'],
    ['cat', '1M'],
  ])('get right bytes of each file: %s, --cache-size %s', (compress, cacheSize) =>
    withWorkplace(async (place) => {
      pack(place, compress);
      const expected = await readAll(place.path('files'), 0);
      await place.mount('layer', `--cache-size=${cacheSize}`);
      const seeds = Array.from({ length: READERS }, (_, n) => n + 1);
      const answers = await Promise.all(seeds.map((seed) => readAll(place.mountpoint, seed)));
      for (const answer of answers) expect(answer).toEqual(expected);
      const statistics = JSON.parse((await place.stratafs(['stats', '--json', 'mnt'])).stdout) as {
        cache: { bytes: number; maxBytes: number };
      };
      expect(statistics.cache.bytes).toBeLessThanOrEqual(statistics.cache.maxBytes);
      await place.unmount();
    }),
  );
});
