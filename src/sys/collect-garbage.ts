// A full garbage collection now. V8 frees large ArrayBuffers only when it collects, and a daemon that idles, its JavaScript
// heap small, may not collect for hours: what indexing used would stay resident as long as the mount.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Takes a few milliseconds where the JavaScript heap is small, whatever its ArrayBuffers hold. */
export function collectGarbage(): void {
  // The flag gives new contexts a `gc`; nothing else sees it.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
}
