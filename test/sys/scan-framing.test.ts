import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScanError } from '../../src/sys/scan.ts';
import { runScan, type Scanned } from './run-scan.ts';
import { END_OF_ARCHIVE, padded, paxHeader, tarHeader, tarMember, withChecksum } from './tar-bytes.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-scan-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Scans the joined parts as a plain tar, hashed and skipped through: both must say the same. */
async function scan(...parts: Buffer[]): Promise<Scanned> {
  const path = join(directory, 'a.tar');
  writeFileSync(path, Buffer.concat(parts));
  const hashed = await runScan(path, 'none');
  const skipped = await runScan(path, 'none', { hash: false });
  expect(skipped.records).toEqual(hashed.records.map((record) => ({ ...record, isTailClean: false })));
  expect(skipped.result.isLastTailClean).toBe(false);
  expect(skipped.result.tarSize).toBe(hashed.result.tarSize);
  return hashed;
}

async function failure(...parts: Buffer[]): Promise<ScanError> {
  const path = join(directory, 'bad.tar');
  writeFileSync(path, Buffer.concat(parts));
  const errors = await Promise.all(
    [true, false].map((hash) =>
      runScan(path, 'none', { hash }).then(
        () => expect.fail('the scan went through'),
        (error: unknown) => error as ScanError,
      ),
    ),
  );
  const [hashed, skipped] = errors as [ScanError, ScanError];
  expect(hashed.code).toBe('SCAN');
  expect(skipped.message).toBe(hashed.message);
  return hashed;
}

const data = (length: number) => Buffer.alloc(length, 'x');
const summary = ({ records }: Scanned) =>
  records.map((r) => `${r.type} ${r.name} ${r.headerOffset} ${r.dataOffset} ${r.dataLength}`);

describe('which members carry data', () => {
  it('files do, of every regular type and of unknown ones', async () => {
    const types = ['0', '\0', '7', 'V', 'D', 'Z'];
    const { records } = await scan(...types.map((type) => tarMember({ type }, data(700))), END_OF_ARCHIVE);
    expect(records.map((r) => r.dataLength)).toEqual(types.map(() => 700));
    expect(records.map((r) => r.headerOffset)).toEqual(types.map((_, i) => i * 1536));
  });

  it('links, devices, directories and fifos never do, whatever their size says', async () => {
    const types = ['1', '2', '3', '4', '5', '6'];
    const { records } = await scan(...types.map((type) => tarHeader({ type, size: 700 })), END_OF_ARCHIVE);
    expect(records.map((r) => r.dataLength)).toEqual(types.map(() => 0));
  });

  it('a v7 directory, a name with a trailing slash and no type, has none', async () => {
    const { records } = await scan(tarHeader({ type: '\0', name: 'd/', size: 700 }), tarMember({}, data(1)));
    expect(records.map((r) => r.name)).toEqual(['d/', 'file']);
  });
});

