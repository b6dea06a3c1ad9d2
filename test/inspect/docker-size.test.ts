import { expect, it } from 'vitest';
import { showDockerSize } from '../../src/inspect/docker-size.ts';

it.each([
  [0, '0B'],
  [7, '7B'],
  [999, '999B'],
  [1000, '1kB'],
  [317665, '318kB'],
  [3584, '3.58kB'],
  [999_600, '1MB'],
  [1_090_000_000, '1.09GB'],
  [2e15, '2PB'],
])('%d bytes are %s', (bytes, text) => {
  expect(showDockerSize(bytes)).toBe(text);
});
