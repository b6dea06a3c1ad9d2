import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CHUNK_MAP_LAYOUT, ChunkMap } from '../../src/blobs/chunk-map.ts';
import { CHUNK_SIZE } from '../../src/vfs/chunks.ts';

let directory: string;
let path: string;
let fd: number;
beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'stratafs-chunks-'));
  path = join(directory, 'x.part');
  fd = fs.openSync(path, 'wx+');
});
afterEach(() => {
  fs.closeSync(fd);
  fs.rmSync(directory, { recursive: true });
});

const key = { digest: `sha256:${'ab'.repeat(32)}`, size: 3 * CHUNK_SIZE + 1 };
/** The blob's size, rounded up to 4096. */
const START = 3 * CHUNK_SIZE + 4096;

test('has the layout of the field table', () => {
  ChunkMap.open(fd, key).record([2]);
  const bytes = fs.readFileSync(path).subarray(START);
  expect(bytes.subarray(CHUNK_MAP_LAYOUT.magic, CHUNK_MAP_LAYOUT.version).toString()).toBe('SFSCHUNK');
  expect(bytes.readUInt32LE(CHUNK_MAP_LAYOUT.version)).toBe(1);
  expect(bytes.readUInt32LE(CHUNK_MAP_LAYOUT.chunkSize)).toBe(65_536);
  expect(bytes.readBigUInt64LE(CHUNK_MAP_LAYOUT.blobSize)).toBe(196_609n);
  expect(bytes.subarray(CHUNK_MAP_LAYOUT.sha256, CHUNK_MAP_LAYOUT.end).toString('hex')).toBe('ab'.repeat(32));
  expect([...bytes.subarray(56)]).toEqual([0, 0, 1, 0]);
});

test('keeps what was recorded', () => {
  ChunkMap.open(fd, key).record([0, 3]);
  const again = ChunkMap.open(fd, key);
  expect([0, 1, 2, 3].map((chunk) => again.has(chunk))).toEqual([true, false, false, true]);
});

test('begins again in a file with any other content', () => {
  const spoil: (() => void)[] = [
    () => fs.writeFileSync(path, ''),
    () => fs.appendFileSync(path, 'x'),
    () => fs.truncateSync(path, START + 59),
    ...Array.from({ length: CHUNK_MAP_LAYOUT.end }, (_, at) => (): void => {
      fs.writeSync(fd, Uint8Array.of(0xfe), 0, 1, START + at);
    }),
  ];
  for (const change of spoil) {
    ChunkMap.open(fd, key).record([1]);
    fs.writeSync(fd, 'old', 0);
    change();
    expect(ChunkMap.open(fd, key).has(1)).toBe(false);
    expect(fs.fstatSync(fd).size).toBe(START + 60);
    expect(fs.readFileSync(path).subarray(0, 3)).toEqual(Buffer.alloc(3));
  }
});

test('takes a chunk for arrived only if its byte is 1', () => {
  ChunkMap.open(fd, key);
  fs.writeSync(fd, Uint8Array.of(2), 0, 1, START + CHUNK_MAP_LAYOUT.end + 1);
  expect(ChunkMap.open(fd, key).has(1)).toBe(false);
});
