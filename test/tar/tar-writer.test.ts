// Single members. Whole trees are written and read again in test/inspect/export-tar.test.ts.
import { describe, expect, it } from 'vitest';
import { paxRecord, paxTime } from '../../src/tar/pax-records.ts';
import { TarWriter, type WrittenMember } from '../../src/tar/tar-writer.ts';
import { readMember } from './read-members.ts';

const plain: WrittenMember = {
  path: Buffer.from('name'),
  mode: 0o100644,
  uid: 0,
  gid: 0,
  mtimeSec: 0,
  mtimeNsec: 0,
  rdevMajor: 0,
  rdevMinor: 0,
  size: 0,
  link: undefined,
  isHardLink: false,
  xattrs: [],
  pieces: undefined,
};

async function* bytesOf(...texts: string[]): AsyncGenerator<Uint8Array, void> {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text));
}

async function tarOf(member: Partial<WrittenMember>, ...content: string[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const writer = new TarWriter((bytes) => {
    chunks.push(bytes);
    return Promise.resolve();
  });
  await writer.add({ ...plain, ...member }, content.length === 0 ? undefined : bytesOf(...content));
  await writer.finish();
  return Buffer.concat(chunks);
}

describe('a pax record', () => {
  it.each([
    ['a', 'b', '6 a=b\n'],
    ['key', 'v', '8 key=v\n'],
    ['path', 'x'.repeat(89), `98 path=${'x'.repeat(89)}\n`],
    ['path', 'x'.repeat(90), `99 path=${'x'.repeat(90)}\n`],
    ['path', 'x'.repeat(91), `101 path=${'x'.repeat(91)}\n`],
  ])('counts its own length: %s=%s', (key, value, record) => {
    expect(paxRecord(key, value).toString()).toBe(record);
    expect(paxRecord(key, value)).toHaveLength(parseInt(record));
  });

  it.each([
    [0, 0, '0'],
    [5, 1, '5.000000001'],
    [5, 500_000_000, '5.5'],
    [-1, 0, '-1'],
    [-1, 500_000_000, '-0.5'],
    [-2, 999_999_999, '-1.000000001'],
    [4_102_444_800, 0, '4102444800'],
  ])('writes a time: %d s and %d ns', (sec, nsec, text) => {
    expect(paxTime(sec, nsec)).toBe(text);
  });
});

describe('a written member', () => {
  it('needs no extended header where ustar says all', async () => {
    const tar = await tarOf({ size: 5 }, 'he', 'llo');
    expect(tar).toHaveLength(512 + 512 + 1024);
    expect(tar.toString('latin1', 512, 517)).toBe('hello');
    expect(tar[156]).toBe('0'.charCodeAt(0));
  });

  it('keeps mode 0', async () => {
    expect((await tarOf({ mode: 0o100000 })).toString('latin1', 100, 108)).toBe('0000000\0');
  });

  it.each([
    ['less', ['12']],
    ['more', ['12', '345']],
  ])('fails if its content has %s bytes than it says', async (_, content) => {
    await expect(tarOf({ size: 3 }, ...content)).rejects.toThrow('differs from its size, 3 bytes');
  });

  it('gives a symlink the mode 0777, as GNU tar does', async () => {
    const tar = await tarOf({ mode: 0o120644, link: Buffer.from('to') });
    expect(tar.toString('latin1', 100, 108)).toBe('0000777\0');
  });

  it('writes names that are not UTF-8, and long ones, byte for byte', async () => {
    for (const path of [Buffer.from([0xff, 0x41, 0x80]), Buffer.from(`d/${'x'.repeat(99)}`)]) {
      const member = readMember(await tarOf({ path, size: 1 }, 'x'));
      expect(member.path).toBe(path.toString('latin1'));
    }
  });

  it('keeps xattrs byte for byte', async () => {
    const value = Buffer.from([1, 0, 0xff, 0x0a]);
    const tar = await tarOf({ xattrs: [[Buffer.from('security.capability'), value]] });
    expect(tar.includes(Buffer.concat([Buffer.from('SCHILY.xattr.security.capability='), value]))).toBe(true);
  });

  it('fails with what its receiver throws', async () => {
    const writer = new TarWriter(() => Promise.reject(new Error('disk full')));
    const write = async (): Promise<void> => {
      for (let n = 0; n < 20_000; n++) await writer.add(plain);
      await writer.finish();
    };
    await expect(write()).rejects.toThrow('disk full');
  });

  it('waits for a slow receiver: little is in memory', async () => {
    let taken = 0;
    const writer = new TarWriter(async (bytes) => {
      await new Promise((resolve) => setImmediate(resolve));
      taken += bytes.length;
    });
    for (let n = 0; n < 20_000; n++) {
      await writer.add(plain);
      expect(512 * n - taken).toBeLessThan(8 << 20);
    }
    await writer.finish();
    expect(taken).toBe(20_000 * 512 + 1024);
  });
});
