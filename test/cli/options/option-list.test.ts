import { expect, it } from 'vitest';
import { splitOptionList, unescapeOption } from '../../../src/cli/options/option-list.ts';

it('commas separate, the first = ends the name, blanks around names are dropped', () => {
  expect(splitOptionList('ro, nodev ,fsname=a=b')).toEqual([
    { name: 'ro', value: undefined },
    { name: 'nodev', value: undefined },
    { name: 'fsname', value: 'a=b' },
  ]);
});

it('empty parts are ignored', () => {
  expect(splitOptionList(',,ro,')).toEqual([{ name: 'ro', value: undefined }]);
  expect(splitOptionList('')).toEqual([]);
});

it('a backslash escapes a comma, and stays in the value', () => {
  expect(splitOptionList('lowerdir=a\\,b\\:c:d,ro')).toEqual([
    { name: 'lowerdir', value: 'a\\,b\\:c:d' },
    { name: 'ro', value: undefined },
  ]);
});

it('an escaped backslash does not escape the comma after it', () => {
  expect(splitOptionList('fsname=a\\\\,ro')).toHaveLength(2);
});

it('double quotes escape commas', () => {
  expect(splitOptionList('context="a:s0:c1,c2",ro')).toEqual([
    { name: 'context', value: 'a:s0:c1,c2' },
    { name: 'ro', value: undefined },
  ]);
});

it('unescapeOption removes the backslashes', () => {
  expect(unescapeOption('a\\,b\\\\c')).toBe('a,b\\c');
});
