// Images in docker-registry: pushed, looked into, pulled; with Basic and Bearer authorization, over TLS; skopeo is the oracle.
import { execFile } from 'node:child_process';
import { X509Certificate, sign } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openImage } from '../../src/library/open-image.ts';
import { pull, push } from '../../src/library/transfer.ts';
import { FakeServer, answer } from '../registry/fake-registry.ts';
import { describeWith } from '../requirements.ts';
import { type MadeImage, type RegistryProgram, makeLayout, startRegistry } from './registry-program.ts';

const run = promisify(execFile);
const needs = [{ program: 'docker-registry' }, { program: 'skopeo' }, { program: 'openssl' }];

let scratch: string;
let layout: MadeImage;
/** Restored after each test of this file. */
const environment = { ...process.env };

async function prepare(): Promise<void> {
  scratch = await mkdtemp(join(tmpdir(), 'stratafs-remote-'));
  layout = await makeLayout(join(scratch, 'layout'));
  Object.assign(process.env, {
    HOME: scratch,
    XDG_RUNTIME_DIR: join(scratch, 'run'),
    XDG_CONFIG_HOME: join(scratch, 'config'),
    CONTAINERS_REGISTRIES_CONF: '/nonexistent',
    REGISTRY_AUTH_FILE: join(scratch, 'auth.json'),
  });
}

