import { expect, test } from 'vitest';
import { LayerIndexBuilder } from '../../src/layer/index-builder.ts';
import { FormatError } from '../../src/vfs/input-error.ts';
import { frameTar } from './framing.ts';
import { pax, rawTar, setChecksum } from './raw-tar.ts';

const tar = rawTar(
  { name: './', type: '5' },
  pax({ uid: '1' }, 'g'),
  pax({ path: 'a/b', mtime: '1.5', 'SCHILY.xattr.user.a': 'v', 'SCHILY.acl.access': 'user:1:rwx,mask::r' }),
  { name: 'x', body: 'abc' },
  { name: 'l', type: '2', linkname: 'x' },
  { name: 'h', type: '1', linkname: 'a/b' },
  { name: 'c', type: '3', major: 1, minor: 3 },
  pax({ 'GNU.sparse.size': '100', 'GNU.sparse.map': '0,1,50,2' }),
  { name: 's', body: 'abc' },
  { name: '.wh.gone' },
);
const records = frameTar(tar);

/** A generator of numbers below `bound` that gives the same ones in every run. */
function makeRandom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** Indexes records that may be anything: only FormatError is an answer beside success. */
function attempt(bytes: Buffer): void {
  try {
    const builder = new LayerIndexBuilder('hostile.tar');
    builder.add(bytes, bytes.length);
    builder.finish();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    expect(error.message).toMatch(/^hostile\.tar: at byte \d+: found .*, expected /s);
  }
}

/** Indexes of the header blocks in the records, and of their payloads. */
function* blocks(bytes: Buffer): Generator<{ header: number; meta: number; metaLength: number }> {
  for (let at = 0; at < bytes.length;) {
    const metaLength = bytes.readUInt32LE(at + 24);
    yield { header: at + 32, meta: at + 544, metaLength };
    at += 544 + Math.ceil(metaLength / 8) * 8;
  }
}

test('the records are good as they are', () => {
  const builder = new LayerIndexBuilder('good.tar');
  builder.add(records, records.length);
  expect(builder.finish().dentryCount).toBe(8);
});

test('a header with any bit flipped is read, or refused with FormatError', () => {
  for (const { header } of blocks(records)) {
    for (let bit = 0; bit < 512 * 8; bit++) {
      const bytes = Buffer.from(records);
      const at = header + (bit >>> 3);
      bytes.writeUInt8((bytes[at] as number) ^ (1 << (bit & 7)), at);
      // Without a right checksum nothing else would be looked at.
      if (at < header + 148 || at >= header + 156) setChecksum(bytes.subarray(header, header + 512));
      attempt(bytes);
    }
  }
});

test('an extended header with any bit flipped, or cut anywhere, is read, or refused with FormatError', () => {
  for (const { header, meta, metaLength } of blocks(records)) {
    for (let bit = 0; bit < metaLength * 8; bit++) {
      const bytes = Buffer.from(records);
      const at = meta + (bit >>> 3);
      bytes.writeUInt8((bytes[at] as number) ^ (1 << (bit & 7)), at);
      attempt(bytes);
    }
    for (let length = 0; length < metaLength; length++) {
      const padded = (size: number): number => Math.ceil(size / 8) * 8;
      const bytes = Buffer.concat([
        records.subarray(0, meta + length),
        Buffer.alloc(padded(length) - length),
        records.subarray(meta + padded(metaLength)),
      ]);
      bytes.writeUInt32LE(length, header - 32 + 24);
      attempt(bytes);
    }
  }
});

test('headers with bytes of chance are read, or refused with FormatError', () => {
  const random = makeRandom(1);
  const all = [...blocks(records)];
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(records);
    for (let changes = 1 + random(8); changes > 0; changes--) {
      const { header } = all[random(all.length)] as (typeof all)[number];
      const start = header + random(512);
      const end = Math.min(header + 512, start + 1 + random(20));
      for (let at = start; at < end; at++) bytes[at] = random(256);
      setChecksum(bytes.subarray(header, header + 512));
    }
    attempt(bytes);
  }
});
