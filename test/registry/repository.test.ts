// Manifests: authorization, tokens, redirects, mirrors, faults.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Repository } from '../../src/registry/repository.ts';
import { FakeServer, answer, answerBytes, digestOf, testOptions } from './fake-registry.ts';

const MANIFEST = Buffer.from('{"schemaVersion":2}');
const servers: FakeServer[] = [];
const repositories: Repository[] = [];
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'stratafs-registry-'));
});

afterEach(async () => {
  for (const repository of repositories.splice(0)) await repository.close();
  for (const server of servers.splice(0)) await server.stop();
  rmSync(home, { recursive: true, force: true });
});

async function start(...[handler]: Parameters<typeof FakeServer.start>): Promise<FakeServer> {
  const server = await FakeServer.start(handler);
  servers.push(server);
  return server;
}

function open(server: FakeServer, environment: Record<string, string> = {}, name = 'team/app'): Repository {
  const repository = Repository.open(`docker://${server.host}/${name}:1`, testOptions(environment));
  repositories.push(repository);
  return repository;
}

function login(host: string): Record<string, string> {
  const path = join(home, 'auth.json');
  const auth = Buffer.from('user:secret').toString('base64');
  writeFileSync(path, JSON.stringify({ auths: { [host]: { auth } } }));
  return { REGISTRY_AUTH_FILE: path };
}

const basic = `Basic ${Buffer.from('user:secret').toString('base64')}`;

describe('a manifest', () => {
  it('comes with its digest', async () => {
    const server = await start((_, response) => answer(response, 200, { 'content-type': 'x/y' }, MANIFEST));
    expect(await open(server).manifest('1')).toEqual({
      bytes: MANIFEST,
      digest: digestOf(MANIFEST),
      mediaType: 'x/y',
    });
    expect(server.requests.map(({ url }) => url)).toEqual(['/v2/', '/v2/team/app/manifests/1']);
  });

  it('of another digest is asked for again, and then an error', async () => {
    let lies = 2;
    const server = await start((_, response) => answer(response, 200, {}, lies-- > 0 ? 'lie' : MANIFEST));
    expect((await open(server).manifest(digestOf(MANIFEST))).bytes).toEqual(MANIFEST);
    lies = Infinity;
    await expect(open(server).manifest(digestOf(MANIFEST))).rejects.toThrow(
      /found a manifest of sha256:.*, expected/,
    );
  });

  it('that is too long is refused', async () => {
    const server = await start((_, response) => answer(response, 200, {}, Buffer.alloc((4 << 20) + 1)));
    await expect(open(server).manifest('1')).rejects.toThrow(/more than 4194304 bytes/);
  });

  it('that is not there is an error with the words of the registry', async () => {
    const body = JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'no \u001b[31m such' }] });
    const server = await start(({ url }, response) => answer(response, url === '/v2/' ? 200 : 404, {}, body));
    await expect(open(server).manifest('1')).rejects.toMatchObject({
      code: 'ERR_STRATAFS_NO_IMAGE',
      message: `${server.host}/team/app:1: the registry answers 404: MANIFEST_UNKNOWN: no \\033[31m such`,
    });
  });

  it('comes although connections break, and servers fail or are busy', async () => {
    const faults = ['reset', 503, 429, 'stall', 'short', 500];
    const server = await start(({ url }, response) => {
      const fault = url === '/v2/' ? undefined : faults.shift();
      if (fault === 'reset') response.socket?.destroy();
      else if (fault === 'short') {
        response.writeHead(200, { 'content-length': '999' }).write(MANIFEST);
        setImmediate(() => response.socket?.destroy());
      } else if (typeof fault === 'number') answer(response, fault, { 'retry-after': '0' });
      else if (fault === undefined) answer(response, 200, {}, MANIFEST);
    });
    expect((await open(server).manifest('1')).bytes).toEqual(MANIFEST);
    expect(faults).toEqual([]);
  });

  it('is not waited for longer than a limit', async () => {
    const busy = await start((_, response) => answer(response, 429, { 'retry-after': '3600' }));
    await expect(open(busy).manifest('1')).rejects.toThrow(/answers 429; it limits how often/);
    expect(busy.requests).toHaveLength(1);
    const silent = await start(() => undefined);
    const { retries, ...options } = testOptions();
    const repository = Repository.open(`docker://${silent.host}/app`, {
      ...options,
      retries: { ...(retries as NonNullable<typeof retries>), attempts: 2 },
    });
    repositories.push(repository);
    await expect(repository.manifest('1')).rejects.toThrow(/does not answer in time/);
  });
});