describe('sizes', () => {
  it('may be octal with blanks, or empty', async () => {
    const size = (text: string) => tarHeader({ size: Buffer.from(text, 'latin1') });
    const members = ['      1274 \0', '00000001274\0', '000000001274'].map((text) =>
      Buffer.concat([size(text), padded(data(700))]),
    );
    const { records } = await scan(...members, size('\0'.repeat(12)), END_OF_ARCHIVE);
    expect(records.map((r) => r.dataLength)).toEqual([700, 700, 700, 0]);
  });

  it('may be base-256', async () => {
    const size = Buffer.alloc(12);
    size[0] = 0x80;
    size.writeUInt16BE(700, 10);
    const { records } = await scan(tarMember({ size }, data(700)), END_OF_ARCHIVE);
    expect(records[0]?.dataLength).toBe(700);
  });

  it('of a pax header overrides the next member only', async () => {
    const got = await scan(
      paxHeader('x', ['size', '700']),
      tarMember({ size: 0 }, data(700)),
      tarMember({ name: 'b' }, data(3)),
      END_OF_ARCHIVE,
    );
    expect(summary(got)).toEqual(['x pax 0 512 12', '0 file 1024 1536 700', '0 b 2560 3072 3']);
  });

  it.each(['x', 'g'] as const)('of a pax header of type %s may have leading zeros', async (type) => {
    const got = await scan(
      paxHeader(type, ['size', '700'.padStart(40, '0')]),
      tarMember({ size: 0 }, data(700)),
      END_OF_ARCHIVE,
    );
    expect(got.records[1]?.dataLength).toBe(700);
  });

  it('of a pax header count across a long name between it and the member', async () => {
    const got = await scan(
      paxHeader('x', ['size', '700']),
      tarMember({ type: 'L' }, Buffer.from('long\0')),
      tarMember({ size: 0 }, data(700)),
    );
    expect(got.records.at(-1)?.dataLength).toBe(700);
    expect(got.records[1]?.meta.toString()).toBe('long\0');
  });

  it('of a global pax header override all that follow, until taken back', async () => {
    const { records } = await scan(
      paxHeader('g', ['size', '5']),
      tarMember({ size: 0 }, data(5)),
      tarMember({ size: 0 }, data(5)),
      paxHeader('x', ['size', '6']),
      tarMember({ size: 0 }, data(6)),
      paxHeader('g', ['size', '']),
      tarMember({}, data(7)),
    );
    expect(records.filter((r) => r.type === '0').map((r) => r.dataLength)).toEqual([5, 5, 6, 7]);
  });

  it('that are negative, no number, or past 2^53 are errors at the field', async () => {
    const negative = Buffer.alloc(12, 0xff);
    expect(await failure(tarHeader({ size: negative }))).toMatchObject({ offset: 124, unit: 'tar' });
    const letters = await failure(tarHeader({}), tarHeader({ size: Buffer.from('00000zz0000\0') }));
    expect(letters).toMatchObject({ offset: 636, found: '"00000zz0000\\x00"' });
    const huge = Buffer.from([0x80, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0]);
    expect(await failure(tarHeader({ size: huge }))).toMatchObject({ offset: 124 });
  });

  it('that reach past the end are errors that name member, found and expected', async () => {
    const error = await failure(tarMember({}, data(700)), tarHeader({ size: 5000 }), data(100));
    expect(error).toMatchObject({ offset: 2148, unit: 'tar', found: 'the end of the tar' });
    expect(error.expected).toBe("4900 more bytes of a member's data (5000 bytes, header at 1536)");
  });
});

describe('extended headers', () => {
  it('hand their payload over', async () => {
    const { records } = await scan(
      paxHeader('x', ['path', 'a'], ['SCHILY.xattr.user.x', 'y\nz=']),
      tarMember({}),
    );
    expect(records[0]?.meta.toString()).toBe('9 path=a\n28 SCHILY.xattr.user.x=y\nz=\n');
  });

  it('are bounded before anything is allocated', async () => {
    const error = await failure(tarHeader({ type: 'x', size: 2 ** 30 }));
    expect(error).toMatchObject({ offset: 0, expected: 'at most 4194304' });
    expect(error.found).toBe('an extended header of type x with 1073741824 bytes');
    expect(await failure(tarHeader({ type: 'L', size: 2 ** 21 }))).toMatchObject({
      expected: 'at most 1048576',
    });
  });

  it('with malformed pax records are errors at the record', async () => {
    const good = '12 size=700\n';
    for (const bad of [
      'x',
      '5 a=b\n',
      '99 a=b\n',
      '5 ab\n',
      '0 a=b\n',
      '6 =ab\n',
      ' a=b\n',
      '9 size=x\n',
      '-6 a=b\n',
    ]) {
      const member = tarMember({ type: 'x' }, Buffer.from(good + bad));
      expect(await failure(member), bad).toMatchObject({ offset: 512 + good.length });
    }
  });

  it('of old GNU sparse files reach over extension blocks', async () => {
    const header = tarHeader({ type: 'S', size: 10 });
    header[482] = 1;
    const first = data(512);
    first[504] = 1;
    const second = data(512);
    second[504] = 0;
    const { records } = await scan(
      withChecksum(header),
      first,
      second,
      padded(data(10)),
      tarMember({ name: 'b' }),
    );
    expect(records[0]).toMatchObject({ dataOffset: 1536, dataLength: 10 });
    expect(records[0]?.meta).toEqual(Buffer.concat([first, second]));
    expect(records[1]).toMatchObject({ name: 'b', headerOffset: 2048 });
  });
});

