// Records of a pax extended header, written byte for byte (POSIX, pax, "pax Extended Header"): "LENGTH KEY=VALUE\n",
// where LENGTH counts itself. Names and values are bytes: nothing is encoded.

/** One record. The key holds no "=". */
export function paxRecord(key: string | Uint8Array, value: string | Uint8Array): Buffer {
  const body = Buffer.concat([
    Buffer.from(' '),
    Buffer.from(key),
    Buffer.from('='),
    Buffer.from(value),
    Buffer.from('\n'),
  ]);
  // The length of the length may be what makes it longer.
  let digits = String(body.length).length;
  if (String(body.length + digits).length > digits) digits++;
  return Buffer.concat([Buffer.from(String(body.length + digits)), body]);
}

/** A time as pax has it: seconds in decimal, nine digits behind the point at most. `nsec` always adds. */
export function paxTime(sec: number, nsec: number): string {
  if (nsec === 0) return String(sec);
  const isNegative = sec < 0;
  const whole = isNegative ? -sec - 1 : sec;
  const fraction = String(isNegative ? 1e9 - nsec : nsec)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${isNegative ? '-' : ''}${whole}.${fraction}`;
}
