// eStargz: layers that stargz-snapshotter made, layers of the test's own maker, and damaged tables. The oracle is the tar in
// the same blob, read as that of every layer.
import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { ESTARGZ_ANNOTATION, type ReadBlob, readEstargz } from '../../src/index-source/estargz.ts';
import { compareWithWhole } from '../../src/layer/compare-layers.ts';
import type { MemberIndex } from '../../src/layer/member-spans.ts';
import { checkLayerIndex } from '../../src/sys/table-check.ts';
import { InputError } from '../../src/vfs/input-error.ts';
import { storedLayersOf } from '../image/stored-layers.ts';
import { readTocFiles } from '../../src/index-source/toc-files.ts';
import { dentriesByPath } from '../layer/show-index.ts';
import { wholeLayerOf } from '../layer/whole-layer.ts';
import { Random } from '../tree/random.ts';
import { type Estargz, type EstargzFile, type Toc, makeEstargz, payloadOf, withToc } from './make-estargz.ts';

const FILES: readonly EstargzFile[] = [
  { name: 'etc/', type: '5', mode: 0o755 },
  { name: 'etc/empty' },
  { name: 'etc/name', bytes: Buffer.from('made\n'), xattrs: { 'user.a': 'one', 'user.b': 'two' } },
  { name: 'etc/large', bytes: randomBytes(5500), mode: 0o4755 },
  { name: '.no.prefetch.landmark', bytes: Buffer.from([0xf]) },
  { name: 'etc/link', type: '2', linkName: '../there', mode: 0o777 },
  { name: 'etc/again', type: '1', linkName: 'etc/name' },
  { name: 'etc/.wh.hidden' },
  { name: 'etc/\u00fc', bytes: Buffer.from('u') },
];

const readerOf =
  (blob: Buffer): ReadBlob =>
  (offset, length) =>
    Promise.resolve(blob.subarray(offset, offset + length));

const indexOf = ({ blob, digest }: Estargz): Promise<MemberIndex> =>
  readEstargz(readerOf(blob), blob.length, digest);

/** The index of the same bytes with another table. */
function indexWith(sample: Estargz, change: (toc: Toc) => void): Promise<MemberIndex> {
  const toc = structuredClone(sample.toc);
  change(toc);
  return indexOf(withToc(payloadOf(sample), toc));
}

const entryOf = (toc: Toc, name: string): Record<string, unknown> =>
  toc.entries.find((entry) => entry['name'] === name) ?? expect.fail(`no ${name}`);