describe('the end of an archive', () => {
  const member = tarMember({}, data(5));

  it('may be two zero blocks, one, none, or missing padding', async () => {
    for (const end of [END_OF_ARCHIVE, Buffer.alloc(512), Buffer.alloc(0)]) {
      expect((await scan(member, end)).records).toHaveLength(1);
    }
    expect((await scan(member.subarray(0, 517))).records).toHaveLength(1);
  });

  it('may be the beginning: no bytes, or 1,024 zero bytes', async () => {
    expect((await scan()).records).toEqual([]);
    expect((await scan(END_OF_ARCHIVE)).result.tarSize).toBe(1024);
  });

  it('is followed by anything: hashed, not parsed', async () => {
    const { records, result } = await scan(member, END_OF_ARCHIVE, data(777));
    expect(records).toHaveLength(1);
    expect(result.tarSize).toBe(1024 + 1024 + 777);
  });

  it('may be padded with 21 zero blocks, as GNU tar fills a record', async () => {
    const { records, result } = await scan(member, Buffer.alloc(21 * 512));
    expect(records).toHaveLength(1);
    expect(result.tarSize).toBe(1024 + 21 * 512);
  });

  it('inside a header block is an error', async () => {
    expect(await failure(member, data(100))).toMatchObject({ offset: 1124, found: 'the end of the tar' });
  });
});

describe('the padding after the data of a member', () => {
  const dirty = (length: number): Buffer => {
    const member = tarMember({}, data(length));
    member[member.length - 1] = 1;
    return member;
  };

  it('is noted in the next record, or in the result, if all of it is zeros', async () => {
    const members = [tarMember({}, data(700)), dirty(700), tarMember({}, data(512)), dirty(1)];
    const { records, result } = await scan(...members, END_OF_ARCHIVE);
    expect(records.map(({ isTailClean }) => isTailClean)).toEqual([true, true, false, true]);
    expect(result.isLastTailClean).toBe(false);
    expect((await scan(...members, tarMember({}, data(3)), END_OF_ARCHIVE)).result.isLastTailClean).toBe(
      true,
    );
  });

  it('is not noted where the tar ends within it', async () => {
    const { result } = await scan(tarMember({}, data(700)).subarray(0, 1500));
    expect(result.isLastTailClean).toBe(false);
  });

  it('is noted before an extended header, too', async () => {
    const { records } = await scan(
      tarMember({}, data(700)),
      paxHeader('x', ['path', 'x']),
      tarMember({}, data(1)),
      END_OF_ARCHIVE,
    );
    expect(records.map(({ isTailClean }) => isTailClean)).toEqual([true, true, true]);
  });
});

it('a block with a wrong checksum is an error at that block', async () => {
  const bad = tarHeader({});
  bad[0] = 0x7a;
  expect(await failure(tarMember({}, data(5)), bad)).toMatchObject({
    offset: 1024,
    found: 'a block whose checksum is wrong',
    expected: 'a tar header',
  });
});

it('a checksum of signed bytes counts too', async () => {
  const header = tarHeader({ name: '\xff\xfe' });
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + ((byte << 24) >> 24), 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  expect((await scan(header)).records).toHaveLength(1);
});

it('a small buffer is filled with whole records, one too small for a record is an error', async () => {
  const path = join(directory, 'many.tar');
  writeFileSync(
    path,
    Buffer.concat(Array.from({ length: 100 }, (_, i) => tarMember({ name: `f${i}` }, data(i)))),
  );
  const { records } = await runScan(path, 'none', {}, 1200);
  expect(records.map((r) => r.name)).toEqual(Array.from({ length: 100 }, (_, i) => `f${i}`));
  await expect(runScan(path, 'none', {}, 100)).rejects.toThrow('too small');
});
