// Two framers find the members of a tar: the native scan (native/addon/tar_framer.cc), for layers, and visitMembers, for
// outer tars. They must agree on every tar, since an archive is sniffed by one and read by the other.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { visitMembers } from '../../src/image/tar-members.ts';
import { MemberReader } from '../../src/tar/member.ts';
import { FormatError } from '../../src/vfs/input-error.ts';
import { describeWith } from '../requirements.ts';
import { runScan } from '../sys/run-scan.ts';
import { Random } from '../tree/random.ts';
import { randomTar } from './random-tars.ts';

/** Name, offset of the data, stored length. */
type Found = readonly [name: string, dataOffset: number, length: number];

let directory: string;
let path: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-framers-'));
  path = join(directory, 'random.tar');
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The members by the native scan, interpreted by MemberReader; 'malformed' if either refuses the tar. */
async function scanned(compression: 'none' | 'gzip' = 'none'): Promise<Found[] | 'malformed'> {
  const reader = new MemberReader('random.tar');
  const members: Found[] = [];
  try {
    const { records } = await runScan(path, compression);
    for (const { header, meta, headerOffset, dataOffset, dataLength } of records) {
      const bytes = Buffer.concat([header, meta]);
      const frame = { bytes, header: 0, offset: headerOffset, dataOffset, dataLength };
      if (!reader.read({ ...frame, meta: header.length, metaLength: meta.length })) continue;
      const { member } = reader;
      members.push([
        Buffer.from(member.path.subarray(0, member.pathLength)).toString(),
        dataOffset,
        dataLength,
      ]);
    }
    return members;
  } catch (error) {
    const isMalformed = error instanceof FormatError || (error as { code?: string }).code === 'SCAN';
    if (!isMalformed) throw error;
    return 'malformed';
  }
}

/** The members by visitMembers. */
async function visited(): Promise<Found[] | 'malformed'> {
  const members: Found[] = [];
  try {
    await visitMembers(path, path, ({ name, offset, length }) => {
      members.push([name, offset, length]);
      return true;
    });
    return members;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return 'malformed';
  }
}

it.each([1, 2, 3, 4])('agree on random tars, hostile ones among them (seed %i)', async (seed) => {
  const random = new Random(seed);
  let [wellFormed, malformed] = [0, 0];
  for (let i = 0; i < 1000; i++) {
    const tar = randomTar(random);
    writeFileSync(path, tar);
    const members = await visited();
    expect(await scanned(), `seed ${seed}, tar ${i}: ${tar.toString('base64')}`).toEqual(members);
    if (members === 'malformed') malformed++;
    else wellFormed++;
  }
  // Both kinds must occur often, or the test shows little.
  expect(Math.min(wellFormed, malformed)).toBeGreaterThan(100);
});

describeWith([{ program: 'python3' }], "Python's tarfile", () => {
  it.each(['ustar', 'gnu', 'pax'].flatMap((form) => [1, 2, 3].map((seed) => [form, seed] as const)))(
    'finds the same members in a tar of format %s (seed %i)',
    async (form, seed) => {
      const script = new URL('list-tar.py', import.meta.url).pathname;
      const expected = JSON.parse(
        execFileSync('python3', [script, String(seed), form, path], { encoding: 'utf8' }),
      ) as Found[];
      expect(expected).toHaveLength(40);
      expect(await visited()).toEqual(expected);
      expect(await scanned()).toEqual(expected);
    },
  );
});

describeWith([{ program: 'tar' }], 'GNU tar', () => {
  it.each(['gnu', 'posix', 'ustar', 'v7', 'oldgnu'])(
    'writes members that both find (format %s)',
    async (form) => {
      for (const [name, size] of [
        ['empty', 0],
        ['small', 5],
        ['block', 512],
        ['large', 70_000],
      ] as const) {
        writeFileSync(join(directory, name), Buffer.alloc(size, name));
      }
      const args = ['--sort=name', `--format=${form}`, '-C', directory, '-cf', path];
      execFileSync('tar', [...args, 'empty', 'small', 'block', 'large']);
      const members = await scanned();
      expect(members).toEqual(await visited());
      expect(members).toHaveLength(4);
      const tar = readFileSync(path);
      for (const [name, offset, length] of members as Found[]) {
        expect(tar.subarray(offset, offset + length)).toEqual(readFileSync(join(directory, name)));
      }
    },
  );
});
