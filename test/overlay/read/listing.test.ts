import { describe, expect, test } from 'vitest';
import { Overlay } from '../../../src/overlay/read/overlay.ts';
import { buildTree } from '../../../src/tree/merge.ts';
import { Attr, S_IFDIR, S_IFREG } from '../../../src/vfs/attr.ts';
import { type DirectorySink, type Entry, type NodeId, ROOT_NODE_ID } from '../../../src/vfs/filesystem.ts';
import { directory, file, implicit, layer } from '../../tree/layer-maker.ts';
import { latin1 } from '../../tree/tree-dump.ts';
import { MemoryReader } from '../memory-reader.ts';

interface Listed {
  name: string;
  cookie: number;
  nodeId: number;
  attr: Attr;
}

/** A sink for at most `room` entries. */
class ListSink implements DirectorySink {
  readonly wantsAttributes: boolean;
  readonly listed: Listed[] = [];
  readonly #room: number;

  constructor(wantsAttributes: boolean, room = Infinity) {
    this.wantsAttributes = wantsAttributes;
    this.#room = room;
  }

  add(names: Uint8Array, start: number, end: number, cookie: number, entry: Entry): boolean {
    if (this.listed.length >= this.#room) return false;
    const name = latin1(names.subarray(start, end));
    this.listed.push({ name, cookie, nodeId: entry.nodeId, attr: Object.assign(new Attr(), entry.attr) });
    return true;
  }
}

const overlay = new Overlay({
  tree: buildTree([
    layer({ d: directory({ b: file({ size: 5 }), e: directory() }), a: file() }),
    layer({ d: implicit({ a: file({ size: 6 }), '\xff': file(), c: file() }) }),
  ]),
  readers: [new MemoryReader(new Uint8Array()), new MemoryReader(new Uint8Array())],
});

function nodeOf(path: string): NodeId {
  const entry: Entry = { nodeId: ROOT_NODE_ID, generation: 0, attr: new Attr() };
  for (const name of path.split('/')) {
    expect(overlay.lookup(entry.nodeId, Buffer.from(name, 'latin1'), entry)).toBe(0);
  }
  return entry.nodeId;
}

function list(node: NodeId, cookie: number, sink: ListSink): Listed[] {
  expect(overlay.readdir(node, cookie, sink)).toBe(0);
  return sink.listed;
}

describe('readdir', () => {
  test('lists ".", "..", then the children of all layers in order, each with the offset after it', () => {
    const listed = list(nodeOf('d'), 0, new ListSink(true));
    expect(listed.map(({ name, cookie }) => [name, cookie])).toEqual([
      ['.', 1],
      ['..', 2],
      ['a', 3],
      ['b', 4],
      ['c', 5],
      ['e', 6],
      ['\xff', 7],
    ]);
  });

  test('lists "." and ".." with inode numbers but no node ID; ".." of the root is the root', () => {
    const listed = list(nodeOf('d'), 0, new ListSink(true));
    expect(listed.slice(0, 2).map(({ attr, nodeId }) => [attr.ino, attr.mode, nodeId])).toEqual([
      [nodeOf('d'), S_IFDIR | 0o755, 0],
      [1, S_IFDIR | 0o755, 0],
    ]);
    expect(list(nodeOf('d/e'), 0, new ListSink(false))[1]?.attr.ino).toBe(nodeOf('d'));
    expect(list(ROOT_NODE_ID, 0, new ListSink(false)).map(({ attr }) => attr.ino)).toEqual([
      1,
      1,
      nodeOf('a'),
      nodeOf('d'),
    ]);
  });

  test('returns the same attributes as lookup, if attributes are requested', () => {
    for (const { name, attr, nodeId } of list(nodeOf('d'), 2, new ListSink(true))) {
      const entry: Entry = { nodeId: 0 as NodeId, generation: 0, attr: new Attr() };
      expect(overlay.lookup(nodeOf('d'), Buffer.from(name, 'latin1'), entry)).toBe(0);
      expect({ nodeId, attr }).toEqual({ nodeId: entry.nodeId, attr: entry.attr });
    }
  });

  test('returns inode number and type, if no attributes are requested', () => {
    const [first] = list(nodeOf('d'), 3, new ListSink(false));
    expect(first).toMatchObject({ name: 'b', nodeId: nodeOf('d/b') });
    expect([first?.attr.ino, first?.attr.mode]).toEqual([nodeOf('d/b'), S_IFREG | 0o644]);
  });

  test('continues after any cookie, and lists every name once when buffers are full', () => {
    const whole = list(nodeOf('d'), 0, new ListSink(true));
    for (const room of [1, 2, 3]) {
      const pieces: Listed[] = [];
      for (let cookie = 0; ; cookie = pieces.at(-1)?.cookie ?? 0) {
        const piece = list(nodeOf('d'), cookie, new ListSink(true, room));
        if (piece.length === 0) break;
        pieces.push(...piece);
      }
      expect(pieces).toEqual(whole);
    }
  });

  test('lists nothing for a cookie past the end', () => {
    expect(list(nodeOf('d'), 7, new ListSink(true))).toEqual([]);
    expect(list(nodeOf('d'), 2 ** 40, new ListSink(true))).toEqual([]);
  });

  test('lists 100,000 entries in pages without missing one', () => {
    const names = Array.from({ length: 100_000 }, (_, n) => `n${String(n).padStart(6, '0')}`);
    const big = new Overlay({
      tree: buildTree([layer(Object.fromEntries(names.map((name) => [name, file()])))]),
      readers: [new MemoryReader(new Uint8Array())],
    });
    const found: string[] = [];
    for (let cookie = 2; cookie < 100_002;) {
      const sink = new ListSink(false, 997);
      expect(big.readdir(ROOT_NODE_ID, cookie, sink)).toBe(0);
      found.push(...sink.listed.map(({ name }) => name));
      cookie = sink.listed.at(-1)?.cookie ?? Infinity;
    }
    expect(found).toEqual(names);
  });
});