function cleanUp(): void {
  for (const name of [
    'HOME',
    'XDG_RUNTIME_DIR',
    'XDG_CONFIG_HOME',
    'CONTAINERS_REGISTRIES_CONF',
    'REGISTRY_AUTH_FILE',
  ]) {
    if (environment[name] === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = environment[name];
  }
  rmSync(scratch, { recursive: true, force: true });
}

const cache = (name: string): { cacheDirectory: string } => ({
  cacheDirectory: join(scratch, `cache-${name}`),
});
const cached = (name: string): string[] => readdirSync(join(scratch, `cache-${name}`, 'blobs')).sort();
const hex = (digest: string): string => digest.slice('sha256:'.length);

async function skopeoDigest(text: string, ...options: string[]): Promise<string> {
  const { stdout } = await run('skopeo', [
    'inspect',
    '--format',
    '{{.Digest}}',
    '--tls-verify=false',
    ...options,
    text,
  ]);
  return stdout.trim();
}

describeWith(needs, 'an image in a registry', () => {
  let registry: RegistryProgram;
  beforeAll(async () => {
    await prepare();
    registry = await startRegistry(join(scratch, 'registry'));
    await push(layout.directory, `docker://${registry.host}/team/app:1`, cache('pushing'));
  });
  afterAll(async () => {
    await registry.stop();
    cleanUp();
  });
  const source = (name = 'team/app:1'): string => `docker://${registry.host}/${name}`;

  it('is what skopeo sees', async () => {
    expect(await skopeoDigest(source())).toBe(layout.manifestDigest);
  });

  it('shows its history from its config alone', async () => {
    await using image = await openImage(source(), { ...cache('history'), fetches: false });
    expect(image.history.map(({ step }) => step?.createdBy)).toEqual(['base', 'data']);
    expect(image.layers.map(({ storedSize, missing }) => [storedSize, missing])).toEqual(
      layout.layers.map(({ length }, i) => [length, `layer ${i + 1} of ${source()}: was not fetched`]),
    );
    expect(image.inspect()).toMatchObject({ Id: layout.configDigest, Size: undefined, Os: 'linux' });
    expect(cached('history')).toEqual(
      [layout.manifestDigest, layout.configDigest].map((digest) => `${hex(digest)}.blob`).sort(),
    );
  });

  it('has the files of its layers', async () => {
    await using image = await openImage(source(), cache('files'));
    expect(await image.readFile('/old', 'utf8')).toBe('new\n');
    expect(await image.readFile('/etc/name', 'utf8')).toBe('made\n');
    expect(image.names).toEqual([`${registry.host}/team/app:1`]);
  });

  it('is fetched again if the cache was damaged', async () => {
    const [base] = layout.layers as [Buffer, Buffer];
    await using first = await openImage(source(), cache('damaged'));
    await first.close();
    const [name] = cached('damaged').filter((each) =>
      readFileSync(join(scratch, 'cache-damaged/blobs', each)).equals(base),
    );
    const damaged = Buffer.from(base);
    damaged[600] = 1;
    writeFileSync(join(scratch, 'cache-damaged/blobs', name ?? ''), damaged);
    await using image = await openImage(source(), cache('damaged'));
    expect(await image.readFile('/etc/name', 'utf8')).toBe('made\n');
  });

  it('works without a cache directory', async () => {
    await using image = await openImage(source(), {
      cacheDirectory: '/proc/nonexistent',
      useIndexCache: false,
    });
    expect(await image.readFile('/etc/name', 'utf8')).toBe('made\n');
  });

  it('is pulled with its digests', async () => {
    for (const [transport, name] of [
      ['oci', 'a'],
      ['oci-archive', 'b.tar'],
      ['docker-archive', 'c.tar'],
    ] as const) {
      const path = join(scratch, name);
      const target = `${transport}:${path}:app:1`;
      expect(await pull(source(), target, cache('pull'))).toEqual({
        id: layout.configDigest,
        manifestDigest: layout.manifestDigest,
      });
      if (transport !== 'docker-archive') expect(await skopeoDigest(target)).toBe(layout.manifestDigest);
      await using image = await openImage(path, cache('pulled'));
      expect(image.id).toBe(layout.configDigest);
    }
    const { stdout } = await run('skopeo', [
      'inspect',
      '--config',
      `docker-archive:${join(scratch, 'c.tar')}`,
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ config: { Cmd: ['/bin/true'] } });
    await expect(pull(source(), `oci-archive:${join(scratch, 'b.tar')}`, cache('pull'))).rejects.toThrow(
      /exists already/,
    );
  });

  it('is not sent again, and mounted from another repository', async () => {
    const again = await push(layout.directory, source('team/app:2'), cache('pushing'));
    expect(again.blobs.map(({ result }) => result)).toEqual(['there', 'there', 'there']);
    const other = await push(layout.directory, source('other/app:1'), cache('pushing'));
    expect(other.blobs.map(({ result }) => result)).toEqual(['mounted', 'mounted', 'mounted']);
    const third = await push(source(), source('third/app:1'), cache('third'));
    expect(third.blobs.map(({ result }) => result)).toEqual(['mounted', 'mounted', 'mounted']);
    // The registry was asked before a layer was fetched to be sent.
    expect(cached('third')).toEqual(
      [layout.manifestDigest, layout.configDigest].map((digest) => `${hex(digest)}.blob`).sort(),
    );
    expect(await skopeoDigest(source('third/app:1'))).toBe(layout.manifestDigest);
  });

  it('is chosen by its platform, without a look at the others', async () => {
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: ['amd64', 'riscv64'].map((architecture) => ({
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
          digest: architecture === 'amd64' ? layout.manifestDigest : `sha256:${'0'.repeat(64)}`,
          size: 1000,
          platform: { os: 'linux', architecture },
        })),
      }),
    );
    const data = join(scratch, 'registry/data/docker/registry/v2');
    // docker-registry refuses an index whose manifests it does not have: it is put beneath it.
    const { digestOf } = await import('../registry/fake-registry.ts');
    const digest = digestOf(index);
    for (const [path, text] of [
      [`blobs/sha256/${hex(digest).slice(0, 2)}/${hex(digest)}/data`, index],
      [`repositories/team/app/_manifests/revisions/sha256/${hex(digest)}/link`, digest],
      ['repositories/team/app/_manifests/tags/many/current/link', digest],
    ] as const) {
      mkdirSync(join(data, path, '..'), { recursive: true });
      writeFileSync(join(data, path), text);
    }
    const options = { ...cache('platform'), fetches: false } as const;
    await using image = await openImage(source('team/app:many'), { ...options, platform: 'linux/amd64' });
    expect(image.id).toBe(layout.configDigest);
    expect(image.inspect().Platforms).toEqual(['linux/amd64', 'linux/riscv64']);
    await expect(openImage(source('team/app:many'), { ...options, platform: 'linux/s390x' })).rejects.toThrow(
      /no image for linux\/s390x; it has linux\/amd64, linux\/riscv64/,
    );
  });

  it('that is not there is an error with its name', async () => {
    await expect(openImage(source('team/none:1'), cache('none'))).rejects.toMatchObject({
      code: 'ERR_STRATAFS_NO_IMAGE',
      message: expect.stringContaining(`${registry.host}/team/none:1: the registry answers 404`) as string,
    });
  });
});

