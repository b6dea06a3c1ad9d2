// Writes records of a pax extended header (POSIX, pax, "pax Extended Header"): "LENGTH KEY=VALUE\n", where LENGTH
// includes itself. Names and values are bytes and are written unchanged.

/** One record. The key must not contain "=". */
export function paxRecord(key: string | Uint8Array, value: string | Uint8Array): Buffer {
  const body = Buffer.concat([
    Buffer.from(' '),
    Buffer.from(key),
    Buffer.from('='),
    Buffer.from(value),
    Buffer.from('\n'),
  ]);
  // The digits of the length can make the record longer, and so need one digit more.
  let digits = String(body.length).length;
  if (String(body.length + digits).length > digits) digits++;
  return Buffer.concat([Buffer.from(String(body.length + digits)), body]);
}

/** A time in pax form: decimal seconds with at most nine digits after the point. `nsec` is always added to `sec`. */
export function paxTime(sec: number, nsec: number): string {
  if (nsec === 0) return String(sec);
  const isNegative = sec < 0;
  const whole = isNegative ? -sec - 1 : sec;
  const fraction = String(isNegative ? 1e9 - nsec : nsec)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${isNegative ? '-' : ''}${whole}.${fraction}`;
}
