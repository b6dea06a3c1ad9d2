// The description of an option with its choices and its default, the same in help and manual pages.
import type { Option } from 'commander';

/** Commander's text without quotes: "what a cold run must read (one of disk, memory; default: disk)". */
export function describeOption({ description, argChoices, negate, defaultValue }: Option): string {
  const preset: unknown = negate ? undefined : defaultValue;
  const more = [
    ...(argChoices === undefined ? [] : [`one of ${argChoices.join(', ')}`]),
    ...(typeof preset === 'string' || typeof preset === 'number' ? [`default: ${preset}`] : []),
  ];
  return more.length === 0 ? description : `${description} (${more.join('; ')})`;
}
