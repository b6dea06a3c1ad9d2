// What a mount says of itself is foreign input: any user may mount a FUSE file system that answers what it likes.
import { EINVAL } from '../../vfs/errno.ts';
import type { MountAnswer } from './mounts.ts';

/** Milliseconds: more is no date. */
const MAX_NUMBER = 8.64e15;

const NUMBERS = ['pid', 'started', 'layers'];
const OPTIONAL_TEXTS = [
  ...['imageId', 'layersId', 'upper', 'work', 'upperMarks', 'directory', 'platform', 'layer', 'upto'],
  ...['ownerKeeping', 'directoryMarks'],
];

/** `answer`, or that it was refused, where what it says has not the types of MountFacts. */
export function checkFacts(answer: MountAnswer): MountAnswer {
  return answer.kind !== 'answered' || isFacts(answer.json) ? answer : { kind: 'refused', errno: -EINVAL };
}

function isFacts(json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return false;
  const fields = json as Readonly<Record<string, unknown>>;
  const { names = [], size = 0, source } = fields;
  return (
    [...NUMBERS.map((name) => fields[name]), size].every(isNumber) &&
    [source, ...OPTIONAL_TEXTS.map((name) => fields[name] ?? '')].every(isText) &&
    Array.isArray(names) &&
    names.every(isText)
  );
}

function isNumber(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_NUMBER;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
