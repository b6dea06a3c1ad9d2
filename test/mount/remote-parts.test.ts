// Mounts of images in docker-registry before their layers are here, by the built command.
import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { tarOf } from '../image/scratch.ts';
import {
  type MadeImage,
  type RegistryProgram,
  makeLayoutOf,
  startRegistry,
} from '../remote/registry-program.ts';
import { describeWith } from '../requirements.ts';
import { withoutHoles } from '../oracle/recorded.ts';
import { snapshotDirectory } from '../oracle/snapshot.ts';
import { oracleOf } from './forms.ts';
import { type Workplace, fixture, withMounted, withWorkplace } from './stratafs.ts';

const FILES = Array.from({ length: 40 }, (_, i) => [`file-${i}`, randomBytes(200_000)] as const);
const SIZE = 200_000;

let scratch: string;
let layout: MadeImage;
let registry: RegistryProgram;
let source: string;
let digest: string;

interface Transfers {
  readonly missingBytes: number;
  readonly failures: number;
  readonly lastFailure?: string;
}

describeWith([{ program: 'docker-registry' }], 'a mount of an image in a registry', () => {
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'stratafs-remote-parts-'));
    layout = makeLayoutOf(join(scratch, 'layout'), [
      { tar: await tarOf(FILES.slice(0, 20)), isGzip: true },
      { tar: await tarOf(FILES.slice(20)) },
    ]);
    registry = await startRegistry(join(scratch, 'registry'));
    source = `docker://${registry.host}/app:1`;
    await withWorkplace(async (maker) => {
      await succeed(maker, 'push', `oci:${layout.directory}`, source);
      const { stderr } = await maker.stratafs(['index', '--push', source]);
      [, digest = ''] = /pushed the index (sha256:[0-9a-f]{64}) \(2 layers, /.exec(stderr) ?? [];
    });
  });
  afterAll(async () => {
    await registry.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  const total = (): number => layout.layers.reduce((sum, { length }) => sum + length, 0);

  it('with -o trust-index fetches what is read, and shows how much is missing', async () => {
    await withMounted(
      source,
      async (place) => {
        expect(readdirSync(place.mountpoint)).toHaveLength(40);
        expect(await transfersOf(place)).toEqual({ missingBytes: total(), failures: 0 });
        expect(await succeed(place, 'ps')).toMatch(/Up \([\d.]+ ?MB not fetched\)/);
        for (const i of [10, 30]) expectRight(place, i);
        const { missingBytes = 0 } = (await transfersOf(place)) ?? {};
        expect(total() - missingBytes).toBeGreaterThan(2 * SIZE);
        expect(missingBytes).toBeGreaterThan(total() / 2);
      },
      '-o',
      'trust-index',
    );
  });

  it('with -o prefetch fetches first what stats --record noted', async () => {
    const list = join(scratch, 'app.parts');
    await withMounted(
      source,
      async (place) => {
        for (const i of [10, 30]) expectRight(place, i);
        await succeed(place, 'stats', '--record', list, place.mountpoint);
      },
      ...['-o', 'trust-index'],
    );
    const { layers } = JSON.parse(readFileSync(list, 'utf8')) as {
      layers: Record<string, [number, number][]>;
    };
    expect(Object.keys(layers).sort()).toEqual([...layout.layerDigests].sort());
    const recorded = Object.values(layers).flat();
    const bytes = recorded.reduce((sum, [, length]) => sum + length, 0);
    expect(bytes).toBeGreaterThan(2 * SIZE);
    await withMounted(
      source,
      async (place) => {
        await vi.waitFor(async () => {
          const { missingBytes = 0 } = (await transfersOf(place)) ?? {};
          expect(missingBytes).toBeLessThan(total() - 2 * SIZE);
        }, 20_000);
        for (const i of [10, 30]) expectRight(place, i);
      },
      ...['-o', `trust-index,prefetch=${list}`],
    );
    await withWorkplace(async (place) => {
      const { status, stderr } = await place.stratafs([
        'mount',
        '-o',
        `prefetch=${list}x`,
        source,
        place.mountpoint,
      ]);
      expect([status, stderr]).toEqual([1, `stratafs: ${list}x: no such file\n`]);
    });
  });

  it('with --index is made by that index alone, takes writes, and leaves what came for the next mount', async () => {
    expect(digest).not.toBe('');
    await withWorkplace(async (place) => {
      await place.mount(source, '--tmp', `--index=${digest}`);
      for (const [i, [name]] of FILES.entries()) {
        appendFileSync(join(place.mountpoint, name), 'end\n');
        expectRight(place, i, 'end\n');
      }
      await place.unmount();
      await place.mount(source);
      for (const i of FILES.keys()) expectRight(place, i);
      expect(await transfersOf(place)).toBeUndefined();
      await place.unmount();
    });
  });

  it('serves what is here when the registry is gone, and goes on when it is back', async () => {
    await withMounted(
      source,
      async (place) => {
        expectRight(place, 5);
        await registry.stop();
        expectRight(place, 5);
        registry = await startRegistry(join(scratch, 'registry'), {}, registry.host);
        expectRight(place, 35);
      },
      ...['-o', 'trust-index'],
    );
  });

  it('without such an option has whole layers', async () => {
    await withMounted(source, async (place) => {
      expect(await transfersOf(place)).toBeUndefined();
    });
  });

  it.each([
    ['eStargz', 'lazy/estargz.tar'],
    ['zstd:chunked', 'lazy/zstd-chunked.tar'],
  ])('of %s layers has what umoci unpacked, without such an option', async (_, archive) => {
    const image = `docker://${registry.host}/lazy:1`;
    await withWorkplace(async (maker) => {
      await succeed(maker, 'push', fixture(archive), image);
    });
    await withMounted(image, async (place) => {
      expect((await transfersOf(place))?.missingBytes).toBeGreaterThan(0);
      expect(withoutHoles(snapshotDirectory(place.mountpoint))).toEqual(oracleOf('expressweb'));
      expect((await transfersOf(place))?.failures).toBe(0);
    });
  });

  it('refuses a malformed digest in one line', async () => {
    await withWorkplace(async (place) => {
      const { status, stderr } = await place.stratafs([
        'mount',
        '--index=sha256:1',
        source,
        place.mountpoint,
      ]);
      expect([status, stderr]).toEqual([2, expect.stringContaining('expected sha256: and 64 hex digits')]);
    });
  });
});

async function succeed(place: Workplace, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await place.stratafs(args);
  expect([status, stderr]).toEqual([0, expect.anything()]);
  return stdout;
}

async function transfersOf(place: Workplace): Promise<Transfers | undefined> {
  const { transfers } = JSON.parse(await succeed(place, 'stats', '--json', place.mountpoint)) as {
    transfers?: Transfers;
  };
  return transfers;
}

function expectRight({ mountpoint }: Workplace, file: number, end = ''): void {
  const [name, bytes] = FILES[file] ?? expect.fail('no such file');
  expect(readFileSync(join(mountpoint, name)).equals(Buffer.concat([bytes, Buffer.from(end)]))).toBe(true);
}
