import {
  closeSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IndexStore } from '../../src/layer/index-store.ts';
import { PlainSpill } from '../../src/layer/plain-spill.ts';
import { openCache } from './cache.ts';

const SHA = 'a'.repeat(64);

let directory: string;
let store: IndexStore;
let plain: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-store-'));
  store = new IndexStore(openCache(join(directory, 'stratafs')));
  plain = store.plainDirectory() ?? expect.fail('no directory');
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('PlainSpill', () => {
  it('keeps bytes under the digest once they are whole', () => {
    const spill = PlainSpill.create(plain);
    writeSync(spill.fd, 'plain');
    expect(store.openPlain(SHA, 5)).toBeUndefined();
    closeSync(spill.keep(SHA));
    expect(store.openPlain(SHA, 6)).toBeUndefined();
    const fd = store.openPlain(SHA, 5) ?? expect.fail('not kept');
    expect(readFileSync(fd, 'utf8')).toBe('plain');
    closeSync(fd);
  });

  it('removes what is discarded, and drafts of processes that are gone', () => {
    const mine = join(plain, `draft.${process.pid}.abcdef.draft`);
    const stale = join(plain, 'draft.999999999.abcdef.draft');
    writeFileSync(mine, '');
    writeFileSync(stale, '');
    PlainSpill.create(plain).discard();
    expect([existsSync(mine), existsSync(stale), readdirSync(plain)]).toEqual([
      true,
      false,
      [`draft.${process.pid}.abcdef.draft`],
    ]);
  });

  it('without a directory lives as long as its descriptor', () => {
    const before = readdirSync(tmpdir());
    const spill = PlainSpill.create(undefined);
    writeSync(spill.fd, 'plain');
    expect(spill.keep(SHA)).toBe(spill.fd);
    expect(
      readdirSync(tmpdir()).filter((name) => !before.includes(name) && name.startsWith('stratafs-')),
    ).toEqual([]);
    closeSync(spill.fd);
  });

  it('leaves a part of the disk free', () => {
    const spill = PlainSpill.create(plain);
    expect(spill.limit).toBeGreaterThan(0);
    expect(Number.isSafeInteger(spill.limit)).toBe(true);
    spill.discard();
  });
});
