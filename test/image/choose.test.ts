import { describe, expect, test } from 'vitest';
import type { ImageCandidate } from '../../src/image/candidate.ts';
import { chooseImage } from '../../src/image/choose.ts';
import type { Selector } from '../../src/image/source.ts';
import { InputError } from '../../src/vfs/input-error.ts';

/** Candidates of one layer each, one a list of names; image IDs begin with a0, a1, ... */
function candidates(...names: string[][]): ImageCandidate[] {
  return names.map((list, i) => ({
    places: [{ index: i, names: list, aliases: [] }],
    id: `sha256:a${i}${String(i).repeat(62)}`,
    digests: [`sha256:b${i}${String(i).repeat(62)}`],
    platform: { os: 'linux', architecture: 'amd64' },
    state: {
      kind: 'image',
      content: { config: {}, platform: undefined, history: [], created: undefined, layers: [] },
    },
  }));
}

/** The place of what is chosen, or the first line of the message. */
function choose(list: readonly ImageCandidate[], selector: string | Selector): number | string {
  try {
    const chosen = typeof selector === 'string' ? ({ kind: 'reference', text: selector } as const) : selector;
    return chooseImage(list, { path: 'F', selector: chosen, platform: undefined }).places[0]?.index ?? -1;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.message.split('\n')[0] as string;
  }
}

describe('a name', () => {
  const names = [
    'docker.io/library/alpine:3',
    'localhost/x:1',
    'y:latest',
    'quay.io:443/team/z:2',
    'index.docker.io/u/v:1',
  ];
  const list = candidates(...names.map((name) => [name]));

  test.each([
    ['alpine:3', 0],
    ['library/alpine:3', 0],
    ['docker.io/alpine:3', 0],
    ['docker.io/library/alpine:3', 0],
    ['localhost/alpine:3', 0],
    ['alpine', 0],
    ['x:1', 1],
    ['docker.io/library/x:1', 1],
    ['localhost/x:1', 1],
    ['y', 2],
    ['y:latest', 2],
    ['docker.io/library/y', 2],
    ['z:2', 3],
    ['team/z:2', 3],
    ['quay.io:443/team/z:2', 3],
    ['quay.io:443/team/z', 3],
    ['u/v:1', 4],
    ['docker.io/u/v:1', 4],
    ['v:1', 4],
  ])('may be spelled %s', (text, expected) => {
    expect(choose(list, text)).toBe(expected);
  });

  test.each(['alpine:4', 'docker.io/z:2', 'quay.io/team/z:2', 'team/x:1', 'pine:3', 'ALPINE:3', ''])(
    'is not found as %j',
    (text) => {
      expect(choose(list, text)).toBe(`F: there is no image ${text}; it holds`);
    },
  );

  test('without a tag means latest before any other', () => {
    expect(choose(candidates(['x:1'], ['x:latest']), 'x')).toBe(1);
    expect(choose(candidates(['x:1'], ['x:2']), 'x')).toMatch(/^F: x means several images/);
  });

  test('as the archive spells it comes before any other that means the same', () => {
    const both = candidates(['localhost/x:1'], ['x:1'], ['quay.io/x:1']);
    expect(choose(both, 'x:1')).toBe(1);
    expect(choose(both, 'localhost/x:1')).toBe(0);
    expect(choose(both, 'docker.io/library/x:1')).toMatch(/^F: docker.io\/library\/x:1 means several images/);
  });

  test('that two images have is ambiguous, unless one is chosen by place', () => {
    const twice = candidates(['x:1'], ['x:1']);
    expect(choose(twice, 'x:1')).toMatch(/^F: x:1 means several images; choose one by name/);
    expect(choose(twice, { kind: 'index', index: 1 })).toBe(1);
  });

  test('that is a bare tag, as skopeo writes to a layout, is matched as it is', () => {
    expect(choose(candidates(['latest'], ['3.1']), 'latest')).toBe(0);
  });
});

describe('an image ID or a digest', () => {
  const list = candidates(['a0:1'], ['x:1'], []);

  test.each([
    ['a111', 1],
    [`sha256:a1${'1'.repeat(62)}`, 1],
    ['A111', 1],
    ['b222', 2],
    ['sha256:b2222', 2],
    [`x:1@sha256:b1${'1'.repeat(62)}`, 1],
    ['@sha256:b1111', 1],
    ['other@sha256:b1111', 1],
  ])('%s chooses by its beginning', (text, expected) => {
    expect(choose(list, text)).toBe(expected);
  });

  test('needs four digits, and is looked for where no name matches', () => {
    expect(choose(list, 'b22')).toBe('F: there is no image b22; it holds');
    expect(choose(candidates(['a111'], ['y']), 'a111')).toBe(0);
  });

  test('that begins several is ambiguous', () => {
    const two = candidates(['x:1'], ['y:1']).map((candidate, i) => ({
      ...candidate,
      id: `sha256:${'c'.repeat(63)}${i}`,
    }));
    expect(choose(two, 'cccc')).toMatch(/^F: cccc means several images/);
  });

  test('that several manifests have is of one image: the first that is whole', () => {
    const [first, ...others] = candidates(['x:1'], ['y:1'], ['z:1']).map((candidate) => ({
      ...candidate,
      id: `sha256:${'c'.repeat(64)}`,
    }));
    const error = new InputError('broken');
    const broken = {
      ...first,
      state: { kind: 'broken', error, isMissing: false, withoutConfig: undefined },
    } as const;
    const list = [broken as ImageCandidate, ...others];
    expect(choose(list, 'cccc')).toBe(1);
    expect(choose(list, { kind: 'all' })).toBe(1);
    expect(choose(list, 'z:1')).toBe(2);
  });
});

describe('nothing chosen', () => {
  test('means the only image', () => {
    expect(choose(candidates(['x:1']), { kind: 'all' })).toBe(0);
    expect(choose([], { kind: 'all' })).toBe('F: holds no image');
  });

  test('is ambiguous among several, which the message lists in columns', () => {
    const list = candidates(['x:1', 'docker.io/library/x:2'], [], ['evil\u001b[2J\u202e:1']);
    expect(() => chooseImage(list, { path: 'F', selector: { kind: 'all' }, platform: undefined })).toThrow(
      [
        'F: holds several images; choose one by name, as in F:NAME, or by place, as in F:@0',
        '  @0  x:1, docker.io/library/x:2  linux/amd64  a00000000000  0 layers',
        '  @1  (no name)                   linux/amd64  a11111111111  0 layers',
        '  @2  evil\\033[2J\\342\\200\\256:1   linux/amd64  a22222222222  0 layers',
      ].join('\n'),
    );
  });

  test('lists forty of a thousand', () => {
    const list = candidates(...Array.from({ length: 1000 }, (_, i) => [`x:${i}`]));
    expect(() => chooseImage(list, { path: 'F', selector: { kind: 'all' }, platform: undefined })).toThrow(
      /^(?:.*\n){41} {2}and 960 more$/,
    );
  });
});
