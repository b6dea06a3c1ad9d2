// Durations in at most two units.

const units: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
];

/** "3d 4h", "12m 5s", "0s". */
export function showDuration(milliseconds: number): string {
  const rest = Math.max(0, milliseconds);
  const first = units.findIndex(([, length]) => rest >= length);
  if (first < 0) return '0s';
  const [unit, length] = units[first] as readonly [string, number];
  const whole = `${Math.floor(rest / length)}${unit}`;
  const next = units[first + 1];
  const more = next === undefined ? 0 : Math.floor((rest % length) / next[1]);
  return more === 0 || next === undefined ? whole : `${whole} ${more}${next[0]}`;
}