describe('the table of an eStargz layer', () => {
  it('states what the tar has, in all layers of an image that ctr-remote converted', async () => {
    const layers = await storedLayersOf('fixtures/lazy/estargz.tar');
    expect(layers).toHaveLength(4);
    for (const { bytes, annotations } of layers) {
      const members = await readEstargz(readerOf(bytes), bytes.length, annotations[ESTARGZ_ANNOTATION] ?? '');
      const whole = await wholeLayerOf(bytes);
      expect(
        [...dentriesByPath(whole.index).keys()].filter((path) => !members.leftOut.includes(path)),
      ).toEqual([...dentriesByPath(members.index).keys()]);
      await compareWithWhole(members, whole);
    }
  });

  it.each([
    ['members of their own', {}],
    ['shared members', { sharesMembers: true }],
    ['members of whole files', { chunkSize: 10_000 }],
  ])('states what the tar has, with chunks in %s', async (_, options) => {
    const sample = makeEstargz(FILES, options);
    const members = await indexOf(sample);
    await compareWithWhole(members, await wholeLayerOf(sample.blob));
    expect(await checkLayerIndex(members.index, members.spans.plainOffset.at(-1) ?? 0)).toBeUndefined();
    expect([...dentriesByPath(members.index).keys()]).not.toContain('.no.prefetch.landmark');
  });

  it.each([
    ['a mode', (toc: Toc) => (entryOf(toc, 'etc/large')['mode'] = 0o755)],
    ['an owner', (toc: Toc) => (entryOf(toc, 'etc/large')['uid'] = 5)],
    ['a time', (toc: Toc) => (entryOf(toc, 'etc/large')['modtime'] = '1970-01-01T00:00:02Z')],
    ['a link target', (toc: Toc) => (entryOf(toc, 'etc/link')['linkName'] = '../Here')],
    ['a hard link', (toc: Toc) => (entryOf(toc, 'etc/again')['linkName'] = 'etc/large')],
    ['an xattr', (toc: Toc) => (entryOf(toc, 'etc/name')['xattrs'] = { 'user.a': 'b25l' })],
    ['a name', (toc: Toc) => (entryOf(toc, 'etc/empty')['name'] = 'etc/Empty')],
    ['another name', (toc: Toc) => void toc.entries.pop()],
    ['other bytes', swapContents],
  ])('is another than the tar with %s', async (_, change) => {
    const sample = makeEstargz(FILES);
    const members = await indexWith(sample, change);
    await expect(compareWithWhole(members, await wholeLayerOf(sample.blob))).rejects.toThrow(
      /^the index that was believed is not that of the layer: /,
    );
  });

  it('may have the time rounded to seconds', async () => {
    const sample = makeEstargz(FILES);
    const members = await indexWith(sample, (toc) => {
      entryOf(toc, 'etc/large')['modtime'] = '1970-01-01T00:00:00.6Z';
    });
    await compareWithWhole(members, await wholeLayerOf(sample.blob));
  });

  it('is compared in time that grows with the chunks of a member, not with their square', async () => {
    const sample = makeEstargz([{ name: 'file', bytes: randomBytes(1000) }], {
      ...{ chunkSize: 1, sharesMembers: true, chunksPerMember: 1000 },
    });
    const members = await indexOf(sample);
    expect(members.spans.count).toBe(1);
    const whole = await wholeLayerOf(sample.blob);
    const reads = vi.spyOn(Buffer.prototype, 'readDoubleLE');
    try {
      await compareWithWhole(members, whole);
      expect(reads.mock.calls.length).toBeLessThan(20 * 1000);
    } finally {
      reads.mockRestore();
    }
  });

  it('is compared in several turns, and no further once that is aborted', async () => {
    const sample = makeEstargz(Array.from({ length: 3000 }, (_, i) => ({ name: `${i}` })));
    const stop = new AbortController();
    const comparing = compareWithWhole(await indexOf(sample), await wholeLayerOf(sample.blob), stop.signal);
    setImmediate(() => stop.abort());
    await expect(comparing).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });

  it.each([
    ['a name with ..', (toc: Toc) => (entryOf(toc, 'etc/empty')['name'] = 'etc/../passwd')],
    ['a name with NUL', (toc: Toc) => (entryOf(toc, 'etc/empty')['name'] = 'etc/a\0b')],
    ['a name that was not UTF-8', (toc: Toc) => (entryOf(toc, 'etc/empty')['name'] = 'etc/\ufffd')],
    ['half a surrogate', (toc: Toc) => (entryOf(toc, 'etc/empty')['name'] = 'etc/\ud800')],
    ['a name that is too long', (toc: Toc) => (entryOf(toc, 'etc/empty')['name'] = 'x'.repeat(256))],
    ['a link out of the root', (toc: Toc) => (entryOf(toc, 'etc/again')['linkName'] = '../etc/name')],
    ['a link to a directory', (toc: Toc) => (entryOf(toc, 'etc/again')['linkName'] = 'etc')],
    ['no link target', (toc: Toc) => delete entryOf(toc, 'etc/link')['linkName']],
    ['a type that nobody knows', (toc: Toc) => (entryOf(toc, 'etc/empty')['type'] = 'socket')],
    ['no type', (toc: Toc) => delete entryOf(toc, 'etc/empty')['type']],
    ['a chunk first', (toc: Toc) => void toc.entries.unshift({ type: 'chunk', name: 'etc/' })],
    ['a chunk of another file', (toc: Toc) => void toc.entries.splice(4, 0, toc.entries.pop() ?? {})],
    ['a missing chunk', (toc: Toc) => void toc.entries.splice(5, 1)],
    [
      'a chunk before the one before',
      (toc: Toc) => void (toc.entries[5] = { ...toc.entries[4], type: 'chunk' }),
    ],
    ['no digest', (toc: Toc) => delete entryOf(toc, 'etc/name')['chunkDigest']],
    ['a digest of another kind', (toc: Toc) => (entryOf(toc, 'etc/name')['chunkDigest'] = 'md5:00')],
    ['an offset after the table', (toc: Toc) => (entryOf(toc, 'etc/name')['offset'] = 1e9)],
    [
      'an offset twice',
      (toc: Toc) => (entryOf(toc, 'etc/large')['offset'] = entryOf(toc, 'etc/name')['offset']),
    ],
    ['a negative offset', (toc: Toc) => (entryOf(toc, 'etc/name')['offset'] = -1)],
    ['a fraction', (toc: Toc) => (entryOf(toc, 'etc/name')['offset'] = 0.5)],
    ['a huge number', (toc: Toc) => (entryOf(toc, 'etc/name')['size'] = 1e300)],
    ['a huge chunk', (toc: Toc) => (entryOf(toc, 'etc/name')['size'] = 2 ** 40)],
    ['a huge inner offset', (toc: Toc) => (entryOf(toc, 'etc/name')['innerOffset'] = 2 ** 40)],
    ['a huge owner', (toc: Toc) => (entryOf(toc, 'etc/name')['uid'] = 2 ** 32)],
    ['a time that is none', (toc: Toc) => (entryOf(toc, 'etc/name')['modtime'] = '2024-13-01T00:00:00Z')],
    ['an xattr that is not base64', (toc: Toc) => (entryOf(toc, 'etc/name')['xattrs'] = { a: '%' })],
    ['another version', (toc: Toc) => (toc.version = 2)],
    ['no entries', (toc: Toc) => (toc.entries = {} as never)],
    ['an entry that is none', (toc: Toc) => void toc.entries.push(null as never)],
  ])('is not used with %s', async (_, change) => {
    const sample = makeEstargz(FILES);
    await expect(indexWith(sample, change)).rejects.toThrow(InputError);
  });

  it('is damaged if its digest, its footer or its tar is wrong', async () => {
    const sample = makeEstargz(FILES);
    const { length } = sample.blob;
    for (const at of [length - 51, length - 40, length - 20, length - 57, payloadOf(sample).length + 1]) {
      const blob = Buffer.from(sample.blob);
      blob[at] = (blob[at] ?? 0) ^ 0x10;
      await expect(indexOf({ ...sample, blob }), `byte ${at}`).rejects.toMatchObject({
        code: 'ERR_STRATAFS_DIGEST',
      });
    }
    await expect(indexOf({ ...sample, digest: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({
      code: 'ERR_STRATAFS_DIGEST',
    });
    await expect(indexOf({ ...sample, blob: Buffer.alloc(20) })).rejects.toThrow(InputError);
  });

  it('that is damaged at random is refused, or is an index that can be used', async () => {
    const random = new Random(19);
    const values = [
      null,
      '',
      'reg',
      'chunk',
      '/',
      'etc/name',
      -1,
      0,
      1,
      513,
      2 ** 31,
      2 ** 53,
      1e308,
      [],
      {},
    ];
    let used = 0;
    for (let round = 0; round < 600; round++) {
      const sample = makeEstargz(FILES, { sharesMembers: random.oneIn(2) });
      let members: MemberIndex;
      try {
        members = await indexWith(sample, (toc) => {
          for (let i = 0; i <= random.below(3); i++) {
            const entry = random.pick(toc.entries);
            const place = random.below(toc.entries.length);
            const kind = random.below(6);
            if (kind === 0) toc.entries.splice(place, 1);
            else if (kind === 1) toc.entries.splice(place, 0, { ...entry });
            else entry[random.pick(Object.keys(entry))] = random.pick(values);
          }
        });
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        continue;
      }
      used++;
      const { index, spans } = members;
      expect(await checkLayerIndex(index, spans.plainOffset.at(-1) ?? 0)).toBeUndefined();
      for (let span = 0; span < spans.count; span++) {
        const [start = 0, end = 0] = [spans.storedStart[span], spans.storedEnd[span]];
        expect([start < end, end <= payloadOf(sample).length]).toEqual([true, true]);
      }
    }
    expect(used).toBeGreaterThan(30);
  });
});

function swapContents(toc: Toc): void {
  const [a, b] = [entryOf(toc, 'etc/name'), entryOf(toc, 'etc/\u00fc')];
  for (const field of ['size', 'offset', 'innerOffset', 'chunkDigest']) {
    [a[field], b[field]] = [b[field], a[field]];
  }
}

it('a table of more entries than the heap can hold is refused', () => {
  const entries = new Array<object>(2 ** 19 + 1).fill({ type: 'reg' });
  expect(() => readTocFiles({ version: 1, entries }, 'toc')).toThrow(/found 524289 entries/);
});
