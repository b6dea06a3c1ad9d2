// Parses and prints human-readable sizes: K, M, G, T are powers of 1024.
import { UsageError } from '../options/usage-error.ts';

const units = ['B', 'K', 'M', 'G', 'T'];

/** Parses "256M", "1.5GiB" or "4096" to bytes. `option`: named in the error. */
export function parseByteSize(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  const factor = match === null ? 0 : 1024 ** Math.max(0, units.indexOf((match[2] ?? '').toUpperCase()));
  const size = match === null ? NaN : Math.round(Number(match[1]) * factor);
  if (!Number.isSafeInteger(size) || size === 0) {
    throw new UsageError(`${option}: found '${text}', expected a size such as 256M or 1G`);
  }
  return size;
}

/** Three digits and a unit: "0 B", "14.2 KiB", "786 MiB". */
export function showByteSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${unit === 0 ? 'B' : `${units[unit] as string}iB`}`;
}
