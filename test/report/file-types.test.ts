import { describe, expect, it } from 'vitest';
import { NodeKind } from '../../src/inspect/report-format.ts';
import { OTHER_TYPE, bytesByType, titleOfType, typeOfPath, typesOf } from '../../src/report/file-types.ts';
import { NodeTable } from '../../src/report/node-table.ts';

describe('the type of a file', () => {
  it.each([
    ['/usr/lib/x86_64-linux-gnu/libc.so.6', 'Libraries'],
    ['/usr/lib/libstdc++.so.6.0.30', 'Libraries'],
    ['/usr/bin/bash', 'Programs'],
    ['/usr/bin/run.py', 'Source and scripts'],
    ['/app/node_modules/x/index.mjs', 'Source and scripts'],
    ['/usr/share/man/man1/ls.1.gz', 'Archives and packages'],
    ['/usr/share/locale/de/LC_MESSAGES/x.mo', 'Translations'],
    ['/app/logo.PNG', 'Images, fonts and sound'],
    ['/etc/passwd', 'Text and data'],
    ['/usr/share/doc/bash/copyright', 'Text and data'],
    ['/app/LICENSE', 'Others'],
    ['/app/so', 'Others'],
    ['/', 'Others'],
  ])('of %s is %s', (path, title) => expect(titleOfType(typeOfPath(path))).toBe(title));
});

it('bytes are summed by type within a directory; directories and folded names have no type of their own', () => {
  const file = 8 + NodeKind.file;
  const table = new NodeTable({
    names: '/bin/sh//x.js',
    codes: [8, 8, file, 8 + NodeKind.folded, file],
    values: [2, 2, 10, 5, 7],
    hidden: [],
    folded: [4],
  });
  const types = typesOf(table);
  expect([...types].map(titleOfType)).toEqual([
    'Others',
    'Others',
    'Programs',
    'Others',
    'Source and scripts',
  ]);
  const sums = table.sum({ layer: 0, which: 'all' });
  const all = bytesByType(table, types, sums, 0);
  expect(all.reduce((sum, each) => sum + each, 0)).toBe(22);
  expect(all[OTHER_TYPE]).toBe(5);
  expect(bytesByType(table, types, sums, 1).filter((each) => each > 0)).toEqual([10, 5]);
});
