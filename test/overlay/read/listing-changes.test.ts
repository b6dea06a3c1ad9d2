// A directory is listed in many small pages while names are added and removed: every name that stays is listed exactly once.
import { afterEach, describe, expect, test } from 'vitest';
import type { DirectorySink } from '../../../src/vfs/filesystem.ts';
import { latin1Of } from '../../../src/vfs/names.ts';
import { directory, file, layer } from '../../tree/layer-maker.ts';
import { MemoryReader } from '../memory-reader.ts';
import { Bench, check } from '../writable.ts';

const COUNT = 300;
const PAGE = 7;
const name = (kind: string, i: number): string => `${kind}${String(i).padStart(3, '0')}`;

let bench: Bench;
afterEach(() => bench.close());

function open(): Bench {
  const files = Object.fromEntries(
    Array.from({ length: COUNT }, (_, i) => [name('l', i), file({ size: 1 })]),
  );
  bench = new Bench([layer({ d: directory(files) })], [new MemoryReader(new Uint8Array(4096))]);
  return bench;
}

/** One page from `cookie`: the names, and the cookie after the last one. */
function page(cookie: number): { readonly names: string[]; readonly next: number } {
  const names: string[] = [];
  let next = cookie;
  const sink: DirectorySink = {
    wantsAttributes: false,
    add: (bytes, start, end, behind) => {
      if (names.length === PAGE) return false;
      names.push(latin1Of(bytes.subarray(start, end)));
      next = behind;
      return true;
    },
  };
  check(bench.overlay.readdir(bench.node('d'), cookie, sink), 'readdir');
  return { names, next };
}

/** Lists all, calling `between` after each page with its number. */
async function listWhile(between: (number: number) => Promise<void> | void): Promise<string[]> {
  const all: string[] = [];
  for (let cookie = 0, number = 0; ; number++) {
    const { names, next } = page(cookie);
    if (names.length === 0) return all;
    all.push(...names);
    cookie = next;
    await between(number);
  }
}

const unlink = (path: string): void => {
  check(
    bench.at(path, (parent, last) => bench.overlay.unlink(parent, last)),
    'unlink',
  );
};

describe('a listing in progress', () => {
  test('continues at the same name when the directory gets its first change', async () => {
    open();
    const listed = await listWhile((number) => (number === 3 ? bench.write('d/new', 'x') : undefined));
    expect(listed.length).toBe(new Set(listed).size);
    expect(listed).toEqual(expect.arrayContaining([name('l', 0), name('l', 150), name('l', 299), 'new']));
    expect(listed.length).toBe(COUNT + 3);
  });

  test('shows each name that stays once while others are added and removed before and after it', async () => {
    open();
    for (let i = 0; i < COUNT; i++) await bench.write(`d/${name('u', i)}`, 'x');
    const gone = new Set<string>();
    const listed = await listWhile(async (number) => {
      // A listing never ends if names are added after each page.
      if (number > 60) return;
      for (const kind of ['l', 'u']) {
        const victim = name(kind, (number * 37) % COUNT);
        if (!gone.has(victim)) unlink(`d/${victim}`);
        gone.add(victim);
      }
      await bench.write(`d/${name('n', number)}`, 'x');
    });
    expect(listed.length).toBe(new Set(listed).size);
    for (const kind of ['l', 'u']) {
      for (let i = 0; i < COUNT; i++) {
        if (!gone.has(name(kind, i))) expect(listed).toContain(name(kind, i));
      }
    }
  });

  test('can go back to an earlier cookie (seekdir), also after removals', async () => {
    open();
    for (let i = 0; i < 200; i++) await bench.write(`d/${name('u', i)}`, 'x');
    let { next } = page(0);
    for (let i = 0; i < 60; i++) ({ next } = page(next));
    const { names } = page(next);
    for (let i = 0; i < 100; i++) if (!names.includes(name('u', i))) unlink(`d/${name('u', i)}`);
    expect(page(next).names).toEqual(names);
  });
});
