// One FUSE connection's device, polled on Node's event loop (native/addon/channel.cc).
import { addon } from './addon.ts';
import type { TableFacts } from './table-answers.ts';

export interface Channel {
  /** Begins to poll: 0 or a negative errno. Keeps the event loop alive until `close`. */
  start(): number;
  /**
   * From now on what the table alone answers is answered without a call of `onRequest` (native/fast-path/fast_answer.cc). 0, or
   * -EINVAL where the table is not understood: then all goes on as before.
   */
  answerFrom(facts: TableFacts): number;
  /** How many requests were answered so, by opcode, and then how many bytes of READ; undefined before `answerFrom`. */
  tableAnswers(): Float64Array | undefined;
  /** Stops polling. The device is closed once transfers under way have ended. May be called twice. */
  close(): void;
  /**
   * Sends a whole reply or notice, header included: the first `length` bytes. 0 or a negative errno: -ENOENT where the
   * request is no longer there to be answered.
   */
  send(reply: Uint8Array, length: number): number;
  /** Answers request `unique` with bytes: 0 or a negative errno. `bytes` are not kept. */
  sendData(unique: number, bytes: Uint8Array): number;
  /**
   * Answers request `unique` with `length` bytes of descriptor `fd` at `position`, which must stay open until the
   * request is answered; where the file is shorter, with what there is if it `mayEnd`, else with EIO; with EIO too where
   * the file has another size or mtime than given. Returns at once.
   */
  sendFile(
    unique: number,
    fd: number,
    position: number,
    length: number,
    mayEnd: boolean,
    ...state: [] | [size: number, mtimeSec: number, mtimeNsec: number]
  ): void;
  /**
   * FUSE_DEV_IOC_BACKING_OPEN (Linux 6.9): lets the kernel read and write the file of `fd` by itself. A backing id (1
   * and more), which outlives `fd`, or a negative errno (-EPERM without CAP_SYS_ADMIN or where INIT did not grant it).
   */
  openBacking(fd: number): number;
  /** FUSE_DEV_IOC_BACKING_CLOSE: gives a backing id back; what the kernel has opened by it stays. 0 or a negative errno. */
  closeBacking(id: number): number;
}

export interface ChannelConstructor {
  /**
   * @param fd the device, owned by the channel from now on
   * @param request where each request is read; its content lasts until `onRequest` returns
   * @param reply where `onRequest` writes a reply whose length it returns; 0: no reply now
   * @param onRequest must not throw
   * @param onEnd the connection is gone: 0 (unmounted or aborted) or an errno
   */
  new (
    fd: number,
    request: Uint8Array,
    reply: Uint8Array,
    onRequest: (length: number) => number,
    onEnd: (errno: number) => void,
  ): Channel;
}

export const Channel = (addon as { Channel: ChannelConstructor }).Channel;
