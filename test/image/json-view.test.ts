import { describe, expect, test } from 'vitest';
import { JSON_SIZE_LIMIT, parseJson } from '../../src/image/json-view.ts';

const view = (text: string) => parseJson(Buffer.from(text), 'F');

describe('JSON from an image', () => {
  test('is read field by field', () => {
    const json = view('\ufeff{"s":"x","n":null,"a":[1,"y"],"b":true,"i":7,"o":{"k":"v"}}');
    expect(json.get('s').string()).toBe('x');
    expect(json.get('n').isAbsent).toBe(true);
    expect(
      json
        .get('a')
        .items()
        .map(({ value }) => value),
    ).toEqual([1, 'y']);
    expect(json.get('n').items()).toEqual([]);
    expect(json.get('b').boolean()).toBe(true);
    expect(json.get('none').boolean()).toBe(false);
    expect(json.get('i').optionalSize()).toBe(7);
    expect(
      json
        .get('o')
        .fields()
        .map(([key, { value }]) => [key, value]),
    ).toEqual([['k', 'v']]);
  });

  test('has no fields but its own', () => {
    expect(view('{}').get('constructor').isAbsent).toBe(true);
    expect(view('{"__proto__":{"x":"y"}}').get('x').isAbsent).toBe(true);
    expect(view('{"__proto__":{"x":"y"}}').get('__proto__').get('x').string()).toBe('y');
  });

  test.each([
    ['{"a":[{"b":1}]}', 'F: a[0]: b: found 1, expected a string'],
    ['{"a":[{}]}', 'F: a[0]: b: found nothing, expected a string'],
    ['{"a":[{"b":[]}]}', 'F: a[0]: b: found an array, expected a string'],
    ['{"a":[{"b":{}}]}', 'F: a[0]: b: found an object, expected a string'],
    ['{"a":[{"b":null}]}', 'F: a[0]: b: found null, expected a string'],
    ['{"a":[null]}', 'F: a[0]: found null, expected an object'],
    ['{"a":{}}', 'F: a: found an object, expected an array'],
    [`{"a":"${'x'.repeat(200)}"}`, `F: a: found "${'x'.repeat(79)}..., expected an array`],
    ['[]', 'F: found an array, expected an object'],
    ['{', 'F: found JSON that is cut short'],
    ['[1, 2', 'F: found JSON that is cut short'],
    ['', 'F: found an empty file, expected JSON'],
    ['{"b": x}', 'F: found malformed JSON'],
    ['{"b": "c",}', 'F: found malformed JSON at character 10'],
    ['BZh91AY&SY', 'F: found bzip2 data, expected JSON'],
    ['a\0b', 'F: found binary data, expected JSON'],
  ])('%.30s is refused with the name of the wrong field', (text, message) => {
    expect(() =>
      view(text)
        .get('a')
        .items()
        .map((item) => item.get('b').string()),
    ).toThrow(message);
  });

  test('nested deeper than 100 levels is refused before it is parsed, brackets in strings aside', () => {
    expect(() => view('['.repeat(101))).toThrow('F: found JSON nested deeper than 100 levels');
    expect(() => view('{"a":'.repeat(1_000_00))).toThrow('nested deeper');
    expect(view(`${'['.repeat(100)}${']'.repeat(100)}`).isArray).toBe(true);
    expect(view(`["\\"${'['.repeat(200)}"]`).isArray).toBe(true);
  });

  test('of more than 4 MiB is refused', () => {
    expect(() => view(`"${'x'.repeat(JSON_SIZE_LIMIT)}"`)).toThrow(
      'F: found 4194306 bytes of JSON, expected at most 4194304',
    );
  });
});
