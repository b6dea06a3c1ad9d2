// chattr +a: an append-only file of the upper can only be written with O_APPEND, as open(2) says.
import { constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EPERM } from '../../../src/vfs/errno.ts';
import { bytesOf } from '../../../src/vfs/names.ts';
import { OpenFile } from '../../../src/vfs/operation.ts';
import { describeWith } from '../../requirements.ts';
import { file, layer } from '../../tree/layer-maker.ts';
import { MemoryReader } from '../memory-reader.ts';
import { Bench, check } from '../writable.ts';

/** FS_APPEND_FL of linux/fs.h. */
const APPEND = 0x20;
const { O_WRONLY, O_APPEND } = constants;

describeWith(['root'], 'an append-only file', () => {
  it('can be opened with O_APPEND, and not for writing without it', async () => {
    const bench = new Bench([layer({ f: file() })], [new MemoryReader(Buffer.alloc(0))]);
    try {
      await bench.write('f', 'one ');
      const node = bench.node('f');
      const call = bench.call();
      const open = (flags: number): Promise<number> =>
        Promise.resolve(bench.overlay.open(node, flags, false, call, new OpenFile()));
      check(await bench.overlay.setFlags(node, APPEND, call), 'setFlags');
      try {
        // The kernel checks this on the upper file itself.
        expect(() => writeFileSync(join(bench.upper, 'f'), 'x', { flag: 'r+' })).toThrow('EPERM');
        expect(await open(O_WRONLY)).toBe(-EPERM);
        check(await open(O_WRONLY | O_APPEND), 'open');
        expect(await open(O_WRONLY)).toBe(-EPERM);
        check(bench.overlay.write(node, 4, bytesOf('two'), undefined), 'write');
        bench.overlay.release(node);
        expect(await open(O_WRONLY)).toBe(-EPERM);
        expect(readFileSync(join(bench.upper, 'f'), 'latin1')).toBe('one two');
      } finally {
        check(await bench.overlay.setFlags(node, 0, call), 'setFlags');
      }
      check(await open(O_WRONLY), 'open');
      bench.overlay.release(node);
    } finally {
      await bench.close();
    }
  });
});