describeWith(needs, 'a registry with TLS and authorization', () => {
  let registry: RegistryProgram | undefined;
  let tokens: FakeServer | undefined;
  beforeAll(async () => {
    await prepare();
    const name = ['-subj', '/CN=registry', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const out = ['-keyout', join(scratch, 'key.pem'), '-out', join(scratch, 'cert.pem')];
    await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...name, ...out]);
  });
  afterAll(async () => {
    await registry?.stop();
    await tokens?.stop();
    cleanUp();
  });

  const tls = (): string =>
    `  tls: {certificate: ${join(scratch, 'cert.pem')}, key: ${join(scratch, 'key.pem')}}`;
  const login = (host: string, password: string): void =>
    writeFileSync(
      join(scratch, 'auth.json'),
      JSON.stringify({ auths: { [host]: { auth: Buffer.from(`user:${password}`).toString('base64') } } }),
    );
  const trust = (host: string): void => {
    const directory = join(scratch, 'config/containers/certs.d', host);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'ca.crt'), readFileSync(join(scratch, 'cert.pem')));
  };

  it('by htpasswd takes the credentials of auth.json, once its certificate is trusted', async () => {
    // "secret"
    writeFileSync(
      join(scratch, 'htpasswd'),
      'user:$2b$04$4RqMhDlXZXNlaFfRm9RghOIT2H45mvqcaxEumXLfhQ24raf3mQ43i\n',
    );
    registry = await startRegistry(join(scratch, 'basic'), {
      http: tls(),
      other: `auth: {htpasswd: {realm: test, path: ${join(scratch, 'htpasswd')}}}`,
    });
    const { host } = registry;
    const target = `docker://${host}/app:1`;
    await expect(push(layout.directory, target, cache('basic'))).rejects.toThrow(
      /its certificate is not trusted/,
    );
    trust(host);
    await expect(push(layout.directory, target, cache('basic'))).rejects.toThrow(
      `there are no credentials for ${host}`,
    );
    login(host, 'wrong');
    await expect(push(layout.directory, target, cache('basic'))).rejects.toThrow(/do not allow it/);
    login(host, 'secret');
    await push(layout.directory, target, cache('basic'));
    expect(await skopeoDigest(target, '--creds', 'user:secret')).toBe(layout.manifestDigest);
    // What the cache has is not shown to who may not see the image.
    login(host, 'wrong');
    await expect(openImage(target, cache('basic'))).rejects.toThrow(/do not allow it/);
    await registry.stop();
    registry = undefined;
  });

  it('by tokens gets one for what is done', async () => {
    tokens = await FakeServer.start(({ url, authorization }, response) => {
      const wanted = new URL(url, 'http://tokens').searchParams.getAll('scope');
      if (authorization === undefined) {
        answer(response, 401);
        return;
      }
      const access = wanted.map((scope) => {
        const [type = '', name = '', actions = ''] = scope.split(':');
        return { type, name, actions: actions.split(',') };
      });
      answer(response, 200, {}, JSON.stringify({ token: makeToken(access), expires_in: 60 }));
    });
    registry = await startRegistry(join(scratch, 'bearer'), {
      other: `auth: {token: {realm: "http://${tokens.host}/token", service: reg, issuer: test, rootcertbundle: ${join(scratch, 'cert.pem')}}}`,
    });
    const { host } = registry;
    login(host, 'any');
    await push(layout.directory, `docker://${host}/app:1`, cache('bearer'));
    const other = await push(layout.directory, `docker://${host}/copy:1`, cache('bearer'));
    expect(other.blobs.map(({ result }) => result)).toEqual(['mounted', 'mounted', 'mounted']);
    await pull(`docker://${host}/copy:1`, `oci:${join(scratch, 'token-pull')}`, cache('bearer-pull'));
    const scopes = new Set(
      tokens.requests.map(({ url }) => new URL(url, 'http://tokens').searchParams.getAll('scope').join(' ')),
    );
    expect([...scopes]).toEqual([
      'repository:app:pull,push',
      'repository:copy:pull,push',
      'repository:copy:pull,push repository:app:pull',
      'repository:copy:pull',
    ]);
  });

  /** A JSON web token, as docker-registry checks it. */
  function makeToken(access: readonly object[]): string {
    const { raw } = new X509Certificate(readFileSync(join(scratch, 'cert.pem')));
    const now = Math.floor(Date.now() / 1000);
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const header = { typ: 'JWT', alg: 'RS256', x5c: [raw.toString('base64')] };
    const claims = {
      iss: 'test',
      sub: 'user',
      aud: 'reg',
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      jti: String(now),
      access,
    };
    const text = `${encode(header)}.${encode(claims)}`;
    return `${text}.${sign('sha256', Buffer.from(text), readFileSync(join(scratch, 'key.pem'))).toString('base64url')}`;
  }
});
