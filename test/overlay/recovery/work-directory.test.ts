// Recovery by the next mount of files that a killed daemon has left in the work directory.
import {
  closeSync,
  constants,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { mkdirAt, openAt } from '../../../src/sys/upper-calls.ts';
import { directory, file, layer, link } from '../../tree/layer-maker.ts';
import { MemoryReader } from '../memory-reader.ts';
import { Bench, check, settle } from '../writable.ts';

const benches: Bench[] = [];
function open(): Bench {
  const bench = new Bench(
    [layer({ d: directory({ f: file({ size: 10 }) }) }), layer({ hard: link('d/f') })],
    [new MemoryReader(Buffer.alloc(4096, 'lower')), new MemoryReader(Buffer.alloc(0))],
  );
  benches.push(bench);
  return bench;
}
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

/** Copies up the metadata of the file that has two names, and removes one of its links, as if it was never created. */
async function copyHalf(bench: Bench): Promise<void> {
  const { attr } = bench.newEntry();
  await settle(bench.overlay.setattr(bench.node('d/f'), { mode: 0o600 }, bench.call(), attr));
  rmSync(join(bench.upper, 'hard'));
}

test('unfinished files and directories are removed', async () => {
  const bench = open();
  const work = join(bench.work, 'work');
  mkdirSync(join(work, '#1.0/a/b'), { recursive: true });
  writeFileSync(join(work, '#1.0/a/file'), '');
  writeFileSync(join(work, '#1.1'), '');
  await bench.remount();
  expect(readdirSync(work)).toEqual([]);
});

test('a directory that is deeper than PATH_MAX is removed', async () => {
  const bench = open();
  const work = join(bench.work, 'work');
  const name = Buffer.from('#deep');
  let fd = openSync(work, constants.O_RDONLY | constants.O_DIRECTORY);
  for (let depth = 0; depth < 1000; depth++) {
    check(mkdirAt(fd, name, 0o700, 0), 'mkdirat');
    const child = check(openAt(fd, name, constants.O_RDONLY | constants.O_DIRECTORY), 'openat');
    closeSync(fd);
    fd = child;
  }
  closeSync(fd);
  await bench.remount();
  expect(readdirSync(work)).toEqual([]);
});

test('the copy of an inode that has only some of its names gets the others', async () => {
  const bench = open();
  await copyHalf(bench);
  linkSync(join(bench.upper, 'd/f'), join(bench.work, 'work/#1.0'));
  await bench.remount();
  expect(statSync(join(bench.upper, 'hard')).ino).toBe(statSync(join(bench.upper, 'd/f')).ino);
  expect(readdirSync(join(bench.work, 'work'))).toEqual([]);
  expect(bench.lookup('hard').attr).toMatchObject({ nlink: 2, ino: bench.lookup('d/f').attr.ino });
});

test("an inode that was copied up under one name gets all its names if the kernel's index has entries", async () => {
  const bench = open();
  await copyHalf(bench);
  mkdirSync(join(bench.work, 'index'));
  writeFileSync(join(bench.work, 'index/00fb'), '');
  await bench.remount();
  expect(statSync(join(bench.upper, 'hard')).ino).toBe(statSync(join(bench.upper, 'd/f')).ino);
  expect(readdirSync(join(bench.work, 'index'))).toEqual(['00fb']);
});
