import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { closeSync, openSync, readdirSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  decodeIndexFile,
  encodeIndexFile,
  INDEX_FILE_HEADER_SIZE,
  INDEX_FILE_VERSION,
  IndexFileField,
  loadIndexFile,
  loadIndexedBlob,
  saveIndexFile,
  type IndexedLayer,
} from '../../src/layer/index-file.ts';
import { columnOrder } from '../../src/layer/layer-index-layout.ts';
import { bytesOfSpanTable, spanTableLength, viewSpanTable } from '../../src/layer/span-table-layout.ts';
import { documentedFields, tableRows } from '../docs/formats-table.ts';
import { pax, rawTar } from '../tar/raw-tar.ts';
import { indexTar, showIndex } from './show-index.ts';

const layer: IndexedLayer = {
  index: indexTar(
    rawTar(
      { name: 'd/', type: '5', mode: 0o700 },
      pax({ 'SCHILY.xattr.user.a': 'v', mtime: '-1.5' }),
      { name: 'd/x', body: 'abc' },
      { name: 'l', type: '2', linkname: 'd/x' },
      { name: 'h', type: '1', linkname: 'lower/name' },
      pax({ 'GNU.sparse.size': '100', 'GNU.sparse.map': '0,1,50,2' }),
      { name: 's', body: 'abc' },
      { name: '.wh.gone' },
    ),
  ),
  spans: {
    count: 2,
    plainOffset: Float64Array.of(0, 4096, 9999),
    blobOffset: Float64Array.of(10, 500, 1000),
    windowOffset: Uint32Array.of(0, 0, 5),
    crc32: Uint32Array.of(0xdeadbeef, 2),
    bits: Uint8Array.of(0, 7),
    kind: Uint8Array.of(0, 0),
    windows: Uint8Array.of(1, 2, 3, 4, 5),
  },
  tarSize: 9999,
  blobSha256: 'ab'.repeat(32),
  tarSha256: 'cd'.repeat(32),
  hasSpilled: true,
  chunkSha256: new Uint8Array(32).fill(7),
};

function encoded(of: IndexedLayer = layer): Buffer {
  return Buffer.concat(encodeIndexFile(of));
}

/** A copy that begins at offset 0 of a buffer of its own. */
const bufferOf = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

describe('an index file', () => {
  test('comes back as it went', async () => {
    const decoded = await decodeIndexFile(bufferOf(encoded()));
    expect(decoded).toEqual(layer);
    expect(decoded && showIndex(decoded.index)).toEqual(showIndex(layer.index));
  });

  test('is the same bytes again when what was loaded is saved', async () => {
    const decoded = (await decodeIndexFile(bufferOf(encoded()))) as IndexedLayer;
    expect(encoded(decoded)).toEqual(encoded());
  });

  test('of a plain, unverified blob has no spans and no digests', async () => {
    const plain: IndexedLayer = {
      ...layer,
      spans: {
        count: 0,
        plainOffset: Float64Array.of(0),
        blobOffset: Float64Array.of(0),
        windowOffset: Uint32Array.of(0),
        crc32: new Uint32Array(),
        bits: new Uint8Array(),
        kind: new Uint8Array(),
        windows: new Uint8Array(),
      },
      blobSha256: undefined,
      tarSha256: undefined,
      hasSpilled: false,
      chunkSha256: new Uint8Array(),
    };
    expect(await decodeIndexFile(bufferOf(encoded(plain)))).toEqual(plain);
  });

  test('that is cut anywhere is rejected', async () => {
    const bytes = encoded();
    for (let length = 0; length < bytes.length; length++) {
      expect(await decodeIndexFile(bufferOf(bytes.subarray(0, length)))).toBeUndefined();
    }
    expect(await decodeIndexFile(bufferOf(Buffer.concat([bytes, Buffer.alloc(8)])))).toBeUndefined();
  });

  test('with any bit changed is rejected', async () => {
    const bytes = encoded();
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8((bytes[at] as number) ^ (1 << (at % 8)), at);
      expect(await decodeIndexFile(bufferOf(changed)), `byte ${at}`).toBeUndefined();
    }
  });

  test('with the digests of fewer or more chunks than the blob has is rejected', async () => {
    for (const chunkSha256 of [new Uint8Array(0), new Uint8Array(64)]) {
      expect(await decodeIndexFile(bufferOf(encoded({ ...layer, chunkSha256 })))).toBeUndefined();
    }
  });

  test('of another version is rejected, its checksum being right', async () => {
    const bytes = encoded();
    bytes.writeUInt32LE(99, IndexFileField.version);
    expect(await decodeIndexFile(bufferOf(bytes))).toBeUndefined();
  });
});

