// The message about a command line with too few or too many arguments.

/** "missing arguments: SOURCE and MOUNTPOINT", "too many arguments: a b c; expected SOURCE and MOUNTPOINT". */
export function describeCount(found: readonly string[], expected: readonly string[]): string {
  const missing = expected.slice(found.length);
  if (missing.length === 0)
    return `too many arguments: ${found.join(' ')}; expected ${expected.join(' and ')}`;
  return `missing ${missing.length === 1 ? 'argument' : 'arguments'}: ${missing.join(' and ')}`;
}
