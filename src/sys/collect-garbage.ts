// Runs a full garbage collection. V8 frees large ArrayBuffers only when it collects. An idle daemon with a small
// JavaScript heap may not collect for hours, so the memory of indexing would stay resident for the life of the mount.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Takes a few milliseconds if the JavaScript heap is small, whatever the size of its ArrayBuffers. */
export function collectGarbage(): void {
  // The flag adds `gc` to new contexts only.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
}
