import { describe, expect, test } from 'vitest';
import type { Image } from '../../src/image/image.ts';
import { selectLayers } from '../../src/image/select-layers.ts';

const digest = (c: string) => `sha256:${c.repeat(64)}`;
const blob = { path: '/f', offset: 0, length: 1 };
/** Layers a, b, c and b again; stored as d0, d1, ... */
const image: Image = {
  source: 'S',
  names: ['x:1'],
  id: digest('9'),
  config: {},
  platform: undefined,
  history: [
    { createdBy: 'from', emptyLayer: true },
    { createdBy: 'a', emptyLayer: false },
    { createdBy: 'env', emptyLayer: true },
    { createdBy: 'b', emptyLayer: false },
    { createdBy: 'c', emptyLayer: false },
    { createdBy: 'b again', emptyLayer: false },
    { createdBy: 'cmd', emptyLayer: true },
  ],
  layers: ['a', 'b', 'c', 'b'].map((c) => ({
    kind: 'blob',
    blob,
    diffId: digest(c),
    digest: `sha256:d${c.repeat(63)}`,
  })),
};

function select(options: { layer?: string; upto?: string }, from = image): [string, string] {
  const { layers, history } = selectLayers(from, options);
  return [
    layers.map((layer) => (layer.kind === 'directory' ? layer.path : layer.diffId?.[7])).join(' '),
    history.map(({ createdBy }) => createdBy).join(' '),
  ];
}

test('without a selection all layers stay', () => {
  expect(selectLayers(image, {})).toBe(image);
});

test('--layer gives one layer and the step that made it', () => {
  expect(select({ layer: '1' })).toEqual(['a', 'a']);
  expect(select({ layer: '2' })).toEqual(['b', 'b']);
  expect(select({ layer: '4' })).toEqual(['b', 'b again']);
});

test('--upto gives the stack and the steps up to the layer', () => {
  expect(select({ upto: '1' })).toEqual(['a', 'from a']);
  expect(select({ upto: '2' })).toEqual(['a b', 'from a env b']);
  expect(select({ upto: '4' })).toEqual(['a b c b', 'from a env b c b again']);
});

test('of a history with too few steps the topmost layers have them', () => {
  const few = { ...image, history: image.history.slice(-3) };
  expect(select({ upto: '4' }, few)).toEqual(['a b c b', 'c b again']);
  expect(select({ upto: '3' }, few)).toEqual(['a b c', 'c']);
  expect(select({ upto: '2' }, few)).toEqual(['a b', '']);
  expect(select({ layer: '1' }, few)).toEqual(['a', '']);
  expect(select({ layer: '3' }, few)).toEqual(['c', 'c']);
});

test('a layer is named by the beginning of its DiffID or digest too', () => {
  expect(select({ layer: 'cccc' })).toEqual(['c', 'c']);
  expect(select({ upto: 'sha256:CCCCC' })).toEqual(['a b c', 'from a env b c']);
  expect(select({ layer: 'dccc' })).toEqual(['c', 'c']);
});

test('a number within the count is a number, a longer one may be a digest', () => {
  const numbers: Image = { ...image, layers: [{ kind: 'blob', blob, diffId: digest('1') }, ...image.layers] };
  expect(select({ layer: '1' }, numbers)[0]).toBe('1');
  expect(select({ layer: '1111' }, numbers)[0]).toBe('1');
});

test('a layer that stands at two places is one alone, but two stacks', () => {
  expect(select({ layer: 'bbbb' })).toEqual(['b', 'b']);
  expect(() => select({ upto: 'bbbb' })).toThrow(
    `--upto=bbbb: means several layers of S; choose by number\n  2  ${digest('b')}\n  4  ${digest('b')}`,
  );
});

describe('an unknown layer is an error that lists those there are', () => {
  test.each(['0', '5', '-1', 'eeee', 'aaa', '', '1.5', '\u001b'])('%j', (layer) => {
    expect(() => select({ layer })).toThrow(
      /there is no such layer; S has these, base first\n {2}1 {2}sha256:aaaa/,
    );
  });
});

test('both options are an error', () => {
  expect(() => select({ layer: '1', upto: '2' })).toThrow(
    '--layer and --upto: found both, expected one of them',
  );
});

test('directories are listed by path, and steps that an incomplete history lacks are not guessed', () => {
  const bare: Image = { ...image, history: [], layers: [{ kind: 'directory', path: '/d' }, ...image.layers] };
  expect(select({ layer: '1' }, bare)).toEqual(['/d', '']);
  expect(() => select({ layer: '9' }, bare)).toThrow('\n  1  /d\n  2  sha256:aaa');
});
