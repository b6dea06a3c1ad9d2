import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Credentials, findCredentials } from '../../src/registry/credentials.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'stratafs-credentials-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const encode = (text: string): string => Buffer.from(text).toString('base64');

function write(path: string, json: unknown): void {
  mkdirSync(join(home, path, '..'), { recursive: true });
  writeFileSync(join(home, path), typeof json === 'string' ? json : JSON.stringify(json));
}

function helper(name: string, script: string): void {
  mkdirSync(join(home, 'bin'), { recursive: true });
  writeFileSync(join(home, 'bin', `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
  chmodSync(join(home, 'bin', `docker-credential-${name}`), 0o755);
}

const find = (
  host: string,
  name: string,
  more: Record<string, string> = {},
): Promise<Credentials | undefined> =>
  findCredentials(host, name, {
    HOME: home,
    XDG_RUNTIME_DIR: join(home, 'run'),
    PATH: `${home}/bin:${process.env['PATH'] ?? ''}`,
    ...more,
  });

describe('credentials', () => {
  it('come from the first file that has some', async () => {
    expect(await find('q.io', 'app')).toBeUndefined();
    write('.docker/config.json', { auths: { 'q.io': { auth: encode('docker:1') } } });
    expect(await find('q.io', 'app')).toMatchObject({ user: 'docker', password: '1' });
    write('.config/containers/auth.json', { auths: { 'q.io': { auth: encode('config:a:b') } } });
    expect(await find('q.io', 'app')).toMatchObject({ user: 'config', password: 'a:b' });
    write('run/containers/auth.json', { auths: { 'other.io': { auth: encode('run:3') } } });
    expect(await find('q.io', 'app')).toMatchObject({ user: 'config' });
    write('mine.json', { auths: {} });
    expect(await find('q.io', 'app', { REGISTRY_AUTH_FILE: join(home, 'mine.json') })).toBeUndefined();
  });

  it('of a repository come before those of its registry', async () => {
    write('.config/containers/auth.json', {
      auths: {
        'q.io': { auth: encode('all:1') },
        'q.io/team': { auth: encode('team:2') },
        'q.io/team/app': { auth: encode('app:3') },
      },
    });
    expect(await find('q.io', 'team/app')).toMatchObject({ user: 'app' });
    expect(await find('q.io', 'team/other')).toMatchObject({ user: 'team' });
    expect(await find('q.io', 'teamwork/app')).toMatchObject({ user: 'all' });
    expect(await find('q.io.evil.example', 'team/app')).toBeUndefined();
  });

  it('of Docker Hub are under the URL that docker uses', async () => {
    write('.docker/config.json', { auths: { 'https://index.docker.io/v1/': { auth: encode('hub:1') } } });
    expect(await find('docker.io', 'library/alpine')).toMatchObject({ user: 'hub' });
  });

  it('may be an identity token', async () => {
    write('.docker/config.json', { auths: { 'q.io': { identitytoken: 'T' } } });
    expect(await find('q.io', 'app')).toMatchObject({ kind: 'identity', token: 'T' });
  });

  it('come from a helper for the registry, and else from the store', async () => {
    write('.docker/config.json', { credHelpers: { 'q.io': 'one' }, credsStore: 'two' });
    helper('one', 'read server; echo "{\\"Username\\":\\"$1\\",\\"Secret\\":\\"$server\\"}"');
    helper(
      'two',
      'read server; test "$server" = https://index.docker.io/v1/ || { echo "credentials not found in native keychain"; exit 1; }; echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"R\\"}"',
    );
    expect(await find('q.io', 'app')).toMatchObject({ user: 'get', password: 'q.io' });
    expect(await find('docker.io', 'library/app')).toMatchObject({ kind: 'identity', token: 'R' });
    expect(await find('other.io', 'app')).toBeUndefined();
  });

  it.each([
    [{ credsStore: '../../bin/sh' }, /expected letters, digits/],
    [{ credsStore: 'missing-program' }, /docker-credential-missing-program: is not installed/],
    [{ credsStore: 'broken' }, /docker-credential-broken: failed: on fire/],
    [{ credsStore: 'talker' }, /gave no answer in time, or too long a one/],
    [{ credsStore: 'noise' }, /found no JSON/],
    ['nonsense', /found no JSON object/],
  ])('%j is an error', async (file, message) => {
    helper('broken', 'echo on fire; exit 3');
    helper('talker', 'exec yes');
    helper('noise', 'echo hello');
    write('.docker/config.json', file);
    await expect(find('q.io', 'app')).rejects.toThrow(message);
  });
});
