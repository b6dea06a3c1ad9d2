// The filters of containerd's List.
import { expect, it } from 'vitest';
import { parseFilters } from '../../src/snapshotter/filters.ts';
import type { Snapshot } from '../../src/snapshotter/snapshot.ts';

const snapshot: Snapshot = {
  ...{ id: 1, name: 'default/1/a b', parent: '', kind: 'committed', createdAt: 0, updatedAt: 0 },
  labels: { 'containerd.io/snapshot.ref': 'sha256:ab', short: 'x,y' },
};

it.each([
  [[], true],
  [[''], true],
  [['name=="default/1/a b"'], true],
  [['kind==committed,parent==""'], true],
  [['kind==active', 'kind==committed'], true],
  [['kind==active,parent==""'], false],
  [['labels."containerd.io/snapshot.ref"==sha256:ab,parent==""'], true],
  [['labels."containerd.io/snapshot.ref"==sha256:ac'], false],
  [['labels.short=="x,y"'], true],
  [['labels.short'], true],
  [['labels.missing'], false],
  [['labels.constructor'], false],
  [['labels.short!=z'], true],
  [['name~=/^default\\/\\d/'], true],
  [['name~="^other"'], false],
  [['size==1'], false],
])('%j takes the snapshot: %j', (filters, expected) => {
  expect(parseFilters(filters)(snapshot)).toBe(expected);
});

it.each(['==x', 'name==a b', 'name~=/(/', 'labels.', 'name=x'])('%j is refused', (filter) => {
  expect(() => parseFilters([filter])).toThrow('expected');
});
