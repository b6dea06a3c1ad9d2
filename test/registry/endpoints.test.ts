import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endpointsOf } from '../../src/registry/endpoints.ts';
import { parseRegistryReference } from '../../src/registry/reference.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'stratafs-endpoints-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const write = (path: string, text: string): void => {
  mkdirSync(join(home, path, '..'), { recursive: true });
  writeFileSync(join(home, path), text);
};

function endpoints(text: string, options: { forPush?: boolean } = {}): string[] {
  const environment = { HOME: home, CONTAINERS_REGISTRIES_CONF: join(home, 'registries.conf') };
  return endpointsOf(parseRegistryReference(text), environment, {
    ...options,
    hostsDirectory: join(home, 'hosts'),
  }).map(
    ({ bases, name, query, tls, isMirror }) =>
      `${bases.map(String).join(' ')} ${name}${query === undefined ? '' : ` ${query}`}${tls.isUnverified ? ' unverified' : ''}${isMirror ? ' mirror' : ''}`,
  );
}

describe('servers', () => {
  it('are asked by HTTPS, and those of this machine by HTTP too', () => {
    expect(endpoints('docker://q.io/app')).toEqual(['https://q.io/v2/ app']);
    expect(endpoints('docker://alpine')).toEqual(['https://registry-1.docker.io/v2/ library/alpine']);
    expect(endpoints('docker://localhost:5000/app')).toEqual([
      'https://localhost:5000/v2/ http://localhost:5000/v2/ app',
    ]);
  });

  it('come from registries.conf', () => {
    write(
      'registries.conf',
      `
      [[registry]]
      prefix = "q.io/team"
      location = "store.example:8443/copies"
      [[registry.mirror]]
      location = "near.example/q"
      insecure = true
      [[registry.mirror]]
      location = "digests.example"
      pull-from-mirror = "digest-only"
      [[registry]]
      location = "plain.example"
      insecure = true
      [[registry]]
      prefix = "*.wild.example"
      location = "tame.example"
      [[registry]]
      location = "bad.example"
      blocked = true
      `,
    );
    expect(endpoints('docker://q.io/team/app')).toEqual([
      'https://near.example/v2/ http://near.example/v2/ q/app unverified mirror',
      'https://store.example:8443/v2/ copies/app',
    ]);
    expect(endpoints(`docker://q.io/team/app@sha256:${'0'.repeat(64)}`)).toHaveLength(3);
    expect(endpoints('docker://q.io/team/app', { forPush: true })).toEqual([
      'https://store.example:8443/v2/ copies/app',
    ]);
    expect(endpoints('docker://q.io/teams/app')).toEqual(['https://q.io/v2/ teams/app']);
    expect(endpoints('docker://plain.example/app')).toEqual([
      'https://plain.example/v2/ http://plain.example/v2/ app unverified',
    ]);
    expect(endpoints('docker://a.wild.example/x/app')).toEqual(['https://tame.example/v2/ x/app']);
    expect(() => endpoints('docker://bad.example/app')).toThrow(/blocks bad.example/);
  });

  it('come from hosts.toml, which counts before registries.conf', () => {
    write('registries.conf', '[[registry]]\nlocation = "q.io"\nblocked = true\n');
    write(
      'hosts/q.io/hosts.toml',
      `
      server = "https://real.example"
      [host."https://near.example"]
        capabilities = ["pull", "resolve"]
        ca = "near.crt"
        skip_verify = true
      [host."http://push.example"]
        capabilities = ["push"]
      [host."https://path.example/v2/proxy"]
        override_path = true
      `,
    );
    write('hosts/q.io/near.crt', 'PEM');
    expect(endpoints('docker://q.io/app')).toEqual([
      'https://near.example/v2/ app ns=q.io unverified mirror',
      'https://path.example/v2/proxy/ app ns=q.io mirror',
      'https://real.example/v2/ app',
    ]);
  });

  it('have certificates of their own', () => {
    write('.config/containers/certs.d/q.io:5000/ca.crt', 'CA');
    write('.config/containers/certs.d/q.io:5000/me.cert', 'CERT');
    write('.config/containers/certs.d/q.io:5000/me.key', 'KEY');
    const [endpoint] = endpointsOf(
      parseRegistryReference('docker://q.io:5000/app'),
      { HOME: home },
      { hostsDirectory: home },
    );
    expect(endpoint?.tls).toEqual({ ca: ['CA'], certificate: 'CERT', key: 'KEY', isUnverified: false });
  });

  it.each([
    ['[[registry]', /is not TOML/],
    ['registry = 3', /a list of/],
    ['[[registry]]\nlocation = 3', /text in location/],
    ['[[registry]]\nblocked = true', /a prefix or a location/],
    ['[[registry]]\nlocation = "q.io"\n[[registry.mirror]]\ninsecure = true', /a location in each/],
  ])('%j is an error', (text, message) => {
    write('registries.conf', text);
    expect(() => endpoints('docker://q.io/app')).toThrow(message);
  });
});
