// The journal and the table of snapshots: what is found again, and what is refused.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../src/snapshotter/journal.ts';
import { SnapshotTable } from '../../src/snapshotter/snapshot-table.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-journal-'));
  path = join(directory, 'journal');
});
afterEach(() => rmSync(directory, { recursive: true }));

function openTable(): SnapshotTable {
  const { journal, snapshots } = Journal.open(path);
  return new SnapshotTable(journal, snapshots, () => 7);
}

/** base (committed) <- work (active); another is removed. */
function fill(table: SnapshotTable): void {
  const create = (name: string, parent: string): void =>
    void table.create({ id: table.nextId(), name, parent, kind: 'active', labels: { a: 'b' } });
  create('first', '');
  table.commit('base', 'first', { c: 'd' }, { size: 1, inodes: 2 });
  create('work', 'base');
  create('other', '');
  table.remove('other');
}

describe('the journal', () => {
  it('has all snapshots when it is opened again', () => {
    const table = openTable();
    fill(table);
    expect(openTable().all).toEqual(table.all);
    expect(table.all.map(({ id, name, kind }) => ({ id, name, kind }))).toEqual([
      { id: 1, name: 'base', kind: 'committed' },
      { id: 2, name: 'work', kind: 'active' },
    ]);
  });

  it('gives, wherever it is cut, the snapshots of the lines that are whole', () => {
    fill(openTable());
    const whole = readFileSync(path);
    const firstLine = whole.indexOf('\n') + 1;
    for (let size = whole.length; size >= firstLine; size--) {
      writeFileSync(path, whole);
      truncateSync(path, size);
      const lines = whole.subarray(0, size).toString().split('\n').slice(1, -1);
      const last = new Map<number, object>();
      for (const line of lines) {
        const { put, remove } = JSON.parse(line) as { put?: { id: number }; remove?: number };
        if (put !== undefined) last.set(put.id, put);
        else last.delete(remove ?? 0);
      }
      expect(openTable().all).toEqual([...last.values()]);
      expect(readFileSync(path, 'utf8').endsWith('\n')).toBe(true);
    }
  });

  it('is refused if a line is damaged', () => {
    fill(openTable());
    appendFileSync(path, '{"put":{"id":"x"}}\n');
    expect(openTable).toThrow('line 7: is not a change of a snapshot');
    writeFileSync(path, '{"format":2}\n');
    expect(openTable).toThrow('found another format');
  });

  it('is written anew when most of it is out of date', () => {
    const table = openTable();
    fill(table);
    for (let i = 0; i < 1100; i++) table.update('base', { i: String(i) }, []);
    expect(openTable().get('base').labels).toEqual({ i: '1099' });
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(4);
  });
});

describe('a table of snapshots', () => {
  it('refuses what containerd forbids', () => {
    const table = openTable();
    fill(table);
    expect(() => table.requireNew('base', '')).toThrow('already exists');
    expect(() => table.requireNew('new', 'work')).toThrow('is not a committed snapshot');
    expect(() => table.requireNew('new', 'missing')).toThrow('does not exist');
    expect(() => table.remove('base')).toThrow('has the child work');
    expect(() => table.requireCommittable('new', 'base')).toThrow('is not active');
    expect(() => table.update('base', {}, ['kind'])).toThrow('only labels can be changed');
    expect(() => table.update('base', {}, ['labels.'])).toThrow('only labels can be changed');
  });

  it('changes the labels that a field mask names', () => {
    const table = openTable();
    fill(table);
    table.update('work', { x: 'y', z: '1' }, ['labels.x']);
    expect(table.get('work').labels).toEqual({ a: 'b', x: 'y' });
    table.update('work', {}, ['labels.a']);
    expect(table.get('work').labels).toEqual({ x: 'y' });
    table.update('work', { n: 'm' }, ['labels']);
    expect(openTable().get('work').labels).toEqual({ n: 'm' });
  });

  it('knows the chain of a snapshot', () => {
    const table = openTable();
    fill(table);
    expect(table.chainOf('work').map(({ name }) => name)).toEqual(['work', 'base']);
  });
});
