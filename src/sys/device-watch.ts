// Detects the end of a FUSE connection that other code of this process serves (native/addon/device_watch.cc).
import { addon } from './addon.ts';

export interface DeviceWatch {
  /** Starts to watch: 0 or a negative errno. Keeps the event loop alive until the connection ends, or until `close`. */
  start(): number;
  /** Stops watching: `onEnd` isn't called any more. May be called twice. */
  close(): void;
}

export interface DeviceWatchConstructor {
  /**
   * @param fd the device; it stays the caller's, who may close it after `start` has returned
   * @param onEnd called once, when the connection has ended: unmounted by any process, or aborted
   */
  new (fd: number, onEnd: () => void): DeviceWatch;
}

export const DeviceWatch = (addon as { DeviceWatch: DeviceWatchConstructor }).DeviceWatch;