describe('a registry that is not there', () => {
  it('is reported at once', async () => {
    const server = await FakeServer.start(() => undefined);
    const repository = open(server);
    await server.stop();
    await expect(repository.manifest('1')).rejects.toThrow(/nothing listens there \(ECONNREFUSED\)/);
  });
});

describe('authorization', () => {
  it('by Basic has the credentials of the registry', async () => {
    const server = await start(({ authorization }, response) =>
      authorization === basic
        ? answer(response, 200, {}, MANIFEST)
        : answer(response, 401, { 'www-authenticate': 'Basic realm="x"' }),
    );
    await expect(open(server).manifest('1')).rejects.toThrow(
      `there are no credentials for ${server.host}: log in by`,
    );
    expect((await open(server, login(server.host)).manifest('1')).bytes).toEqual(MANIFEST);
  });

  it('that is refused is tried once', async () => {
    const server = await start((_, response) =>
      answer(response, 401, { 'www-authenticate': 'Basic realm="x"' }),
    );
    await expect(open(server, login(server.host)).manifest('1')).rejects.toThrow(/auth.json do not allow it/);
    expect(server.requests.filter(({ authorization }) => authorization !== undefined)).toHaveLength(1);
  });

  it('by Bearer asks for one token at a time, and for another when it has ended', async () => {
    let issued = 0;
    let valid = 'none';
    const tokens = await start(({ authorization }, response) => {
      valid = `T${++issued}`;
      answer(
        response,
        authorization === basic ? 200 : 401,
        {},
        JSON.stringify({ token: valid, expires_in: 300 }),
      );
    });
    const server = await start(({ authorization }, response) =>
      authorization === `Bearer ${valid}`
        ? answer(response, 200, {}, MANIFEST)
        : answer(response, 401, {
            'www-authenticate': `Bearer realm="http://${tokens.host}/token?a=b",service="reg"`,
          }),
    );
    const repository = open(server, login(server.host));
    await Promise.all([repository.manifest('1'), repository.manifest('2'), repository.manifest('3')]);
    expect(tokens.requests.map(({ url }) => url)).toEqual([
      '/token?a=b&service=reg&scope=repository%3Ateam%2Fapp%3Apull&account=user',
    ]);
    valid = 'ended before its time';
    expect((await repository.manifest('1')).bytes).toEqual(MANIFEST);
    expect(issued).toBe(2);
  });

  it('that is waited for by several is not ended by the abort of one of them', async () => {
    const abort = new AbortController();
    const tokens = await start((_, response) => {
      abort.abort(new Error('stop'));
      answer(response, 200, {}, '{"token":"T"}');
    });
    const server = await start(({ authorization }, response) =>
      authorization === 'Bearer T'
        ? answer(response, 200, {}, MANIFEST)
        : answer(response, 401, { 'www-authenticate': `Bearer realm="http://${tokens.host}/token"` }),
    );
    const repository = open(server);
    const aborted = repository.manifest('1', abort.signal);
    const other = repository.manifest('1');
    await expect(aborted).rejects.toThrow('stop');
    expect((await other).bytes).toEqual(MANIFEST);
    expect(tokens.requests).toHaveLength(1);
  });

  it('by an identity token asks by POST', async () => {
    const tokens = await start((_, response) => answer(response, 200, {}, '{"access_token":"A"}'));
    const server = await start(({ authorization }, response) =>
      authorization === 'Bearer A'
        ? answer(response, 200, {}, MANIFEST)
        : answer(response, 401, {
            'www-authenticate': `Bearer realm="http://${tokens.host}/token",service="reg"`,
          }),
    );
    const path = join(home, 'auth.json');
    writeFileSync(path, JSON.stringify({ auths: { [server.host]: { identitytoken: 'R' } } }));
    await open(server, { REGISTRY_AUTH_FILE: path }).manifest('1');
    expect(tokens.requests[0]).toMatchObject({
      method: 'POST',
      authorization: undefined,
      body: 'service=reg&grant_type=refresh_token&refresh_token=R&client_id=stratafs&scope=repository%3Ateam%2Fapp%3Apull',
    });
  });

  it('is not sent after a redirect to another server', async () => {
    const storage = await start((_, response) => answer(response, 200, {}, MANIFEST));
    const server = await start(({ authorization, url }, response) => {
      if (authorization !== basic) answer(response, 401, { 'www-authenticate': 'Basic realm="x"' });
      else answer(response, url === '/v2/' ? 200 : 307, { location: `http://${storage.host}/m?signature=1` });
    });
    expect((await open(server, login(server.host)).manifest('1')).bytes).toEqual(MANIFEST);
    expect(storage.requests.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  it('with a token server of an odd address, or an odd token, is an error', async () => {
    for (const realm of ['ftp://x/', 'no url', 'http://u:p@x/']) {
      const server = await start((_, response) =>
        answer(response, 401, { 'www-authenticate': `Bearer realm="${realm}"` }),
      );
      await expect(open(server).manifest('1')).rejects.toThrow(/expected a URL/);
    }
    const tokens = await start((_, response) =>
      answer(response, 200, {}, JSON.stringify({ token: 'a\r\nx: y' })),
    );
    const server = await start((_, response) =>
      answer(response, 401, { 'www-authenticate': `Bearer realm="http://${tokens.host}/"` }),
    );
    await expect(open(server).manifest('1')).rejects.toThrow(/gave no token/);
  });
});

describe('redirects', () => {
  it.each([
    ['ftp://x/y', /redirect to ftp:/],
    ['http://', /redirect to no URL/],
  ])('to %s are refused', async (location, message) => {
    const server = await start(({ url }, response) =>
      answer(response, url === '/v2/' ? 200 : 302, { location }),
    );
    await expect(open(server).manifest('1')).rejects.toThrow(message);
  });

  it('that never end are refused', async () => {
    const server = await start(({ url }, response) =>
      answer(response, url === '/v2/' ? 200 : 302, { location: '/again' }),
    );
    await expect(open(server).manifest('1')).rejects.toThrow(/more than 5 redirects/);
  });
});

describe('mirrors', () => {
  it('are asked first, and the registry if they do not have it', async () => {
    const mirror = await start(({ url }, response) => answer(response, url === '/v2/' ? 200 : 404));
    const server = await start((_, response) => answer(response, 200, {}, MANIFEST));
    const conf = join(home, 'registries.conf');
    writeFileSync(
      conf,
      `[[registry]]\nlocation = "${server.host}"\n[[registry.mirror]]\nlocation = "${mirror.host}/copy"\n`,
    );
    const repository = open(server, { CONTAINERS_REGISTRIES_CONF: conf });
    expect((await repository.manifest('1')).bytes).toEqual(MANIFEST);
    expect(mirror.requests.map(({ url }) => url)).toEqual(['/v2/', '/v2/copy/team/app/manifests/1']);
  });
});

describe('a proxy', () => {
  it('is asked for servers of other machines', async () => {
    const proxy = await start((request, response) => {
      if (request.url.endsWith('/v2/')) answer(response, 200);
      else answerBytes(request, response, MANIFEST);
    });
    const conf = join(home, 'registries.conf');
    writeFileSync(conf, '[[registry]]\nlocation = "registry.example:80"\ninsecure = true\n');
    const options = testOptions({
      CONTAINERS_REGISTRIES_CONF: conf,
      HTTP_PROXY: proxy.host,
      HTTPS_PROXY: 'http://127.0.0.1:1',
    });
    const repository = Repository.open('docker://registry.example:80/app:1', options);
    repositories.push(repository);
    expect((await repository.manifest('1')).bytes).toEqual(MANIFEST);
    expect(proxy.requests.map(({ url }) => url)).toEqual([
      'http://registry.example/v2/',
      'http://registry.example/v2/app/manifests/1',
    ]);
  });
});

describe('a list of referrers', () => {
  const TYPE = 'application/vnd.oci.image.index.v1+json';
  const startList = (link: (url: string) => string | undefined): Promise<FakeServer> =>
    start(({ url }, response) => {
      const next = link(url);
      answer(response, 200, { 'content-type': TYPE, ...(next === undefined ? {} : { link: next }) }, url);
    });

  it('is asked for by type, and read page after page', async () => {
    const server = await startList((url) =>
      url.includes('last=2') ? undefined : `<${url}&last=${url.includes('last=1') ? 2 : 1}>; rel="next"`,
    );
    const pages = await open(server).referrers('sha256:ab', 'a/b+c');
    const path = '/v2/team/app/referrers/sha256:ab?artifactType=a%2Fb%2Bc';
    expect(pages?.map(String)).toEqual([path, `${path}&last=1`, `${path}&last=1&last=2`]);
  });

  it('without an end is not read for ever', async () => {
    const server = await startList((url) => `<${url}>; rel=next`);
    expect(await open(server).referrers('sha256:ab', 'x/y')).toHaveLength(16);
  });

  it('goes on nowhere else on this machine, and is undefined where there is no API', async () => {
    const server = await startList(() => '<file:///etc/passwd>; rel="next"');
    await expect(open(server).referrers('sha256:ab', 'x/y')).rejects.toThrow('found a redirect to file:');
    const old = await start((_, response) => answer(response, 404));
    expect(await open(old).referrers('sha256:ab', 'x/y')).toBeUndefined();
  });
});
