// Lists of the parts that a run read: they come back as they went, have a limit, and nothing malformed is read.
import { expect, it } from 'vitest';
import { joinRanges, readPartList, writePartList } from '../../src/layer/part-list.ts';

const LAYER = `sha256:${'ab'.repeat(32)}`;

it('a list comes back as it went', () => {
  const list = new Map([[LAYER, [0, 200_000].map((offset) => ({ offset, length: 65_536 }))]]);
  expect(readPartList(writePartList(list), 'x')).toEqual(list);
});

it('a list of many ranges is joined until it fits into an extended attribute', () => {
  const ranges = Array.from({ length: 50_000 }, (_, i) => ({ offset: i * 150_000, length: 65_536 }));
  const text = writePartList(new Map([[LAYER, ranges]]));
  expect(text.length).toBeLessThan(65_536);
  const joined = readPartList(text, 'x').get(LAYER) ?? [];
  expect(joined.length).toBeGreaterThan(0);
  for (const { offset, length } of ranges) {
    expect(joined.some((each) => each.offset <= offset && offset + length <= each.offset + each.length)).toBe(
      true,
    );
  }
});

it('ranges that overlap or touch are joined', () => {
  const ranges = [
    [0, 10],
    [5, 2],
    [10, 5],
    [16, 4],
  ].map(([offset = 0, length = 0]) => ({ offset, length }));
  expect(joinRanges(ranges, 0)).toEqual([
    { offset: 0, length: 15 },
    { offset: 16, length: 4 },
  ]);
  expect(joinRanges(ranges, 1)).toEqual([{ offset: 0, length: 20 }]);
});

it('anything else is refused by name', () => {
  const many = Array.from({ length: 2001 }, (_, i) => [i * 10, 1]);
  const wrong: [unknown, RegExp][] = [
    ['', /^x: is not a list that "stratafs stats --record" wrote$/],
    [[], /is not a list/],
    [{ schema: 2, layers: {} }, /is not a list/],
    [{ schema: 1, layers: [] }, /is not a list/],
    [{ schema: 1, layers: { '../x': [] } }, /expected ranges/],
    [{ schema: 1, layers: { [LAYER]: 5 } }, /expected ranges/],
    [{ schema: 1, layers: { [LAYER]: [[1]] } }, /expected ranges/],
    [{ schema: 1, layers: { [LAYER]: [[-1, 5]] } }, /expected ranges/],
    [{ schema: 1, layers: { [LAYER]: [[2 ** 53 - 1, 5]] } }, /expected ranges/],
    [{ schema: 1, layers: { [LAYER]: [['0', 5]] } }, /expected ranges/],
    [{ schema: 1, layers: { [LAYER]: many } }, /found 2001 ranges, expected at most 2000/],
  ];
  for (const [value, message] of wrong) {
    expect(() => readPartList(value === '' ? '' : JSON.stringify(value), 'x')).toThrow(message);
  }
});
