// Targets, as skopeo and podman spell them.
import { describe, expect, it } from 'vitest';
import { parseTarget } from '../../src/commit/target.ts';

describe('a target', () => {
  it.each([
    ['docker-archive:a.tar', { transport: 'docker-archive', path: 'a.tar', reference: undefined }],
    ['a.tar', { transport: 'docker-archive', path: 'a.tar', reference: undefined }],
    ['./a.tar:app:2', { transport: 'docker-archive', path: './a.tar', reference: 'app:2' }],
    ['docker-archive:a.tar:app', { transport: 'docker-archive', path: 'a.tar', reference: 'app:latest' }],
    [
      'docker-archive:/x/a.tar:host:5000/app:2',
      { transport: 'docker-archive', path: '/x/a.tar', reference: 'host:5000/app:2' },
    ],
    ['oci:dir:Some.Tag', { transport: 'oci', path: 'dir', reference: 'Some.Tag' }],
    ['oci-archive:a.tar:1', { transport: 'oci-archive', path: 'a.tar', reference: '1' }],
  ])('%s', (text, target) => expect(parseTarget(text)).toEqual(target));

  it.each([
    '',
    'oci:',
    'docker:x',
    'docker://x/y',
    'dir:x',
    'a.tar:',
    'a.tar:App',
    'docker-archive:a:App',
    'docker-archive:a:',
    'oci:a:b c',
    'oci:a:',
  ])('%s is refused', (text) => expect(() => parseTarget(text)).toThrow(/: found .*, expected /));
});
