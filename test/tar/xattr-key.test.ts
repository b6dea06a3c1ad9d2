import { describe, expect, it } from 'vitest';
import { encodeXattrName } from '../../src/tar/xattr-key.ts';

/** What GNU tar makes of a key. */
const decodeXattrName = (key: string): string =>
  key.replace(/%3D|%25/g, (found) => (found === '%3D' ? '=' : '%'));

describe('the name of an xattr in a pax key', () => {
  it.each([
    ['user.plain', 'user.plain'],
    ['user.a=b', 'user.a%3Db'],
    ['user.50%', 'user.50%'],
    ['user.%3d', 'user.%3d'],
    ['user.%25', 'user.%2525'],
    ['user.%3D', 'user.%253D'],
    ['user.%=', 'user.%%3D'],
    ['user.%%25', 'user.%%2525'],
  ])('%s is written %s', (name, key) => {
    expect(encodeXattrName(name)).toBe(key);
    expect(decodeXattrName(key)).toBe(name);
  });

  it('comes back whatever it is made of', () => {
    const parts = ['%', '=', '2', '3', '5', 'D', '25', '3D'];
    const names = [''];
    for (let length = 0; length < 4; length++) {
      names.push(...names.flatMap((name) => parts.map((part) => name + part)));
    }
    const unique = [...new Set(names)];
    const keys = unique.map(encodeXattrName);
    expect(keys.filter((key) => key.includes('='))).toEqual([]);
    expect(keys.map(decodeXattrName)).toEqual(unique);
  });
});
