// A registry of another machine must not choose what is asked of this machine: redirects, upload places, token servers.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Repository } from '../../src/registry/repository.ts';
import { sendBlob } from '../../src/registry/uploads.ts';
import { FakeServer, answer, digestOf, testOptions } from './fake-registry.ts';

const BLOB = Buffer.from('blob');
let scratch: string;
let victim: FakeServer;
let proxy: FakeServer | undefined;
let repository: Repository | undefined;

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'stratafs-registry-'));
  victim = await FakeServer.start((_, response) => answer(response, 200, {}, '{"token":"T"}'));
});

afterEach(async () => {
  await repository?.close();
  await proxy?.stop();
  await victim.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** registry.example, which a proxy of the test answers for. */
async function open(...[handler]: Parameters<typeof FakeServer.start>): Promise<Repository> {
  proxy = await FakeServer.start(handler);
  const conf = join(scratch, 'registries.conf');
  writeFileSync(conf, '[[registry]]\nlocation = "registry.example:80"\ninsecure = true\n');
  const environment = {
    CONTAINERS_REGISTRIES_CONF: conf,
    HTTP_PROXY: proxy.host,
    HTTPS_PROXY: 'http://127.0.0.1:1',
  };
  repository = Repository.open('docker://registry.example:80/app:1', testOptions(environment));
  return repository;
}

it('a redirect to this machine is refused', async () => {
  const opened = await open(({ url }, response) =>
    answer(response, url.endsWith('/v2/') ? 200 : 307, { location: `http://${victim.host}/x` }),
  );
  await expect(opened.manifest('1')).rejects.toThrow(
    `found a redirect to this machine itself, ${victim.host}`,
  );
  expect(victim.requests).toEqual([]);
});

it('a place for an upload on this machine is refused', async () => {
  const { server, retries } = await open(({ method, url }, response) => {
    if (method === 'POST') answer(response, 202, { location: `http://${victim.host}/upload` });
    else answer(response, url.endsWith('/v2/') ? 200 : 404);
  });
  const blob = { digest: digestOf(BLOB), size: BLOB.length, open: () => Readable.from([BLOB]) };
  await expect(sendBlob(server, blob, { retries })).rejects.toThrow(
    `found a redirect to this machine itself, ${victim.host}`,
  );
  expect(victim.requests).toEqual([]);
});

it('a token server on this machine is refused', async () => {
  const opened = await open((_, response) =>
    answer(response, 401, { 'www-authenticate': `Bearer realm="http://${victim.host}/token"` }),
  );
  await expect(opened.manifest('1')).rejects.toThrow(
    `found a token server on this machine itself, ${victim.host}`,
  );
  expect(victim.requests).toEqual([]);
});
