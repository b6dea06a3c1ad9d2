import { describe, expect, test } from 'vitest';
import { hostPlatform, matchRank, parsePlatform, showPlatform } from '../../src/image/platform.ts';

test.each([
  ['linux/amd64', 'linux/amd64'],
  ['linux/x86_64', 'linux/amd64'],
  ['Linux/AMD64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm64/8', 'linux/arm64'],
  ['linux/aarch64', 'linux/arm64'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/armhf', 'linux/arm/v7'],
  ['linux/armel', 'linux/arm/v6'],
  ['linux/arm/5', 'linux/arm/v5'],
  ['linux/i686', 'linux/386'],
  ['linux/ppc64le', 'linux/ppc64le'],
  ['arm64', 'linux/arm64'],
  ['macos/arm64', 'darwin/arm64'],
])('%s means %s', (text, expected) => {
  expect(showPlatform(parsePlatform(text))).toBe(expected);
});

test('an operating system alone means it on the processor of this machine', () => {
  expect(parsePlatform('windows')).toEqual({ ...hostPlatform(), os: 'windows' });
});

test.each(['', 'linux/', '/amd64', 'linux/amd64/v1/x', 'linux amd64', 'a\u001bb'])(
  '%j is not a platform',
  (text) => {
    expect(() => parsePlatform(text)).toThrow('expected os/architecture[/variant]');
  },
);

describe('an image runs', () => {
  const rank = (wanted: string, offered: string) => {
    const [os, architecture, variant] = offered.split('/') as [string, string, string?];
    return matchRank(parsePlatform(wanted), {
      os,
      architecture,
      ...(variant === undefined ? {} : { variant }),
    });
  };

  test('on a newer variant of its processor, the newest that fits best', () => {
    expect(rank('linux/arm/v7', 'linux/arm/v6')).toBeGreaterThan(rank('linux/arm/v7', 'linux/arm/v5'));
    expect(rank('linux/arm/v7', 'linux/arm')).toBeGreaterThan(rank('linux/arm/v7', 'linux/arm/v6'));
    expect(rank('linux/amd64/v3', 'linux/amd64')).toBeGreaterThanOrEqual(0);
    expect(rank('linux/arm64', 'linux/arm64/v8')).toBeGreaterThanOrEqual(0);
  });

  test('not on an older variant, another processor or another system', () => {
    expect(rank('linux/arm/v6', 'linux/arm/v7')).toBe(-1);
    expect(rank('linux/amd64', 'linux/amd64/v3')).toBe(-1);
    expect(rank('linux/arm64', 'linux/arm/v7')).toBe(-1);
    expect(rank('linux/amd64', 'windows/amd64')).toBe(-1);
    expect(rank('linux/arm/v7', 'linux/arm/vx')).toBe(-1);
    expect(rank('linux/mips', 'linux/mips/r6')).toBe(0);
    expect(rank('linux/mips/r2', 'linux/mips/r6')).toBe(-1);
  });
});
