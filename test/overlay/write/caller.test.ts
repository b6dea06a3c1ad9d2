// The IDs in /proc of a caller whose request does not have them. The caller is this process.
import { expect, it } from 'vitest';
import { isInGroup, isRootCall } from '../../../src/overlay/write/caller.ts';
import { Call, UNKNOWN_ID } from '../../../src/vfs/operation.ts';

const unnamed = new Call(UNKNOWN_ID, UNKNOWN_ID, process.pid);
const gone = new Call(UNKNOWN_ID, UNKNOWN_ID, 0);

it('a caller without IDs in the request is looked up by its process ID', () => {
  expect(isRootCall(unnamed)).toBe(process.geteuid?.() === 0);
  expect(isInGroup(unnamed, process.getegid?.() ?? -1)).toBe(true);
  for (const group of process.getgroups?.() ?? []) expect(isInGroup(unnamed, group)).toBe(true);
  expect(isInGroup(unnamed, 4_000_000)).toBe(false);
});

it('a caller without a visible process has no privileges and no groups', () => {
  expect(isRootCall(gone)).toBe(false);
  expect(isInGroup(gone, 0)).toBe(false);
});

it('the IDs of a request are used if it has them', () => {
  expect(isRootCall(new Call(0, 0, 0))).toBe(true);
  expect(isRootCall(new Call(1000, 0, process.pid))).toBe(false);
  expect(isInGroup(new Call(1000, 7, 0), 7)).toBe(true);
});