describe('docs/formats.md', () => {
  const rows = tableRows('Index file');

  test('has the fields of the header as they are', () => {
    expect(documentedFields(rows)).toEqual({ fields: IndexFileField, end: INDEX_FILE_HEADER_SIZE });
  });

  test('has the span table, then the columns, in their order', () => {
    const documented = rows.filter(([, type]) => /^(f64|u32|u8)$/.test(type ?? ''));
    const name = { f64: Float64Array, u32: Uint32Array, u8: Uint8Array } as Record<string, unknown>;
    const view = viewSpanTable(new ArrayBuffer(spanTableLength(3, 8)), 0, 3, 8);
    const spans = Object.entries(view)
      .flatMap(([column, values]: [string, number | Float64Array | Uint32Array | Uint8Array]) =>
        typeof values === 'number' ? [] : { column, values },
      )
      .sort((a, b) => a.values.byteOffset - b.values.byteOffset);
    expect(
      documented.slice(0, -columnOrder.length).map(([column, type]) => [column, name[type ?? '']]),
    ).toEqual(spans.map(({ column, values }) => [column, values.constructor]));
    expect(
      documented.slice(-columnOrder.length).map(([column, type, count]) => [column, name[type ?? ''], count]),
    ).toEqual(columnOrder);
  });

  test('says what the header holds', () => {
    const bytes = encoded();
    expect(bytes.toString('latin1', 0, 8)).toBe('stratafs');
    expect(bytes.readUInt32LE(8)).toBe(INDEX_FILE_VERSION);
    expect(rows.find(([, , field]) => field === 'version')?.[3]).toMatch(`u32; ${INDEX_FILE_VERSION}. `);
    expect(bytes.readUInt32LE(12)).toBe(7);
    const columnsAt = 232 + bytesOfSpanTable(layer.spans).length + 32;
    const checked = Buffer.concat([bytes.subarray(12, 16), bytes.subarray(48, columnsAt)]);
    expect(bytes.subarray(16, 48)).toEqual(createHash('sha256').update(checked).digest());
    expect(bytes.subarray(128, 160)).toEqual(createHash('sha256').update(bytes.subarray(columnsAt)).digest());
    expect(bytes.readDoubleLE(48)).toBe(bytes.length);
    expect(bytes.readDoubleLE(56)).toBe(9999);
    expect(bytes.toString('hex', 64, 96)).toBe('ab'.repeat(32));
    expect(bytes.toString('hex', 96, 128)).toBe('cd'.repeat(32));
    expect(bytes.readDoubleLE(160)).toBe(layer.index.dentryCount);
    expect(bytes.readDoubleLE(208)).toBe(2);
    expect(bytes.readDoubleLE(224)).toBe(1);
    expect(bytes.readDoubleLE(232 + 8)).toBe(layer.spans.plainOffset[1]);
    expect(bytes.readDoubleLE(columnsAt)).toBe(layer.index.size[0]);
  });
});

describe('on disk', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'stratafs-index-'));
    path = join(directory, 'index');
  });
  afterEach(() => rm(directory, { recursive: true }));

  test('a saved file loads, and leaves nothing beside it', async () => {
    await saveIndexFile(path, layer);
    expect(await loadIndexFile(path)).toEqual(layer);
    await saveIndexFile(path, layer);
    expect(await readdir(directory)).toEqual(['index']);
  });

  test('a missing, short or foreign file is undefined', async () => {
    expect(await loadIndexFile(path)).toBeUndefined();
    await writeFile(path, 'short');
    expect(await loadIndexFile(path)).toBeUndefined();
    await writeFile(path, Buffer.alloc(4096, 'x'));
    expect(await loadIndexFile(path)).toBeUndefined();
    await saveIndexFile(path, layer);
    await truncate(path, (await readFile(path)).length - 1);
    expect(await loadIndexFile(path)).toBeUndefined();
  });

  test('a save that fails throws, and leaves nothing behind', async () => {
    await expect(saveIndexFile(join(path, 'missing', 'index'), layer)).rejects.toThrow(/ENOENT/);
    expect(await readdir(directory)).toEqual([]);
  });

  test('the facts about the blob can be read without the columns, even if those are damaged', async () => {
    await saveIndexFile(path, layer);
    const { spans, tarSize, blobSha256, tarSha256, hasSpilled, chunkSha256 } = layer;
    const blob = { spans, tarSize, blobSha256, tarSha256, hasSpilled, chunkSha256 };
    expect(await loadIndexedBlob(path)).toEqual(blob);
    const columnsAt = INDEX_FILE_HEADER_SIZE + bytesOfSpanTable(spans).length + chunkSha256.length;
    const bytes = await readFile(path);
    await writeFile(path, Buffer.from(bytes).fill(0, columnsAt));
    expect(await loadIndexedBlob(path)).toEqual(blob);
    expect(await loadIndexFile(path)).toBeUndefined();
  });

  test('the blob of a file with any bit changed before the columns is undefined', async () => {
    await saveIndexFile(path, layer);
    const bytes = await readFile(path);
    const columnsAt = INDEX_FILE_HEADER_SIZE + bytesOfSpanTable(layer.spans).length + 32;
    const fd = openSync(path, 'r+');
    try {
      for (let at = 0; at < columnsAt; at++) {
        const byte = bytes[at] as number;
        writeSync(fd, Uint8Array.of(byte ^ (1 << (at % 8))), 0, 1, at);
        expect(await loadIndexedBlob(path), `byte ${at}`).toBeUndefined();
        writeSync(fd, Uint8Array.of(byte), 0, 1, at);
      }
    } finally {
      closeSync(fd);
    }
    expect(await loadIndexedBlob(path)).toBeDefined();
  });

  test('the blob of a file that is missing, or cut anywhere, is undefined', async () => {
    expect(await loadIndexedBlob(path)).toBeUndefined();
    await saveIndexFile(path, layer);
    const before = readdirSync('/proc/self/fd').length;
    for (let end = (await readFile(path)).length - 1; end >= 0; end--) {
      truncateSync(path, end);
      expect(await loadIndexedBlob(path), `${end} bytes`).toBeUndefined();
    }
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  });
});
