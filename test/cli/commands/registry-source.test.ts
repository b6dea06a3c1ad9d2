// The built commands on an image of docker-registry: each prints what it prints of the copy that skopeo makes, and fetches only
// the layers that it needs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Workplace, withWorkplace } from '../../mount/stratafs.ts';
import { FakeServer, answer } from '../../registry/fake-registry.ts';
import { type RegistryProgram, makeLayout, startRegistry } from '../../remote/registry-program.ts';
import { describeWith } from '../../requirements.ts';

interface Described {
  readonly digest: string;
}

let scratch: string;
/** The manifest, as skopeo reads it. */
let manifest: { readonly config: Described; readonly layers: readonly Described[] };
let registry: RegistryProgram;
/** Passes requests on to the registry, and counts them. */
let proxy: FakeServer;
let source: string;
/** The image as skopeo pulls it. */
let copy: string;

const skopeo = (...args: string[]): string => execFileSync('skopeo', args, { encoding: 'utf8' });

async function startProxy(host: string): Promise<FakeServer> {
  return FakeServer.start(({ method, url, range, headers }, response) => {
    const passed = { ...headers, ...(range === undefined ? {} : { range }) };
    fetch(`http://${host}${url}`, { method, headers: passed }).then(
      async (from) =>
        answer(
          response,
          from.status,
          Object.fromEntries(from.headers),
          Buffer.from(await from.arrayBuffer()),
        ),
      () => response.destroy(),
    );
  });
}

/** The blobs that were requested, once for each request. */
const requested = (): string[] =>
  proxy.requests.flatMap(({ url }) => /\/blobs\/(sha256:[0-9a-f]{64})$/.exec(url)?.[1] ?? []).sort();

/** The config, and layers by number from 1. */
const blobsOf = (...layers: number[]): string[] =>
  [manifest.config, ...layers.map((number) => manifest.layers[number - 1])]
    .map((blob) => blob?.digest ?? '')
    .sort();

async function stratafs(place: Workplace, args: readonly string[]): Promise<string> {
  const outcome = await place.stratafs(args);
  expect(outcome).toMatchObject({ status: 0 });
  return outcome.stdout;
}

describeWith([{ program: 'docker-registry' }, { program: 'skopeo' }], 'an image in a registry', () => {
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'stratafs-registry-source-'));
    const layout = await makeLayout(join(scratch, 'layout'));
    registry = await startRegistry(join(scratch, 'registry'));
    skopeo('copy', '--dest-tls-verify=false', `oci:${layout.directory}:1`, `docker://${registry.host}/app:1`);
    const raw = skopeo('inspect', '--tls-verify=false', '--raw', `docker://${registry.host}/app:1`);
    manifest = JSON.parse(raw) as typeof manifest;
    proxy = await startProxy(registry.host);
    copy = `oci:${join(scratch, 'copy')}:${proxy.host}/app:1`;
    skopeo('copy', '--src-tls-verify=false', `docker://${registry.host}/app:1`, copy);
    source = `docker://${proxy.host}/app:1`;
  });
  afterAll(async () => {
    await proxy.stop();
    await registry.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  it.each<readonly [string, (image: string) => string[], readonly number[]]>([
    ['inspect', (image) => ['inspect', '--config', image], []],
    ['diff of a layer', (image) => ['diff', `${image}#1`], [1]],
    ['diff of two stacks', (image) => ['diff', `${image}#1`, image], [1, 2]],
    ['waste', (image) => ['waste', '--json', image], [1, 2]],
    ['cp of the topmost file', (image) => ['cp', `${image}:/old`, '-'], [1, 2]],
    ['cp of a layer', (image) => ['cp', '--layer', '1', `${image}:/etc`, '-'], [1]],
    ['export', (image) => ['export', image], [1, 2]],
    ['export of a layer', (image) => ['export', '--layer', '1', image], [1]],
    ['report', (image) => ['report', '--compare', '--json', `${image}#1`, image], [1, 2]],
  ])('%s works on it, and fetches what it needs', (_, command, layers) =>
    withWorkplace(async (place) => {
      proxy.requests.length = 0;
      const found = await stratafs(place, command(source));
      expect(requested()).toEqual(blobsOf(...layers));
      const expected = await stratafs(place, command(copy));
      const unnamed = (text: string, name: string): string => text.replaceAll(name, 'SOURCE');
      expect(unnamed(found, source)).toBe(unnamed(expected, copy));
    }),
  );

  it('mount serves it without a cache directory', () =>
    withWorkplace(async (place) => {
      const env = { ...place.environment, XDG_CACHE_HOME: '/proc/nonexistent' };
      expect(await place.stratafs(['mount', source, place.mountpoint], { env })).toMatchObject({ status: 0 });
      expect(readFileSync(place.path('mnt/old'), 'utf8')).toBe('new\n');
      expect(readFileSync(place.path('mnt/data')).length).toBe(3_000_000);
      await place.unmount();
    }));

  it('convert --external refuses it: its layers are copies', () =>
    withWorkplace(async (place) => {
      const args = ['convert', '--external', source, '-o', 'image.erofs'];
      const { status, stderr } = await place.stratafs(args);
      expect(status).toBe(1);
      expect(stderr).toMatch(/in a registry, .* and its copy in the cache directory can be removed/);
    }));

  it('report writes a page of it', () =>
    withWorkplace(async (place) => {
      proxy.requests.length = 0;
      expect(await stratafs(place, ['report', '-o', '-', source])).toContain('</html>');
      expect(requested()).toEqual(blobsOf(1, 2));
    }));

  it('index keeps its layers for the next command', () =>
    withWorkplace(async (place) => {
      proxy.requests.length = 0;
      await stratafs(place, ['index', source]);
      expect(requested()).toEqual(blobsOf(1, 2));
      await stratafs(place, ['cp', `${source}:/etc/name`, 'name']);
      expect(readFileSync(place.path('name'), 'utf8')).toBe('made\n');
      expect(requested()).toEqual(blobsOf(1, 2));
    }));

  it('push to another registry fetches the layers that are not there, and no others', () =>
    withWorkplace(async (place) => {
      const target = `docker://${registry.host}/other:1`;
      for (const layers of [[1, 2], []]) {
        proxy.requests.length = 0;
        rmSync(place.path('cache'), { recursive: true, force: true });
        await stratafs(place, ['push', source, target]);
        expect(requested()).toEqual(blobsOf(...layers));
      }
      const digestOf = (text: string): string =>
        skopeo('inspect', '--tls-verify=false', '--format', '{{.Digest}}', text);
      expect(digestOf(target)).toBe(digestOf(`docker://${registry.host}/app:1`));
    }));
});
