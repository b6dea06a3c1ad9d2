import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { draftName, removeStaleDrafts } from '../../src/sys/drafts.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-drafts-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a draft lies beside its place, under a name of its own', () => {
  const names = [1, 2].map(() => draftName(join(directory, 'x.tree')));
  expect(names[0]).not.toBe(names[1]);
  for (const name of names) {
    expect(name.startsWith(`${directory}/x.tree.${process.pid}.`)).toBe(true);
    expect(name.endsWith('.draft')).toBe(true);
  }
});

test('drafts of processes that are gone are removed, and nothing else', () => {
  const mine = basename(draftName('x'));
  const remainingFiles = [mine, 'x.1.abcdef.draft', 'x.draft', 'x.999999999.abcdef.tree'];
  for (const name of [...remainingFiles, 'x.999999999.abcdef.draft'])
    writeFileSync(join(directory, name), '');
  removeStaleDrafts(directory);
  expect(readdirSync(directory).sort()).toEqual(remainingFiles.sort());
});
