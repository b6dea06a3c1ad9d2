// The end of a FUSE connection that other code of this process serves (native/addon/device_watch.cc).
import { addon } from './addon.ts';

export interface DeviceWatch {
  /** Begins to watch: 0 or a negative errno. Keeps the event loop alive until the end, or `close`. */
  start(): number;
  /** Stops watching: `onEnd` isn't called any more. May be called twice. */
  close(): void;
}

export interface DeviceWatchConstructor {
  /**
   * @param fd the device, which stays its owner's; it may be closed once `start` has returned
   * @param onEnd called once, when the connection is gone: unmounted, by whomever, or aborted
   */
  new (fd: number, onEnd: () => void): DeviceWatch;
}

export const DeviceWatch = (addon as { DeviceWatch: DeviceWatchConstructor }).DeviceWatch;
