import { describe, expect, it } from 'vitest';
import { isLoopback, parseRegistryReference, showReference } from '../../src/registry/reference.ts';

const show = (text: string): string => showReference(parseRegistryReference(text));
const DIGEST = `sha256:${'a1'.repeat(32)}`;

describe('references', () => {
  it('have the defaults of docker and skopeo', () => {
    expect(show('docker://alpine')).toBe('docker.io/library/alpine:latest');
    expect(show('docker://user/app:2')).toBe('docker.io/user/app:2');
    expect(show('docker://index.docker.io/alpine:3')).toBe('docker.io/library/alpine:3');
    expect(show('docker://localhost/app')).toBe('localhost/app:latest');
    expect(show('docker://localhost:5000/a/b/c:x')).toBe('localhost:5000/a/b/c:x');
    expect(show('docker://[::1]:5000/app')).toBe('[::1]:5000/app:latest');
    expect(show('docker://Quay.IO/app')).toBe('quay.io/app:latest');
  });

  it('take a digest, which decides alone', () => {
    expect(parseRegistryReference(`docker://q.io/app:1@${DIGEST}`)).toMatchObject({
      tag: undefined,
      digest: DIGEST,
    });
  });

  it.each([
    'docker://',
    'docker://q.io/',
    'docker://q.io/App',
    'docker://q.io/a//b',
    'docker://q.io/a/../b',
    'docker://q.io/app:',
    'docker://q.io/app:a b',
    'docker://q.io/app@sha256:abc',
    'docker://q.io/app@sha512:abc',
    'docker://q.io:99x/app',
    'docker://user@q.io/app',
    `docker://q.io/${'a'.repeat(256)}`,
    'docker:q.io/app',
  ])('%s is refused', (text) => {
    expect(() => parseRegistryReference(text)).toThrow(/expected/);
  });

  it('of this machine are found by their host', () => {
    expect(['localhost', '127.0.0.1', '127.9.9.9', '[::1]', 'x.localhost'].every(isLoopback)).toBe(true);
    expect(['localhost.example', '127.0.0.1.example', '10.0.0.1', '128.0.0.1'].some(isLoopback)).toBe(false);
  });
});
